"""Turns a SigLIP 2 checkpoint of fixed resolution into one of NaFlex (model type `siglip2`), which
reads images in their own shape, as SigLIP 2 begins its own (arXiv 2502.14786, section 2.4).

    python -m training.naflex --model models/demo --out naflex-start
    python -m training.adapt --model naflex-start --pairs pairs.jsonl --towers vision \\
        --patches 64,144,256 --out naflex

The first gives the same network: of an image whose grid is that of the positions it says the same
to rounding, and positions of other grids are resized from it. The second, NaFlex adaptation, trains
it on images that keep their shape, with another number of patches at every step.
"""

import argparse
import json
from pathlib import Path

import torch

from .checkpoint import OF_IMAGES, OF_SCORES, PREPROCESSOR, CheckpointError, tensor_of, write_checkpoint, write_settings

PATCHES = "vision_model.embeddings.patch_embedding.weight"


def to_naflex(base: Path, out: Path, budget: int | None = None) -> None:
    """Writes `out`; `budget` is the number of patches that are read of an image, by default as many
    as before. Scores and a decoder, which belong to the square grid, are left out.
    """
    config = json.loads((base / "config.json").read_text(encoding="utf-8"))
    if config.get("model_type") != "siglip":
        raise CheckpointError(f"{base}: config.json says `{config.get('model_type')}`; `siglip` can become NaFlex")
    vision = config["vision_config"]
    side, patch = vision.get("image_size", 224), vision.get("patch_size", 16)
    if side % patch:
        raise CheckpointError(f"{base}: patches of {patch} do not fill images of {side} pixels, as NaFlex needs it")
    write_checkpoint(base, out, {PATCHES: flattened(tensor_of(base, PATCHES))}, OF_SCORES + OF_IMAGES)
    path = base / PREPROCESSOR
    settings = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    positions = (side // patch) ** 2
    files = {
        "config.json": naflex_config(config, side, patch),
        PREPROCESSOR: naflex_preprocessor(settings, patch, budget or positions),
    }
    write_settings(out, files)
    print(f"wrote {out}: {positions} positions, {files[PREPROCESSOR]['max_num_patches']} patches", flush=True)


def naflex_config(config: dict, side: int, patch: int) -> dict:
    """config.json of the same towers as `siglip2`, whose positions are those of `side` pixels."""
    vision = {key: value for key, value in config["vision_config"].items() if key != "image_size"}
    vision |= {"num_patches": (side // patch) ** 2, "model_type": "siglip2_vision_model"}
    text = config["text_config"] | {"model_type": "siglip2_text_model"}
    kind = {"model_type": "siglip2", "architectures": ["Siglip2Model"]}
    return config | kind | {"text_config": text, "vision_config": vision}


def flattened(convolution: torch.Tensor) -> torch.Tensor:
    """The convolution of patches (width, 3, patch, patch) as a layer over their values (width, patch
    * patch * 3), which NaFlex reads row by row, colours last.
    """
    return convolution.permute(0, 2, 3, 1).flatten(1)


def naflex_preprocessor(settings: dict, patch: int, budget: int) -> dict:
    """preprocessor_config.json: as before, without a size."""
    kept = {key: value for key, value in settings.items() if key not in ("size", "processor_class", "image_processor_type")}
    return {"image_processor_type": "Siglip2ImageProcessor", **kept, "patch_size": patch, "max_num_patches": budget}


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m training.naflex", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, required=True, help="checkpoint folder of fixed resolution")
    parser.add_argument("--out", type=Path, required=True, help="new folder")
    parser.add_argument("--budget", type=int, help="patches of an image at most [default: as many as before]")
    return parser


if __name__ == "__main__":
    given = parser().parse_args()
    to_naflex(given.model, given.out, given.budget)
