"""Batches of scenes as tensors."""

from dataclasses import dataclass

import numpy as np
import torch

from .art import STYLES, TRAINED_STYLES
from .devices import on_device
from .scenes import SEEN, Painter, Scene, patch_labels

MAX_THINGS = 5


@dataclass
class Batch:
    pixels: torch.Tensor  # (b, 3, h, w) in -1..1
    present: torch.Tensor  # (b, concepts) 1 where the concept is visible
    patches: torch.Tensor  # (b, h/16 * w/16) concept per patch, -1 background, -2 undecided
    scenes: list[Scene]

    def rows(self, places: torch.Tensor) -> "Batch":
        """Some of the scenes."""
        scenes = [self.scenes[place] for place in places]
        return Batch(self.pixels[places], self.present[places], self.patches[places], scenes)

    def to(self, device) -> "Batch":
        return Batch(self.pixels.to(device), self.present.to(device), self.patches.to(device), self.scenes)


def to_pixels(images: np.ndarray) -> torch.Tensor:
    """Bytes (b, h, w, 3) as (b, 3, h, w) in -1..1, as the model's preprocessor has it."""
    return on_device(images).permute(0, 3, 1, 2).float().div_(127.5).sub_(1)


def collate(scenes: list[Scene], concepts: int) -> Batch:
    present = np.zeros((len(scenes), concepts), np.float32)
    for row, scene in enumerate(scenes):
        for thing in scene.things:
            if thing.visible >= SEEN:
                present[row, thing.concept] = 1
    patches = on_device(np.stack([patch_labels(scene).reshape(-1) for scene in scenes]))
    return Batch(to_pixels(np.stack([scene.image for scene in scenes])), on_device(present), patches, scenes)


def training_painter(seed: int, concepts: int, augment: float = 1.0) -> Painter:
    """Draws in all trained styles, the line styles less often."""
    weights = [STYLES[s].weight for s in TRAINED_STYLES]
    return Painter(np.random.default_rng(seed), concepts, TRAINED_STYLES, weights, augment)
