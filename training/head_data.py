"""What people wrote of photographs, as COCO and RefCOCO have it, for a decoder to learn."""

import json
import pickle
from dataclasses import dataclass, field
from pathlib import Path

Box = tuple[float, float, float, float]  # left, top, right, bottom in pixels


@dataclass
class Photo:
    file: str
    width: int
    height: int
    captions: list[tuple[str, str]] = field(default_factory=list)  # language, text
    regions: list[tuple[str, str, Box]] = field(default_factory=list)  # language, words, box


def read_photos(instances: Path | None, captions: Path | None, references: Path | None, language: str) -> list[Photo]:
    """All photos of which something is known: boxes with names, captions, referring expressions."""
    photos: dict[int, Photo] = {}
    boxes: dict[int, tuple[int, Box]] = {}
    if instances:
        data = _json(instances)
        _images(data, photos)
        names = {category["id"]: category for category in data.get("categories", [])}
        for entry in data["annotations"]:
            if entry.get("iscrowd"):
                continue
            box = _box(entry["bbox"])
            boxes[entry.get("id", -1)] = (entry["image_id"], box)
            if "caption" in entry:  # an expression of its own, as some sets have it
                photos[entry["image_id"]].regions.append((language, entry["caption"], box))
            elif entry.get("category_id") in names:
                category = names[entry["category_id"]]
                every = category.get("names") or {language: category["name"]}
                photos[entry["image_id"]].regions += [(code, name, box) for code, name in every.items()]
    if captions:
        data = _json(captions)
        _images(data, photos)
        for entry in data["annotations"]:
            photos[entry["image_id"]].captions.append((language, entry["caption"]))
    if references:
        for entry in _references(references):
            if entry.get("split", "train") != "train":
                continue
            image, box = boxes[entry["ann_id"]]
            for sentence in entry["sentences"]:
                photos[image].regions.append((language, sentence.get("raw") or sentence["sent"], box))
    return [photo for photo in photos.values() if photo.captions or photo.regions]


def texts_of(photos: list[Photo]) -> dict[str, list[str]]:
    """All texts by language."""
    found: dict[str, list[str]] = {}
    for photo in photos:
        for language, text, *_ in [*photo.captions, *photo.regions]:
            found.setdefault(language, []).append(text)
    return found


def _json(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))


def _images(data: dict, photos: dict[int, Photo]) -> None:
    for image in data["images"]:
        photos.setdefault(image["id"], Photo(image["file_name"], image["width"], image["height"]))


def _references(path: Path) -> list[dict]:
    """RefCOCO comes pickled (`refs(unc).p`); the same as JSON is read too. A pickle runs code: take only one you trust."""
    return pickle.loads(path.read_bytes()) if path.suffix == ".p" else _json(path)


def _box(sides: list[float]) -> Box:
    left, top, width, height = sides
    return (left, top, left + width, top + height)
