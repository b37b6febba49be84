"""Batches of scenes as tensors: small windows for early training, whole scenes, and held-out
galleries.
"""

from dataclasses import dataclass

import numpy as np
import torch

from .art import STYLES, TRAINED_STYLES
from .scenes import Painter, Scene, patch_labels

MAX_THINGS = 5
SEEN = 0.3  # a thing less visible than this is no label of its scene


@dataclass
class Batch:
    pixels: torch.Tensor  # (b, 3, h, w) in -1..1
    present: torch.Tensor  # (b, concepts) 1 where the concept is visible
    patches: torch.Tensor  # (b, h/16 * w/16) concept per patch, -1 background, -2 undecided
    scenes: list[Scene]

    def to(self, device) -> "Batch":
        return Batch(self.pixels.to(device), self.present.to(device), self.patches.to(device), self.scenes)


def to_pixels(images: np.ndarray) -> torch.Tensor:
    """Bytes (b, h, w, 3) as (b, 3, h, w) in -1..1, as the model's preprocessor has it."""
    return torch.from_numpy(images).permute(0, 3, 1, 2).float().div_(127.5).sub_(1)


def collate(scenes: list[Scene], concepts: int) -> Batch:
    present = torch.zeros(len(scenes), concepts)
    for row, scene in enumerate(scenes):
        for thing in scene.things:
            if thing.visible >= SEEN:
                present[row, thing.concept] = 1
    patches = torch.from_numpy(np.stack([patch_labels(scene).reshape(-1) for scene in scenes]))
    return Batch(to_pixels(np.stack([scene.image for scene in scenes])), present, patches, scenes)


def training_painter(seed: int, concepts: int, augment: float = 1.0) -> Painter:
    """Draws in all trained styles, the line styles less often."""
    weights = [STYLES[s].weight for s in TRAINED_STYLES]
    return Painter(np.random.default_rng(seed), concepts, TRAINED_STYLES, weights, augment)


def window(painter: Painter, side: int) -> Scene:
    """A square crop round one object, sometimes with a second one that is partly hidden."""
    rng = painter.rng
    main = side * rng.uniform(0.62, 1.08)
    centre = side / 2 + rng.normal(0, 0.07 * side, 2)
    if rng.random() < 0.3:
        both = painter.pick(2)
        angle, distance = rng.uniform(0, 2 * np.pi), side * rng.uniform(0.4, 0.62)
        other = side / 2 + distance * np.array([np.sin(angle), np.cos(angle)])
        sizes = [side * rng.uniform(0.4, 0.8), main]
        return painter.draw(side, side, both, sizes, [other, centre], squash(rng))
    return painter.draw(side, side, painter.pick(1), [main], [centre], squash(rng))


def whole_scene(painter: Painter, side: int, count: int | None = None) -> Scene:
    """A full scene of one to five objects whose size varies four-fold."""
    rng = painter.rng
    count = int(rng.choice(5, p=[0.42, 0.28, 0.15, 0.1, 0.05]) + 1) if count is None else count
    largest = {1: 0.85, 2: 0.6, 3: 0.5, 4: 0.42, 5: 0.38}[count]
    smallest = 0.24 if count > 1 else 0.3
    sizes = side * np.exp(rng.uniform(np.log(smallest), np.log(largest), count))
    centres = spread_centres(rng, side, side, sizes)
    return painter.draw(side, side, painter.pick(count), sizes, centres, squash(rng))


def squash(rng: np.random.Generator) -> float:
    """By how much an image of a usual shape is widened to a square: mostly little, at most twice."""
    return float(np.exp(np.clip(rng.normal(0, 0.28), -0.69, 0.69)))


def spread_centres(rng: np.random.Generator, height: int, width: int, sizes) -> list[tuple[float, float]]:
    """Random centres inside the image, tried a few times so that objects overlap only a little."""
    centres = []
    for size in sizes:
        reach_y, reach_x = min(0.45 * size, height / 2), min(0.45 * size, width / 2)
        best, best_gap = None, -np.inf
        for _ in range(8):
            centre = (rng.uniform(reach_y, height - reach_y), rng.uniform(reach_x, width - reach_x))
            gaps = [
                np.hypot(centre[0] - c[0], centre[1] - c[1]) / (0.5 * (size + s))
                for c, s in zip(centres, sizes)
            ]
            gap = min(gaps, default=np.inf)
            if gap > best_gap:
                best, best_gap = centre, gap
            if gap > 0.85:
                break
        centres.append(best)
    return centres
