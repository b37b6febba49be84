"""Low-rank adaptation (LoRA, arXiv 2106.09685) and bitfit (arXiv 2106.10199) of any model, and the
adapter file in the layout of peft.

An adapted weight is W + alpha / rank * B A, with A (rank, in) drawn at random and B (out, rank)
zero at first, so that training starts at the frozen model.
"""

import json
import math
import re
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn.utils import parametrize

PREFIX = "base_model.model."  # of every name in an adapter file of peft


@dataclass(frozen=True)
class LoraSettings:
    rank: int
    alpha: float
    modules: tuple[str, ...]  # full names of the modules that are adapted
    biases: bool = False  # bitfit: the biases of the towers are trained too

    @property
    def scaling(self) -> float:
        return self.alpha / self.rank


class LowRank(nn.Module):
    """A weight (out, in) plus what was learnt about it."""

    def __init__(self, weight: torch.Tensor, rank: int, scaling: float, generator: torch.Generator):
        super().__init__()
        outs, ins = weight.shape
        bound = 1 / math.sqrt(ins)  # as peft and nn.Linear draw it
        start = torch.empty(rank, ins).uniform_(-bound, bound, generator=generator)
        self.a = nn.Parameter(start.to(weight.device))
        self.b = nn.Parameter(torch.zeros(outs, rank, device=weight.device))
        self.scaling = scaling

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        return weight + self.scaling * (self.b @ self.a)


def adaptable(model: nn.Module) -> list[str]:
    """Full names of the modules of both towers that can be adapted: linear layers, and the
    attention of the pooling head, whose query, key and value are one weight.
    """
    names = []
    for name, module in model.named_modules():
        inner = name.startswith(("text_model.", "vision_model.")) and "embeddings" not in name
        linear = isinstance(module, nn.Linear) and not name.endswith("head.attention.out_proj")
        if inner and (linear or isinstance(module, nn.MultiheadAttention)):
            names.append(name)
    return names


def choose(model: nn.Module, targets: tuple[str, ...], last: int | None, towers: str, head: bool) -> tuple[str, ...]:
    """Names of the modules to adapt: `targets` (ends of names, such as q_proj) in the last so many
    blocks of the towers (`text`, `vision` or `both`), and the vision tower's pooling head.
    """
    chosen = []
    for name in adaptable(model):
        tower = name.split("_model.")[0]
        if towers not in ("both", tower):
            continue
        block = re.search(r"encoder\.layers\.(\d+)\.", name)
        if block is None:
            if head and name.startswith("vision_model.head."):
                chosen.append(name)
            continue
        blocks = len(getattr(model, f"{tower}_model").encoder.layers)
        if name.split(".")[-1] in targets and (last is None or int(block[1]) >= blocks - last):
            chosen.append(name)
    return tuple(chosen)


def weight_of(model: nn.Module, name: str) -> tuple[nn.Module, str]:
    """The module, and the attribute that is its weight; of the pooling head's attention the packed
    one of query, key and value.
    """
    module = model.get_submodule(name)
    return module, "in_proj_weight" if isinstance(module, nn.MultiheadAttention) else "weight"


def adapt(model: nn.Module, settings: LoraSettings, seed: int = 0) -> dict[str, nn.Parameter]:
    """Puts the adapters in and freezes all else; returns what is trained, by the names of peft."""
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    trained, generator = {}, torch.Generator().manual_seed(seed)
    biases = bias_names(model, settings.modules) if settings.biases else {}
    for name, written in biases.items():
        parameter = model.get_parameter(name)
        trained[PREFIX + written] = parameter.requires_grad_()
    for module in settings.modules:
        owner, attribute = weight_of(model, module)
        low_rank = LowRank(getattr(owner, attribute), settings.rank, settings.scaling, generator)
        parametrize.register_parametrization(owner, attribute, low_rank)
        trained[f"{PREFIX}{module}.lora_A.weight"] = low_rank.a
        trained[f"{PREFIX}{module}.lora_B.weight"] = low_rank.b
    return trained


