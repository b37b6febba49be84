"""What frozen towers know of photographs and expressions; vision tokens are kept on disk in half
precision.
"""

import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from transformers import AutoImageProcessor, AutoModel, AutoTokenizer

from .model import patch_vectors

BATCH = 16


class Features:
    """Rows of `features.npy` (images, patches, width); `done.npy` says which are there, so that a
    stopped run goes on.
    """

    def __init__(self, model: Path, images: list[Path], cache: Path, device: str):
        self.model, self.images, self.device = model, images, device
        self.towers = AutoModel.from_pretrained(model).eval().requires_grad_(False).to(device)
        self.tokenizer = AutoTokenizer.from_pretrained(model)
        config = json.loads((model / "config.json").read_text(encoding="utf-8"))["vision_config"]
        if "num_patches" in config:
            raise SystemExit(f"{model}: NaFlex images differ in shape; take a checkpoint of fixed resolution")
        side = config.get("image_size", 224) // config.get("patch_size", 16)
        self.width = config.get("hidden_size", 768)
        shape = (len(images), side * side, self.width)
        cache.mkdir(parents=True, exist_ok=True)
        listing = cache / "images.json"
        names = [str(path) for path in images]
        fresh = not listing.exists() or json.loads(listing.read_text()) != [str(model), names]
        mode = "w+" if fresh else "r+"
        self.rows = np.lib.format.open_memmap(cache / "features.npy", mode, np.float16, shape if fresh else None)
        self.done = np.lib.format.open_memmap(cache / "done.npy", mode, bool, (len(images),) if fresh else None)
        listing.write_text(json.dumps([str(model), names]))

    def fill(self) -> None:
        """Computes what is missing; images that cannot be read are named and left out."""
        missing = np.flatnonzero(~self.done)
        if not len(missing):
            return
        processor = AutoImageProcessor.from_pretrained(self.model)
        for start in range(0, len(missing), BATCH):
            places, images = [], []
            for place in missing[start : start + BATCH]:
                try:
                    image = ImageOps.exif_transpose(Image.open(self.images[place])).convert("RGB")
                except OSError as error:
                    print(f"left out {self.images[place]}: {error}", flush=True)
                    continue
                places.append(place)
                images.append(image)
            if not places:
                continue
            inputs = processor(images=images, return_tensors="pt").to(self.device)
            with torch.no_grad():
                tokens = self.towers.vision_model(**inputs).last_hidden_state
            self.rows[places] = tokens.half().cpu().numpy()
            self.rows.flush()
            self.done[places] = True
            self.done.flush()
            print(f"features: {min(start + BATCH, len(missing))} of {len(missing)} images", flush=True)

    def tokens(self, places: list[int]) -> tuple[torch.Tensor, torch.Tensor]:
        """Vision tokens and the text-aligned vectors of the same patches, (b, patches, width) each."""
        tokens = torch.from_numpy(self.rows[places].astype(np.float32)).to(self.device)
        with torch.no_grad():
            return tokens, patch_vectors(self.towers, tokens)

    @torch.no_grad()
    def texts(self, texts: list[str]) -> torch.Tensor:
        """Embeddings (b, width) of expressions, read as SigLIP 2 reads them."""
        length = self.towers.config.text_config.max_position_embeddings
        lower = [text.lower() for text in texts]
        ids = self.tokenizer(lower, padding="max_length", max_length=length, truncation=True, return_tensors="pt").input_ids
        return self.towers.text_model(ids.to(self.device)).pooler_output
