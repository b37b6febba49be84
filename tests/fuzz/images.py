"""Makes the images of the corpus again: small ones of the kinds that each format has.

python3 tests/fuzz/images.py        needs Pillow 12 with its usual libraries
"""

from pathlib import Path

from PIL import Image, ImageDraw

CORPUS = Path(__file__).parent / "corpus"
SIZE = (24, 16)


def drawn():
    image = Image.merge("RGB", [
        Image.linear_gradient("L").resize(SIZE),
        Image.radial_gradient("L").resize(SIZE),
        Image.new("L", SIZE, 90),
    ])
    ImageDraw.Draw(image).ellipse((8, 4, 15, 11), fill=(250, 220, 0))
    return image


def clear():
    image = Image.new("RGBA", SIZE)
    ImageDraw.Draw(image).ellipse((4, 2, 19, 13), fill=(250, 220, 0, 200))
    return image


def turned():
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


def keep(target, name, image, format, **options):
    folder = CORPUS / target
    folder.mkdir(parents=True, exist_ok=True)
    image.save(folder / name, format, **options)


def main():
    image, alpha = drawn(), clear()
    palette, grey, bits = image.quantize(16), image.convert("L"), image.convert("1")
    frames = {"save_all": True, "append_images": [image.rotate(180)], "duration": 50}

    keep("jpeg", "baseline", image, "JPEG", quality=80)
    keep("jpeg", "progressive", image, "JPEG", progressive=True, exif=turned())
    keep("jpeg", "grey", grey, "JPEG")
    keep("jpeg", "cmyk", image.convert("CMYK"), "JPEG")
    keep("jpeg", "half-colour", image, "JPEG", subsampling="4:2:0")
    keep("jpeg", "half-rows", image, "JPEG", subsampling="4:2:2", optimize=True)
    keep("jpeg", "restarts", image, "JPEG", restart_marker_blocks=1)

    keep("png", "colour", image, "PNG", exif=turned())
    keep("png", "grey", grey, "PNG")
    keep("png", "palette", palette, "PNG")
    keep("png", "alpha", alpha, "PNG")
    keep("png", "grey-alpha", alpha.convert("LA"), "PNG")
    keep("png", "deep", grey.convert("I;16"), "PNG")
    keep("png", "two-colours", bits, "PNG")
    keep("png", "clear-colour", palette, "PNG", transparency=3)
    keep("png", "animated", image, "PNG", **frames)

    keep("gif", "still", palette, "GIF")
    keep("gif", "rows-in-order", palette, "GIF", interlace=0)
    keep("gif", "clear", alpha, "GIF")
    keep("gif", "animated", palette, "GIF", **frames)
    keep("gif", "two-colours", bits, "GIF")

    keep("webp", "lossy", image, "WEBP", quality=50, exif=turned())
    keep("webp", "lossless", image, "WEBP", lossless=True)
    keep("webp", "alpha", alpha, "WEBP", quality=50)
    keep("webp", "lossless-alpha", alpha, "WEBP", lossless=True)
    keep("webp", "animated", image, "WEBP", **frames)

    keep("bmp", "colour", image, "BMP")
    keep("bmp", "alpha", alpha, "BMP")
    keep("bmp", "palette", palette, "BMP")
    keep("bmp", "grey", grey, "BMP")
    keep("bmp", "two-colours", bits, "BMP")

    for compression in ["raw", "tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"]:
        keep("tiff", compression.removeprefix("tiff_"), image, "TIFF", compression=compression)
    for compression in ["group3", "group4", "tiff_ccitt"]:
        keep("tiff", compression.removeprefix("tiff_"), bits, "TIFF", compression=compression)
    keep("tiff", "palette", palette, "TIFF")
    keep("tiff", "grey", grey, "TIFF", tiffinfo={0x0112: 6})
    keep("tiff", "deep", grey.convert("I;16"), "TIFF")
    keep("tiff", "numbers", grey.convert("I"), "TIFF")
    keep("tiff", "floats", grey.convert("F"), "TIFF")
    keep("tiff", "alpha", alpha, "TIFF", compression="tiff_lzw")
    keep("tiff", "cmyk", image.convert("CMYK"), "TIFF")
    keep("tiff", "lab", image.convert("LAB"), "TIFF")
    keep("tiff", "pages", image, "TIFF", save_all=True, append_images=[image.rotate(180)])
    keep("tiff", "big", image, "TIFF", big_tiff=True)


if __name__ == "__main__":
    main()
