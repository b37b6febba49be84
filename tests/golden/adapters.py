"""Writes LoRA adapters of the golden checkpoints, as peft saves them, and what peft computes with
them.

    .venv/bin/pip install -r tests/golden/requirements.txt
    .venv/bin/python tests/golden/adapters.py

Every case is a folder in `adapters/` with adapter_config.json, adapter_model.safetensors and
golden.safetensors: vectors and logits for the inputs of the checkpoint's own golden file.
"""

import dataclasses
import json
import re
import shutil

import peft
import torch
import transformers
from generate import CASES, HERE, SEED, VERSIONS, pixel_inputs
from safetensors.torch import load_file, save_file
from transformers import AutoModel

TEXT = r"text_model\.encoder\.layers\.\d+\..*(q_proj|v_proj|fc1)"
BOTH = r"(text|vision)_model\.(encoder\.layers\.\d+\..*(_proj|fc\d)|head\.attention|head\.mlp\.fc1)"


@dataclasses.dataclass(frozen=True)
class AdapterCase:
    name: str
    base: str
    targets: str
    rank: int
    alpha: float
    rslora: bool = False
    bias: str = "none"


ADAPTERS = [
    AdapterCase("text", "fixed16", TEXT, rank=3, alpha=4.0),
    AdapterCase("both", "fixed16", BOTH, rank=4, alpha=6.0, rslora=True, bias="all"),
    AdapterCase("naflex", "naflex", BOTH, rank=2, alpha=3.0, bias="lora_only"),
]


def targets(model, pattern: str) -> list[str]:
    """Full names of the layers that a pattern names, as a list, which peft saves as it is."""
    kinds = (torch.nn.Linear, torch.nn.MultiheadAttention)
    names = [name for name, module in model.named_modules() if isinstance(module, kinds)]
    return [name for name in names if re.fullmatch(pattern, name) and not name.endswith("head.attention.out_proj")]


def load(base: str):
    return AutoModel.from_pretrained(HERE / base, dtype=torch.float32, attn_implementation="eager")


@torch.no_grad()
def write(case: AdapterCase) -> None:
    folder = HERE / "adapters" / case.name
    shutil.rmtree(folder, ignore_errors=True)
    base = next(it for it in CASES if it.name == case.base)
    model = load(case.base)
    settings = peft.LoraConfig(
        r=case.rank, lora_alpha=case.alpha, target_modules=targets(model, case.targets), use_rslora=case.rslora, bias=case.bias
    )
    adapted = peft.get_peft_model(model, settings).eval()
    generator = torch.Generator().manual_seed(SEED)
    for name, parameter in adapted.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        if "lora_A" in name:
            parameter.copy_(noise / parameter.shape[1] ** 0.5)
        elif "lora_B" in name:  # peft adds what this layer learnt twice, so it learns nothing
            parameter.copy_(torch.zeros_like(noise) if ".out_proj.lora_B" in name and "head.attention" in name else 0.3 * noise)
        elif case.bias == "all" and "bias" in name or ".base_layer.bias" in name and case.bias == "lora_only":
            parameter.add_(0.1 * noise)
    adapted.save_pretrained(folder)
    (folder / "README.md").unlink(missing_ok=True)
    config = json.loads((folder / "adapter_config.json").read_text())
    config |= {"base_model_name_or_path": case.base, "target_modules": sorted(config["target_modules"])}
    (folder / "adapter_config.json").write_text(json.dumps(config, indent=2) + "\n")

    # What peft makes of the files, which hold less than what could be changed above.
    adapted = peft.PeftModel.from_pretrained(load(case.base), folder).eval()
    inputs = load_file(HERE / case.base / "golden.safetensors")
    images = [inputs[name] for name in sorted(name for name in inputs if name.startswith("input.pixels."))]
    output = adapted(input_ids=inputs["input.ids"].long(), **pixel_inputs(base, images))
    unit = lambda vectors: vectors / vectors.norm(dim=-1, keepdim=True)
    tensors = {
        "logits_per_image": output.logits_per_image,
        "images": unit(output.image_embeds),
        "texts": unit(output.text_embeds),
    }
    record = VERSIONS | {"peft": peft.__version__}
    save_file({name: value.contiguous() for name, value in tensors.items()}, folder / "golden.safetensors", record)
    for path in folder.iterdir():
        path.chmod(0o644)
    print(f"{case.name:8} logits {output.logits_per_image.flatten()[:3].tolist()}")


if __name__ == "__main__":
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    torch.set_num_threads(1)
    for case in ADAPTERS:
        write(case)
