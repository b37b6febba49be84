"""Pairs of image and text, from the files that people have: COCO captions, Karpathy's splits, JSON
lines, tables, or a folder of images with a text file beside each.

A pair may be of a region: its box is cut out of the image, as in UMG-CLIP (arXiv 2401.06397).
"""

import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

Box = tuple[float, float, float, float]  # left, top, right, bottom in pixels
IMAGE_ENDINGS = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff"}


class PairsError(SystemExit):
    """What is wrong with a file of pairs, for the user: the file, the place, and what to do."""


@dataclass(frozen=True)
class View:
    """An image, or the box of it that a text is about."""

    image: Path
    box: Box | None = None


@dataclass(frozen=True)
class Pair:
    view: View
    text: str
    source: str = ""  # the same in a language that the model knows, if the file says so
    split: str = ""  # as the file names it


def read_pairs(path: Path, images: Path | None = None) -> list[Pair]:
    """All pairs of a file or folder; files of images are looked for in `images`, else beside it."""
    if not path.exists():
        raise PairsError(f"{path}: there is no such file or folder")
    if path.is_dir():
        pairs = list(_from_folder(path))
        wanted = "no image has a .txt file of the same name beside it"
    elif path.suffix == ".tsv":
        pairs = list(_from_table(path, images or path.parent))
        wanted = "no line has a file and a caption"
    elif path.suffix == ".jsonl":
        pairs = list(_from_lines(path, images or path.parent))
        wanted = "no line has an image and a text"
    else:
        pairs = list(_from_json(path, images or path.parent))
        wanted = "no image has captions"
    if not pairs:
        raise PairsError(f"{path}: {wanted}")
    missing = next((pair.view.image for pair in pairs if not pair.view.image.exists()), None)
    if missing:
        raise PairsError(f"{path}: its image {missing} is not there; give the images' folder with --images")
    return pairs


def split(pairs: list[Pair], share: float) -> tuple[list[Pair], list[Pair]]:
    """Pairs to train on and pairs of other images to measure on.

    The file's own splits (`train`, `restval`, `val`; `test` is left alone) if it has any, else
    `share` of the images, chosen by their names, so that every run chooses the same.
    """
    if any(pair.split == "val" for pair in pairs):
        trained = [pair for pair in pairs if pair.split in ("train", "restval", "")]
        return trained, [pair for pair in pairs if pair.split == "val"]

    def held_out(pair: Pair) -> bool:
        return zlib.crc32(pair.view.image.name.encode()) % 10_000 < 10_000 * share

    return [pair for pair in pairs if not held_out(pair)], [pair for pair in pairs if held_out(pair)]


def _from_folder(folder: Path) -> Iterator[Pair]:
    for image in sorted(path for path in folder.rglob("*") if path.suffix.lower() in IMAGE_ENDINGS):
        captions = image.with_suffix(".txt")
        if captions.exists():
            for line in _read(captions).splitlines():
                if line.strip():
                    yield Pair(View(image), line.strip())


def _from_lines(path: Path, images: Path) -> Iterator[Pair]:
    """Lines {"image", "text" (one or a list)}, with "box", "source" and "split" if they have them."""
    for number, line in enumerate(_read(path).splitlines(), 1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
            image, texts = entry["image"], entry.get("text", entry.get("caption"))
            box = tuple(float(side) for side in entry["box"]) if entry.get("box") else None
            if box and (len(box) != 4 or box[0] >= box[2] or box[1] >= box[3]):
                raise ValueError("a box is left, top, right, bottom in pixels")
            texts = [texts] if isinstance(texts, str) else list(texts)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise PairsError(
                f'{path}, line {number}: {error!r}; a line is {{"image": "a.jpg", "text": "..."}}'
            ) from error
        for text in texts:
            yield Pair(View(images / image, box), text, entry.get("source", ""), entry.get("split", ""))


def _from_table(path: Path, images: Path) -> Iterator[Pair]:
    """Lines of a file, a language if they have three cells, and a caption, as `glimpse eval
    retrieval` reads them.
    """
    for number, line in enumerate(_read(path).splitlines(), 1):
        cells = line.split("\t")
        if len(cells) in (2, 3):
            yield Pair(View(images / cells[0]), cells[-1])
        elif line.strip():
            raise PairsError(f"{path}, line {number}: has {len(cells)} cells; a line is file, [language,] caption")


def _from_json(path: Path, images: Path) -> Iterator[Pair]:
    try:
        data = json.loads(_read(path))
        if "annotations" in data:
            yield from _from_coco(data, images)
        else:
            yield from _from_karpathy(data, images)
    except (ValueError, KeyError, TypeError) as error:
        raise PairsError(
            f"{path}: {error!r}; this is read as COCO captions (images, annotations) or as Karpathy's "
            "splits (images with sentences)"
        ) from error


def _from_coco(data: dict, images: Path) -> Iterator[Pair]:
    """Captions of images, and of boxes where an annotation has one."""
    files = {entry["id"]: images / entry["file_name"] for entry in data["images"]}
    for entry in data["annotations"]:
        if "caption" in entry:
            box = None
            if entry.get("bbox"):
                left, top, width, height = entry["bbox"]
                box = (left, top, left + width, top + height)
            yield Pair(View(files[entry["image_id"]], box), entry["caption"])


def _from_karpathy(data: dict, images: Path) -> Iterator[Pair]:
    for entry in data["images"]:
        file = images / entry.get("filepath", "") / entry["filename"]
        file = file if file.exists() else images / entry["filename"]
        for sentence in entry["sentences"]:
            yield Pair(View(file), sentence["raw"], split=entry.get("split", ""))


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PairsError(f"{path}: {error}") from error
