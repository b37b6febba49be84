"""Made-up boxes and detections, and what pycocotools and the API of LVIS say of them.

    pip install numpy==2.4.6 pycocotools==2.0.11
    pip install --no-deps lvis==0.5.3       # of what it names, only numpy and pycocotools are used
    python tests/golden/detect.py

Writes tests/golden/detect: truth and detections as `coco.json` and `coco-found.json`, `lvis.json` and
`lvis-found.json`, pairs of boxes in `refer.json`, and `expected.json`. Boxes are moved and mistaken;
there are crowds, objects of all sizes, equal scores, images of which LVIS does not know all objects,
and more detections than count.
"""

import contextlib
import io
import json
import sys
import types
from importlib.metadata import version
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parent / "detect"
WIDTH, HEIGHT, IMAGES, CATEGORIES = 640, 480, 14, 9


def box(rng, low=6, high=260):
    """A box whose sides are spread evenly over orders of magnitude."""
    w, h = np.exp(rng.uniform(np.log(low), np.log(high), 2))
    x, y = rng.uniform(0, WIDTH - w), rng.uniform(0, HEIGHT - h)
    return [round(float(v), 2) for v in (x, y, w, h)]


def moved(rng, bbox):
    x, y, w, h = bbox
    dx, dy = rng.normal(0, 0.07, 2) * (w, h)
    sw, sh = np.exp(rng.normal(0, 0.1, 2))
    return [round(float(v), 2) for v in (x + dx, y + dy, w * sw, h * sh)]


def scene(rng, crowds: bool):
    """Objects and detections of all images."""
    objects, found = [], []
    for image in range(1, IMAGES + 1):
        for _ in range(int(rng.integers(4, 12))):
            bbox, category = box(rng), int(rng.integers(1, CATEGORIES))  # the last category has no object
            crowd = int(crowds and rng.random() < 0.12)
            area = round(bbox[2] * bbox[3] * float(rng.uniform(0.5, 1)), 2)
            objects.append({"id": len(objects) + 1, "image_id": image, "category_id": 10 * category, "bbox": bbox, "area": area, "iscrowd": crowd})
            for _ in range(int(rng.choice([0, 1, 1, 2])) + 2 * crowd):
                other = category if rng.random() < 0.85 else int(rng.integers(1, CATEGORIES + 1))
                score = round(float(rng.beta(4, 2)), 2)  # two digits, so that some are equal
                found.append({"image_id": image, "category_id": 10 * other, "bbox": moved(rng, bbox), "score": score})
        for _ in range(6):
            found.append({"image_id": image, "category_id": 10 * int(rng.integers(1, CATEGORIES + 1)), "bbox": box(rng), "score": round(float(rng.beta(1.5, 4)), 2)})
    order = rng.permutation(len(found))
    return objects, [found[i] for i in order]


def coco(rng) -> dict:
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    objects, found = scene(rng, crowds=True)
    # More detections of one category in one image than count.
    found += [{"image_id": 3, "category_id": 20, "bbox": box(rng), "score": round(float(rng.uniform(0, 1)), 2)} for _ in range(120)]
    truth = {
        "images": [{"id": i, "file_name": f"{i}.jpg", "width": WIDTH, "height": HEIGHT} for i in range(IMAGES, 0, -1)],
        "annotations": objects,
        "categories": [{"id": 10 * c, "name": f"thing {c}"} for c in range(1, CATEGORIES + 1)],
    }
    write("coco.json", truth)
    write("coco-found.json", found)
    known = COCO(str(FOLDER / "coco.json"))
    evaluation = COCOeval(known, known.loadRes(str(FOLDER / "coco-found.json")), "bbox")
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    names = ["ap", "ap50", "ap75", "ap_small", "ap_medium", "ap_large", "ar_1", "ar_10", "ar", "ar_small", "ar_medium", "ar_large"]
    return dict(zip(names, map(float, evaluation.stats)))


def lvis(rng) -> dict:
    # What lvis imports beside numpy and pycocotools is used for drawing only.
    sys.modules.setdefault("cv2", types.ModuleType("cv2"))
    for name in ("matplotlib", "matplotlib.pyplot", "matplotlib.patches"):
        sys.modules.setdefault(name, types.ModuleType(name))
    sys.modules["matplotlib.patches"].Polygon = object
    np.float = float  # as numpy called it when lvis was written
    from lvis import LVIS, LVISEval, LVISResults

    objects, found = scene(rng, crowds=False)
    found += [{"image_id": 5, "category_id": 10 * int(rng.integers(1, CATEGORIES + 1)), "bbox": box(rng), "score": round(float(rng.uniform(0, 0.5)), 2)} for _ in range(320)]
    shown = {image: {o["category_id"] for o in objects if o["image_id"] == image} for image in range(1, IMAGES + 1)}
    every = [10 * c for c in range(1, CATEGORIES + 1)]
    images = []
    for i in range(1, IMAGES + 1):
        absent = [c for c in every if c not in shown[i] and rng.random() < 0.5]
        not_all = [c for c in sorted(shown[i]) if rng.random() < 0.25]
        images.append({"id": i, "coco_url": f"http://images.example/val/{i:012}.jpg", "width": WIDTH, "height": HEIGHT, "neg_category_ids": absent, "not_exhaustive_category_ids": not_all})
    for annotation in objects:
        del annotation["iscrowd"]
        x, y, w, h = annotation["bbox"]
        annotation["segmentation"] = [[x, y, x + w, y, x + w, y + h]]
    frequency = "rcf"
    truth = {
        "images": images,
        "annotations": objects,
        "categories": [{"id": 10 * c, "name": f"thing_{c}", "frequency": frequency[c % 3], "image_count": 1} for c in range(1, CATEGORIES + 1)],
    }
    write("lvis.json", truth)
    write("lvis-found.json", found)
    known = LVIS(str(FOLDER / "lvis.json"))
    evaluation = LVISEval(known, LVISResults(known, str(FOLDER / "lvis-found.json")), "bbox")
    evaluation.run()
    results = evaluation.get_results()
    names = {"AP": "ap", "AP50": "ap50", "AP75": "ap75", "APs": "ap_small", "APm": "ap_medium", "APl": "ap_large", "APr": "ap_rare", "APc": "ap_common", "APf": "ap_frequent", "AR@300": "ar", "ARs@300": "ar_small", "ARm@300": "ar_medium", "ARl@300": "ar_large"}
    return {ours: float(results[theirs]) for theirs, ours in names.items()}


def refer(rng) -> dict:
    from pycocotools import mask

    truth = [box(rng, 30) for _ in range(40)]
    found = [moved(rng, moved(rng, moved(rng, b))) if rng.random() < 0.7 else box(rng, 30) for b in truth]
    overlaps = np.array([mask.iou([f], [t], [0])[0, 0] for f, t in zip(found, truth)])
    return {
        "pairs": [{"found": f, "truth": t} for f, t in zip(found, truth)],
        "acc_at_05": float((overlaps >= 0.5).mean()),
        "acc_at_075": float((overlaps >= 0.75).mean()),
        "mean_iou": float(overlaps.mean()),
    }


def write(name: str, data) -> None:
    (FOLDER / name).write_text(json.dumps(data, separators=(",", ":")) + "\n")


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    rng = np.random.default_rng(52)
    with contextlib.redirect_stdout(io.StringIO()):
        expected = {"coco": coco(rng), "lvis": lvis(rng)}
    write("refer.json", refer(rng))
    expected["made_with"] = ", ".join(f"{name} {version(name)}" for name in ("pycocotools", "lvis", "numpy"))
    (FOLDER / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")


if __name__ == "__main__":
    main()
