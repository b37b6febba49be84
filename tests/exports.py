"""Reads the exports of `glimpse find` and `glimpse segment` with the tools that they are made for.

usage: python tests/exports.py GLIMPSE IMAGE

IMAGE is one in which the bundled model finds an umbrella. Needs pycocotools, datumaro,
label-studio-sdk, panopticapi-lite (panopticapi as a package) and pillow from PyPI, and exiftool. A tool that is not there is named, and the exit
status is 3 then; 1 if a tool does not read what it should.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import unquote

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
    tasks = json.loads(Path(path).read_text())
    names = {task["data"]["image"] for task in tasks}
    assert names == {f"/data/local-files/?d={name}" for name in ("one/a.jpg", "two/b%20%26%20c.jpg")}, names
    for task in tasks:
        assert interface.validate_task({"data": task["data"]}), task
        for prediction in task["predictions"]:
            assert interface.validate_prediction(prediction), prediction


def regions(folder):
    """The region of each sidecar as exiftool reads it: (centre x, centre y, width, height)."""
    if not shutil.which("exiftool"):
        raise ImportError("exiftool is not installed")
    read = {}
    for sidecar in sorted(folder.glob("*.xmp")):
        said = subprocess.run(["exiftool", "-j", "-n", "-XMP-mwg-rs:all", sidecar], capture_output=True, check=True)
        region = json.loads(said.stdout)[0]
        assert region["RegionName"] in ("umbrella", ["umbrella"]), region
        one = lambda name: float(str(region[f"RegionArea{name}"]).strip("[]"))
        read[sidecar.name.removesuffix(".xmp")] = tuple(map(one, "XYWH"))
    assert read, "no sidecars"
    return read


# Where a point of the stored image is in the upright one, by EXIF orientation.
UPRIGHT = {
    1: lambda x, y: (x, y),
    2: lambda x, y: (1 - x, y),
    3: lambda x, y: (1 - x, 1 - y),
    4: lambda x, y: (x, 1 - y),
    5: lambda x, y: (y, x),
    6: lambda x, y: (1 - y, x),
    7: lambda x, y: (1 - y, 1 - x),
    8: lambda x, y: (y, 1 - x),
}


def write_turned(image, folder):
    """Writes the image as cameras that were turned store it: it looks the same in each orientation."""
    from PIL import Image

    # How an upright image is stored: the inverse of what a viewer does.
    turn = Image.Transpose
    stored = {2: turn.FLIP_LEFT_RIGHT, 3: turn.ROTATE_180, 4: turn.FLIP_TOP_BOTTOM, 5: turn.TRANSPOSE,
              6: turn.ROTATE_90, 7: turn.TRANSVERSE, 8: turn.ROTATE_270}
    upright = Image.open(image).convert("RGB")
    for orientation in UPRIGHT:
        pixels = upright.transpose(stored[orientation]) if orientation in stored else upright
        exif = Image.Exif()
        exif[0x0112] = orientation
        pixels.save(folder / f"{orientation}.jpg", quality=97, subsampling=0, exif=exif)


def turned(folder):
    """Regions are written in the image as stored: turned by Pillow and read by exiftool, all are one."""
    read = regions(folder)
    assert len(read) == len(UPRIGHT), f"{len(read)} sidecars"
    x, y, width, height = read["1.jpg"]
    for name, (own_x, own_y, own_width, own_height) in read.items():
        orientation = int(name.removesuffix(".jpg"))
        if orientation > 4:
            own_width, own_height = own_height, own_width
        found = (*UPRIGHT[orientation](own_x, own_y), own_width, own_height)
        far = max(abs(a - b) for a, b in zip(found, (x, y, width, height)))
        assert far < 0.05, f"orientation {orientation}: {found} is not {(x, y, width, height)}"


class Masks:
    """The masks of `segment` as each tool reads them: all must be those on stdout."""

    def __init__(self, folder, said):
        from pycocotools import mask

        self.folder = folder
        self.masks = {}  # by image: (label, mask) of each segment
        for line in map(json.loads, said.splitlines()):
            name = Path(line["image"]).name
            self.masks[name] = [(s["label"], mask.decode(s["rle"]).astype(bool)) for s in line["segments"]]
        assert len(self.masks) == 2 and all(self.masks.values()), "an image without segments"

    def same(self, name, found):
        """`found`: (label, mask), in any order."""
        from numpy import array_equal

        expected = self.masks[name]
        assert len(found) == len(expected), f"{name}: {len(found)} masks, {len(expected)} expected"
        for label, mask in expected:
            assert any(label == other and array_equal(mask, its) for other, its in found), f"{name}: {label}"

    def coco(self):
        from pycocotools.coco import COCO

        coco = COCO(str(self.folder / "instances.json"))
        for image in coco.imgs.values():
            own = coco.loadAnns(coco.getAnnIds(image["id"]))
            found = [(coco.cats[a["category_id"]]["name"], coco.annToMask(a).astype(bool)) for a in own]
            self.same(Path(image["file_name"]).name, found)

    def panoptic(self):
        from numpy import array
        from panopticapi.evaluation import pq_compute_multi_core
        from panopticapi.utils import rgb2id
        from PIL import Image

        pngs = self.folder / "panoptic"
        data = json.loads((self.folder / "panoptic.json").read_text())
        categories = {category["id"]: category for category in data["categories"]}
        same = [(annotation, annotation) for annotation in data["annotations"]]
        quality, _ = pq_compute_multi_core(same, str(pngs), str(pngs), categories).pq_average(categories, None)
        assert quality["pq"] == 1 and quality["n"] > 0, quality
        names = {category["id"]: category["name"] for category in data["categories"]}
        files = {image["id"]: Path(image["file_name"]).name for image in data["images"]}
        for annotation in data["annotations"]:
            ids = rgb2id(array(Image.open(pngs / annotation["file_name"])))
            found = [(names[s["category_id"]], ids == s["id"]) for s in annotation["segments_info"]]
            self.same(files[annotation["image_id"]], found)

    def label_studio(self):
        from label_studio_sdk.converter.brush import decode_rle
        from label_studio_sdk.label_interface import LabelInterface

        labels = sorted({label for masks in self.masks.values() for label, _ in masks})
        config = """<View><Image name="image" value="$image"/><BrushLabels name="label" toName="image">""" + (
            "".join(f'<Label value="{label}"/>' for label in labels) + "</BrushLabels></View>"
        )
        interface = LabelInterface(config)
        for task in json.loads((self.folder / "label-studio.json").read_text()):
            assert interface.validate_task({"data": task["data"]}), task["data"]
            found = []
            for result in task["predictions"][0]["result"]:
                size = (result["original_height"], result["original_width"], 4)
                pixels = decode_rle(result["value"]["rle"]).reshape(size)
                found.append((result["value"]["brushlabels"][0], pixels[..., 3] > 0))
            name = unquote(task["data"]["image"]).rsplit("/", 1)[-1].removeprefix("?d=")
            self.same(name, found)

    def cvat(self):
        import datumaro

        items = list(datumaro.Dataset.import_from(str(self.folder), "cvat"))
        categories = datumaro.Dataset.import_from(str(self.folder), "cvat").categories()
        labels = categories[datumaro.AnnotationType.label]
        assert len(items) == 2, f"{len(items)} images"
        for item in items:
            masks = [a for a in item.annotations if a.type == datumaro.AnnotationType.mask]
            name = next(name for name in self.masks if Path(name).stem == Path(item.id).name)
            self.same(name, [(labels[mask.label].name, mask.image.astype(bool)) for mask in masks])

    def images(self):
        """Colours, numbers and cut-outs are images of the right size."""
        from numpy import array
        from PIL import Image

        for name, masks in self.masks.items():
            height, width = masks[0][1].shape
            assert Image.open(self.folder / f"{name}-colour.png").size == (width, height)
            numbers = Image.open(self.folder / f"{name}-labels.png")
            assert numbers.mode == "P" and numbers.size == (width, height), numbers
            covered = sum(mask for _, mask in masks) > 0
            assert ((array(numbers) > 0) == covered).all(), "numbers are not where masks are"
        cutouts = list(self.folder.glob("*umbrella*.png"))
        assert cutouts and all(Image.open(path).mode == "RGBA" for path in cutouts), cutouts


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
        check("exiftool", lambda: regions(folder / "xmp"))

        def all_orientations():
            (folder / "t").mkdir()
            write_turned(image, folder / "t")
            run("index", "-q", folder / "t")
            run("find", "-q", "umbrella", "--folder", folder / "t", "--max-per-image", 1, "--xmp", folder / "xmp-turned")
            turned(folder / "xmp-turned")

        check("exiftool, all orientations", all_orientations)

        masks = folder / "masks"
        images = [folder / "p/one/a.jpg", folder / "p/two/b & c.jpg"]
        args = ["segment", "-q", "--labels", "umbrella,sky,dog", "--panoptic", "--json", "--output", masks, "--format",
                "colour,palette,panoptic,coco,label-studio,cvat,cutouts", *images]
        said = subprocess.run([glimpse, *map(str, args)], env=env, check=True, stdout=subprocess.PIPE, text=True).stdout
        (masks / "images").mkdir()
        for file in images:
            place = masks / "images" / file.relative_to(folder / "p")
            place.parent.mkdir(exist_ok=True, parents=True)
            shutil.copy(file, place)
        read = lambda form: lambda: getattr(Masks(masks, said), form)()
        check("pycocotools, masks", read("coco"))
        check("panopticapi", read("panoptic"))
        check("label-studio-sdk, brush masks", read("label_studio"))
        check("datumaro cvat, masks", read("cvat"))
        check("pillow, masks", read("images"))
    sys.exit(1 if failures else 3 if missing else 0)


if __name__ == "__main__":
    main()
