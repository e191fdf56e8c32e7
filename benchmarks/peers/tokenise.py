"""Times the Rust tokenizers library through Python.

    python benchmarks/peers/tokenise.py --model DIR --texts FILE.json [--threads 2]

`--texts` is a JSON list of texts; each round encodes all of them in one `encode_batch`, truncated to `--max-length`. Answers
lines `go N` on stdin (common.serve), and says how many tokens there are.
"""

import argparse
import json
import os
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--texts", type=Path, required=True)
    parser.add_argument("--max-length", type=int, default=128)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    os.environ["TOKENIZERS_PARALLELISM"] = "true" if arguments.threads > 1 else "false"
    os.environ["RAYON_NUM_THREADS"] = str(arguments.threads)
    from tokenizers import Tokenizer, __version__

    import common

    tokenizer = Tokenizer.from_file(str(arguments.model / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(arguments.max_length)
    texts = json.loads(arguments.texts.read_text())
    tokens = sum(len(encoding.ids) for encoding in tokenizer.encode_batch(texts))
    common.serve(
        {"tokens": tokens, "tokenizers": __version__, **common.environment()}, lambda: tokenizer.encode_batch(texts)
    )


if __name__ == "__main__":
    main()
