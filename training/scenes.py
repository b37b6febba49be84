"""Scenes: a few objects on a background, with their boxes and the share of each patch that they
cover.
"""

from dataclasses import dataclass

import numpy as np

from .art import load_atlas
from .photo import add_camera_noise, add_clutter, background
from .settings import PATCH
from .sprites import bend, draw_outline, flatten, recolour, warp

BANK = 320  # background images kept per process
SEEN = 0.3  # a thing less visible than this is no label of its scene


@dataclass
class Thing:
    concept: int
    box: tuple[float, float, float, float]  # visible left, top, right, bottom in pixels
    visible: float  # share of its own area not hidden by others or by the border


@dataclass
class Scene:
    image: np.ndarray  # (h, w, 3) RGB bytes
    things: list[Thing]
    owner: np.ndarray  # (h, w) index into things, -1 where background


class Painter:
    """Draws random scenes of the first `concepts` concepts in the given styles.

    `augment` is the strength of changed colours, outlines and camera noise; `variety` is how often
    a drawing is bent, flattened or outlined besides, to stand for styles that are not among them.
    """

    variety = 0.0
    things = (0.42, 0.28, 0.15, 0.1, 0.05)  # shares of scenes of one to five things

    def __init__(
        self, rng: np.random.Generator, concepts: int, styles: tuple[int, ...], weights=None, augment=1.0
    ):
        self.rng = rng
        self.atlas, present = load_atlas()
        self.augment = augment
        weights = np.ones(len(styles)) if weights is None else np.asarray(weights, float)
        self.choices = []  # per concept: style indices and their probabilities
        for concept in range(concepts):
            have = [i for i, s in enumerate(styles) if present[s, concept]]
            share = weights[have]
            self.choices.append((np.array([styles[i] for i in have]), share / share.sum()))
        self.concepts = np.array([c for c in range(concepts) if len(self.choices[c][0])])
        self.bank = None

    def backdrop(self, height: int, width: int) -> np.ndarray:
        """A crop of a background from the bank, which is filled on first use."""
        if self.bank is None:
            self.bank = [background(self.rng, 256, 256) for _ in range(BANK)]
        if height > 256 or width > 256:
            return background(self.rng, height, width)
        image = self.bank[self.rng.integers(BANK)]
        y, x = self.rng.integers(257 - height), self.rng.integers(257 - width)
        crop = image[y : y + height, x : x + width]
        return np.ascontiguousarray(crop[:, ::-1] if self.rng.random() < 0.5 else crop)

    def sprite(self, concept: int, style: int | None = None) -> np.ndarray:
        """One drawing of a concept (128, 128, 4), recoloured."""
        styles, share = self.choices[concept]
        style = self.rng.choice(styles, p=share) if style is None else style
        sprite = np.asarray(self.atlas[style, concept])
        strength = self.augment
        if strength and self.rng.random() < 0.75:
            sprite = recolour(sprite, self.rng, strength)
        if self.rng.random() < 0.12 * strength:
            sprite = draw_outline(sprite, self.rng)
        return self.vary(sprite) if self.variety else sprite

    def vary(self, sprite: np.ndarray) -> np.ndarray:
        bent, flat, lined = self.rng.random(3) < np.array([0.5, 0.25, 0.25]) * self.variety
        sprite = bend(sprite, self.rng) if bent else sprite
        sprite = flatten(sprite, self.rng) if flat else sprite
        return draw_outline(sprite, self.rng) if lined else sprite

    def draw(self, height: int, width: int, concepts, sizes, centres, aspect: float = 1.0) -> Scene:
        """A scene of given concepts, sizes (pixels) and centres (y, x), later ones in front."""
        rng = self.rng
        image = self.backdrop(height, width)
        if rng.random() < 0.35:
            add_clutter(image, rng)
        owner = np.full((height, width), -1, np.int8)
        areas = []
        for index, (concept, size) in enumerate(zip(concepts, sizes)):
            turn = rng.normal(0, 0.22)
            part = warp(self.sprite(concept), size, rng, turn, rng.random() < 0.5, aspect)
            areas.append(paste(image, owner, part, centres[index], index))
        image = add_camera_noise(image, rng, self.augment if self.augment else 0.4)
        return Scene(image, measure(owner, concepts, areas), owner)

    def pick(self, count: int) -> np.ndarray:
        """Distinct random concepts."""
        return self.rng.choice(self.concepts, count, replace=False)


def paste(image: np.ndarray, owner: np.ndarray, part: np.ndarray, centre, index: int) -> int:
    """Blends a pre-multiplied part over the image in place; returns the part's whole area in
    pixels.
    """
    height, width = image.shape[:2]
    top, left = int(centre[0] - part.shape[0] / 2), int(centre[1] - part.shape[1] / 2)
    y0, x0, y1, x1 = (
        max(top, 0),
        max(left, 0),
        min(top + part.shape[0], height),
        min(left + part.shape[1], width),
    )
    area = int(np.count_nonzero(part[..., 3] > 127))
    if y0 >= y1 or x0 >= x1:
        return area
    seen = part[y0 - top : y1 - top, x0 - left : x1 - left]
    clear = 255 - seen[..., 3:].astype(np.uint16)
    under = image[y0:y1, x0:x1]
    under[:] = (under * clear // 255 + seen[..., :3]).clip(0, 255)
    owner[y0:y1, x0:x1][seen[..., 3] > 127] = index
    return area


def measure(owner: np.ndarray, concepts, areas) -> list[Thing]:
    """Visible boxes and visible shares, from the final ownership map."""
    things = []
    for index, concept in enumerate(concepts):
        mask = owner == index
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        if len(rows) == 0:
            things.append(Thing(int(concept), (0, 0, 0, 0), 0.0))
            continue
        box = (float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1))
        things.append(Thing(int(concept), box, float(mask.sum() / max(areas[index], 1))))
    return things


def patch_labels(scene: Scene, patch: int = PATCH) -> np.ndarray:
    """Concept of each patch (rows, columns): -1 background, -2 undecided (covered only a bit)."""
    height, width = scene.owner.shape
    rows, columns = height // patch, width // patch
    cells = scene.owner[: rows * patch, : columns * patch].reshape(rows, patch, columns, patch)
    labels = np.full((rows, columns), -1, np.int64)
    best = np.zeros((rows, columns), np.float32)
    for index, thing in enumerate(scene.things):
        share = (cells == index).mean((1, 3))
        labels[share > np.maximum(best, 0.05)] = -2
        decided = (share >= 0.3) & (share > best)
        labels[decided] = thing.concept
        best = np.maximum(best, share)
    return labels
