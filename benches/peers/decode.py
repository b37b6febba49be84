"""Our decoders beside the C libraries that others use, by format: libjpeg-turbo, libpng, libwebp and
libtiff (Pillow), libheif with libde265 (pillow-heif), libavif with dav1d (Pillow), libjxl
(imagecodecs), and ffmpeg. The same files of 12 megapixels in the same run, each in its turn.

    .venv/bin/pip install -r tests/golden/requirements-formats.txt
    .venv/bin/python benches/peers/decode.py --photos DIR [--rounds 5]

A mosaic of the photographs in DIR is written in each format. Everybody decodes from memory to RGB of
8 bits, on one thread: an index run decodes as many images at once as there are cores. ffmpeg is a
program of its own, as a video player would start it; it reads the file and drops the pixels.
"""

import argparse
import io
import pathlib
import shutil
import subprocess
import tempfile
import time

import imagecodecs
import pillow_heif
from PIL import AvifImagePlugin, Image

from turns import Ours, table, take_turns

WIDTH, HEIGHT = 4032, 3024
TILE = 504

pillow_heif.register_heif_opener()
pillow_heif.options.DECODE_THREADS = 1
AvifImagePlugin.DEFAULT_MAX_THREADS = 1


def mosaic(folder):
    image, photos = Image.new("RGB", (WIDTH, HEIGHT)), sorted(pathlib.Path(folder).glob("*.jpg"))
    if not photos:
        raise SystemExit(f"{folder} holds no .jpg")
    places = [(x, y) for y in range(0, HEIGHT, TILE) for x in range(0, WIDTH, TILE)]
    for number, place in enumerate(places):
        with Image.open(photos[number % len(photos)]) as photo:
            image.paste(photo.convert("RGB").resize((TILE, TILE), Image.LANCZOS), place)
    return image


def files(image, folder):
    """The mosaic in each format, with the name of who decodes it beside us."""
    saves = {
        "jpeg": ("libjpeg-turbo", dict(quality=90)),
        "png": ("libpng", dict(compress_level=6)),
        "webp": ("libwebp", dict(quality=85)),
        "tiff": ("libtiff", dict(compression="tiff_lzw")),
        "heic": ("libheif, libde265", dict(quality=80)),
        "avif": ("libavif, dav1d", dict(quality=75, speed=8)),
    }
    for kind, (peer, options) in saves.items():
        path = folder / f"mosaic.{kind}"
        image.save(path, **options)
        yield path, peer, pillow
    import numpy

    path = folder / "mosaic.jxl"
    path.write_bytes(imagecodecs.jpegxl_encode(numpy.asarray(image), distance=1.0, effort=4))
    yield path, "libjxl", lambda data: imagecodecs.jpegxl_decode(data, numthreads=1)


def pillow(data):
    with Image.open(io.BytesIO(data)) as image:
        return image.convert("RGB")


def timed(call):
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def ffmpeg(path):
    command = ["ffmpeg", "-v", "error", "-threads", "1", "-i", path, "-f", "rawvideo", "-pix_fmt", "rgb24", "-y", "/dev/null"]
    return timed(lambda: subprocess.run(command, check=True, capture_output=True))


def main():
    parser = argparse.ArgumentParser(description="Decoders, ours and others', by format.")
    parser.add_argument("--photos", required=True, help="a folder of photographs (.jpg)")
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    ours, rows = Ours("decode"), []
    with tempfile.TemporaryDirectory() as scratch:
        for path, peer, decode in files(mosaic(args.photos), pathlib.Path(scratch)):
            data = path.read_bytes()
            parts = [
                lambda path=path: ours.ask("decode", path)["seconds"],
                lambda path=path: ours.ask("reduced", path)["seconds"],
                lambda data=data, decode=decode: timed(lambda: decode(data)),
            ]
            # ffmpeg takes HEIC for its first tile, or refuses it, depending on its age.
            if shutil.which("ffmpeg") and path.suffix != ".heic":
                parts.append(lambda path=path: ffmpeg(path))
            seconds = take_turns(parts, args.rounds)
            whole, reduced, other, *rest = [WIDTH * HEIGHT / 1e6 / each for each in seconds]
            program = f"{rest[0]:.0f}" if rest else ""
            cells = [f"{len(data) / 1e6:.1f}", f"{whole:.0f}", f"{reduced:.0f}", f"{peer}: {other:.0f}", program]
            rows.append([path.suffix[1:], *cells, f"{whole / other:.2f}"])
    ours.close()
    header = ["format", "MB", "ours, MP/s", f"ours for {ours.facts['side']} pixels", "library, MP/s", "ffmpeg, MP/s"]
    table([*header, "ours : library"], rows)


if __name__ == "__main__":
    main()
