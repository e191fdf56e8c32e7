"""Prints the largest relative difference between two files {"losses": […]}; exit status 1 where it exceeds the tolerance.

    python benchmarks/peers/compare_losses.py ours.json theirs.json [--tolerance 1e-3]
"""

import argparse
import json
import math
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ours", type=Path)
    parser.add_argument("theirs", type=Path)
    parser.add_argument("--tolerance", type=float, default=1e-3)
    arguments = parser.parse_args()

    ours, theirs = (json.loads(path.read_text())["losses"] for path in (arguments.ours, arguments.theirs))
    if len(ours) != len(theirs) or len(ours) == 0:
        raise SystemExit(f"{arguments.ours} has {len(ours)} losses, {arguments.theirs} has {len(theirs)}")
    if not all(isinstance(x, (int, float)) and math.isfinite(x) for x in [*ours, *theirs]):
        raise SystemExit("a loss is not a finite number")
    differences = [abs(a - b) / abs(b) for a, b in zip(ours, theirs)]
    worst = max(range(len(differences)), key=differences.__getitem__)
    agree = differences[worst] <= arguments.tolerance
    print(
        json.dumps(
            {
                "steps": len(ours),
                "maxRelativeDifference": differences[worst],
                "atStep": worst + 1,
                "firstRelativeDifference": differences[0],
                "lossesThere": [ours[worst], theirs[worst]],
                "tolerance": arguments.tolerance,
                "agree": agree,
            }
        )
    )
    raise SystemExit(0 if agree else 1)


if __name__ == "__main__":
    main()
