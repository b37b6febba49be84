"""What the reference image processors make of images, for `encoder/tests/inputs/preprocess.rs` and
`encoder/tests/inputs/images.rs`.

    python tests/golden/preprocess.py

`preprocess/expected.json`: for many sizes, the output of transformers' PIL-backed SigLIP and SigLIP
2 processors as grey levels, sampled on an even 10 x 10 grid of pixels that includes the borders,
and the sum of all values of each channel. The input images are computed by the same formula here
and in the test. `preprocess/full-*.png`: a few outputs whole.

`preprocess/pictures/`: one small image of four coloured quarters in many file formats and pixel
formats.
"""

import json
from pathlib import Path

import numpy as np
import PIL
import transformers
from PIL import Image
from transformers.models.siglip2.image_processing_pil_siglip2 import Siglip2ImageProcessorPil
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

HERE = Path(__file__).parent / "preprocess"

# Width, height.
SIZES = [
    (1, 1), (2, 3), (1, 100), (100, 1), (16, 16), (17, 31), (39, 3), (63, 64), (100, 100), (224, 224), (256, 256),
    (333, 500), (500, 333), (640, 480), (1024, 224), (360, 1280), (1000, 2853), (1920, 1080), (1080, 1920), (3000, 10),
    (10, 3000), (31, 5000), (1, 1024), (4000, 3000),
]  # fmt: skip
BILINEAR, BICUBIC = 2, 3
CASES = [
    *[("fixed", BILINEAR, 256, size) for size in SIZES],
    *[("fixed", BICUBIC, 224, size) for size in SIZES],
    *[("naflex", BILINEAR, 256, size) for size in SIZES],
    *[("fixed", BILINEAR, side, size) for side in (224, 384, 512) for size in [(640, 480), (300, 400), (1080, 1920)]],
    *[("fixed", BICUBIC, 384, size) for size in [(640, 480), (300, 400), (1080, 1920)]],
    *[("naflex", BILINEAR, patches, (1920, 1080)) for patches in (64, 128, 576, 784, 1024)],
    *[("naflex", BILINEAR, 1024, (1000, 2853)), ("naflex", BILINEAR, 1024, (640, 480))],
]
FULL = [("fixed", BILINEAR, 64, (150, 90)), ("fixed", BICUBIC, 64, (90, 150)), ("fixed", BICUBIC, 96, (30, 20)),
        ("naflex", BILINEAR, 24, (320, 200))]  # fmt: skip


