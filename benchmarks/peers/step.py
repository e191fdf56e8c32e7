"""Times one training step of transformers' BERT on PyTorch.

    python benchmarks/peers/step.py --shape 6x384x16x64 --form full --runs 10 --threads 2 --json

A shape is layers × width × batch × length; heads are width / 64, the feed-forward is 4 × as wide, the vocabulary 30522. With
`@6-7` after it layers 6 and 7 alone are tuned, the classifier sits at layer 7, and nothing frozen has dropout.
`full` is the step as users run it: training mode with dropout 0.1 (attention too), embeddings tuned, a classifier of two
classes on the first token, cross-entropy, clipping at 1.0, fused AdamW. `bare` has no dropout and no optimiser: forward
and backward with all weight gradients. Steps take eight batches in turn, seeded, every length full.

`--device cuda` computes on a GPU.

`--peer compiled` sends the step through torch.compile, `bfloat16` runs forward and backward under autocast.

With --serve it warms up and answers lines `go N` (common.serve). One process serves one shape and form, so that its peak
memory is true.
"""

import argparse
import json
import statistics
import time

import torch
from torch import nn
from transformers import BertConfig, BertModel

import common

SHAPES = ("2x128x32x64", "4x256x32x64", "6x384x16x64", "12x384x32x32", "12x768x32x32", "2x768x16x128", "24x1024x4x64")
VOCABULARY = 30522
# As many as our side takes.
BATCHES = 8


class Step:
    """The model, the batch and, for `full`, the optimiser; calling it runs one step and returns its time in ms."""

    def __init__(self, shape: str, form: str, attention: str, pooling: str, seed: int, peer: str = "eager", device: str = "cpu"):
        sizes, _, span = shape.partition("@")
        layers, width, batch, length = (int(part) for part in sizes.split("x"))
        bottom, top = (int(part) for part in span.split("-")) if span else (1, layers)
        self.pooling = pooling
        torch.manual_seed(seed)
        dropout = 0.1 if form == "full" else 0.0
        config = BertConfig(
            vocab_size=VOCABULARY,
            hidden_size=width,
            num_hidden_layers=top,
            num_attention_heads=width // 64,
            intermediate_size=4 * width,
            hidden_dropout_prob=dropout,
            attention_probs_dropout_prob=dropout,
            attn_implementation=attention,
        )
        self.encoder = BertModel(config, add_pooling_layer=False).train()
        self.classifier = common.Classifier(width, 2, dropout).train()
        self.encoder.to(device)
        self.classifier.to(device)
        if span:
            self.encoder.requires_grad_(False)
            self.encoder.eval()
            for layer in self.encoder.encoder.layer[bottom - 1 :]:
                layer.requires_grad_(True)
                layer.train()
        every = [*self.encoder.parameters(), *self.classifier.parameters()]
        self.parameters = [parameter for parameter in every if parameter.requires_grad]
        self.optimizer = (
            torch.optim.AdamW(self.parameters, lr=3e-5, eps=1e-6, weight_decay=0.0, fused=True)
            if form == "full"
            else None
        )
        self.batches = [
            {
                "input_ids": torch.randint(0, VOCABULARY, (batch, length), device=device),
                "token_type_ids": torch.zeros(batch, length, dtype=torch.int64, device=device),
                "attention_mask": torch.ones(batch, length, dtype=torch.int64, device=device),
            }
            for _ in range(BATCHES)
        ]
        self.labels = torch.randint(0, 2, (batch,), device=device)
        self.peer, self.device, self.step = peer, device, 0
        self.loss = torch.compile(self._loss) if peer == "compiled" else self._loss

    def _loss(self, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        states = self.encoder(**batch).last_hidden_state
        pooled = states[:, 0] if self.pooling == "first" else states.mean(1)
        return nn.functional.cross_entropy(self.classifier(pooled), self.labels)

    def __call__(self) -> float:
        started = time.perf_counter()
        self.step += 1
        for parameter in self.parameters:
            parameter.grad = None  # what zero_grad(set_to_none=True) does
        with torch.autocast(self.device, torch.bfloat16, enabled=self.peer == "bfloat16"):
            loss = self.loss(self.batches[self.step % BATCHES])
        loss.backward()
        if self.optimizer is not None:
            nn.utils.clip_grad_norm_(self.parameters, 1.0)
            self.optimizer.step()
        loss.item()
        return (time.perf_counter() - started) * 1000

    def run(self, count: int) -> list[float]:
        return [self() for _ in range(count)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", required=True, help=f"layers x width x batch x length; measured: {' '.join(SHAPES)}")
    parser.add_argument("--form", choices=("full", "bare"), default="full")
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--attention", choices=("sdpa", "eager"), default="sdpa", help="transformers' own default is sdpa")
    parser.add_argument("--peer", choices=("eager", "compiled", "bfloat16"), default="eager")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--pooling", choices=("first", "mean"), default="first")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of a line for people")
    parser.add_argument("--serve", action="store_true")
    arguments = parser.parse_args()

    torch.set_num_threads(arguments.threads)
    step = Step(
        arguments.shape,
        arguments.form,
        arguments.attention,
        arguments.pooling,
        arguments.seed,
        arguments.peer,
        arguments.device,
    )
    step.run(BATCHES)
    about = {
        "shape": arguments.shape,
        "form": arguments.form,
        "attention": arguments.attention,
        "peer": arguments.peer,
        "device": torch.cuda.get_device_name() if arguments.device == "cuda" else "cpu",
        **common.environment(),
    }

    if arguments.serve:
        common.serve(about, step)
        return

    runs = step.run(arguments.runs)
    summary = {"median": statistics.median(runs), "min": min(runs), "peakMemory": common.peak_memory()}
    if arguments.json:
        print(json.dumps({**about, "runs": runs, **summary}))
    else:
        print(
            f"{arguments.shape} {arguments.form}: median {summary['median']:.1f} ms, min {summary['min']:.1f} ms, "
            f"{summary['peakMemory'] / 2**20:.0f} MiB, torch {about['torch']}, {about['threads']} threads, {about['cpu']}"
        )


if __name__ == "__main__":
    main()
