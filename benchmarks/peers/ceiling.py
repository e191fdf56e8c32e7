"""Times square float32 matrix products on PyTorch.

    python benchmarks/peers/ceiling.py --size 2048 --threads 2

Answers lines `go N` on stdin (common.serve).
"""

import argparse

import torch

import common


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=2048)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    a, b = (torch.rand(arguments.size, arguments.size) for _ in range(2))
    torch.mm(a, b)
    common.serve({"size": arguments.size, **common.environment()}, lambda: torch.mm(a, b))


if __name__ == "__main__":
    main()
