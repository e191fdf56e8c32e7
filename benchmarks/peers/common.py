"""What the peers share: tasks and their files, tokenisation, batches, encoder and classifier, scores, the machine."""

import json
import os
import platform
import resource
import sys
import time
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import numpy as np
import torch
import transformers
from sklearn.metrics import accuracy_score, f1_score, matthews_corrcoef
from torch import nn

transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()


# --- tasks -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Task:
    """Where a task's texts and labels stand in its TSV files (0-based columns) and what it is scored by."""

    folder: str
    texts: tuple[int, ...]
    label: int
    labels: tuple[str, ...]  # in the order of their ids
    metrics: tuple[str, ...]
    header: bool = True


TASKS = {
    "cola": Task("CoLA", (3,), 1, ("0", "1"), ("matthews",), header=False),
    "sst2": Task("SST-2", (0,), 1, ("0", "1"), ("accuracy",)),
    "mrpc": Task("MRPC", (3, 4), 0, ("0", "1"), ("f1", "accuracy")),
    "rte": Task("RTE", (1, 2), 3, ("entailment", "not_entailment"), ("accuracy",)),
    "trec": Task("trec", (0,), 1, ("0", "1", "2", "3", "4", "5"), ("accuracy",)),
}


@dataclass(frozen=True)
class Example:
    texts: tuple[str, ...]
    label: int


def read_split(task: Task, data: Path, split: str) -> list[Example]:
    """Reads a split from `data` itself or from the task's folder inside it. Quotes are text, a byte-order mark is not."""
    folder = data / task.folder if (data / task.folder).is_dir() else data
    path = folder / f"{split}.tsv"
    # Lines end at LF alone: str.splitlines would also cut at the other separators that texts may hold.
    lines = path.read_bytes().decode("utf-8-sig").split("\n")
    examples = []
    for number, line in enumerate(lines, start=1):
        line = line.rstrip("\r")
        if line == "" or (task.header and number == 1):
            continue
        fields = line.split("\t")
        if len(fields) <= max(*task.texts, task.label):
            raise SystemExit(f"{path}:{number}: {len(fields)} columns, too few")
        if fields[task.label] not in task.labels:
            raise SystemExit(f"{path}:{number}: label {fields[task.label]!r} is not one of {', '.join(task.labels)}")
        examples.append(Example(tuple(fields[c] for c in task.texts), task.labels.index(fields[task.label])))
    return examples


def task_metrics(task: Task, labels: np.ndarray, predictions: np.ndarray) -> dict[str, float]:
    """Each metric of the task and `score`, their mean; fractions. F1 is that of class 1."""
    compute = {
        "accuracy": accuracy_score,
        "f1": lambda y, p: f1_score(y, p, pos_label=1, zero_division=0),
        "matthews": matthews_corrcoef,
    }
    values = {name: float(compute[name](labels, predictions)) for name in task.metrics}
    return {**values, "score": sum(values.values()) / len(values)}


# --- tokens and batches ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Encoded:
    """One tokenised input. `content` is false at the tokens that the tokeniser's template added."""

    ids: list[int]
    types: list[int] | None
    content: list[bool]
    label: int
    truncated: bool


def tokenise(tokenizer, examples: list[Example], max_length: int) -> list[Encoded]:
    """Cuts the longer text first where a pair is too long, as the usual scripts do."""
    columns = [list(texts) for texts in zip(*(e.texts for e in examples))]
    options = {"return_special_tokens_mask": True, "verbose": False}
    cut = tokenizer(*columns, truncation=True, max_length=max_length, **options)
    whole = tokenizer(*columns, truncation=False, **options)
    types = cut.get("token_type_ids")
    return [
        Encoded(
            ids=cut["input_ids"][n],
            types=types[n] if types is not None else None,
            content=[special == 0 for special in cut["special_tokens_mask"][n]],
            label=example.label,
            truncated=len(whole["input_ids"][n]) > max_length,
        )
        for n, example in enumerate(examples)
    ]


def collate(tokenizer, rows: list[Encoded], length: int) -> dict[str, torch.Tensor]:
    """Pads rows to `length`: input_ids, attention_mask, content and, for models that know them, token_type_ids."""

    def pad(values, value):
        return torch.tensor([list(v) + [value] * (length - len(v)) for v in values])

    batch = {
        "input_ids": pad([r.ids for r in rows], tokenizer.pad_token_id),
        "attention_mask": pad([[1] * len(r.ids) for r in rows], 0),
        "content": pad([r.content for r in rows], False),
        "labels": torch.tensor([r.label for r in rows]),
    }
    if rows[0].types is not None:
        batch["token_type_ids"] = pad([r.types for r in rows], 0)
    return batch


def padded_length(rows: list[Encoded], max_length: int) -> int:
    return min(max_length, max(len(r.ids) for r in rows))


