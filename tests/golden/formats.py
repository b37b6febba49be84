"""Makes `formats/`: small files of the formats that phones and cameras write, and `expected.json`,
what other programs show of them.

python -m venv .venv && .venv/bin/pip install -r tests/golden/requirements-formats.txt
.venv/bin/python tests/golden/formats.py

It needs avifenc, cjxl and cjpeg as well (Debian: libavif-bin, libjxl-tools,
libjpeg-turbo-progs). Colours come from Little CMS
(by Pillow) where a file has a profile, and from the formulas of ITU-R BT.2100 and IEC 61966-2-1,
written here once more, where it names its colours by numbers.
"""

import json
import subprocess
import tempfile
from pathlib import Path

import imagecodecs
import numpy
import pillow_heif
from PIL import Image, ImageCms

from raw_files import raw_files

FOLDER = Path(__file__).parent / "formats"
SIZE = (48, 32)
QUARTERS = [(200, 40, 40), (40, 200, 40), (40, 40, 200), (230, 230, 230)]
P3 = [0.68, 0.32, 0.265, 0.69, 0.15, 0.06]
ADOBE = [0.64, 0.33, 0.21, 0.71, 0.15, 0.06]
D65 = [0.3127, 0.329, 1.0]

expected = {}


def quarters(size=SIZE, colours=QUARTERS):
    image = Image.new("RGB", size)
    width, height = size
    for at, colour in enumerate(colours):
        left, top = at % 2 * (width // 2), at // 2 * (height // 2)
        image.paste(colour, (left, top, left + width - width // 2, top + height - height // 2))
    return image


def middles(image):
    """The colour of the middle of each quarter, row by row."""
    width, height = image.size
    image = image.convert("RGB")
    return [image.getpixel((width * x // 4, height * y // 4)) for y in (1, 3) for x in (1, 3)]


def expect(name, colours, size=SIZE, tolerance=6):
    expected[name] = {"size": size, "quarters": [list(map(int, c)) for c in colours], "tolerance": tolerance}


def run(*command):
    subprocess.run([str(part) for part in command], check=True, capture_output=True)


def profile(primaries, gamma):
    return imagecodecs.cms_profile("rgb", whitepoint=D65, primaries=primaries, gamma=gamma)


def by_profile(image, icc):
    """What Little CMS makes of an image, in sRGB."""
    import io
    source = ImageCms.ImageCmsProfile(io.BytesIO(icc))
    return ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")


# ---- numbers of H.273 ----

def primaries_matrix(xy, white=(0.3127, 0.329)):
    columns = numpy.array([[x / y, 1, (1 - x - y) / y] for x, y in zip(xy[::2], xy[1::2])]).T
    light = numpy.array([white[0] / white[1], 1, (1 - white[0] - white[1]) / white[1]])
    return columns * numpy.linalg.solve(columns, light)


SRGB_XY = [0.64, 0.33, 0.3, 0.6, 0.15, 0.06]
BT2020_XY = [0.708, 0.292, 0.17, 0.797, 0.131, 0.046]


def shown(coded, xy, transfer):
    """8-bit sRGB of coded values from 0 to 1: paper white of 203 cd/m2 is 1, and of high dynamic
    range what is above 0.75 of it is compressed, all channels by the same factor."""
    coded = numpy.asarray(coded, float)
    if transfer == "srgb":
        light = numpy.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4)
    elif transfer == "pq":
        power = coded ** (32 / 2523)
        light = (numpy.maximum(power - 0.8359375, 0) / (18.8515625 - 18.6875 * power)) ** (16384 / 2610)
        light *= 10000 / 203
    else:
        a, b = 0.17883277, 0.28466892
        c = 0.5 - a * numpy.log(4 * a)
        light = numpy.where(coded <= 0.5, coded ** 2 / 3, (numpy.exp((coded - c) / a) + b) / 12)
        light *= (light @ [0.2627, 0.678, 0.0593]) ** 0.2 * 1000 / 203
    light = numpy.linalg.inv(primaries_matrix(SRGB_XY)) @ primaries_matrix(xy) @ light
    light = numpy.maximum(light, 0)
    most = light.max()
    if transfer != "srgb" and most > 0.75:
        above = (most - 0.75) / 0.25
        light *= (0.75 + 0.25 * above / (1 + above)) / most
    light = numpy.minimum(light, 1)
    coded = numpy.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return numpy.round(coded * 255).astype(int)


# ---- a profile of four inks ----

def inks_profile():
    """A small profile: nine steps of each ink, and what is in between by interpolation."""
    def lab(c, m, y, k):
        rgb = numpy.array([(1 - 0.9 * ink) * (1 - 0.85 * k) for ink in (c, m, y)])
        white = primaries_matrix(SRGB_XY) @ numpy.ones(3)
        t = primaries_matrix(SRGB_XY) @ rgb ** 2.2 / white
        f = numpy.where(t > 216 / 24389, numpy.cbrt(t), (24389 / 27 * t + 16) / 116)
        return [116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])]

    steps = [i / 8 for i in range(9)]
    nodes = [lab(c, m, y, k) for c in steps for m in steps for y in steps for k in steps]
    values = bytes(int(round(v)) for l, a, b in nodes for v in (l * 2.55, a + 128, b + 128))
    ramp = bytes(range(256))
    unit = b"".join((65536 * (i % 4 == 0)).to_bytes(4, "big") for i in range(9))
    table = b"mft1\0\0\0\0" + bytes([4, 3, 9, 0]) + unit + ramp * 4 + values + ramp * 3
    text = b"Four inks\0"
    described = b"desc\0\0\0\0" + len(text).to_bytes(4, "big") + text + bytes(78)
    white = b"XYZ \0\0\0\0" + b"".join(int(v * 65536).to_bytes(4, "big") for v in (0.9642, 1, 0.8249))
    tags, data = b"", b""
    entries = [(b"desc", described), (b"wtpt", white), (b"cprt", b"text\0\0\0\0none\0"), (b"A2B0", table)]
    start = 128 + 4 + 12 * len(entries)
    for name, body in entries:
        tags += name + (start + len(data)).to_bytes(4, "big") + len(body).to_bytes(4, "big")
        data += body + bytes(-len(body) % 4)
    size = start + len(data)
    head = size.to_bytes(4, "big") + bytes(4) + b"\x02\x10\0\0prtrCMYKLab " + bytes(12) + b"acsp"
    head = head.ljust(68, b"\0") + b"\0\0\xf6\xd6\0\1\0\0\0\0\xd3\x2d"
    return head.ljust(128, b"\0") + len(entries).to_bytes(4, "big") + tags + data


# ---- the files ----

def heic():
    image = quarters()
    pillow_heif.register_heif_opener()
    pillow_heif.options.QUALITY = 95

    def keep(name, image, **options):
        image.save(FOLDER / name, format="HEIF", quality=95, **options)
        return name

    expect(keep("plain.heic", image), QUARTERS)
    expect(keep("odd.heic", quarters((45, 31)), chroma=444), QUARTERS, (45, 31))
    expect(keep("grey.heic", image.convert("L")), [(l, l, l) for (l, _, _) in middles(image.convert("L"))])
    p3 = profile(P3, 2.2)
    expect(keep("p3.heic", image, icc_profile=p3, chroma=444), middles(by_profile(image, p3)))
    expect(keep("numbered.heic", image, chroma=444, color_primaries=12, transfer_characteristics=13,
                matrix_coefficients=6, full_range_flag=1, save_nclx_profile=True),
           [shown(numpy.array(c) / 255, P3, "srgb") for c in QUARTERS])
    deep = numpy.asarray(image, numpy.uint16) * 257
    file = pillow_heif.from_bytes(mode="RGB;16", size=SIZE, data=deep.tobytes())
    file.save(FOLDER / "deep.heic", quality=95)
    expect("deep.heic", QUARTERS)
    for transfer, number in [("pq", 16), ("hlg", 18)]:
        name = f"{transfer}.heic"
        coded = [(0.30, 0.30, 0.30), (0.58, 0.58, 0.58), (0.75, 0.70, 0.65), (0.45, 0.50, 0.30)]
        pixels = numpy.asarray(quarters(colours=[(i, i, i) for i in range(4)]))[..., 0]
        deep = (numpy.array(coded)[pixels] * 65535).astype(numpy.uint16)
        file = pillow_heif.from_bytes(mode="RGB;16", size=SIZE, data=deep.tobytes())
        file.save(FOLDER / name, quality=95, chroma=444, color_primaries=9, transfer_characteristics=number,
                  matrix_coefficients=9, full_range_flag=1, save_nclx_profile=True)
        expect(name, [shown(c, BT2020_XY, transfer) for c in coded], tolerance=8)


def avif(work):
    image, odd, png = quarters(), quarters((45, 31)), work / "quarters.png"
    image.save(png)
    odd.save(work / "odd.png")
    clear = image.convert("RGBA")
    clear.paste((0, 0, 0, 0), (24, 16, 48, 32))
    clear.save(work / "clear.png")
    quarters((256, 128)).save(work / "large.png")

    def keep(name, *options, source=png):
        run("avifenc", "--min", 0, "--max", 8, "-s", 6, *options, source, FOLDER / name)
        return name

    for layout in ("444", "422", "420"):
        expect(keep(f"{layout}.avif", "-y", layout), QUARTERS)
    expect(keep("grey.avif", "-y", "400", source=grey(work)), [(l, l, l) for (l, _, _) in middles(image.convert("L"))])
    expect(keep("odd.avif", "-y", "420", source=work / "odd.png"), QUARTERS, (45, 31))
    expect(keep("ten.avif", "-d", 10, "-y", "420"), QUARTERS)
    expect(keep("twelve.avif", "-d", 12, "-y", "444"), QUARTERS)
    expect(keep("clear.avif", source=work / "clear.png"), QUARTERS[:3] + [(255, 255, 255)])
    expect(keep("tiles.avif", "--grid", "2x2", "-y", "444", source=work / "large.png"), QUARTERS, (256, 128))
    a, b, c, d = QUARTERS
    expect(keep("turned.avif", "--irot", 1), [b, d, a, c], (32, 48))
    expect(keep("mirrored.avif", "--imir", 1), [b, a, d, c])
    expect(keep("cropped.avif", "--crop", "24,0,24,32"), [b, b, d, d], (24, 32))
    (work / "p3.icc").write_bytes(profile(P3, 2.2))
    expect(keep("p3.avif", "-y", "444", "--icc", work / "p3.icc"), middles(by_profile(image, profile(P3, 2.2))))
    expect(keep("numbered.avif", "-y", "444", "--cicp", "12/13/6"),
           [shown(numpy.array(c) / 255, P3, "srgb") for c in QUARTERS])
    levels = [(77, 77, 77), (148, 148, 148), (191, 178, 166), (115, 128, 77)]
    quarters(colours=levels).save(work / "levels.png")
    for transfer, number in [("pq", 16), ("hlg", 18)]:
        keep(f"{transfer}.avif", "-d", 10, "-y", "444", "--cicp", f"9/{number}/9", source=work / "levels.png")
        expect(f"{transfer}.avif", [shown(numpy.array(c) / 255, BT2020_XY, transfer) for c in levels], tolerance=8)


def grey(work):
    quarters().convert("L").save(work / "grey.png")
    return work / "grey.png"


def jxl(work):
    image, png = quarters(), work / "quarters.png"
    p3 = profile(P3, 2.2)
    image.save(work / "p3.png", icc_profile=p3)
    exif = Image.Exif()
    exif[0x0110], exif[0x0112], exif[0x0132] = "Test camera", 6, "2024:05:06 07:08:09"
    image.transpose(Image.Transpose.ROTATE_90).save(work / "turned.jpg", quality=95, subsampling=0, exif=exif)
    deep = (numpy.asarray(image, numpy.uint16) * 257).astype(">u2")
    (work / "deep.ppm").write_bytes(b"P6 48 32 65535\n" + deep.tobytes())
    levels = [(77, 77, 77), (148, 148, 148), (191, 178, 166), (115, 128, 77)]
    flat = (numpy.asarray(quarters(colours=levels), numpy.uint16) * 257).astype(">u2")
    (work / "levels.ppm").write_bytes(b"P6 48 32 65535\n" + flat.tobytes())

    def keep(name, *options, source=png):
        run("cjxl", source, FOLDER / name, *options)
        return name

    expect(keep("lossy.jxl", "-d", 0.5), QUARTERS)
    expect(keep("lossless.jxl", "-d", 0), QUARTERS, tolerance=1)
    expect(keep("clear.jxl", "-d", 0, source=work / "clear.png"), QUARTERS[:3] + [(255, 255, 255)], tolerance=1)
    expect(keep("grey.jxl", "-d", 0, source=grey(work)), [(l, l, l) for (l, _, _) in middles(image.convert("L"))])
    expect(keep("deep.jxl", "-d", 0, source=work / "deep.ppm"), QUARTERS, tolerance=1)
    expect(keep("p3.jxl", "-d", 0, source=work / "p3.png"), middles(by_profile(image, p3)), tolerance=3)
    expect(keep("jpeg.jxl", source=work / "turned.jpg"), QUARTERS)
    expect(keep("boxes.jxl", "-d", 0.5, "--container=1", source=work / "turned.jpg", *["-j", "0"]), QUARTERS)
    keep("numbered.jxl", "-d", 0, "-x", "color_space=RGB_D65_DCI_Rel_SRG", source=work / "deep.ppm")
    expect("numbered.jxl", [shown(numpy.array(c) / 255, P3, "srgb") for c in QUARTERS], tolerance=3)


def profiles():
    image = quarters()
    for name, primaries in [("p3", P3), ("adobe", ADOBE)]:
        icc = profile(primaries, 2.2)
        colours = middles(by_profile(image, icc))
        image.save(FOLDER / f"{name}.png", icc_profile=icc)
        image.save(FOLDER / f"{name}.jpg", icc_profile=icc, quality=97, subsampling=0, progressive=name == "p3")
        image.save(FOLDER / f"{name}.webp", icc_profile=icc, lossless=True)
        image.save(FOLDER / f"{name}.tif", icc_profile=icc, compression="tiff_lzw")
        for ending in ("png", "webp", "tif"):
            expect(f"{name}.{ending}", colours, tolerance=2)
        expect(f"{name}.jpg", colours)
    deep = numpy.asarray(image, numpy.uint16) * 257
    icc = profile(P3, 2.2)
    (FOLDER / "p3-deep.png").write_bytes(imagecodecs.png_encode(deep))
    with_chunk(FOLDER / "p3-deep.png", b"iCCP", b"p3\0\0" + imagecodecs.zlib_encode(icc))
    expect("p3-deep.png", middles(by_profile(image, icc)), tolerance=2)
    (FOLDER / "pq.png").write_bytes(imagecodecs.png_encode(deep))
    with_chunk(FOLDER / "pq.png", b"cICP", bytes([9, 16, 0, 1]))
    expect("pq.png", [shown(numpy.array(c) / 255, BT2020_XY, "pq") for c in QUARTERS], tolerance=2)
    linear = imagecodecs.cms_profile("gray", whitepoint=D65, gamma=1.0)
    image.convert("L").save(FOLDER / "linear-grey.png", icc_profile=linear)
    expect("linear-grey.png", middles(by_profile(image.convert("L"), linear)), tolerance=2)
    inks = Image.new("CMYK", SIZE)
    for at, colour in enumerate([(255, 0, 0, 0), (30, 200, 90, 0), (0, 0, 0, 128), (0, 40, 200, 60)]):
        inks.paste(colour, (at % 2 * 24, at // 2 * 16, at % 2 * 24 + 24, at // 2 * 16 + 16))
    icc = inks_profile()
    inks.save(FOLDER / "inks.jpg", quality=97, icc_profile=icc)
    expect("inks.jpg", middles(by_profile(inks, icc)), tolerance=10)
    # The form of Photoshop: brightness and colour of the inks, which imagecodecs writes.
    values = 255 - numpy.asarray(inks)
    (FOLDER / "ycck.jpg").write_bytes(imagecodecs.jpeg8_encode(values, level=97, colorspace="CMYK", outcolorspace="YCCK"))
    with_segment(FOLDER / "ycck.jpg", b"ICC_PROFILE\0\1\1" + icc)
    expect("ycck.jpg", middles(by_profile(inks, icc)), tolerance=10)


def uncommon_jpegs(work):
    """Codings that encoders can write and seldom do: components in scans of their own, and fewer
    samples of brightness than of colour."""
    image = quarters()
    image.save(work / "quarters.ppm")
    (work / "apart.txt").write_text("0;\n1;\n2;\n")
    (work / "first-apart.txt").write_text("0;\n1 2;\n")
    for name, options in [("scans.jpg", ["-sample", "2x2", "-scans", work / "apart.txt"]),
                          ("first-scan.jpg", ["-sample", "2x1", "-scans", work / "first-apart.txt"]),
                          ("less-bright.jpg", ["-sample", "1x1,2x2,2x2"])]:
        run("cjpeg", "-quality", 97, *options, "-outfile", FOLDER / name, work / "quarters.ppm")
        expect(name, middles(Image.open(FOLDER / name)))


def uncommon_tiffs():
    """What Photoshop writes of an image with a channel that is no alpha, and colours by number."""
    image = quarters()
    further = image.convert("RGBX")
    further.putdata([(r, g, b, at * 37 % 256) for at, (r, g, b) in enumerate(image.get_flattened_data())])
    further.save(FOLDER / "further.tif", compression="tiff_lzw", tiffinfo={317: 2})
    expect("further.tif", QUARTERS, tolerance=0)
    image.convert("P", palette=Image.Palette.ADAPTIVE, colors=8).save(FOLDER / "palette.tif")
    expect("palette.tif", middles(Image.open(FOLDER / "palette.tif")), tolerance=0)


def with_chunk(path, kind, data):
    import zlib
    png = path.read_bytes()
    chunk = len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")
    path.write_bytes(png[:33] + chunk + png[33:])


def with_segment(path, data):
    jpeg = path.read_bytes()
    path.write_bytes(jpeg[:2] + b"\xff\xe2" + (len(data) + 2).to_bytes(2, "big") + data + jpeg[2:])


def main():
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as work:
        work = Path(work)
        heic()
        avif(work)
        jxl(work)
        uncommon_jpegs(work)
    uncommon_tiffs()
    profiles()
    for name, (bytes, size) in raw_files(quarters).items():
        (FOLDER / name).write_bytes(bytes)
        if size:
            expect(name, QUARTERS, size)
    rows = ",\n".join(f"  {json.dumps(name)}: {json.dumps(what)}" for name, what in sorted(expected.items()))
    (FOLDER / "expected.json").write_text("{\n" + rows + "\n}\n")


main()
