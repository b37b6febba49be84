"""What frozen towers know of photographs and expressions; vision tokens are kept on disk in half
precision.
"""

import hashlib
import json
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps

from .checkpoint import Towers
from .embeddings import model_digest, views_digest
from .model import patch_vectors
from .pairs import View
from .registers import IMAGES, mend, noise, outliers, slots

BATCH, SAY_SECONDS = 16, 10


class Features:
    """Rows of `features.npy` (images, patches, width) and `broken.npy` (images, patches: register
    tokens); `done.npy` says which are there, so that a stopped run goes on.

    The folder's name is a digest of the model's files and of every image's path, size and time of
    change: other images or another model find no rows of these.
    """

    def __init__(self, model: Path, images: list[Path], parent: Path, device: str):
        config = json.loads((model / "config.json").read_text(encoding="utf-8"))["vision_config"]
        if "num_patches" in config:
            raise SystemExit(f"{model}: NaFlex images differ in shape; take a checkpoint of fixed resolution")
        self.images, self.device = images, device
        self.towers = Towers(model, device)
        self.side = config.get("image_size", 224) // config.get("patch_size", 16)
        self.width = config.get("hidden_size", 768)
        there = [path.exists() for path in images]
        views = [View(path) for path, is_there in zip(images, there) if is_there]
        # Rows go by place, so it matters which ones are missing.
        of = model_digest(model) + views_digest(views) + json.dumps(there)
        self.digest = hashlib.sha256(of.encode()).hexdigest()[:16]
        self.folder = parent / f"{model.resolve().name}-{self.digest}"
        self.folder.mkdir(parents=True, exist_ok=True)
        patches = self.side * self.side
        self.rows = self._array("features.npy", np.float16, (len(images), patches, self.width))
        self.broken = self._array("broken.npy", bool, (len(images), patches))
        self.done = self._array("done.npy", bool, (len(images),))

    def _array(self, name: str, dtype, shape: tuple[int, ...]) -> np.memmap:
        path = self.folder / name
        if path.exists():
            return np.lib.format.open_memmap(path, "r+")
        return np.lib.format.open_memmap(path, "w+", dtype, shape)

    def fill(self) -> None:
        """Computes what is missing; images that cannot be read are named and left out."""
        missing = np.flatnonzero(~self.done)
        if not len(missing):
            return
        registers = slots(torch.cat([self._see([noise(seed)])[1] for seed in range(IMAGES)]))
        begun = said = time.monotonic()
        for start in range(0, len(missing), BATCH):
            places, images = self._read(missing[start : start + BATCH])
            if places:
                tokens, norms = self._see(images)
                self.rows[places] = tokens.half().cpu().numpy()
                self.broken[places] = (outliers(norms) | registers).cpu().numpy()
                for array in (self.rows, self.broken):
                    array.flush()
                self.done[places] = True
                self.done.flush()
            done, now = min(start + BATCH, len(missing)), time.monotonic()
            if now - said > SAY_SECONDS or done == len(missing):
                left = (now - begun) / done * (len(missing) - done) / 60
                print(f"features: {done} of {len(missing)} images  {left:.1f} min left", flush=True)
                said = now

    def _read(self, places) -> tuple[list[int], list[Image.Image]]:
        found, images = [], []
        for place in places:
            try:
                with Image.open(self.images[place]) as image:
                    images.append(ImageOps.exif_transpose(image).convert("RGB"))
                found.append(int(place))
            except OSError as error:
                print(f"left out {self.images[place]}: {error}", flush=True)
        return found, images

    @torch.no_grad()
    def _see(self, images: list[Image.Image]) -> tuple[torch.Tensor, torch.Tensor]:
        """Tokens (b, patches, width) after the last norm, and their lengths (b, patches) before it."""
        vision, lengths = self.towers.model.vision_model, []
        hook = vision.post_layernorm.register_forward_pre_hook(lambda _, inputs: lengths.append(inputs[0].norm(dim=-1)))
        try:
            inputs = self.towers.processor(images=images, return_tensors="pt").to(self.device)
            return vision(**inputs).last_hidden_state, lengths[0]
        finally:
            hook.remove()

    @torch.no_grad()
    def tokens(self, places) -> tuple[torch.Tensor, torch.Tensor]:
        """Vision tokens and the text-aligned vectors of the same patches, (b, patches, width) each,
        those of registers mended.
        """
        tokens = torch.from_numpy(self.rows[places].astype(np.float32)).to(self.device)
        broken = torch.from_numpy(self.broken[places]).to(self.device)
        aligned = patch_vectors(self.towers.model, tokens)
        return tuple(mend(values, broken, self.side, self.side) for values in (tokens, aligned))

    @torch.no_grad()
    def texts(self, texts: list[str]) -> torch.Tensor:
        """Embeddings (b, width) of expressions, read as SigLIP 2 reads them."""
        return self.towers.texts(self.towers.ids(texts))
