"""Compares the scores of two sets of runs: 95 % t interval (Welch) of the difference of their means, in points.

    python benchmarks/peers/compare_scores.py OURS.jsonl THEIRS.jsonl [--arm full]

OURS is what `benchmarks/arms.ts` wrote, THEIRS what `benchmarks/peers/train.py --output` did. A line per task that both hold.
"""

import argparse
import json
from pathlib import Path

from scipy import stats


def scores(path: Path, arm: str) -> dict[str, dict[int, float]]:
    """Task → seed → score in points."""
    tasks: dict[str, dict[int, float]] = {}
    for line in path.read_text().splitlines():
        run = json.loads(line)
        if run["arm"]["name"] == arm:
            tasks.setdefault(run["task"], {})[run["seed"]] = 100 * run["metrics"]["score"]
    return tasks


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ours", type=Path)
    parser.add_argument("theirs", type=Path)
    parser.add_argument("--arm", default="full")
    arguments = parser.parse_args()
    ours, theirs = scores(arguments.ours, arguments.arm), scores(arguments.theirs, arguments.arm)
    for task in sorted(ours.keys() & theirs.keys()):
        a, b = list(ours[task].values()), list(theirs[task].values())
        if min(len(a), len(b)) < 2:
            print(f"{task}: {len(a)} and {len(b)} runs, too few for an interval")
            continue
        interval = stats.ttest_ind(a, b, equal_var=False).confidence_interval(0.95)
        difference = sum(a) / len(a) - sum(b) / len(b)
        print(
            f"{task}: spantune {sum(a) / len(a):.2f} (n {len(a)}), peer {sum(b) / len(b):.2f} (n {len(b)}), "
            f"difference {difference:+.2f}, 95 % interval {interval.low:+.2f} to {interval.high:+.2f}"
        )


if __name__ == "__main__":
    main()
