"""Vectors of a frozen model, computed once and kept in the working folder.

The name of a file is a digest of all that its vectors depend on: the bytes of the model's files,
and of each image its path, size, time of change and box. Nothing stale can be found there.
"""

import hashlib
import json
import time
from pathlib import Path

import numpy as np
import torch

from .checkpoint import Towers, weight_files
from .pairs import Pair, View
from .settings import CACHE_DIR

BATCH, SAY_SECONDS = 32, 10


def model_digest(folder: Path) -> str:
    """A digest of the bytes of everything that a checkpoint's vectors depend on."""
    digest = hashlib.sha256()
    names = ("config.json", "preprocessor_config.json", "tokenizer.json", "spiece.model")
    for path in [*(folder / name for name in names), *weight_files(folder)]:
        if path.exists():
            digest.update(path.name.encode())
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def views_digest(views: list[View]) -> str:
    digest = hashlib.sha256()
    for view in views:
        stat = view.image.stat()
        digest.update(json.dumps([str(view.image.resolve()), stat.st_size, stat.st_mtime_ns, view.box]).encode())
    return digest.hexdigest()


def pairs_digest(pairs: list[Pair], keep: list[str]) -> str:
    """A digest of everything that is learnt from: images, texts, and texts that are to stay."""
    told = json.dumps([[pair.text, pair.source, pair.split] for pair in pairs] + [keep])
    return hashlib.sha256((views_digest([pair.view for pair in pairs]) + told).encode()).hexdigest()


def cached(name: str, key: list[str], compute) -> torch.Tensor:
    """The array that `compute` gives, kept under a digest of `key`."""
    digest = hashlib.sha256("\n".join(key).encode()).hexdigest()[:24]
    path = CACHE_DIR / "embeddings" / f"{name}-{digest}.npy"
    if path.exists():
        return torch.from_numpy(np.load(path))
    values = compute()
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".tmp")
    with partial.open("wb") as file:
        np.save(file, values.numpy())
    partial.replace(path)
    return values


def image_vectors(towers: Towers, views: list[View], digest: str) -> torch.Tensor:
    """Unit vectors (n, d) on the CPU; `digest` is the model's."""

    def compute() -> torch.Tensor:
        return _in_batches("images", views, lambda part: towers.images(towers.pixels(part)))

    return cached("images", [digest, views_digest(views)], compute)


def text_vectors(towers: Towers, texts: list[str], digest: str) -> torch.Tensor:
    """Unit vectors (n, d) on the CPU; `digest` is the model's."""

    def compute() -> torch.Tensor:
        return _in_batches("texts", texts, lambda part: towers.texts(towers.ids(part)))

    return cached("texts", [digest, json.dumps(texts)], compute)


@torch.no_grad()
def _in_batches(name: str, items: list, encode) -> torch.Tensor:
    parts, begun = [], time.monotonic()
    said = begun
    for start in range(0, len(items), BATCH):
        parts.append(encode(items[start : start + BATCH]).cpu())
        now, done = time.monotonic(), min(start + BATCH, len(items))
        if now - said > SAY_SECONDS:
            left = (now - begun) / done * (len(items) - done) / 60
            print(f"{name}: {done} of {len(items)}  {left:.1f} min left", flush=True)
            said = now
    return torch.cat(parts)
