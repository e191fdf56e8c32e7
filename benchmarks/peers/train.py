"""The usual script as a peer: fine-tunes transformers' encoder with a fresh classifier and prints one line of JSON.

    python benchmarks/peers/train.py --model DIR --task mrpc --data DIR --seed 1 --last-epoch [--method lora|bottleneck]

`--method bottleneck` wants the Python that AdapterHub's `adapters` needs (benchmarks/README.md); all else runs in either. `seconds` are by
the clock, but `cpu`, which is processor time of all threads; `total` and `cpu` are of the whole run after its imports.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np
import torch
import transformers
from torch import nn

import common
from adapted import METHODS


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True, help="a Hugging Face folder")
    parser.add_argument("--task", choices=sorted(common.TASKS), required=True)
    parser.add_argument("--data", type=Path, required=True, help="holds train.tsv and dev.tsv, or the task's folder")
    parser.add_argument("--train-rows", type=int, help="train on a random sample of that many rows")
    parser.add_argument("--sample-seed", type=int, default=1, help="draws that sample, the same for all seeds")
    parser.add_argument("--arm", default="full", help="full, top-K, head, or bottom,top,head (1-based)")
    parser.add_argument("--method", choices=("fine-tune", *METHODS), default="fine-tune", help="how the arm's layers are tuned")
    parser.add_argument("--pooling", choices=("first", "mean"), default="first")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--learning-rate", type=float, help="3e-5 unless given; 1e-3 with lora, 3e-4 with bottleneck")
    parser.add_argument("--clip-norm", type=float, help="clip the global norm of gradients; not clipped unless given")
    parser.add_argument("--max-length", type=int, default=128)
    parser.add_argument("--padding", choices=("dynamic", "max_length"), default="dynamic")
    parser.add_argument("--batches", choices=("pooled", "random"), default="pooled", help="sorted by length in pools")
    parser.add_argument("--last-epoch", action="store_true", help="score once, after the last epoch; else the best one")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--output", type=Path, help="append the line of JSON to this file instead of printing it")
    arguments = parser.parse_args()
    if arguments.learning_rate is None:
        arguments.learning_rate = {"lora": 1e-3, "bottleneck": 3e-4}.get(arguments.method, 3e-5)
    return arguments


def parse_arm(text: str, layers: int) -> tuple[int | None, int | None, int]:
    """(bottom, top, head); bottom and top are None where the classifier alone is trained."""
    if text == "full":
        return 1, layers, layers
    if text == "head":
        return None, None, layers
    if text.startswith("top-"):
        return layers - int(text[4:]) + 1, layers, layers
    bottom, top, head = (int(part) for part in text.split(","))
    if not 1 <= bottom <= top <= head <= layers:
        raise SystemExit(f"--arm {text}: expected 1 ≤ bottom ≤ top ≤ head ≤ {layers}")
    return bottom, top, head


class Model(nn.Module):
    """Encoder cut at the arm's head, with a classifier; what the arm does not tune is frozen and has no dropout."""

    def __init__(self, folder: Path, classes: int, arm: str, pooling: str, method: str = "fine-tune"):
        super().__init__()
        config = transformers.AutoConfig.from_pretrained(folder)
        self.layers = config.num_hidden_layers
        self.bottom, self.top, self.head = parse_arm(arm, self.layers)
        # Embeddings are tuned, and have dropout, with the whole model alone.
        self.full = method == "fine-tune" and (self.bottom, self.top, self.head) == (1, self.layers, self.layers)
        self.pooling = pooling
        self.encoder = common.load_encoder(folder, self.head)
        dropout = getattr(config, "classifier_dropout", None)
        self.classifier = common.Classifier(
            config.hidden_size, classes, common.hidden_dropout(config) if dropout is None else dropout
        )
        self.tuning: str | dict = method
        if method == "fine-tune":
            self.encoder.requires_grad_(self.full)
            for layer in self.tuned_layers():
                layer.requires_grad_(True)
            return
        insert, self.tuning = METHODS[method]
        layers = [] if self.bottom is None else list(range(self.bottom - 1, self.top))
        path = "transformer.layer" if config.model_type == "distilbert" else "encoder.layer"
        trained = insert(self.encoder, layers, path) if layers else []
        self.encoder.requires_grad_(False)
        for parameter in trained:
            parameter.requires_grad_(True)

    def tuned_layers(self) -> list[nn.Module]:
        if self.bottom is None or self.top is None:
            return []
        return list(common.encoder_layers(self.encoder))[self.bottom - 1 : self.top]

    def train(self, mode: bool = True):
        super().train(mode)
        if mode and not self.full:
            self.encoder.eval()
            for layer in self.tuned_layers():
                layer.train()
        return self

    def forward(self, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        states = common.run_encoder(self.encoder, batch).last_hidden_state
        return self.classifier(common.pool(states, batch, self.pooling))


def evaluate(model: Model, tokenizer, rows: list[common.Encoded], task: common.Task, max_length: int):
    model.eval()
    predictions = np.zeros(len(rows), dtype=np.int64)
    with torch.no_grad():
        for members in common.sorted_batches([len(r.ids) for r in rows], 32):
            batch_rows = [rows[m] for m in members]
            batch = common.collate(tokenizer, batch_rows, common.padded_length(batch_rows, max_length))
            predictions[members] = model(batch).argmax(-1).numpy()
    return common.task_metrics(task, np.array([r.label for r in rows]), predictions)


def main() -> None:
    arguments = parse_arguments()
    began, spent = time.perf_counter(), time.process_time()
    torch.set_num_threads(arguments.threads)
    transformers.set_seed(arguments.seed)
    chance = np.random.default_rng(arguments.seed)

    task = common.TASKS[arguments.task]
    examples = common.read_split(task, arguments.data, "train")
    if arguments.train_rows is not None:
        sample = np.random.default_rng(arguments.sample_seed).permutation(len(examples))[: arguments.train_rows]
        examples = [examples[i] for i in sample]
    tokenizer = transformers.AutoTokenizer.from_pretrained(arguments.model)
    train = common.tokenise(tokenizer, examples, arguments.max_length)
    dev = common.tokenise(tokenizer, common.read_split(task, arguments.data, "dev"), arguments.max_length)
    lengths = [len(r.ids) for r in train]
    seconds = {"read": time.perf_counter() - began, "load": 0.0, "train": 0.0, "evaluate": 0.0}

    started = time.perf_counter()
    model = Model(arguments.model, len(task.labels), arguments.arm, arguments.pooling, arguments.method)
    seconds["load"] = time.perf_counter() - started
    tuned = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(
        tuned, lr=arguments.learning_rate, betas=(0.9, 0.999), eps=1e-6, weight_decay=0.0, fused=True
    )
    steps = arguments.epochs * -(-len(train) // arguments.batch_size)
    schedule = transformers.get_linear_schedule_with_warmup(optimizer, int(0.06 * steps), steps)

    epochs, tokens, places = [], 0, 0
    for epoch in range(1, arguments.epochs + 1):
        started = time.perf_counter()
        model.train()
        losses = []
        if arguments.batches == "pooled":
            order = common.pooled_batches(lengths, arguments.batch_size, chance)
        else:
            order = common.random_batches(len(train), arguments.batch_size, chance)
        for members in order:
            rows = [train[m] for m in members]
            length = (
                arguments.max_length
                if arguments.padding == "max_length"
                else common.padded_length(rows, arguments.max_length)
            )
            batch = common.collate(tokenizer, rows, length)
            loss = nn.functional.cross_entropy(model(batch), batch["labels"])
            loss.backward()
            if arguments.clip_norm is not None:
                nn.utils.clip_grad_norm_(tuned, arguments.clip_norm)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad(set_to_none=True)
            losses.append(loss.item())
            tokens += sum(len(r.ids) for r in rows)
            places += len(rows) * length
        seconds["train"] += time.perf_counter() - started
        record = {"epoch": epoch, "loss": sum(losses) / len(losses)}
        if epoch == arguments.epochs or not arguments.last_epoch:
            started = time.perf_counter()
            record["metrics"] = evaluate(model, tokenizer, dev, task, arguments.max_length)
            seconds["evaluate"] += time.perf_counter() - started
            record["seconds"] = time.perf_counter() - began
        epochs.append(record)
        print(json.dumps({"task": arguments.task, "seed": arguments.seed, **record}), file=sys.stderr, flush=True)

    seconds["total"] = time.perf_counter() - began
    seconds["cpu"] = time.process_time() - spent

    # Ties go to the earlier epoch.
    best = max((e for e in epochs if "metrics" in e), key=lambda e: (e["metrics"]["score"], -e["epoch"]))
    result = {
        "task": arguments.task,
        "model": arguments.model.resolve().name,
        "seed": arguments.seed,
        "arm": {"name": arguments.arm, "bottom": model.bottom, "top": model.top, "head": model.head},
        "tuning": model.tuning,
        "metrics": best["metrics"],
        "bestEpoch": best["epoch"],
        "epochs": epochs,
        "seconds": seconds,
        "peakMemory": common.peak_memory(),
        "padding": 1 - tokens / places,
        "truncated": sum(r.truncated for r in train) / len(train),
        "rows": len(train),
        "steps": steps,
        "trainableParameters": sum(p.numel() for p in tuned),
        "totalParameters": sum(p.numel() for p in model.parameters()),
        "settings": {
            "learningRate": arguments.learning_rate,
            "batchSize": arguments.batch_size,
            "epochs": arguments.epochs,
            "pooling": arguments.pooling,
            "padding": arguments.padding,
            "batches": arguments.batches,
            "clipNorm": arguments.clip_norm,
            "maxLength": arguments.max_length,
            "lastEpoch": arguments.last_epoch,
        },
        "environment": common.environment(),
    }
    line = json.dumps(result)
    if arguments.output is None:
        print(line)
    else:
        arguments.output.parent.mkdir(parents=True, exist_ok=True)
        with arguments.output.open("a") as file:
            file.write(line + "\n")


if __name__ == "__main__":
    main()
