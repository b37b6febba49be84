"""Writes the model directory: Hugging Face layout, weights in half precision."""

import json
import math
import shutil
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from .decoder_vocabulary import decoder_config
from .loop import checkpoint_path
from .model import build_model, config
from .settings import CACHE_DIR, EOS, IMAGE, PAD, SEED, TEXT_LENGTH, UNK
from .tokens import SPECIAL, load_tokenizer

START_SCALE, START_BIAS = 14.0, -8.0  # of the sigmoid, until the towers have been trained together
PREPROCESSOR = {
    "image_processor_type": "SiglipImageProcessor",
    "do_resize": True,
    "size": {"height": IMAGE, "width": IMAGE},
    "resample": 2,
    "do_rescale": True,
    "rescale_factor": 1 / 255,
    "do_normalize": True,
    "image_mean": [0.5, 0.5, 0.5],
    "image_std": [0.5, 0.5, 0.5],
    "do_convert_rgb": True,
}
TOKENIZER = {
    "tokenizer_class": "PreTrainedTokenizerFast",
    "pad_token": SPECIAL[PAD],
    "eos_token": SPECIAL[EOS],
    "unk_token": SPECIAL[UNK],
    "model_max_length": TEXT_LENGTH,
    "padding_side": "right",
    "model_input_names": ["input_ids"],
    "do_lower_case": True,
}


def trained(*stages: str) -> dict[str, torch.Tensor] | None:
    """The weights of the first of these stages that was trained here, if one was."""
    for stage in stages:
        if checkpoint_path(stage).exists():
            return torch.load(checkpoint_path(stage), weights_only=True, map_location="cpu")["modules"]
    return None


def load_weights() -> dict[str, torch.Tensor]:
    """The furthest trained weights: of both towers together, or else of the two trained apart."""
    return trained("refine", "joint") or tower_weights()


def weights_of(model: Path) -> dict[str, torch.Tensor]:
    """Those of a checkpoint, in single precision."""
    return tensors_of(model / "model.safetensors")


def tensors_of(path: Path) -> dict[str, torch.Tensor]:
    """Those of a file, in single precision."""
    return {name: tensor.float() for name, tensor in load_file(path).items()}


def tower_weights() -> dict[str, torch.Tensor]:
    """What the towers have learnt apart; a tower that has not been trained yet stays as it starts."""
    torch.manual_seed(SEED)
    weights = build_model().state_dict()
    if text := trained("text"):
        weights.update({key: value for key, value in text.items() if key.startswith("text_model.")})
    if vision := trained("vision"):
        vision = {key.removeprefix("siglip."): value for key, value in vision.items()}
        weights.update({key: value for key, value in vision.items() if key.startswith("vision_model.")})
    weights["logit_scale"].fill_(math.log(START_SCALE))
    weights["logit_bias"].fill_(START_BIAS)
    return weights


def explicit_config() -> dict:
    """config.json with every size written out, also where it is a library's default."""
    settings = config()
    keys = (
        "hidden_size",
        "intermediate_size",
        "num_hidden_layers",
        "num_attention_heads",
        "layer_norm_eps",
        "hidden_act",
        "attention_dropout",
    )
    text_keys = (
        *keys,
        "vocab_size",
        "max_position_embeddings",
        "projection_size",
        "pad_token_id",
        "bos_token_id",
        "eos_token_id",
    )
    vision_keys = (*keys, "num_channels", "image_size", "patch_size", "vision_use_head")
    text = {"model_type": "siglip_text_model"} | {
        key: getattr(settings.text_config, key) for key in text_keys
    }
    vision = {"model_type": "siglip_vision_model"} | {
        key: getattr(settings.vision_config, key) for key in vision_keys
    }
    return {
        "architectures": ["SiglipModel"],
        "model_type": "siglip",
        "initializer_factor": 1.0,
        "dtype": "float16",
        "text_config": text,
        "vision_config": vision,
    }


def export(folder: Path) -> None:
    """Writes the model files into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = {
        key: value.half().contiguous() for key, value in load_weights().items() if "position_ids" not in key
    }
    bad = [key for key, value in weights.items() if not torch.isfinite(value).all()]
    if bad:
        raise ValueError(f"weights that are not finite: {bad}")
    partial = folder / "model.safetensors.tmp"
    save_file(weights, partial, metadata={"format": "pt"})
    partial.chmod(0o644)
    partial.replace(folder / "model.safetensors")
    files = {
        "config.json": explicit_config(),
        "preprocessor_config.json": PREPROCESSOR,
        "tokenizer_config.json": TOKENIZER,
    }
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    shutil.copyfile(CACHE_DIR / "tokenizer.json", folder / "tokenizer.json")
    total = sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
    print(f"exported {len(weights)} tensors to {folder} ({total / 1e6:.1f} MB)", flush=True)


def export_decoder(folder: Path, concepts: int) -> None:
    """Writes the decoder beside the towers, if it has been trained."""
    decoder = trained("refine_decoder", "decoder")
    if decoder is None:
        print("no decoder yet: left out", flush=True)
        return
    weights = {key: value.half().contiguous() for key, value in decoder.items()}
    save_file(weights, folder / "decoder.safetensors", metadata={"format": "pt"})
    (folder / "decoder.safetensors").chmod(0o644)
    config = decoder_config(concepts)
    texts = [load_tokenizer().id_to_token(piece) for piece in config.pieces]
    text = json.dumps(config.to_json(texts), ensure_ascii=False)
    (folder / "decoder.json").write_text(text + "\n", encoding="utf-8")
    print(f"exported the decoder, {len(weights)} tensors", flush=True)


def difference(folder: Path) -> float:
    """Largest difference between the exported weights, read back, and the trained ones."""
    stored = load_file(folder / "model.safetensors")
    return max(
        (stored[key].float() - value.float()).abs().max().item() for key, value in load_weights().items()
    )
