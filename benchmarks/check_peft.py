"""Checks that adapters cross between spantune and Python's peft, both ways: equal logits, or equal states where Python's head is another.

    benchmarks/.venv/bin/python benchmarks/check_peft.py [--engine compiled|tensorflow|cpu] [--tolerance 1e-4] [--model FOLDER]

For each of some tiny random models (or for the folder given) and each of LoRA and (IA)3: spantune tunes an adapter on a toy task and
exports it, Python loads it; Python makes an adapter at random and saves it, spantune starts from it. One line a check; exit code 1 where
one is beyond the tolerance.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import torch
import transformers as t
from peft import IA3Config, LoraConfig, PeftModel, get_peft_model
from safetensors.torch import save_file
from tokenizers import Tokenizer, models, pre_tokenizers, processors

t.logging.set_verbosity_error()
t.logging.disable_progress_bar()
warnings.filterwarnings("ignore")

ROOT = Path(__file__).resolve().parent.parent
WORDS = {"land": ["mountain", "forest", "meadow", "valley", "desert"], "sea": ["harbour", "island", "lagoon", "whale", "reef"]}
SPECIAL = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
SMALL = dict(hidden_size=32, num_attention_heads=4, intermediate_size=48, num_hidden_layers=3, initializer_range=0.2)
# Families whose own classification head is dense, tanh, linear over the first token.
CLASSIFIES = {"roberta", "xlm-roberta", "mpnet", "bert"}


def tiny_models(folder):
    """A folder a family, each with the same word-level tokenizer."""
    vocabulary = {word: i for i, word in enumerate(SPECIAL + ["the", "old", *WORDS["land"], *WORDS["sea"]])}
    options = dict(**SMALL, vocab_size=len(vocabulary), max_position_embeddings=34, pad_token_id=1, bos_token_id=0, eos_token_id=2)
    # DistilBERT has names of its own.
    distil = dict(dim=32, n_heads=4, hidden_dim=48, n_layers=3, initializer_range=0.2, vocab_size=len(vocabulary), max_position_embeddings=34, pad_token_id=1)
    families = {
        "roberta": t.RobertaModel(t.RobertaConfig(**options, type_vocab_size=1)),
        "bert": t.BertModel(t.BertConfig(**options)),
        "mpnet": t.MPNetModel(t.MPNetConfig(**options)),
        "electra": t.ElectraModel(t.ElectraConfig(**options, embedding_size=16)),
        "distilbert": t.DistilBertModel(t.DistilBertConfig(**distil)),
    }
    for name, model in families.items():
        model.save_pretrained(folder / name)
        tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="<unk>"))
        tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
        tokenizer.add_special_tokens(SPECIAL)
        tokenizer.post_processor = processors.TemplateProcessing(
            single="<s> $A </s>", pair="<s> $A </s> $B:1 </s>:1", special_tokens=[("<s>", 0), ("</s>", 2)]
        )
        tokenizer.save(str(folder / name / "tokenizer.json"))
        names = dict(pad_token="<pad>", cls_token="<s>", sep_token="</s>", unk_token="<unk>", mask_token="<mask>")
        (folder / name / "tokenizer_config.json").write_text(json.dumps(names))
        yield folder / name


def toy_task(folder):
    def rows(count, shift):
        lines = ["sentence\tlabel"]
        for i in range(count):
            label = ["land", "sea"][i % 2]
            words = WORDS[label]
            picked = [words[(i * k + shift) % len(words)] for k in range(1, 3 + i % 3)]
            lines.append(f"the old {' '.join(picked)}\t{label}")
        return "\n".join(lines) + "\n"

    (folder / "train.tsv").write_text(rows(48, 0))
    (folder / "dev.tsv").write_text(rows(12, 1))
    return dict(name="toy", train=str(folder / "train.tsv"), dev=str(folder / "dev.tsv"))


def train(folder, config, engine):
    """A run folder by the command line."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    file = folder.with_suffix(".yaml")
    file.write_text(json.dumps(dict(config, engine=dict(name=engine))))
    spantune("train", file, "--output", folder)
    return folder


def spantune(*words):
    result = subprocess.run([ROOT / "bin" / "spantune", *words, "--quiet"], capture_output=True, text=True)
    if result.returncode != 0:
        sys.exit(result.stderr)


def load_base(model, head, classifies):
    torch.manual_seed(5)
    layers = {"distilbert": "n_layers"}.get(t.AutoConfig.from_pretrained(model).model_type, "num_hidden_layers")
    if classifies:
        return t.AutoModelForSequenceClassification.from_pretrained(model, num_labels=2, dtype=torch.float32, **{layers: head})
    return t.AutoModel.from_pretrained(model, dtype=torch.float32, **{layers: head})


