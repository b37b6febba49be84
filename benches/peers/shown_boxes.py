"""What does `find --fine` gain for the images that are shown, and what does it cost?

    python benches/peers/shown_boxes.py GLIMPSE GALLERY [FIRST LAST] [TEXTS]

indexes scenes FIRST to LAST (300 to 449) of a gallery (`python -m training galleries FOLDER`) with
the bundled model in a library of its own, asks for each of TEXTS (25) names of things that they show,
20 images an answer, with and without `--fine`, and prints: of the true things of images that were
found, how many are met by one of that thing's boxes (overlap of one half); of all boxes, how many
meet a true thing; seconds of processor time and the largest memory of an answer.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

SHOWN = 20
CALLS = {"stored regions": [], "--fine": ["--fine"]}


def iou(a: list[float], b: list[float]) -> float:
    wide = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    high = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    both = max(wide, 0) * max(high, 0)
    return both / (a[2] * a[3] + b[2] * b[3] - both)


def main() -> None:
    glimpse, gallery = sys.argv[1], Path(sys.argv[2]).resolve()
    first, last = map(int, sys.argv[3:5]) if len(sys.argv) > 4 else (300, 449)
    texts = int(sys.argv[5]) if len(sys.argv) > 5 else 25
    data = json.loads((gallery / "annotations.json").read_text())
    files = {image["id"]: image["file_name"] for image in data["images"][first : last + 1]}
    names = {category["id"]: category["name"] for category in data["categories"]}
    truth: dict[str, dict[str, list]] = defaultdict(lambda: defaultdict(list))
    for thing in data["annotations"]:
        if thing["image_id"] in files:
            truth[names[thing["category_id"]]][Path(files[thing["image_id"]]).name].append(thing["bbox"])
    asked = sorted(truth, key=lambda name: (-len(truth[name]), name))[:texts]
    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, "GLIMPSE_HOME": home, "GLIMPSE_MODEL": "demo"}
        run = lambda *args: subprocess.run([glimpse, *args], env=environment, capture_output=True, text=True, check=False)
        run("index", "--regions", *(str(gallery / file) for file in files.values()))
        for name, more in CALLS.items():
            met = shown = right = boxes = answers = images = 0
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            for text in asked:
                said = run("find", text, "--limit", str(SHOWN), "--json", *more)
                answers += 1
                for line in said.stdout.splitlines():
                    found = json.loads(line)
                    images += 1
                    true = truth[text].get(Path(found["path"]).name, [])
                    own = [[box[side] for side in ("x", "y", "width", "height")] for box in found["boxes"]]
                    shown += len(true)
                    met += sum(any(iou(box, other) >= 0.5 for box in own) for other in true)
                    boxes += len(own)
                    right += sum(any(iou(box, other) >= 0.5 for other in true) for box in own)
            used = resource.getrusage(resource.RUSAGE_CHILDREN)
            seconds = used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime
            print(
                f"{name:15} {images} images, things met {met}/{shown} = {met / max(shown, 1):.3f}, boxes right "
                f"{right}/{boxes} = {right / max(boxes, 1):.3f}, {seconds / answers:.3f} s an answer, {used.ru_maxrss // 1024} MB"
            )


if __name__ == "__main__":
    main()
