"""Held-out galleries: scenes from seeds that no training stage uses."""

from dataclasses import dataclass

import numpy as np

from .art import COLOUR_STYLES, HELD_OUT_STYLES, STYLES, TRAINED_STYLES
from .layout import scene, whole_scene
from .scenes import SEEN, Painter, Scene
from .settings import IMAGE

SIZE = 1000
AUGMENT = 0.5  # half of training's: colours and noise as ordinary images vary

ONE, SEVERAL = (1, 1), (2, 4)


@dataclass(frozen=True)
class GalleryKind:
    name: str
    styles: tuple[int, ...]
    things: tuple[int, int]  # objects of a scene, from and to
    seed: int
    lacks: int = 0  # every so many-th concept is drawn in no scene, if not 0
    widest: float = 0  # longer side over shorter at most, of scenes that keep their shape; 0: square ones

    @property
    def several(self) -> bool:
        return self.things[0] > 1


KINDS = (
    GalleryKind("trained-single", TRAINED_STYLES, ONE, 901),
    GalleryKind("trained-several", TRAINED_STYLES, SEVERAL, 902),
    GalleryKind("heldout-single", HELD_OUT_STYLES, ONE, 903),
    GalleryKind("heldout-several", HELD_OUT_STYLES, SEVERAL, 904),
    GalleryKind("colour-single", COLOUR_STYLES, ONE, 905),
)
# Every fifth name asks for what is not there: `lacking` measures, and scores are fitted on `mixed`.
LACKING = GalleryKind("lacking", TRAINED_STYLES, SEVERAL, 906, lacks=5)
MIXED = GalleryKind("mixed", TRAINED_STYLES, (1, 4), 908, lacks=5)
# Of other shapes than a square, as NaFlex reads them.
SHAPED = (
    GalleryKind("shaped-single", TRAINED_STYLES, ONE, 909, widest=3),
    GalleryKind("shaped-several", TRAINED_STYLES, SEVERAL, 910, widest=3),
)


def draw_gallery(kind: GalleryKind, concepts: int, size: int = SIZE) -> list[Scene]:
    """The scenes of one gallery; every concept turns up about equally often."""
    rng = np.random.default_rng(kind.seed)
    painter = Painter(rng, concepts, kind.styles, [STYLES[s].weight for s in kind.styles], AUGMENT)
    if kind.lacks:
        painter.concepts = painter.concepts[painter.concepts % kind.lacks != 0]
    least, most = kind.things

    def things() -> int:
        return int(rng.integers(least, most + 1)) if least < most else least

    def draw() -> Scene:
        if not kind.widest:
            return whole_scene(painter, IMAGE, things())
        stretch = kind.widest ** (rng.uniform(-1, 1) / 2)
        return scene(painter, round(IMAGE / stretch), round(IMAGE * stretch), things())

    return [draw() for _ in range(size)]


def seen_concepts(scene: Scene) -> set[int]:
    return {thing.concept for thing in scene.things if thing.visible >= SEEN}
