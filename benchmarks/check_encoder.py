"""Checks spantune's encoder against transformers for any model folder: hidden states of every layer on some sentences.

    benchmarks/.venv/bin/python benchmarks/check_encoder.py FOLDER [--engine compiled|tensorflow|cpu] [--tolerance 1e-4]

One line a layer: the largest absolute difference over all tokens that are not padding, beside the largest value. Exit code 1
where a difference is beyond the tolerance.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import AutoConfig, AutoModel, AutoTokenizer, logging

logging.set_verbosity_error()
logging.disable_progress_bar()

SENTENCES = [
    "The committee will meet again on Thursday.",
    "Call me Ishmael.",
    "No one who had seen the harbour in winter, when the ice lay thick between the piers and the gulls walked where "
    "boats had been, would have believed that anybody could come to it for pleasure; yet they came, and came again.",
    "Yes.",
]
PAIRS = [
    ("A man is playing a guitar on the stage.", "Somebody makes music."),
    ("The company said its profit fell 12% to $3.4 million.", "Profit rose, the company said."),
]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--engine", default="compiled", choices=["compiled", "tensorflow", "cpu"])
    parser.add_argument("--tolerance", default="1e-4")
    arguments = parser.parse_args()

    tokenizer = AutoTokenizer.from_pretrained(arguments.folder)
    length = min(tokenizer.model_max_length, 128)
    texts = [[sentence] for sentence in SENTENCES] + [list(pair) for pair in PAIRS]
    encoded = [tokenizer(*text, truncation=True, max_length=length) for text in texts]
    batch = tokenizer.pad(encoded, return_tensors="pt")
    if "token_type_ids" in batch and getattr(AutoConfig.from_pretrained(arguments.folder), "type_vocab_size", 0) < 2:
        del batch["token_type_ids"]
    model = AutoModel.from_pretrained(arguments.folder, dtype=torch.float32).eval()
    with torch.no_grad():
        states = model(**batch, output_hidden_states=True).hidden_states

    types = batch.get("token_type_ids", torch.zeros_like(batch["input_ids"]))
    tensors = {"ids": batch["input_ids"].float(), "types": types.float(), "mask": batch["attention_mask"].float()}
    for layer, state in enumerate(states):
        tensors[f"states.{layer}"] = state.contiguous()
    with tempfile.TemporaryDirectory() as folder:
        expected = Path(folder) / "expected.safetensors"
        save_file(tensors, expected)
        ours = Path(__file__).with_suffix(".ts")
        command = ["node", "--import", "tsx", ours, arguments.folder, expected, arguments.engine, arguments.tolerance]
        sys.exit(subprocess.run(command).returncode)


if __name__ == "__main__":
    main()