def bias_names(model: nn.Module, modules: tuple[str, ...]) -> dict[str, str]:
    """The biases of the towers that peft calls so: its name in the model, and in an adapter file,
    where that of an adapted module stands one level deeper. The packed `in_proj_bias` of the pooling
    head is not one of them.
    """
    written = {}
    for name, _ in model.named_parameters():
        if not name.startswith(("text_model.", "vision_model.")) or not name.endswith(".bias"):
            continue
        module, _, last = name.rpartition(".")
        attention = module.removesuffix(".out_proj")
        if module in modules:
            written[name] = f"{module}.base_layer.{last}"
        elif attention != module and attention in modules:  # of the pooling head's attention
            written[name] = f"{attention}.base_layer.out_proj.base_layer.{last}"
        else:
            written[name] = name
    return written


def merged(model: nn.Module, settings: LoraSettings) -> dict[str, torch.Tensor]:
    """The tensors of the checkpoint that the adapters and biases change, by the checkpoint's names."""
    changed = {}
    for module in settings.modules:
        owner, attribute = weight_of(model, module)
        changed[f"{module}.{attribute}"] = getattr(owner, attribute).detach()
    if settings.biases:
        changed |= {name: model.get_parameter(name).detach() for name in bias_names(model, settings.modules)}
    return changed


def save_adapter(folder: Path, trained: dict[str, nn.Parameter], settings: LoraSettings, model: nn.Module, base: str):
    """Writes adapter_config.json and adapter_model.safetensors, which peft reads."""
    folder.mkdir(parents=True, exist_ok=True)
    config = {
        "peft_type": "LORA",
        "task_type": None,
        "base_model_name_or_path": base,
        "r": settings.rank,
        "lora_alpha": settings.alpha,
        "lora_dropout": 0.0,
        "target_modules": list(settings.modules),
        "bias": "all" if settings.biases else "none",
        "inference_mode": True,
    }
    (folder / "adapter_config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    tensors = {name: value.detach().cpu().contiguous() for name, value in trained.items()}
    for module in settings.modules:
        if isinstance(model.get_submodule(module), nn.MultiheadAttention):
            tensors |= last_layer_of_attention(model, module, settings.rank)
    save_file(tensors, folder / "adapter_model.safetensors", metadata={"format": "pt"})


def last_layer_of_attention(model: nn.Module, module: str, rank: int) -> dict[str, torch.Tensor]:
    """The zero adapter of `out_proj` that peft wants beside that of the packed weight.

    It stays zero: peft (0.21) adds what it learnt to that layer twice, so that what one program
    trained the other would read wrongly.
    """
    width, name = model.get_submodule(module).embed_dim, f"{PREFIX}{module}.base_layer.out_proj"
    return {f"{name}.lora_A.weight": torch.zeros(rank, width), f"{name}.lora_B.weight": torch.zeros(width, rank)}


def load_adapter(folder: Path, model: nn.Module) -> LoraSettings:
    """Puts a stored adapter into the model it was made for."""
    path = folder / "adapter_model.safetensors"
    try:
        config = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
        tensors = load_file(path)
        modules = tuple(full_names(model, config["target_modules"]))
        settings = LoraSettings(config["r"], config["lora_alpha"], modules, config.get("bias") == "all")
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        raise SystemExit(f"{folder}: {error!r}; an adapter is adapter_config.json and {path.name}") from error
    unread = {key for key in ("use_dora", "use_rslora", "modules_to_save", "rank_pattern", "alpha_pattern") if config.get(key)}
    if unread:
        raise SystemExit(f"{folder / 'adapter_config.json'}: {', '.join(sorted(unread))} cannot be read; plain LoRA can")
    trained = adapt(model, settings)
    with torch.no_grad():
        for name, parameter in trained.items():
            if name not in tensors or tensors[name].shape != parameter.shape:
                raise SystemExit(f"{path}: {name} is missing or has another shape than the model's")
            parameter.copy_(tensors.pop(name))
    # An A whose B is zero does nothing.
    if left := [name for name, tensor in tensors.items() if tensor.any() and not name.endswith(".lora_A.weight")]:
        raise SystemExit(f"{path}: {left[0]} is of a part that is not adapted here")
    return settings


def full_names(model: nn.Module, targets: list[str]) -> list[str]:
    """Modules whose names are or end in one of the targets, as peft finds them."""
    known = adaptable(model)
    for target in targets:
        if not any(f".{name}".endswith(f".{target}") for name in known):
            raise ValueError(f"the model has no module {target}")
    return [name for name in known if any(f".{name}".endswith(f".{target}") for target in targets)]