def pooled_batches(lengths: list[int], size: int, chance: np.random.Generator, pool: int = 50) -> list[np.ndarray]:
    """Shuffles, sorts by length inside pools of 50 batches, cuts, shuffles the batches; the partial last one is kept."""
    order = chance.permutation(len(lengths))
    batches = []
    for start in range(0, len(order), pool * size):
        members = order[start : start + pool * size]
        members = members[np.argsort([lengths[m] for m in members], kind="stable")]
        batches += [members[i : i + size] for i in range(0, len(members), size)]
    return [batches[i] for i in chance.permutation(len(batches))]


def random_batches(count: int, size: int, chance: np.random.Generator) -> list[np.ndarray]:
    order = chance.permutation(count)
    return [order[i : i + size] for i in range(0, count, size)]


def sorted_batches(lengths: list[int], size: int) -> list[np.ndarray]:
    order = np.argsort(lengths, kind="stable")
    return [order[i : i + size] for i in range(0, len(order), size)]


# --- encoder and classifier ------------------------------------------------------------------------------------------


def load_encoder(folder: Path, layers: int | None = None, attention: str | None = None, dtype=torch.float32) -> nn.Module:
    """transformers' encoder without its pooler; layers above `layers` are not built.

    Unless told, attention is transformers' own default: sdpa for the families that know it (MPNet does not), else eager.
    """
    config = transformers.AutoConfig.from_pretrained(folder)
    options = {} if config.model_type in ("distilbert", "electra") else {"add_pooling_layer": False}
    if attention is not None:
        options["attn_implementation"] = attention
    if layers is not None:
        options["n_layers" if config.model_type == "distilbert" else "num_hidden_layers"] = layers
    return transformers.AutoModel.from_pretrained(folder, dtype=dtype, **options)


def encoder_layers(encoder: nn.Module) -> nn.ModuleList:
    return encoder.transformer.layer if encoder.config.model_type == "distilbert" else encoder.encoder.layer


def hidden_dropout(config) -> float:
    return config.dropout if config.model_type == "distilbert" else config.hidden_dropout_prob


class Classifier(nn.Module):
    """RoBERTa's classification head on one vector [batch, hidden]; parameter names are RoBERTa's."""

    def __init__(self, hidden: int, classes: int, dropout: float):
        super().__init__()
        self.dense = nn.Linear(hidden, hidden)
        self.dropout = nn.Dropout(dropout)
        self.out_proj = nn.Linear(hidden, classes)
        for linear in (self.dense, self.out_proj):
            nn.init.normal_(linear.weight, std=0.02)
            nn.init.zeros_(linear.bias)

    def forward(self, pooled: torch.Tensor) -> torch.Tensor:
        hidden = torch.tanh(self.dense(self.dropout(pooled)))
        return self.out_proj(self.dropout(hidden))


def run_encoder(encoder: nn.Module, batch: dict[str, torch.Tensor], **options):
    names = ("input_ids", "attention_mask", "token_type_ids")
    return encoder(**{name: batch[name] for name in names if name in batch}, **options)


def pool(states: torch.Tensor, batch: dict[str, torch.Tensor], pooling: str) -> torch.Tensor:
    """[batch, length, hidden] → [batch, hidden]. An input without content tokens uses all its tokens."""
    if pooling == "first":
        return states[:, 0]
    content = batch["content"].bool()
    chosen = torch.where(content.any(1, keepdim=True), content, batch["attention_mask"].bool())
    weights = chosen.unsqueeze(-1).to(states.dtype)
    return (states * weights).sum(1) / weights.sum(1)


# --- the machine -----------------------------------------------------------------------------------------------------


def peak_memory() -> int:
    """Peak resident memory of this process in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def serve(about: dict, round_) -> None:
    """Says `about`, then answers lines `go N` on stdin with the times in ms of N calls of `round_`, until `quit` or the end of
    input: a driver can take turns between two processes."""
    print(json.dumps({"ready": True, **about}), flush=True)
    for line in sys.stdin:
        words = line.split()
        if words == ["quit"]:
            break
        if len(words) != 2 or words[0] != "go" or not words[1].isdigit():
            raise SystemExit(f"expected `go N` or `quit`, read {line.strip()!r}")
        runs = []
        for _ in range(int(words[1])):
            started = time.perf_counter()
            round_()
            runs.append((time.perf_counter() - started) * 1000)
        print(json.dumps({"runs": runs, "peakMemory": peak_memory()}), flush=True)


def environment() -> dict[str, str | int]:
    """The processor, its instruction set, libraries and threads: what a figure must stand beside."""
    cpu, flags = platform.processor() or platform.machine(), []
    if Path("/proc/cpuinfo").exists():
        fields = dict(
            (key.strip(), value.strip())
            for key, _, value in (line.partition(":") for line in Path("/proc/cpuinfo").read_text().split("\n"))
        )
        cpu, flags = fields.get("model name", cpu), fields.get("flags", "").split()
    known = ("avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16")
    return {
        "cpu": cpu,
        "cores": os.cpu_count() or 1,
        "instructionSet": " ".join(f for f in known if f in flags) or torch.backends.cpu.get_cpu_capability(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "threads": torch.get_num_threads(),
    }
