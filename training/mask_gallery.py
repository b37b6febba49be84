"""Galleries whose every pixel is known: things and stuff before plain backdrops.

    python -m training masks FOLDER

writes for each kind the images, `panoptic.json` with the PNG files of `panoptic/` (COCO's panoptic
format), and `semantic/` (PNG: a category's number, 255 where nothing was drawn that is named). Stuff
is a band of the image that is full of one concept, as a forest is of trees: whichever of its
drawings a pixel belongs to, it is one segment. The category `background` is the backdrop, which is
none of the things and stuff that are asked for.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from .art import COLOUR_STYLES, HELD_OUT_STYLES, STYLES
from .captions import load_languages
from .concepts import load_concepts
from .gallery import AUGMENT
from .layout import spread_centres
from .photo import add_camera_noise
from .scenes import SEEN, Painter, paste
from .sprites import warp

WIDTH, HEIGHT = 384, 288
STUFF = "🌊 🌲 🌾 🔥 🍀 🌸 🌷 🍁".split()  # what comes in masses
DENSE = 0.62  # distance of the drawings of stuff, in their size
BACKGROUND = "background"
VOID = 255


@dataclass(frozen=True)
class MaskKind:
    name: str
    styles: tuple[int, ...]
    seed: int


KINDS = (MaskKind("plain", COLOUR_STYLES, 911), MaskKind("held-out", HELD_OUT_STYLES, 912))


@dataclass
class Segment:
    concept: int  # -1 for the backdrop
    mask: np.ndarray  # (h, w) true where it is seen


@dataclass
class MaskScene:
    image: np.ndarray  # (h, w, 3) RGB bytes
    segments: list[Segment]  # disjoint; what they leave is void


def draw_scene(painter: Painter, things: np.ndarray, stuff: np.ndarray) -> MaskScene:
    """One scene: often a band of stuff, and one to four things before it."""
    rng = painter.rng
    image = painter.backdrop(HEIGHT, WIDTH)
    owner = np.full((HEIGHT, WIDTH), -1, np.int8)
    areas, concepts = [], []
    if rng.random() < 0.7:
        concepts.append(int(rng.choice(stuff)))
        areas.append(draw_stuff(painter, image, owner, concepts[0], 0))
    count = int(rng.integers(1, 5))
    picked = list(rng.choice(things, count, replace=False))
    if rng.random() < 0.25:
        picked.append(picked[0])  # two of a kind
    sizes = HEIGHT * np.exp(rng.uniform(np.log(0.2), np.log(0.5), len(picked)))
    for concept, size, centre in zip(picked, sizes, spread_centres(rng, HEIGHT, WIDTH, sizes)):
        part = warp(painter.sprite(int(concept)), size, rng, rng.normal(0, 0.22), rng.random() < 0.5)
        areas.append(paste(image, owner, part, centre, len(concepts)))
        concepts.append(int(concept))
    image = add_camera_noise(image, rng, AUGMENT)
    segments = [Segment(-1, owner == -1)]
    for index, (concept, area) in enumerate(zip(concepts, areas)):
        mask = owner == index
        if mask.any() and (concept in stuff or mask.sum() >= SEEN * area):
            segments.append(Segment(concept, mask))
    return MaskScene(image, segments)


def draw_stuff(painter: Painter, image: np.ndarray, owner: np.ndarray, concept: int, index: int) -> int:
    """Fills a band with drawings of one concept, in place; returns its area in pixels."""
    rng = painter.rng
    height, width = owner.shape
    x = np.arange(width)
    edge = height * rng.uniform(0.35, 0.65) + 0.06 * height * np.sin(x / width * rng.uniform(2, 9) + rng.uniform(0, 6))
    rows = np.arange(height)[:, None]
    band = rows >= edge if rng.random() < 0.7 else rows < height - edge
    sprite, size = painter.sprite(concept), height * rng.uniform(0.14, 0.26)
    solid = sprite[sprite[..., 3] > 200][:, :3]
    filled = np.empty_like(image)
    filled[:] = solid.mean(0) if len(solid) else 128
    step = size * DENSE
    for y in np.arange(-step, height + step, step):
        for x in np.arange(-step, width + step, step):
            part = warp(sprite, size * rng.uniform(0.9, 1.15), rng, rng.normal(0, 0.12), rng.random() < 0.5)
            centre = (y + rng.normal(0, 0.12 * step), x + rng.normal(0, 0.12 * step))
            paste(filled, np.empty(owner.shape, np.int8), part, centre, 0)
    image[band], owner[band] = filled[band], index
    return int(band.sum())


def write_mask_galleries(folder: Path, concepts: int, size: int) -> None:
    names = load_languages(concepts)["en"].names
    known = load_concepts(concepts)
    stuff = np.array([known.index(emoji) for emoji in STUFF])
    for kind in KINDS:
        rng = np.random.default_rng(kind.seed)
        painter = Painter(rng, concepts, kind.styles, [STYLES[s].weight for s in kind.styles], AUGMENT)
        things = np.setdiff1d(painter.concepts, stuff)
        scenes = [draw_scene(painter, things, np.intersect1d(stuff, painter.concepts)) for _ in range(size)]
        write_gallery(folder / kind.name, scenes, names, set(stuff.tolist()))
        print(f"{kind.name}: {size} scenes", flush=True)


def write_gallery(folder: Path, scenes: list[MaskScene], names: dict[int, str], stuff: set[int]) -> None:
    """Images and truth; categories are numbered 1 (the backdrop) and from 2 on, as they are used."""
    for part in ("panoptic", "semantic"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    used = sorted({s.concept for scene in scenes for s in scene.segments if s.concept >= 0})
    number = {-1: 1} | {concept: i for i, concept in enumerate(used, 2)}
    categories = [{"id": 1, "name": BACKGROUND, "isthing": 0}]
    categories += [{"id": number[c], "name": names[c], "isthing": int(c not in stuff)} for c in used]
    images, annotations = [], []
    for i, scene in enumerate(scenes):
        file = f"{i:04d}"
        cv2.imwrite(str(folder / f"{file}.jpg"), scene.image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])
        height, width = scene.image.shape[:2]
        images.append({"id": i, "file_name": f"{file}.jpg", "width": width, "height": height})
        ids = np.zeros((height, width), np.uint32)
        semantic = np.full((height, width), VOID, np.uint16)
        infos = []
        for place, segment in enumerate(scene.segments):
            identity = 1 + place + 256 * (i % 251)
            ids[segment.mask], semantic[segment.mask] = identity, number[segment.concept]
            infos.append(segment_info(identity, number[segment.concept], segment.mask))
        annotations.append({"image_id": i, "file_name": f"{file}.png", "segments_info": infos})
        rgb = np.stack([ids % 256, ids // 256 % 256, ids // 65536], -1).astype(np.uint8)
        cv2.imwrite(str(folder / "panoptic" / f"{file}.png"), rgb[..., ::-1])
        deep = max(number.values()) >= VOID
        if deep:
            semantic[semantic == VOID] = 65535
        cv2.imwrite(str(folder / "semantic" / f"{file}.png"), semantic if deep else semantic.astype(np.uint8))
    data = {"images": images, "annotations": annotations, "categories": categories}
    (folder / "panoptic.json").write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")


def segment_info(identity: int, category: int, mask: np.ndarray) -> dict:
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    left, top = int(columns[0]), int(rows[0])
    box = [left, top, int(columns[-1]) + 1 - left, int(rows[-1]) + 1 - top]
    return {"id": identity, "category_id": category, "area": int(mask.sum()), "bbox": box, "iscrowd": 0}
