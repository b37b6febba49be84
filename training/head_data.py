"""What people wrote of photographs, as COCO and RefCOCO have it, for a decoder to learn."""

import json
import pickle
from dataclasses import dataclass, field
from pathlib import Path

Box = tuple[float, float, float, float]  # left, top, right, bottom in pixels


@dataclass
class LabelledImage:
    file: str
    width: int
    height: int
    captions: list[tuple[str, str]] = field(default_factory=list)  # language, text
    regions: list[tuple[str, str, Box]] = field(default_factory=list)  # language, words, box


def read_images(instances: Path | None, captions: Path | None, references: Path | None, language: str) -> list[LabelledImage]:
    """All images of which something is known: boxes with names, captions, referring expressions."""
    images: dict[int, LabelledImage] = {}
    boxes: dict[int, tuple[int, Box]] = {}
    if instances:
        data = _json(instances)
        _add_images(data, images)
        names = {category["id"]: category for category in data.get("categories", [])}
        for entry in data["annotations"]:
            if entry.get("iscrowd"):
                continue
            box = _box(entry["bbox"])
            boxes[entry.get("id", -1)] = (entry["image_id"], box)
            if "caption" in entry:  # an expression of its own, as some sets have it
                images[entry["image_id"]].regions.append((language, entry["caption"], box))
            elif entry.get("category_id") in names:
                category = names[entry["category_id"]]
                every = category.get("names") or {language: category["name"]}
                images[entry["image_id"]].regions += [(code, name, box) for code, name in every.items()]
    if captions:
        data = _json(captions)
        _add_images(data, images)
        for entry in data["annotations"]:
            if "caption" not in entry:
                raise SystemExit(f"{captions}: annotation {entry.get('id', '?')} has no `caption`; COCO's files of captions do")
            images[entry["image_id"]].captions.append((language, entry["caption"]))
    if references:
        for entry in _references(references):
            if entry.get("split", "train") != "train":
                continue
            image_id, box = boxes[entry["ann_id"]]
            for sentence in entry["sentences"]:
                images[image_id].regions.append((language, sentence.get("raw") or sentence["sent"], box))
    return [image for image in images.values() if image.captions or image.regions]


def texts_of(images: list[LabelledImage]) -> dict[str, list[str]]:
    """All texts by language."""
    found: dict[str, list[str]] = {}
    for image in images:
        for language, text, *_ in [*image.captions, *image.regions]:
            found.setdefault(language, []).append(text)
    return found


def _json(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))


def _add_images(data: dict, images: dict[int, LabelledImage]) -> None:
    for entry in data["images"]:
        images.setdefault(entry["id"], LabelledImage(entry["file_name"], entry["width"], entry["height"]))


def _references(path: Path) -> list[dict]:
    """RefCOCO comes pickled (`refs(unc).p`); the same as JSON is read too. A pickle runs code: take
    only one you trust.
    """
    return pickle.loads(path.read_bytes()) if path.suffix == ".p" else _json(path)


def _box(sides: list[float]) -> Box:
    left, top, width, height = sides
    return (left, top, left + width, top + height)
