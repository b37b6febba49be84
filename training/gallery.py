"""Held-out galleries: scenes from seeds that no training stage uses, in memory or as files."""

import json
from dataclasses import dataclass
from pathlib import Path

import cv2
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


KINDS = (
    GalleryKind("trained-single", TRAINED_STYLES, False, 901),
    GalleryKind("trained-several", TRAINED_STYLES, True, 902),
    GalleryKind("heldout-single", HELD_OUT_STYLES, False, 903),
    GalleryKind("heldout-several", HELD_OUT_STYLES, True, 904),
    GalleryKind("colour-single", COLOUR_STYLES, False, 905),
)


def draw_gallery(kind: GalleryKind, concepts: int, size: int = SIZE) -> list[Scene]:
    """The scenes of one gallery; every concept turns up about equally often."""
    rng = np.random.default_rng(kind.seed)
    painter = Painter(rng, concepts, kind.styles, [STYLES[s].weight for s in kind.styles], AUGMENT)
    return [whole_scene(painter, IMAGE, int(rng.integers(2, 5)) if kind.several else 1) for _ in range(size)]


def seen_concepts(scene: Scene) -> set[int]:
    return {thing.concept for thing in scene.things if thing.visible >= SEEN}


def write_gallery(kind: GalleryKind, concepts: int, folder: Path, size: int = SIZE) -> None:
    """The gallery as PNG files and one JSON file that says what each shows."""
    folder.mkdir(parents=True, exist_ok=True)
    entries = []
    for index, scene in enumerate(draw_gallery(kind, concepts, size)):
        name = f"{index:04d}.png"
        cv2.imwrite(str(folder / name), scene.image[..., ::-1])
        things = [{"concept": t.concept, "box": t.box} for t in scene.things if t.visible >= SEEN]
        entries.append({"path": name, "things": things})
    (folder / "gallery.json").write_text(json.dumps(entries), encoding="utf-8")
