"""Galleries as files for `glimpse eval`: images, boxes in the COCO format, and queries with the
files they are right for.

    python -m training galleries FOLDER

writes for each kind of gallery the images, `annotations.json` (boxes; names of every thing in every
language), `names.tsv` (a thing's name) or `pairs.tsv` (two things of a scene), and `unseen.tsv`
(keywords that no training stage has seen). The galleries `lacking` and `mixed` show four fifths of
the things: the names of the others ask for what is not there. `mixed` has scenes of one to four
things, as a library has them, and those of `shaped` are up to three times as wide as high, or as high
as wide.
"""

import json
from pathlib import Path

import cv2
import numpy as np

from .captions import Language, join, load_languages
from .gallery import KINDS, LACKING, MIXED, SHAPED, GalleryKind, draw_gallery, seen_concepts
from .scenes import Scene

PAIRS = 300  # queries for two things


def write_galleries(folder: Path, concepts: int, size: int) -> None:
    for kind in (*KINDS, LACKING, MIXED, *SHAPED):
        write_gallery(kind, folder / kind.name, concepts, size)
        print(f"{kind.name}: {size} scenes", flush=True)


def write_gallery(kind: GalleryKind, folder: Path, concepts: int, size: int, *more: str) -> None:
    """One gallery; `more` are codes of languages besides the model's."""
    folder.mkdir(parents=True, exist_ok=True)
    languages, scenes = load_languages(concepts, *more), draw_gallery(kind, concepts, size)
    files = [f"{i:04d}.png" for i in range(len(scenes))]
    for file, scene in zip(files, scenes):
        cv2.imwrite(str(folder / file), scene.image[..., ::-1])
    data = annotations(files, scenes, languages, concepts)
    (folder / "annotations.json").write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")
    shown = [seen_concepts(scene) for scene in scenes]
    if kind.several:
        write_tsv(folder / "pairs.tsv", pairs(files, shown, languages))
    else:
        names = ((c, code, name) for code, language in languages.items() for c, name in language.names.items())
        write_tsv(folder / "names.tsv", right_files(names, files, shown))
        unseen = ((c, code, word) for code, language in languages.items() for word, c in language.unseen)
        write_tsv(folder / "unseen.tsv", right_files(unseen, files, shown))


def right_files(queries, files: list[str], shown: list[set[int]]):
    """Every (concept, language, text) once for each file that shows the concept."""
    for concept, code, text in queries:
        yield from ((file, code, text) for file, there in zip(files, shown) if concept in there)


def pairs(files: list[str], shown: list[set[int]], languages: dict[str, Language]):
    """Two things of a scene, named as each language joins them, once for each file that shows both."""
    rng = np.random.default_rng(907)
    several = [sorted(there) for there in shown if len(there) >= 2]
    for row in rng.permutation(len(several))[:PAIRS]:
        pair = rng.choice(several[row], 2, replace=False)
        right = [file for file, there in zip(files, shown) if set(pair) <= there]
        for code, language in languages.items():
            if all(c in language.names for c in pair):
                text = join(language.pattern, [language.names[c] for c in pair])
                yield from ((file, code, text) for file in right)


def write_tsv(path: Path, rows) -> None:
    path.write_text("".join("\t".join(row) + "\n" for row in rows), encoding="utf-8")


def annotations(files: list[str], scenes: list[Scene], languages: dict[str, Language], concepts: int) -> dict:
    """The scenes as COCO has them, with a category's names by language."""
    images, boxes = [], []
    for file, scene in zip(files, scenes):
        height, width = scene.image.shape[:2]
        images.append({"id": len(images), "file_name": file, "width": width, "height": height})
        for thing in scene.things:
            if thing.concept not in seen_concepts(scene):
                continue
            left, top, right, bottom = (round(float(side), 2) for side in thing.box)
            boxes.append(
                {
                    "id": len(boxes),
                    "image_id": images[-1]["id"],
                    "category_id": int(thing.concept),
                    "bbox": [left, top, right - left, bottom - top],
                    "area": (right - left) * (bottom - top),
                    "iscrowd": 0,
                }
            )
    categories = [
        {
            "id": concept,
            "name": languages["en"].names[concept],
            "names": {code: it.names[concept] for code, it in languages.items() if concept in it.names},
        }
        for concept in range(concepts)
    ]
    return {"images": images, "annotations": boxes, "categories": categories}
