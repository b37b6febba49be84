"""Makes `open_clip/`: a small checkpoint in the layout of open_clip, with random weights, and what
open_clip computes with it.

python -m venv .venv && .venv/bin/pip install -r tests/golden/requirements-open-clip.txt
.venv/bin/python tests/golden/open_clip_layout.py

Heads and activations are those of timm's `vit_base_patch16_siglip`; widths and depths are small.
"""

import json
from pathlib import Path

import open_clip
import timm
import torch
from open_clip.model import CustomTextCLIP
from safetensors.torch import save_file

FOLDER = Path(__file__).parent / "open_clip"
WIDTH, DEPTH, MLP, SIDE, PATCH, LENGTH, VOCABULARY, SEED = 48, 2, 80, 64, 16, 16, 120, 7
IMAGES, TEXTS = 3, 4

VISION = {"image_size": SIDE, "timm_model_name": "vit_base_patch16_siglip_256", "timm_model_pretrained": False,
          "timm_pool": "map", "timm_proj": "none"}
TEXT = {"context_length": LENGTH, "vocab_size": VOCABULARY, "hf_tokenizer_name": "timm/ViT-B-16-SigLIP2",
        "tokenizer_kwargs": {"clean": "canonicalize"}, "width": WIDTH, "heads": 4, "layers": DEPTH,
        "mlp_ratio": MLP / WIDTH, "no_causal_mask": True, "proj_bias": True, "pool_type": "last",
        "norm_kwargs": {"eps": 1e-06}, "act_kwargs": {"approximate": "tanh"}}


def small_model():
    torch.manual_seed(SEED)
    text = {key: value for key, value in TEXT.items() if key not in ("hf_tokenizer_name", "tokenizer_kwargs")}
    model = CustomTextCLIP(embed_dim=WIDTH, vision_cfg=VISION, text_cfg=text, init_logit_bias=-10)
    model.visual.trunk = timm.create_model(
        VISION["timm_model_name"], img_size=SIDE, embed_dim=WIDTH, depth=DEPTH, mlp_ratio=MLP / WIDTH, num_classes=0
    )
    with torch.no_grad():
        for name, weight in model.named_parameters():
            # So that mistakes show: biases are not 0, norms not 1, positions as large as patches.
            spread = 0.5 if weight.dim() > 1 and "mlp" not in name else 0.3
            noise = torch.randn(weight.shape) * spread / (1 if weight.dim() < 2 else weight.shape[-1] ** 0.5)
            weight.copy_(weight + noise if weight.dim() < 2 else noise * 3)
        model.logit_scale.fill_(2.3)
    return model.eval()


def main():
    FOLDER.mkdir(exist_ok=True)
    model = small_model()
    save_file({name: weight.contiguous() for name, weight in model.state_dict().items()},
              FOLDER / "open_clip_model.safetensors")
    preprocess = {"mean": [0.5] * 3, "std": [0.5] * 3, "interpolation": "bicubic", "resize_mode": "squash"}
    config = {"model_cfg": {"embed_dim": WIDTH, "init_logit_bias": -10, "custom_text": True, "vision_cfg": VISION,
                            "text_cfg": TEXT}, "preprocess_cfg": preprocess}
    (FOLDER / "open_clip_config.json").write_text(json.dumps(config, indent=2) + "\n")

    pixels = torch.randint(0, 256, (IMAGES, SIDE, SIDE, 3), dtype=torch.uint8)
    ids = torch.randint(2, VOCABULARY, (TEXTS, LENGTH))
    with torch.no_grad():
        images = model.encode_image(pixels.permute(0, 3, 1, 2) / 127.5 - 1, normalize=True)
        texts = model.encode_text(ids, normalize=True)
        logits = model.logit_scale.exp() * images @ texts.T + model.logit_bias
    grid = SIDE // PATCH
    golden = {f"input.pixels.{i}": pixels[i].contiguous() for i in range(IMAGES)}
    golden |= {
        "input.grids": torch.tensor([[grid, grid]] * IMAGES, dtype=torch.int32),
        "input.ids": ids.to(torch.int32),
        "images": images.contiguous(),
        "texts": texts.contiguous(),
        "logits_per_image": logits.contiguous(),
    }
    versions = {"open_clip": open_clip.__version__, "timm": timm.__version__, "torch": torch.__version__}
    save_file(golden, FOLDER / "golden.safetensors", metadata=versions | {"seed": str(SEED)})
    print(versions, sum(file.stat().st_size for file in FOLDER.iterdir()), "bytes")


if __name__ == "__main__":
    main()
