"""Writes an encoder as the ONNX file that @huggingface/transformers reads: FOLDER/onnx/model.onnx beside config and tokenizer.

    python benchmarks/peers/export_onnx.py --model DIR --output FOLDER
"""

import argparse
import shutil
from pathlib import Path

import torch
from torch import nn

import common


class States(nn.Module):
    """The last layer's states of `input_ids`, `attention_mask`, `token_type_ids` [batch, length]."""

    def __init__(self, encoder: nn.Module):
        super().__init__()
        self.encoder = encoder

    def forward(self, input_ids, attention_mask, token_type_ids):
        return self.encoder(
            input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids
        ).last_hidden_state


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    (arguments.output / "onnx").mkdir(parents=True, exist_ok=True)
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        shutil.copy(arguments.model / name, arguments.output / name)
    encoder = common.load_encoder(arguments.model, attention="eager").eval()
    ids = torch.ones(2, 8, dtype=torch.int64)
    names = ["input_ids", "attention_mask", "token_type_ids"]
    dynamic = {name: {0: "batch", 1: "length"} for name in [*names, "last_hidden_state"]}
    torch.onnx.export(
        States(encoder),
        (ids, ids, torch.zeros_like(ids)),
        str(arguments.output / "onnx" / "model.onnx"),
        input_names=names,
        output_names=["last_hidden_state"],
        dynamic_axes=dynamic,
        opset_version=17,
        dynamo=False,
    )


if __name__ == "__main__":
    main()
