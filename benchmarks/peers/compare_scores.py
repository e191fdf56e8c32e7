"""Compares the scores of two sets of runs: 95 % t interval (Welch) of the difference of their means, in points.

    python benchmarks/peers/compare_scores.py OURS.jsonl THEIRS.jsonl [--arm full] [--tuning fine-tune|lora|bottleneck] [--within 1.5]

OURS is what `benchmarks/arms.ts` wrote, THEIRS what `benchmarks/peers/train.py --output` did. A line per task that both hold, and whether both
trained as many parameters. Exit code 1 where those differ or, with `--within`, where the means are further apart than so many points.
"""

import argparse
import json
import sys
from pathlib import Path

from scipy import stats


def runs_of(path: Path, arm: str, tuning: str) -> dict[str, dict[int, tuple[float, int]]]:
    """Task → seed → score in points and trained parameters."""
    tasks: dict[str, dict[int, tuple[float, int]]] = {}
    for line in path.read_text().splitlines():
        run = json.loads(line)
        how = run.get("tuning", "fine-tune")
        if run["arm"]["name"] == arm and (how if isinstance(how, str) else how["method"]) == tuning:
            found = 100 * run["metrics"]["score"], run["trainableParameters"]
            tasks.setdefault(run["task"], {})[run["seed"]] = found
    return tasks


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ours", type=Path)
    parser.add_argument("theirs", type=Path)
    parser.add_argument("--arm", default="full")
    parser.add_argument("--tuning", default="fine-tune")
    parser.add_argument("--within", type=float, help="points that the means may be apart")
    arguments = parser.parse_args()
    ours, theirs = (runs_of(path, arguments.arm, arguments.tuning) for path in (arguments.ours, arguments.theirs))
    passed = True
    if not ours.keys() & theirs.keys():
        raise SystemExit(f"no task has runs of {arguments.arm}, {arguments.tuning} in both files")
    for task in sorted(ours.keys() & theirs.keys()):
        a, b = ([score for score, _ in side[task].values()] for side in (ours, theirs))
        counts = [sorted({count for _, count in side[task].values()}) for side in (ours, theirs)]
        difference = sum(a) / len(a) - sum(b) / len(b)
        line = f"{task}: spantune {sum(a) / len(a):.2f} (n {len(a)}), peer {sum(b) / len(b):.2f} (n {len(b)}), difference {difference:+.2f}"
        if min(len(a), len(b)) < 2:
            line += ", too few runs for an interval"
        else:
            interval = stats.ttest_ind(a, b, equal_var=False).confidence_interval(0.95)
            line += f", 95 % interval {interval.low:+.2f} to {interval.high:+.2f}"
        if counts[0] == counts[1]:
            line += f"; both train {counts[0][0]} parameters"
        else:
            line += f"; trained parameters differ: {counts[0]}, peer {counts[1]}"
            passed = False
        if arguments.within is not None and abs(difference) > arguments.within:
            line += f"; further apart than {arguments.within}"
            passed = False
        print(line)
    sys.exit(0 if passed else 1)


if __name__ == "__main__":
    main()
