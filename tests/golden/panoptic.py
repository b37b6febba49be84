"""Panoptic truth and predictions, and what panopticapi and numpy say of them.

    pip install panopticapi-lite==0.2.0 numpy==1.26.4 pillow
    python tests/golden/panoptic.py

panopticapi is not on PyPI under its own name; `panopticapi-lite` is its code as a package. Writes
tests/golden/panoptic: `truth.json` with PNG files in `truth/`, `predicted.json` with `predicted/`,
and `expected.json`. Images are small and made up: discs and bands, moved and mistaken in the
prediction, with void and crowds.
"""

import json
from pathlib import Path

import numpy as np
from PIL import Image

FOLDER = Path(__file__).parent / "panoptic"
WIDTH, HEIGHT, IMAGES = 48, 36, 6
CATEGORIES = [
    {"id": 3, "name": "dog", "isthing": 1},
    {"id": 5, "name": "ball", "isthing": 1},
    {"id": 8, "name": "kite", "isthing": 1},
    {"id": 11, "name": "sky", "isthing": 0},
    {"id": 12, "name": "grass", "isthing": 0},
    {"id": 20, "name": "snow", "isthing": 0},
]
THINGS, STUFF = [3, 5, 8], [11, 12]


def disc(rng, centre, radius):
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    return (x - centre[0]) ** 2 + (y - centre[1]) ** 2 < radius**2


def write(folder: Path, name: str, ids: np.ndarray) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    rgb = np.stack([ids % 256, ids // 256 % 256, ids // 65536], -1).astype(np.uint8)
    Image.fromarray(rgb).save(folder / name)


def infos(ids: np.ndarray, category: dict[int, int], crowds=()) -> list[dict]:
    seen = [int(i) for i in np.unique(ids) if i]
    area = lambda i: int((ids == i).sum())
    return [{"id": i, "category_id": category[i], "area": area(i), "iscrowd": int(i in crowds)} for i in seen]


def scene(rng: np.random.Generator):
    """Numbers of true and predicted segments, their categories, and which true ones are crowds."""
    line = int(rng.integers(12, 24))
    truth = np.zeros((HEIGHT, WIDTH), np.uint32)
    predicted = np.zeros_like(truth)
    truth[:line], truth[line:] = 1000, 70_000
    move = int(rng.integers(-3, 4))
    predicted[: line + move], predicted[line + move :] = 5, 6
    of_truth, of_prediction = {1000: 11, 70_000: 12}, {5: 11, 6: 12 if rng.random() < 0.7 else 20}
    crowds = set()
    for place in range(int(rng.integers(3, 7))):
        centre, radius = rng.uniform([4, 4], [WIDTH - 4, HEIGHT - 4]), rng.uniform(3, 8)
        category, identity = int(rng.choice(THINGS)), 300 + place
        truth[disc(rng, centre, radius)] = identity
        of_truth[identity] = category
        if rng.random() < 0.2:
            crowds.add(identity)
        if rng.random() < 0.8:
            shift = rng.normal(0, 1.2, 2)
            predicted[disc(rng, centre + shift, radius * rng.uniform(0.8, 1.2))] = 50 + place
            of_prediction[50 + place] = category if rng.random() < 0.8 else int(rng.choice(THINGS))
    for _ in range(2):
        truth[disc(rng, rng.uniform([0, 0], [WIDTH, HEIGHT]), rng.uniform(2, 7))] = 0
    predicted[disc(rng, rng.uniform([0, 0], [WIDTH, HEIGHT]), 4)] = 0
    return truth, predicted, of_truth, of_prediction, crowds


def semantic(pairs) -> dict:
    """Mean intersection over union and share of right pixels, where the truth is not void."""
    ids = [category["id"] for category in CATEGORIES]
    matrix = np.zeros((len(ids), len(ids) + 1), np.int64)  # the last column: predicted void
    for truth, predicted in pairs:
        for row, category in enumerate(ids):
            here = predicted[truth == category]
            for column, other in enumerate([*ids, 0]):
                matrix[row, column] += int((here == other).sum())
    both = np.diag(matrix)
    union = matrix.sum(1) + matrix[:, :-1].sum(0) - both
    return {
        "mean_iou": float((both[union > 0] / union[union > 0]).mean()),
        "pixel_accuracy": float(both.sum() / matrix.sum()),
    }


def main() -> None:
    from panopticapi.evaluation import pq_compute

    rng = np.random.default_rng(41)
    lists = {"truth": [], "predicted": []}
    images, pairs = [], []
    for number in range(IMAGES):
        truth, predicted, of_truth, of_prediction, crowds = scene(rng)
        name = f"{number}.png"
        images.append({"id": number, "file_name": name, "width": WIDTH, "height": HEIGHT})
        write(FOLDER / "truth", name, truth)
        write(FOLDER / "predicted", name, predicted)
        entry = {"image_id": number, "file_name": name}
        lists["truth"].append({**entry, "segments_info": infos(truth, of_truth, crowds)})
        lists["predicted"].append({**entry, "segments_info": infos(predicted, of_prediction)})
        look = lambda ids, table: np.vectorize(lambda i: table.get(int(i), 0))(ids)
        pairs.append((look(truth, of_truth), look(predicted, of_prediction)))
    for part, annotations in lists.items():
        data = {"images": images, "annotations": annotations, "categories": CATEGORIES}
        (FOLDER / f"{part}.json").write_text(json.dumps(data))
    figures = pq_compute(
        str(FOLDER / "truth.json"), str(FOLDER / "predicted.json"), str(FOLDER / "truth"), str(FOLDER / "predicted")
    )
    expected = {name: {k: float(v) for k, v in figures[name].items()} for name in ("All", "Things", "Stuff")}
    for part in expected.values():
        part["n"] = int(part["n"])
    expected["semantic"] = semantic(pairs)
    expected["categories"] = [category["id"] for category in CATEGORIES]
    expected["made_with"] = "panopticapi-lite 0.2.0 (panopticapi), numpy 1.26.4"
    (FOLDER / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")


if __name__ == "__main__":
    main()
