"""Checkpoints of the family as Hugging Face lays them out: read through transformers, written back
with some tensors changed and all others byte for byte.
"""

import argparse
import json
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

import torch
from PIL import Image, ImageOps
from safetensors import safe_open
from safetensors.torch import save_file
from transformers import AutoImageProcessor, AutoModel, AutoTokenizer

from .pairs import View

INDEX = "model.safetensors.index.json"
PREPROCESSOR = "preprocessor_config.json"
TAKEN_OVER = {".json", ".txt", ".model"}  # settings, tokenizer, preprocessor
# What a changed model makes wrong: scores fitted to the old one, a decoder of its vision tokens.
OF_SCORES, OF_IMAGES = ("calibration.json",), ("decoder.json", "decoder.safetensors")


class CheckpointError(SystemExit):
    """What is wrong with a checkpoint, for the user."""


class Towers:
    """A SigLIP or SigLIP 2 checkpoint in single precision, with its tokenizer and preprocessor."""

    def __init__(self, folder: Path, device: str = "cpu"):
        if not (folder / "config.json").exists():
            raise CheckpointError(f"{folder}: there is no config.json; give a checkpoint folder of Hugging Face")
        kind = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("model_type")
        if kind not in ("siglip", "siglip2"):
            raise CheckpointError(f"{folder}: config.json says `{kind}`; SigLIP and SigLIP 2 can be trained")
        self.folder, self.device = folder, device
        self.model = AutoModel.from_pretrained(folder, dtype=torch.float32).eval().requires_grad_(False).to(device)
        self.tokenizer, self.tokenizer_json = AutoTokenizer.from_pretrained(folder), ""
        self.processor = AutoImageProcessor.from_pretrained(folder)
        self.length = self.model.config.text_config.max_position_embeddings

    def read_tokenizer(self, text: str) -> None:
        """Takes another `tokenizer.json` in place of the folder's."""
        with tempfile.TemporaryDirectory() as folder:
            for path in self.folder.glob("tokenizer*.json"):
                shutil.copyfile(path, Path(folder) / path.name)
            (Path(folder) / "tokenizer.json").write_text(text, encoding="utf-8")
            self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.tokenizer_json = text

    def ids(self, texts: list[str]) -> torch.Tensor:
        """Token ids (b, length), lower-cased and padded to the full length, as the tower was trained."""
        lower = [text.lower() for text in texts]
        encoded = self.tokenizer(
            lower, padding="max_length", max_length=self.length, truncation=True, return_tensors="pt"
        )
        return encoded.input_ids.to(self.device)

    def texts(self, ids: torch.Tensor) -> torch.Tensor:
        """Unit vectors (b, d) of token ids (b, length); no mask, as in the original."""
        return unit(self.model.text_model(input_ids=ids).pooler_output)

    def pixels(self, views: list[View]) -> dict[str, torch.Tensor]:
        """What the vision tower reads of images or boxes of them: pixels, and a NaFlex grid's shape."""
        return dict(self.processor(images=[open_view(view) for view in views], return_tensors="pt"))

    def images(self, pixels: dict[str, torch.Tensor]) -> torch.Tensor:
        """Unit vectors (b, d)."""
        inputs = {name: value.to(self.device) for name, value in pixels.items()}
        return unit(self.model.vision_model(**inputs).pooler_output)


def unit(vectors: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.normalize(vectors.float(), dim=1)


def open_view(view: View) -> Image.Image:
    """The upright RGB image, or the box of it."""
    try:
        with Image.open(view.image) as image:
            upright = ImageOps.exif_transpose(image).convert("RGB")
    except OSError as error:
        raise CheckpointError(f"{view.image}: {error}") from error
    if view.box is None:
        return upright
    left, top, right, bottom = (round(side) for side in view.box)
    return upright.crop((left, top, max(right, left + 1), max(bottom, top + 1)))


def last_layers(text: str) -> int | None:
    """The value of `--layers`: a number, or None for all."""
    if text == "all":
        return None
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"`{text}` is neither a number of blocks nor `all`")
    return int(text)


def read_texts(path: Path) -> list[str]:
    """The texts of a file, one a line."""
    try:
        return [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise CheckpointError(f"{path}: {error}") from error


def weight_files(folder: Path) -> list[Path]:
    """The files of the weights: one, or the shards that the index names."""
    single = folder / "model.safetensors"
    if single.exists():
        return [single]
    if (folder / INDEX).exists():
        shards = json.loads((folder / INDEX).read_text(encoding="utf-8"))["weight_map"].values()
        return [folder / shard for shard in sorted(set(shards))]
    raise CheckpointError(f"{folder}: there is neither model.safetensors nor {INDEX}")


def tensor_of(folder: Path, name: str) -> torch.Tensor:
    """One tensor of the weights, in the type that it has."""
    for path in weight_files(folder):
        with safe_open(path, framework="pt") as stored:
            if name in stored.keys():
                return stored.get_tensor(name)
    raise CheckpointError(f"{folder}: has no tensor {name}")


def write_settings(folder: Path, files: dict[str, dict]) -> None:
    """Writes files of settings, such as config.json."""
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def write_checkpoint(
    base: Path, out: Path, changed: dict[str, torch.Tensor], leave_out: Iterable[str] = OF_SCORES
) -> None:
    """Writes `out`: the checkpoint `base` with `changed` tensors, in the type that each had.

    Other tensors and settings, tokenizer and decoder are taken over byte for byte, except files
    named in `leave_out`. `out` must be empty or new.
    """
    if out.exists() and any(out.iterdir()):
        raise CheckpointError(f"{out}: is not empty; name a new folder for the checkpoint")
    out.mkdir(parents=True, exist_ok=True)
    for path in base.iterdir():
        taken = path.suffix in TAKEN_OVER or path.name in OF_IMAGES
        if path.is_file() and taken and path.name not in leave_out:
            shutil.copyfile(path, out / path.name)
    left = dict(changed)
    for path in weight_files(base):
        with safe_open(path, framework="pt") as stored:
            metadata = stored.metadata() or {"format": "pt"}
            tensors = {name: stored.get_tensor(name) for name in stored.keys()}
        for name in tensors.keys() & left.keys():
            tensors[name] = left.pop(name).detach().cpu().to(tensors[name].dtype).contiguous()
            if not torch.isfinite(tensors[name]).all():
                raise CheckpointError(f"{out}: {name} is not finite; train with a lower --lr")
        partial = out / (path.name + ".tmp")
        save_file(tensors, partial, metadata=metadata)
        partial.chmod(0o644)
        partial.replace(out / path.name)
    if left:
        raise CheckpointError(f"{base}: has no tensor {', '.join(sorted(left))}")
