"""Adapter methods of the peers, put into the layers of an arm: peft's LoRA, and AdapterHub's bottleneck as the paper has it."""

from torch import nn

LORA = {"method": "lora", "rank": 8, "alpha": 16, "dropout": 0.0, "targets": ["query", "value"], "layerNorms": False}
BOTTLENECK = {"method": "bottleneck", "size": 256, "dropout": 0.1, "layerNorms": True}

# Query and value of a layer, by model type.
ATTENTION = {
    "distilbert": ("attention.q_lin", "attention.v_lin"),
    "mpnet": ("attention.attn.q", "attention.attn.v"),
}


def lora(encoder: nn.Module, layers: list[int], path: str) -> list[nn.Parameter]:
    """Adds LoRA to queries and values of the layers (0-based, below `path`); what is to be trained."""
    from peft import LoraConfig, inject_adapter_in_model

    parts = ATTENTION.get(encoder.config.model_type, ("attention.self.query", "attention.self.value"))
    targets = [f"{path}.{n}.{part}" for n in layers for part in parts]
    config = LoraConfig(r=LORA["rank"], lora_alpha=LORA["alpha"], lora_dropout=LORA["dropout"], target_modules=targets)
    inject_adapter_in_model(config, encoder)
    return [parameter for name, parameter in encoder.named_parameters() if ".lora_" in name]


def bottleneck(encoder: nn.Module, layers: list[int], path: str) -> list[nn.Parameter]:
    """Adds the paper's adapters to the layers (0-based, below `path`); what is to be trained, LayerNorms of the layers included.

    AdapterHub puts its dropout after the upward projection; the paper's code, as spantune, before it.
    """
    import adapters

    if encoder.config.model_type == "mpnet":
        raise SystemExit("--method bottleneck: AdapterHub's adapters do not know MPNet")
    adapters.init(encoder)
    count = encoder.config.num_hidden_layers
    config = adapters.BnConfig(
        mh_adapter=True,
        output_adapter=True,
        reduction_factor=encoder.config.hidden_size / BOTTLENECK["size"],
        non_linearity="relu",
        leave_out=[n for n in range(count) if n not in layers],
    )
    encoder.add_adapter("arm", config=config)
    encoder.set_active_adapters("arm")
    for module in encoder.modules():
        if hasattr(module, "adapter_down"):
            module.adapter_down.append(nn.Dropout(BOTTLENECK["dropout"]))
    adapter = [parameter for name, parameter in encoder.named_parameters() if ".adapters.arm." in name]
    tuned = encoder.get_submodule(path)
    norms = [module for n in layers for module in tuned[n].modules() if isinstance(module, nn.LayerNorm)]
    return adapter + [parameter for norm in norms for parameter in norm.parameters()]


METHODS = {"lora": (lora, LORA), "bottleneck": (bottleneck, BOTTLENECK)}
