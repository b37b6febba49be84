"""New scenes with their boxes in the COCO format, for `glimpse eval`.

    python -m training.annotate FOLDER [--size 200] [--concepts 158]

Writes pictures, `annotations.json` (boxes, and names of every thing in every language) and `retrieval.tsv`
(picture, language, caption). Every fifth thing is drawn in no scene: its names ask for what is not there.
"""

import argparse
import json
from pathlib import Path

import cv2
import numpy as np

from .art import STYLES, TRAINED_STYLES
from .batches import SEEN, whole_scene
from .captions import join, load_languages
from .gallery import AUGMENT
from .scenes import Painter, Scene
from .settings import CONCEPTS, IMAGE

SEED = 1201  # used by no training stage and no gallery
ABSENT = 5  # every so many-th thing is left out


def draw(concepts: int, size: int) -> list[tuple[str, Scene]]:
    """Scenes of one object, then scenes of two to four, with their file names."""
    rng = np.random.default_rng(SEED)
    painter = Painter(rng, concepts, TRAINED_STYLES, [STYLES[s].weight for s in TRAINED_STYLES], AUGMENT)
    painter.concepts = painter.concepts[painter.concepts % ABSENT != 0]
    counts = {"single": lambda: 1, "several": lambda: int(rng.integers(2, 5))}
    return [
        (f"{kind}-{i:04d}.png", whole_scene(painter, IMAGE, count()))
        for kind, count in counts.items()
        for i in range(size)
    ]


def categories(concepts: int) -> list[dict]:
    """Every thing with its names; the English one is `name`."""
    languages = load_languages(concepts)
    return [
        {
            "id": concept,
            "name": languages["en"].names[concept],
            "names": {code: language.names[concept] for code, language in languages.items() if concept in language.names},
        }
        for concept in range(concepts)
    ]


def write(folder: Path, concepts: int, size: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    images, annotations, captions = [], [], []
    languages = load_languages(concepts)
    for name, scene in draw(concepts, size):
        cv2.imwrite(str(folder / name), scene.image[..., ::-1])
        height, width = scene.image.shape[:2]
        images.append({"id": len(images), "file_name": name, "width": width, "height": height})
        seen = [thing for thing in scene.things if thing.visible >= SEEN]
        for thing in seen:
            left, top, right, bottom = (float(side) for side in thing.box)
            box = [left, top, right - left, bottom - top]
            annotations.append(
                {
                    "id": len(annotations),
                    "image_id": images[-1]["id"],
                    "category_id": int(thing.concept),
                    "bbox": [round(side, 2) for side in box],
                    "area": round(box[2] * box[3], 2),
                    "iscrowd": 0,
                }
            )
        for code, language in languages.items():
            names = [language.names.get(thing.concept) for thing in seen]
            if names and all(names):
                captions.append(f"{name}\t{code}\t{join(language.pattern, names)}")
    data = {"images": images, "annotations": annotations, "categories": categories(concepts)}
    (folder / "annotations.json").write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")
    (folder / "retrieval.tsv").write_text("\n".join(captions) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m training.annotate", description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--size", type=int, default=200, help="scenes of each kind")
    parser.add_argument("--concepts", type=int, default=CONCEPTS)
    arguments = parser.parse_args()
    write(arguments.folder, arguments.concepts, arguments.size)


if __name__ == "__main__":
    main()