def random_adapter(base, family, method, span, classifies, folder):
    """As a user of peft would make one; its weights are drawn, since an untrained one does nothing."""
    task = "SEQ_CLS" if classifies else "FEATURE_EXTRACTION"
    ends = {
        "lora": {"mpnet": ["attn.q", "attn.v"], "distilbert": ["q_lin", "v_lin"]}.get(family, ["query", "value"]),
        "ia3": {"mpnet": ["attn.k", "attn.v"], "distilbert": ["k_lin", "v_lin"]}.get(family, ["self.key", "self.value"]),
    }[method]
    saved = ["bert.pooler", "classifier"] if classifies and family == "bert" else None
    if method == "lora":
        layers = [layer - 1 for layer in span]
        config = LoraConfig(task_type=task, r=3, lora_alpha=4, target_modules=ends, layers_to_transform=layers, modules_to_save=saved)
    else:
        inside = [n for n, _ in base.named_modules() if any(f"layer.{layer - 1}." in n for layer in span)]
        output = ".ffn.lin2" if family == "distilbert" else ".output.dense"
        forward = [n for n in inside if n.endswith(output) and "attention" not in n]
        config = IA3Config(
            task_type=task, target_modules=[n for n in inside if n.endswith(tuple(ends))] + forward, feedforward_modules=forward, modules_to_save=saved
        )
    adapter = get_peft_model(base, config)
    for name, parameter in adapter.named_parameters():
        if parameter.requires_grad:
            parameter.data.normal_(1.0 if "ia3" in name else 0.0, 0.2 if "ia3" in name or base.config.hidden_size < 64 else 0.03)
    adapter.save_pretrained(folder)
    return adapter


def expect(model, base, classifies, path):
    tokenizer = t.AutoTokenizer.from_pretrained(model)
    texts = ["the old harbour", "the mountain valley forest meadow", "whale", "old reef island"]
    batch = tokenizer(texts, padding=True, return_tensors="pt")
    ids, mask = batch["input_ids"], batch["attention_mask"]
    with torch.no_grad():
        output = base.eval()(input_ids=ids, attention_mask=mask)
    tensors = dict(ids=ids.float(), mask=mask.float(), types=torch.zeros_like(ids).float())
    tensors.update(dict(logits=output.logits) if classifies else dict(states=output.last_hidden_state))
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, path)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", default="compiled", choices=["compiled", "tensorflow", "cpu"])
    parser.add_argument("--tolerance", default="1e-4")
    parser.add_argument("--model")
    arguments = parser.parse_args()
    good = True

    def compare(title, run, expected):
        nonlocal good
        print(f"{title:<42}", end="", flush=True)
        ours = Path(__file__).with_suffix(".ts")
        command = ["node", "--import", "tsx", ours, run, expected, arguments.engine, arguments.tolerance]
        good &= subprocess.run(command, cwd=ROOT).returncode == 0

    with tempfile.TemporaryDirectory() as scratch:
        scratch = Path(scratch)
        task = toy_task(scratch)
        torch.manual_seed(1)
        for model in [Path(arguments.model).resolve()] if arguments.model else tiny_models(scratch):
            family = t.AutoConfig.from_pretrained(model).model_type
            classifies = family in CLASSIFIES
            arm = dict(bottom=2, top=2, head=3)
            for method, tuning in {
                "lora": dict(method="lora", rank=2, targets=["query", "value", "attention", "intermediate", "output"], layerNorms=True),
                "ia3": dict(method="ia3"),
            }.items():
                at = scratch / f"{model.name}-{method}"
                run = dict(model=str(model), task=task, arm=arm, classifier=dict(pooling="first"))
                training = dict(epochs=3, batchSize=8, learningRate=5e-3)
                train(at / "run", dict(run, tuning=tuning, training=training), arguments.engine)
                spantune("export", at / "run", "--output", at / "peft")
                base = PeftModel.from_pretrained(load_base(model, arm["head"], classifies), at / "peft")
                expect(model, base, classifies, at / "theirs.safetensors")
                compare(f"{family}, {method}: spantune to Python", at / "run", at / "theirs.safetensors")

                base = load_base(model, arm["head"], classifies)
                base = random_adapter(base, family, method, [arm["bottom"]], classifies, at / "random")
                expect(model, base, classifies, at / "random.safetensors")
                train(at / "from", dict(run, tuning={"from": str(at / "random")}, training=dict(epochs=0)), arguments.engine)
                compare(f"{family}, {method}: Python to spantune", at / "from", at / "random.safetensors")
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
