"""ν of every layer on PyTorch, computed as the authors' release of "Hidden State Variability" (arXiv 2210.10041) does.

    python benchmarks/peers/nu.py --model DIR --task mrpc --data DIR [--one-pass]

The release runs the training split once per layer, through an encoder cut at that layer: class by class, shuffled, batches of
8, each padded to its longest input, mean over content tokens, then trace(W pinv(B)) / |Y| with d × d matrices. --one-pass
takes all layers' states from one forward pass over batches of 32 sorted by length. Content tokens are those that the
tokeniser's template did not add (the release keeps ids above 2, which says the same for RoBERTa alone).

Printed: `nu` with the matrices in float64, the one to compare with, and `nuFloat32` with the release's arithmetic. Not named
select.py, since a script's folder is searched first and Python has a module of that name.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch
import transformers

import common


def variability(vectors: torch.Tensor, labels: torch.Tensor) -> float:
    """ν of pooled states [N, d] by its definition with the d × d pseudo-inverse, as in the release."""
    classes = labels.unique().tolist()
    members = [vectors[labels == c] for c in classes]
    between = torch.cov(torch.stack([m.mean(0) for m in members], dim=1), correction=0)
    within = sum(torch.cov(m.T, correction=0) for m in members) / len(classes)
    return (torch.trace(within @ torch.linalg.pinv(between)) / len(classes)).item()


def run_batches(encoder, tokenizer, rows: list[common.Encoded], batches, max_length: int, every_layer: bool):
    """Pooled states [layers, N, d], of the last layer alone or of all from 1 up, in the order of `rows`."""
    pooled, tokens, places = None, 0, 0
    for members in batches:
        batch_rows = [rows[m] for m in members]
        length = common.padded_length(batch_rows, max_length)
        batch = common.collate(tokenizer, batch_rows, length)
        with torch.no_grad():
            output = common.run_encoder(encoder, batch, output_hidden_states=every_layer)
        states = output.hidden_states[1:] if every_layer else [output.last_hidden_state]
        means = torch.stack([common.pool(s, batch, "mean") for s in states])
        if pooled is None:
            pooled = torch.empty(len(states), len(rows), means.shape[-1])
        pooled[:, torch.as_tensor(members)] = means
        tokens += sum(len(r.ids) for r in batch_rows)
        places += len(batch_rows) * length
    return pooled, 1 - tokens / places


def class_batches(rows: list[common.Encoded], size: int, chance: np.random.Generator) -> list[np.ndarray]:
    labels = np.array([r.label for r in rows])
    batches = []
    for label in np.unique(labels):
        members = chance.permutation(np.flatnonzero(labels == label))
        batches += [members[i : i + size] for i in range(0, len(members), size)]
    return batches


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--task", choices=sorted(common.TASKS), required=True)
    parser.add_argument("--data", type=Path, required=True, help="holds train.tsv, or the task's folder")
    parser.add_argument("--one-pass", action="store_true")
    parser.add_argument("--limit", type=int, help="the first N rows only")
    parser.add_argument("--max-length", type=int, default=128)
    parser.add_argument("--seed", type=int, default=1, help="of the shuffle, which changes nothing but rounding")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--output", type=Path, help="write the JSON there instead of printing it")
    arguments = parser.parse_args()

    torch.set_num_threads(arguments.threads)
    started = time.perf_counter()
    task = common.TASKS[arguments.task]
    examples = common.read_split(task, arguments.data, "train")[: arguments.limit]
    tokenizer = transformers.AutoTokenizer.from_pretrained(arguments.model)
    rows = common.tokenise(tokenizer, examples, arguments.max_length)
    labels = torch.tensor([r.label for r in rows])
    layer_count = transformers.AutoConfig.from_pretrained(arguments.model).num_hidden_layers

    layers, padding = [], 0.0

    def record(vectors: torch.Tensor) -> None:
        layers.append(
            {
                "layer": len(layers) + 1,
                "nu": variability(vectors.double(), labels),
                "nuFloat32": variability(vectors, labels),
            }
        )

    if arguments.one_pass:
        encoder = common.load_encoder(arguments.model).eval()
        batches = common.sorted_batches([len(r.ids) for r in rows], 32)
        pooled, padding = run_batches(encoder, tokenizer, rows, batches, arguments.max_length, every_layer=True)
        for vectors in pooled:
            record(vectors)
    else:
        chance = np.random.default_rng(arguments.seed)
        for layer in range(1, layer_count + 1):
            encoder = common.load_encoder(arguments.model, layer).eval()
            batches = class_batches(rows, 8, chance)
            pooled, padding = run_batches(encoder, tokenizer, rows, batches, arguments.max_length, every_layer=False)
            record(pooled[0])

    def best(lowest: int) -> int:
        return min((entry for entry in layers if entry["layer"] >= lowest), key=lambda entry: entry["nu"])["layer"]

    result = {
        "task": arguments.task,
        "model": arguments.model.resolve().name,
        "samples": len(rows),
        "layers": layers,
        "selected": best(1),
        "selectedFromLayer2": best(2),
        "onePass": arguments.one_pass,
        "seconds": time.perf_counter() - started,
        "peakMemory": common.peak_memory(),
        "padding": padding,
        "truncated": sum(r.truncated for r in rows) / len(rows),
        "environment": common.environment(),
    }
    text = json.dumps(result, indent=1) + "\n"
    if arguments.output is None:
        print(text, end="")
    else:
        arguments.output.parent.mkdir(parents=True, exist_ok=True)
        arguments.output.write_text(text)


if __name__ == "__main__":
    main()
