"""Trains transformers' encoder with torch's AdamW on batches and a classifier that another program wrote; keeps losses.

    python benchmarks/peers/losses.py --model DIR --exchange DIR [--output FILE]

The exchange folder holds

* head.safetensors: classifier.dense.weight [d, d], classifier.dense.bias [d], classifier.out_proj.weight [classes, d],
  classifier.out_proj.bias [classes];
* batches.jsonl: a line per step, {"ids": [[…]], "mask": [[…]], "labels": […]}, rows × length, padded; also "types" for
  encoders that know token types, "content" (1 at tokens that mean pooling counts), and "weights", one a row: the loss is
  Σ weight · cross-entropy / Σ weight;
* recipe.json: {"learningRate": [a rate per step], "epsilon", "beta1", "beta2", "weightDecay", "clipNorm": null or a number,
  "pooling": "first" or "mean"}. Biases and LayerNorms are never decayed.

Everything is tuned, embeddings too; dropout is off. Written: {"losses": […], "gradientNorms": […], …}, norms before clipping.
"""

import argparse
import json
import time
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import nn

import common


def read_batches(path: Path, steps: int | None) -> list[dict[str, torch.Tensor]]:
    names = {"ids": "input_ids", "types": "token_type_ids", "mask": "attention_mask"}
    batches = []
    with path.open() as file:
        for line in file:
            if line.strip() and (steps is None or len(batches) < steps):
                batches.append({names.get(key, key): torch.tensor(value) for key, value in json.loads(line).items()})
    return batches


def load_classifier(path: Path, dtype: torch.dtype) -> common.Classifier:
    prefix = "classifier."
    tensors = {name.removeprefix(prefix): tensor for name, tensor in load_file(path).items()}
    classes, hidden = tensors["out_proj.weight"].shape
    classifier = common.Classifier(hidden, classes, dropout=0.0)
    classifier.load_state_dict(tensors, strict=True)
    return classifier.to(dtype)


def decay_groups(model: nn.Module, weight_decay: float) -> list[dict]:
    """Biases and LayerNorms are one-dimensional here, all that is decayed has two dimensions."""
    parameters = list(model.parameters())
    return [
        {"params": [p for p in parameters if p.dim() > 1], "weight_decay": weight_decay},
        {"params": [p for p in parameters if p.dim() <= 1], "weight_decay": 0.0},
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--exchange", type=Path, required=True)
    parser.add_argument("--output", type=Path, help="losses.json in the exchange folder unless told")
    parser.add_argument("--steps", type=int, help="stop after that many steps")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--float64", action="store_true", help="compute in double precision: shows the noise of float32")
    arguments = parser.parse_args()

    torch.set_num_threads(arguments.threads)
    dtype = torch.float64 if arguments.float64 else torch.float32
    recipe = json.loads((arguments.exchange / "recipe.json").read_text())
    batches = read_batches(arguments.exchange / "batches.jsonl", arguments.steps)
    if len(recipe["learningRate"]) < len(batches):
        raise SystemExit(f"recipe.json has {len(recipe['learningRate'])} learning rates for {len(batches)} steps")

    # In eval mode no dropout is drawn; gradients are computed all the same.
    encoder = common.load_encoder(arguments.model, attention="eager", dtype=dtype).eval()
    classifier = load_classifier(arguments.exchange / "head.safetensors", dtype).eval()
    takes_types = getattr(encoder.config, "type_vocab_size", 0) > 0 and encoder.config.model_type != "mpnet"
    model = nn.ModuleList([encoder, classifier])
    optimizer = torch.optim.AdamW(
        decay_groups(model, recipe["weightDecay"]), betas=(recipe["beta1"], recipe["beta2"]), eps=recipe["epsilon"]
    )

    losses, norms = [], []
    started = time.perf_counter()
    for batch, rate in zip(batches, recipe["learningRate"]):
        if not takes_types:
            batch.pop("token_type_ids", None)
        for group in optimizer.param_groups:
            group["lr"] = rate
        states = common.run_encoder(encoder, batch).last_hidden_state
        logits = classifier(common.pool(states, batch, recipe["pooling"]))
        each = nn.functional.cross_entropy(logits, batch["labels"], reduction="none")
        weights = batch["weights"].to(dtype) if "weights" in batch else torch.ones_like(each)
        loss = (weights * each).sum() / weights.sum()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        limit = float("inf") if recipe["clipNorm"] is None else recipe["clipNorm"]
        norms.append(nn.utils.clip_grad_norm_(model.parameters(), limit).item())
        optimizer.step()
        losses.append(loss.item())

    result = {
        "losses": losses,
        "gradientNorms": norms,
        "dtype": str(dtype).removeprefix("torch."),
        "seconds": time.perf_counter() - started,
        "environment": common.environment(),
    }
    (arguments.output or arguments.exchange / "losses.json").write_text(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