def draw(width: int, height: int) -> np.ndarray:
    """Ramps, a chequered pattern with hard edges, and noise: (height, width, 3)."""
    x = np.arange(width, dtype=np.uint32)[None, :, None]
    y = np.arange(height, dtype=np.uint32)[:, None, None]
    c = np.arange(3, dtype=np.uint32)[None, None, :]
    ramp_x = x * np.uint32(255) // np.uint32(max(width - 1, 1))
    ramp_y = y * np.uint32(255) // np.uint32(max(height - 1, 1))
    chequer = ((x // np.uint32(7) + y // np.uint32(5)) % np.uint32(2)) * np.uint32(255)
    base = np.where(c == 0, ramp_x, np.where(c == 1, ramp_y, chequer))
    noise = (x * np.uint32(374761393) + y * np.uint32(668265263) + c * np.uint32(2246822519)).astype(np.uint32)
    noise = (noise ^ (noise >> np.uint32(13))) * np.uint32(1274126177)
    noise = (noise ^ (noise >> np.uint32(16))) % np.uint32(256)
    return ((base * np.uint32(3) + noise) // np.uint32(4)).astype(np.uint8)


def grey_levels(values: np.ndarray) -> np.ndarray:
    """Undoes rescaling and normalisation."""
    levels = (values.astype(np.float64) * 0.5 + 0.5) * 255
    assert np.abs(levels - levels.round()).max() < 1e-2
    return levels.round().astype(np.uint8)


def process(kind: str, resample: int, budget: int, size: tuple[int, int]) -> tuple[np.ndarray, tuple[int, int] | None]:
    pixels = draw(*size)
    if kind == "fixed":
        processor = SiglipImageProcessorPil(
            size={"height": budget, "width": budget}, resample=resample, image_mean=[0.5] * 3, image_std=[0.5] * 3
        )
        out = processor(pixels, input_data_format="channels_last", return_tensors="np")["pixel_values"][0]
        return grey_levels(out.transpose(1, 2, 0)), None
    processor = Siglip2ImageProcessorPil(max_num_patches=budget, resample=resample)
    out = processor(pixels, input_data_format="channels_last", return_tensors="np")
    rows, cols = (int(n) for n in out["spatial_shapes"][0])
    patches = grey_levels(out["pixel_values"][0][: rows * cols])
    whole = patches.reshape(rows, cols, 16, 16, 3).transpose(0, 2, 1, 3, 4).reshape(rows * 16, cols * 16, 3)
    return whole, (rows, cols)


def sample(levels: np.ndarray) -> str:
    height, width, _ = levels.shape
    at = [(row * (height - 1) // 9, col * (width - 1) // 9) for row in range(10) for col in range(10)]
    return b"".join(levels[y, x].tobytes() for y, x in at).hex()


def quarters() -> Image.Image:
    image = Image.new("RGB", (48, 32))
    for box, colour in [((0, 0), (200, 40, 40)), ((24, 0), (40, 200, 40)), ((0, 16), (40, 40, 200))]:
        image.paste(colour, (*box, box[0] + 24, box[1] + 16))
    image.paste((230, 230, 230), (24, 16, 48, 32))
    return image


def write_images(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    image = quarters()
    image.save(folder / "baseline.jpg", quality=95)
    image.save(folder / "progressive.jpg", quality=95, progressive=True)
    image.convert("CMYK").save(folder / "cmyk.jpg", quality=95)
    image.save(folder / "rgb.png", optimize=True)
    image.quantize(4).save(folder / "palette.png")
    image.convert("L").save(folder / "grey.png")
    image.convert("L").save(folder / "grey.jpg", quality=95)
    Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 257).save(folder / "grey16.png")
    clear = image.convert("RGBA")
    # The fourth quarter becomes see-through: over white it stays light, whatever colour lies
    # beneath.
    clear.paste((10, 20, 30, 0), (24, 16, 48, 32))
    clear.save(folder / "alpha.png")
    clear.save(folder / "alpha.webp", lossless=True)
    image.save(folder / "lossy.webp", quality=95)
    image.save(folder / "plain.bmp")
    image.quantize(4).save(folder / "plain.gif")
    image.save(folder / "deflate.tiff", compression="tiff_adobe_deflate")
    frames = [Image.new("RGB", image.size, colour) for colour in ("black", "yellow")]
    image.save(folder / "animated.gif", save_all=True, append_images=frames, duration=50)
    image.save(folder / "animated.webp", save_all=True, append_images=frames, duration=50, lossless=True)
    image.save(folder / "animated.png", save_all=True, append_images=frames, duration=50)
    # Stored turned by a quarter, as a camera held upright does; 6 says: turn clockwise to look at
    # it.
    turned = image.transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6
    for name, options in [("turned.jpg", {"quality": 95}), ("turned.png", {}), ("turned.webp", {"lossless": True}),
                          ("turned.tiff", {})]:  # fmt: skip
        turned.save(folder / name, exif=exif.tobytes() if not name.endswith("tiff") else exif, **options)


def main() -> None:
    HERE.mkdir(exist_ok=True)
    rows = []
    for kind, resample, budget, size in CASES:
        levels, grid = process(kind, resample, budget, size)
        case = {"kind": kind, "resample": resample, "budget": budget, "width": size[0], "height": size[1]}
        sums = [int(levels[..., channel].sum(dtype=np.int64)) for channel in range(3)]
        rows.append(json.dumps({**case, "grid": grid, "sums": sums, "sample": sample(levels)}))
    versions = json.dumps({"transformers": transformers.__version__, "pillow": PIL.__version__})
    text = f'{{"versions": {versions},\n"cases": [\n' + ",\n".join(rows) + "\n]}\n"
    (HERE / "expected.json").write_text(text)
    for kind, resample, budget, size in FULL:
        levels, _ = process(kind, resample, budget, size)
        name = f"full-{kind}-{resample}-{budget}-{size[0]}x{size[1]}.png"
        Image.fromarray(levels).save(HERE / name, optimize=True)
    write_images(HERE / "pictures")
    print(f"{len(rows)} cases, {len(FULL)} of them whole")


if __name__ == "__main__":
    main()
