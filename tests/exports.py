"""Reads the exports of `glimpse find` with the tools that they are made for.

usage: python tests/exports.py GLIMPSE IMAGE

IMAGE is one in which the bundled model finds an umbrella. Needs pycocotools, datumaro and
label-studio-sdk from PyPI, and exiftool. A tool that is not there is named, and the exit status is
3 then; 1 if a tool does not read what it should.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

failures, missing = [], []


def check(name, read):
    """Runs one reader, and notes what becomes of it."""
    try:
        read()
        print(f"ok       {name}")
    except ImportError as error:
        missing.append(name)
        print(f"MISSING  {name}: {error}")
    except Exception as error:
        while error.__cause__:
            error = error.__cause__
        failures.append(name)
        print(f"FAILED   {name}: {type(error).__name__}: {error}")


def pycocotools(path):
    from pycocotools.coco import COCO

    coco = COCO(path)
    coco.info()
    annotation = next(iter(coco.anns.values()))
    assert coco.annToMask(annotation).sum() > 0
    coco.loadRes([{key: annotation[key] for key in ("image_id", "category_id", "bbox", "score")}])


def datumaro(folder, form):
    import datumaro

    items = list(datumaro.Dataset.import_from(str(folder), form))
    assert len(items) == 2, f"{len(items)} images"
    assert all(item.annotations for item in items), "an image without annotations"


def label_studio(path):
    from label_studio_sdk.label_interface import LabelInterface

    config = """<View><Image name="image" value="$image"/>
        <RectangleLabels name="label" toName="image"><Label value="umbrella"/></RectangleLabels></View>"""
    interface = LabelInterface(config)
    for task in json.loads(Path(path).read_text()):
        assert interface.validate_task({"data": task["data"]}), task
        for prediction in task["predictions"]:
            assert interface.validate_prediction(prediction), prediction


def exiftool(folder):
    if not shutil.which("exiftool"):
        raise ImportError("exiftool is not installed")
    for sidecar in sorted(folder.glob("*.xmp")):
        said = subprocess.run(["exiftool", "-j", "-n", "-XMP-mwg-rs:all", sidecar], capture_output=True, check=True)
        region = json.loads(said.stdout)[0]
        assert region["RegionName"] in ("umbrella", ["umbrella"]), region
        assert 0 < float(str(region["RegionAreaX"]).strip("[]")) < 1, region


def main():
    glimpse, image = sys.argv[1:]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        coco, cvat, studio = folder / "coco/annotations", folder / "cvat", folder / "tasks.json"
        for made in (folder / "p/one", folder / "p/two", coco, folder / "coco/images/default", cvat):
            made.mkdir(parents=True)
        shutil.copy(image, folder / "p/one/a.jpg")
        # Other bytes, the same image: else it would be a second file of the first.
        (folder / "p/two/b & c.jpg").write_bytes(Path(image).read_bytes() + b"\0")
        env = {**os.environ, "GLIMPSE_MODEL": "demo", "GLIMPSE_HOME": str(folder / "home")}
        run = lambda *args: subprocess.run([glimpse, *map(str, args)], env=env, check=True, stdout=subprocess.DEVNULL)
        run("index", "-q", folder / "p")
        run("find", "-q", "umbrella", "--max-per-image", 1, "--coco", coco / "instances_default.json",
            "--cvat", cvat / "annotations.xml", "--label-studio", studio, "--xmp", folder / "xmp")
        for file in (folder / "p").glob("*/*.jpg"):
            for images in (folder / "coco/images/default", cvat / "images"):
                place = images / file.relative_to(folder / "p")
                place.parent.mkdir(exist_ok=True, parents=True)
                shutil.copy(file, place)
        check("pycocotools", lambda: pycocotools(str(coco / "instances_default.json")))
        check("datumaro coco", lambda: datumaro(folder / "coco", "coco"))
        check("datumaro cvat", lambda: datumaro(cvat, "cvat"))
        check("label-studio-sdk", lambda: label_studio(studio))
        check("exiftool", lambda: exiftool(folder / "xmp"))
    sys.exit(1 if failures else 3 if missing else 0)


if __name__ == "__main__":
    main()
