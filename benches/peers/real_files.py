"""What Glimpse reads of files that others made, beside what Pillow shows of them and exiftool says.

    .venv/bin/pip install -r tests/golden/requirements-formats.txt
    .venv/bin/python benches/peers/real_files.py DIR [--glimpse target/release/glimpse]

DIR holds images of any kind: those that other programs test themselves with are a good choice (Exiv2,
exiftool, metadata-extractor-images, PhotoPrism, immich's test-assets). A library of them is made and
served. Pixels: images and their thumbnails of 320 pixels, both brought to 16 x 16, mean difference
of the 8-bit values; colours by Little CMS where a file has a profile. Facts: what `exiftool -n` names
as date, camera, lens, aperture, exposure time, focal length and place. exiftool also reads the notes
of makers, which Glimpse does not. Needs exiftool on PATH.
"""

import argparse
import contextlib
import io
import json
import pathlib
import socket
import subprocess
import tempfile
import time
import urllib.request

import numpy
import pillow_heif
from PIL import Image, ImageCms, ImageOps

pillow_heif.register_heif_opener()
Image.MAX_IMAGE_PIXELS = 60_000_000
FACTS = {"DateTimeOriginal": "taken", "Model": "camera", "LensModel": "lens", "FNumber": "aperture",
         "ExposureTime": "exposure_time", "FocalLength": "focal_length", "GPSLatitude": "place"}
APART = 6.0  # mean difference from which on two images are named as different
SRGB = ImageCms.createProfile("sRGB")


@contextlib.contextmanager
def served(glimpse, home):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [glimpse, "serve", "--home", home, "--model", "demo", "--port", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        ask = lambda path: urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/{path}").read()
        for _ in range(300):
            with contextlib.suppress(OSError):
                if json.loads(ask("health"))["library"] == "ready":
                    break
            time.sleep(0.1)
        yield ask
    finally:
        server.terminate()
        server.wait()


def shown(path):
    """As a viewer shows it: upright, in sRGB, on white."""
    image = Image.open(path)
    image.load()
    profile = image.info.get("icc_profile")
    image = ImageOps.exif_transpose(image) if image.format != "HEIF" else image
    if image.mode.startswith("I"):
        image = Image.fromarray((numpy.asarray(image).astype(numpy.uint32) >> 8).astype(numpy.uint8))
    if image.mode in ("P", "PA", "LA"):
        image = image.convert("RGBA")
    if profile and image.mode in ("RGB", "RGBA", "L", "CMYK"):
        mode = "RGBA" if image.mode == "RGBA" else "RGB"
        with contextlib.suppress(ImageCms.PyCMSError):
            image = ImageCms.profileToProfile(image, ImageCms.ImageCmsProfile(io.BytesIO(profile)), SRGB, outputMode=mode)
    if image.mode == "RGBA":
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert("RGB")


def cells(image):
    return numpy.asarray(image.resize((16, 16), Image.Resampling.BOX)).astype(float)


def same_fact(name, said, found):
    if name == "GPSLatitude":
        return found is not None and abs(abs(found["latitude"]) - abs(float(said))) < 1e-3
    if found is None:
        return False
    if name == "DateTimeOriginal":
        return found[:10] == str(said)[:10].replace(":", "-")
    if name in ("Model", "LensModel"):
        return str(said).strip().lower() in found.lower()
    return abs(float(said) - found) <= 0.01 * abs(float(said))


def is_said(name, said):
    """True for a value that says something: cameras write zeros and spaces where they know nothing."""
    text = str(said).strip()
    if name == "DateTimeOriginal":
        return text[:4].isdigit() and text[:4] != "0000"
    if name in ("Model", "LensModel"):
        return any(map(str.isalnum, text))
    with contextlib.suppress(ValueError):
        return float(said) != 0
    return False


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dir", type=pathlib.Path)
    parser.add_argument("--glimpse", default="target/release/glimpse")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        run = subprocess.run([args.glimpse, "index", "--home", home, "--model", "demo", "--json", args.dir.resolve()],
                             capture_output=True, text=True)
        if not run.stdout:
            raise SystemExit(run.stderr)
        events = [json.loads(line) for line in run.stdout.splitlines()]
        skipped = [event for event in events if event["event"] == "skipped"]
        only_pillow = []
        for event in skipped:
            with contextlib.suppress(Exception):
                shown(event["path"])
                only_pillow.append(event)
        with served(args.glimpse, home) as ask:
            images = []
            for number in range(len(events) + 1):
                with contextlib.suppress(urllib.error.HTTPError):
                    images.append(json.loads(ask(f"images/{number}")))
            compare_pixels(images, ask)
    print(f"files that Glimpse skips: {len(skipped)}, of which Pillow shows {len(only_pillow)}")
    for event in only_pillow:
        print(f"  {event['path']}: {event['reason']}")
    compare_facts(images)


def compare_pixels(images, ask):
    compared, only_glimpse, apart = 0, 0, []
    for image in images:
        if image["kind"] != "image" or image["format"] == "raw":
            continue
        try:
            theirs = shown(image["path"])
        except Exception:  # whatever Pillow and its plugins say
            only_glimpse += 1
            continue
        ours = Image.open(io.BytesIO(ask(f"images/{image['id']}/thumbnail?size=320"))).convert("RGB")
        theirs = theirs.resize(ours.size, Image.Resampling.BOX)
        difference = numpy.abs(cells(ours) - cells(theirs)).mean()
        compared += 1
        if difference > APART and min(ours.size) >= 16:
            apart.append((difference, image["path"]))
    print(f"images of both: {compared}, of which differ: {len(apart)}; that Glimpse alone shows: {only_glimpse}")
    for difference, path in sorted(apart, reverse=True):
        print(f"  {difference:5.1f} {path}")


def compare_facts(images):
    paths = [image["path"] for image in images]
    said = {}
    for start in range(0, len(paths), 200):
        command = ["exiftool", "-json", "-n", *[f"-{name}" for name in FACTS], *paths[start:start + 200]]
        answers = json.loads(subprocess.run(command, capture_output=True).stdout)
        said.update({answer["SourceFile"]: answer for answer in answers})
    for name, ours in FACTS.items():
        with_it = [(image, said[image["path"]][name]) for image in images
                   if image["path"] in said and is_said(name, said[image["path"]].get(name, ""))]
        wrong = [image["path"] for image, value in with_it if image[ours] is not None and not same_fact(name, value, image[ours])]
        missing = [image["path"] for image, value in with_it if image[ours] is None]
        print(f"{name}: exiftool names it {len(with_it)} times, Glimpse lacks {len(missing)}, says another {len(wrong)}")
        for path in wrong:
            print(f"  another: {path}")


main()
