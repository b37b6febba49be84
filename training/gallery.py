"""Held-out galleries: scenes from seeds that no training stage uses."""

from dataclasses import dataclass

import numpy as np

from .art import COLOUR_STYLES, HELD_OUT_STYLES, STYLES, TRAINED_STYLES
from .batches import SEEN, whole_scene
from .scenes import Painter, Scene
from .settings import IMAGE

SIZE = 1000
AUGMENT = 0.5  # half of training's: colours and noise as ordinary pictures vary


@dataclass(frozen=True)
class GalleryKind:
    name: str
    styles: tuple[int, ...]
    several: bool  # two to four objects per scene, or one
    seed: int
    lacks: int = 0  # every so many-th concept is drawn in no scene, if not 0


KINDS = (
    GalleryKind("trained-single", TRAINED_STYLES, False, 901),
    GalleryKind("trained-several", TRAINED_STYLES, True, 902),
    GalleryKind("heldout-single", HELD_OUT_STYLES, False, 903),
    GalleryKind("heldout-several", HELD_OUT_STYLES, True, 904),
    GalleryKind("colour-single", COLOUR_STYLES, False, 905),
)
LACKING = GalleryKind("lacking", TRAINED_STYLES, True, 906, lacks=5)


def draw_gallery(kind: GalleryKind, concepts: int, size: int = SIZE) -> list[Scene]:
    """The scenes of one gallery; every concept turns up about equally often."""
    rng = np.random.default_rng(kind.seed)
    painter = Painter(rng, concepts, kind.styles, [STYLES[s].weight for s in kind.styles], AUGMENT)
    if kind.lacks:
        painter.concepts = painter.concepts[painter.concepts % kind.lacks != 0]
    return [whole_scene(painter, IMAGE, int(rng.integers(2, 5)) if kind.several else 1) for _ in range(size)]


def seen_concepts(scene: Scene) -> set[int]:
    return {thing.concept for thing in scene.things if thing.visible >= SEEN}
