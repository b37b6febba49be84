"""Gives a SigLIP or SigLIP 2 checkpoint of fixed resolution another one, as SigLIP 2 makes those of
its models that read larger images (arXiv 2502.14786, section 2.4).

    python -m training.resolution --model models/demo --size 288 --out larger-start
    python -m training.adapt --model larger-start --pairs pairs.jsonl --towers vision --out larger

The first resizes the table of positions (bilinear, with antialiasing where it shrinks), and leaves
all other tensors as they are. The second trains it on images of the new size.
"""

import argparse
import json
from pathlib import Path

import torch
import torch.nn.functional as F

from .checkpoint import OF_IMAGES, OF_SCORES, PREPROCESSOR, CheckpointError, tensor_of, write_checkpoint, write_settings

POSITIONS = "vision_model.embeddings.position_embedding.weight"


def resized(table: torch.Tensor, rows: int, columns: int) -> torch.Tensor:
    """A table of positions (n * n, width) for a grid (rows * columns, width), in the type that it
    had, as transformers' `Siglip2VisionEmbeddings` does it.
    """
    before = round(len(table) ** 0.5)
    if before * before != len(table):
        raise CheckpointError(f"{POSITIONS}: {len(table)} positions are no square")
    grid = table.float().T.reshape(1, -1, before, before)
    grid = F.interpolate(grid, (rows, columns), mode="bilinear", align_corners=False, antialias=True)
    return grid.flatten(2)[0].T.contiguous().to(table.dtype)


def to_resolution(base: Path, out: Path, size: int) -> None:
    """Writes `out`, which reads images of `size` pixels. Scores and a decoder are left out, which
    belong to the grid as it was.
    """
    config = json.loads((base / "config.json").read_text(encoding="utf-8"))
    if config.get("model_type") != "siglip":
        raise CheckpointError(f"{base}: config.json says `{config.get('model_type')}`; `siglip` has a fixed resolution")
    vision = config["vision_config"]
    patch = vision.get("patch_size", 16)
    if size < patch or size % patch:
        raise CheckpointError(f"patches of {patch} do not fill images of {size} pixels; a multiple of {patch} is needed")
    vision["image_size"] = size
    positions = resized(tensor_of(base, POSITIONS), size // patch, size // patch)
    write_checkpoint(base, out, {POSITIONS: positions}, OF_SCORES + OF_IMAGES)
    files = {"config.json": config}
    if (base / PREPROCESSOR).exists():
        settings = json.loads((base / PREPROCESSOR).read_text(encoding="utf-8"))
        files[PREPROCESSOR] = settings | {"size": {"height": size, "width": size}}
    write_settings(out, files)
    print(f"wrote {out}: {size} pixels, {(size // patch) ** 2} patches", flush=True)


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m training.resolution", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, required=True, help="checkpoint folder of fixed resolution")
    parser.add_argument("--size", type=int, required=True, help="pixels of the new side, a multiple of the patch")
    parser.add_argument("--out", type=Path, required=True, help="new folder")
    return parser


if __name__ == "__main__":
    given = parser().parse_args()
    to_resolution(given.model, given.out, given.size)
