"""Small files that ask for much: time, memory, depth, or a file that never ends.

Each bomb lies in a folder beside a good image. The run must end in time and within memory,
without a crash, and the good image must be in the library.
"""

import os
import struct
import zlib

import image_files

# Longest time for a run over one bomb, in seconds. One image may take 120 on its own.
TIMEOUT = 200
# Most memory of a run, in bytes.
MEMORY = 2_500_000_000


def run(bench):
    """`bench.size` bombs; all of them, if there are fewer."""
    bombs = everything()
    chosen = bombs if bench.size >= len(bombs) else bench.random.sample(bombs, bench.size)
    for number, (name, make) in enumerate(chosen, 1):
        folder = bench.folder("bomb")
        make(folder)
        with open(os.path.join(folder, "good.bmp"), "wb") as file:
            file.write(image_files.noise(bench.random))
        one(bench, folder, name)
        bench.report.progress(number, len(chosen))


def one(bench, folder, name):
    home = bench.folder("bomb-home")
    run = bench.index(home, "--model", "demo", folder, timeout=TIMEOUT)
    report = bench.report
    report.count("bombs")
    report.peak("slowest, s", run.seconds)
    report.peak("most memory, MB", run.memory / 1e6)
    if crash := run.crash():
        return report.finding(crash, name)
    if run.memory > MEMORY:
        report.finding(f"{run.memory >> 20} MiB of memory", name)
    told = {os.path.basename(event["path"]): event["event"] for event in run.events() if "path" in event}
    if told.get("good.bmp") != "indexed":
        report.finding(f"the good image beside it is {told.get('good.bmp')}: {run.err[-300:]}", name)
    return None


def everything():
    """(name, function that writes it into a folder)"""
    bombs = {}

    def file(name, make):
        def write(folder):
            with open(os.path.join(folder, name), "wb") as out:
                out.write(make())

        bombs[name] = write

    for name, make in {**pngs(), **jpegs(), **other_formats(), **phone_formats(), **metadata()}.items():
        file(name, make)
    bombs.update(FOLDERS)
    return list(bombs.items())


def zeros(megabytes):
    """Zlib data that unpacks to this many MB, packed piece by piece."""
    packer, piece = zlib.compressobj(9), bytes(1 << 20)
    return b"".join(packer.compress(piece) for _ in range(megabytes)) + packer.flush()


def png_body(head, *chunks):
    return head + b"".join(image_files.chunk(kind, body) for kind, body in chunks) + image_files.chunk(b"IEND", b"")


def pngs():
    head, small = image_files.png_head, image_files.png_head(8, 8)
    pixels = (b"IDAT", zlib.compress(bytes(8 * 25)))
    grey = lambda side: png_body(head(side, side, 1, 0), (b"IDAT", zeros(side * (side // 8 + 1) // 2**20 + 1)))
    return {
        "wide-20000.png": lambda: grey(20000),
        "wide-40000.png": lambda: grey(40000),
        "wide-65535-rgba16.png": lambda: png_body(head(65535, 65535, 16, 6), (b"IDAT", zeros(64))),
        "width-2-31.png": lambda: png_body(head(2**31 - 1, 1), pixels),
        "height-2-31.png": lambda: png_body(head(1, 2**31 - 1), pixels),
        "both-2-31.png": lambda: png_body(head(2**31 - 1, 2**31 - 1), pixels),
        "too-many-pixels.png": lambda: png_body(small, (b"IDAT", zeros(500))),
        "iccp.png": lambda: png_body(small, (b"iCCP", b"x\0\0" + zeros(500)), pixels),
        "ztxt.png": lambda: png_body(small, (b"zTXt", b"x\0\0" + zeros(500)), pixels),
        "itxt.png": lambda: png_body(small, (b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zeros(500)), pixels),
        "chunks.png": lambda: small + image_files.chunk(b"teSt", b"") * 300_000 + image_files.chunk(*pixels),
        "texts.png": lambda: small + image_files.chunk(b"tEXt", b"a\0b") * 100_000 + image_files.chunk(*pixels),
        "idats.png": lambda: small + image_files.chunk(b"IDAT", b"") * 300_000 + image_files.chunk(*pixels),
        "chunk-2-32.png": lambda: small + b"\xff\xff\xff\xffIDAT",
    }


def jpegs():
    start = b"\xff\xd8"
    progressive = image_files.jpeg_progressive
    return {
        "scans-90.jpg": lambda: progressive(6000, 6000, 90),
        "scans-2500.jpg": lambda: progressive(9000, 9000, 2_500),
        "scans-100000.jpg": lambda: progressive(9000, 9000, 100_000),
        "wide-65500.jpg": lambda: progressive(65500, 65500, 0)[:5000],
        "wide-20000.jpg": lambda: progressive(20000, 20000, 2),
        "one-line.jpg": lambda: progressive(65535, 1, 1),
        "no-height.jpg": lambda: progressive(1000, 0, 1),
        "comments.jpg": lambda: start + image_files.segment(0xFE, b"x") * 1_000_000,
        "tables.jpg": lambda: start + image_files.segment(0xDB, b"\0" + b"\1" * 64) * 200_000,
        "fill.jpg": lambda: start + b"\xff" * 20_000_000,
        "restarts.jpg": lambda: progressive(800, 800, 1)[:-2] + b"\xff\xd0" * 2_000_000,
        "app1.jpg": lambda: start + image_files.exif(b"II*\0") * 100_000,
    }


def other_formats():
    few = bytes(12)
    return {
        "screen.gif": lambda: image_files.gif(2, 2, 1, (65535, 65535)),
        "frames.gif": lambda: image_files.gif(2, 2, 200_000),
        "blocks.gif": lambda: b"GIF89a\1\0\1\0\0\0\0" + b"\x21\xfe\1x\0" * 500_000,
        "wide.bmp": lambda: image_files.bmp(2, 2, few, (2**31 - 1, 2**31 - 1)),
        "high.bmp": lambda: image_files.bmp(2, 2, few, (1, 2**31 - 1)),
        "negative.bmp": lambda: image_files.bmp(2, 2, few, (-(2**31), -(2**31))),
        "loop.tif": lambda: image_files.tiff([(256, 4, 1, 8), (257, 4, 1, 8)], few, 20),
        "wide.tif": lambda: image_files.tiff_rgb(2, 2, few, (2**32 - 1, 2**32 - 1)),
        "big.tif": lambda: image_files.tiff_rgb(2, 2, few, (60000, 60000)),
        "strips.tif": lambda: image_files.tiff_rgb(2, 2, few, (2, 2), [(324, 4, 2**30, 8), (325, 4, 2**30, 8)]),
        "tiles.tif": lambda: image_files.tiff_rgb(2, 2, few, (30000, 30000), [(322, 4, 1, 1), (323, 4, 1, 1)]),
        "entries.tif": lambda: image_files.tiff([(700 + i, 2, 2**31, 8) for i in range(60_000)], few),
        "lossless.webp": lambda: image_files.webp_lossless_head(16384, 16384, bytes(64)),
        "canvas.webp": lambda: image_files.webp_head(2**24, 2**24, b"ALPH\xff\xff\xff\x7f"),
        "chunks.webp": lambda: image_files.webp_head(16, 16, b"TEST\0\0\0\0" * 1_000_000),
    }


def phone_formats():
    """HEIC, AVIF, JPEG XL and raw: small files of the tests with other sizes written into them."""

    def sized(name, width, height):
        """With these sizes in all `ispe` boxes."""
        data, at = bytearray(image_files.golden(name)), 0
        while (at := data.find(b"ispe", at) + 4) > 3:
            data[at + 4 : at + 12] = struct.pack(">II", width, height)
        return bytes(data)

    def box(kind, body):
        return struct.pack(">I", len(body) + 8) + kind + body

    jxl = box(b"JXL ", b"\r\n\x87\n") + box(b"ftyp", b"jxl \0\0\0\0jxl ")
    previews = [(0x0111, 4, 1, 8), (0x0117, 4, 1, 2**31), (0x0201, 4, 1, 8), (0x0202, 4, 1, 2**31)]
    inner = [(330, 4, 60_000, 8), *previews]
    return {
        "wide.heic": lambda: sized("plain.heic", 2**31, 2**31),
        "big.heic": lambda: sized("plain.heic", 60_000, 60_000),
        "tiles.heic": lambda: sized("grey.heic", 2**16 - 1, 1),
        "wide.avif": lambda: sized("420.avif", 2**31, 2**31),
        "big.avif": lambda: sized("tiles.avif", 65_536, 65_536),
        "boxes.avif": lambda: image_files.golden("420.avif")[:24] + box(b"free", b"") * 1_000_000,
        "deep.heic": lambda: image_files.golden("plain.heic")[:24] + b"\0\0\0\0meta\0\0\0\0" * 100_000,
        # A size header of 30 bits for each side, and nothing behind it.
        "wide.jxl": lambda: b"\xff\x0a" + (6 | (2**30 - 1) << 3 | 7 << 33).to_bytes(12, "little"),
        "parts.jxl": lambda: jxl + b"".join(box(b"jxlp", struct.pack(">I", i)) for i in range(300_000)),
        "packed.jxl": lambda: jxl + box(b"brob", b"Exif" + b"\x5b\xff\xff\xff" * 1_000) * 1_000,
        "previews.dng": lambda: image_files.tiff(inner, b"\xff\xd8\xff" + bytes(100), 8),
        "preview.nef": lambda: image_files.golden("b.nef")[:2_000] + bytes(50_000_000),
    }


def metadata():
    """EXIF and XMP in a small progressive JPEG."""
    base = image_files.jpeg_progressive(16, 16, 1)
    around = "<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>"
    loop = image_files.tiff([(34665, 4, 1, 8), (330, 4, 1, 8)], b"", 8)
    count = image_files.tiff([(306, 2, 2**32 - 1, 8)])
    many = image_files.tiff([(i, 2, 60_000, 8) for i in range(5_000)], b"a" * 100)
    laughs = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' for i in range(1, 12))
    laughs = f'<!DOCTYPE x [<!ENTITY l0 "ha">{laughs}]>{around}<a>&l11;</a>'
    outside = f'<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>{around}<a>&f;</a>'
    spaces = around + "<rdf:Description " + " ".join(f"xmlns:n{i}='u{i}'" for i in range(4_000)) + "/>"
    packet = lambda text: image_files.jpeg_with(base, image_files.xmp(text.encode()))
    return {
        "exif-loop.jpg": lambda: image_files.jpeg_with(base, image_files.exif(loop)),
        "exif-values.jpg": lambda: image_files.jpeg_with(base, image_files.exif(many)),
        "exif-count.jpg": lambda: image_files.jpeg_with(base, image_files.exif(count)),
        "xmp-deep.jpg": lambda: packet(around + "<a>" * 20_000),
        "xmp-laughs.jpg": lambda: packet(laughs),
        "xmp-outside.jpg": lambda: packet(outside),
        "xmp-namespaces.jpg": lambda: packet(spaces),
        "xmp-words.jpg": lambda: packet(around + "<rdf:li>k</rdf:li>" * 3_000),
    }


def sparse(folder):
    with open(os.path.join(folder, "sparse.jpg"), "wb") as file:
        file.write(b"\xff\xd8\xff\xe0")
        file.truncate(20 << 30)


def long_text(folder):
    with open(os.path.join(folder, "good.bmp.txt"), "wb") as file:
        file.write(b"word " * 20_000_000)


def pipe_image(folder):
    for name in ("pipe.jpg", "good.bmp.xmp", "good.bmp.txt", "good.txt"):
        os.mkfifo(os.path.join(folder, name))


def pipe_rules(folder):
    os.mkfifo(os.path.join(folder, ".glimpseignore"))


def long_rules(folder):
    with open(os.path.join(folder, ".glimpseignore"), "w", encoding="utf-8") as file:
        file.writelines(f"**/{'*a' * 20}{i}\n" for i in range(5_000))


def endless(folder):
    os.symlink("/dev/zero", os.path.join(folder, "zero.jpg"))


def circles(folder):
    for name in ("a", "b"):
        os.mkdir(os.path.join(folder, name))
        os.symlink("..", os.path.join(folder, name, "up"))
    os.symlink("self.jpg", os.path.join(folder, "self.jpg"))


def deep(folder):
    """2,000 levels, made from the inside: no path is as long as the whole."""
    here = os.getcwd()
    try:
        os.chdir(folder)
        for _ in range(2_000):
            os.mkdir("d")
            os.chdir("d")
    finally:
        os.chdir(here)


def empties(folder):
    for i in range(20_000):
        open(os.path.join(folder, f"{i}.jpg"), "wb").close()


def names(folder):
    odd = [b"\xff\xfe.jpg", b"a\nb.jpg", b"\x1b[2J.jpg", b"\xe2\x80\xaegpj.jpg", b" .jpg", b"x" * 251 + b".jpg", b"<b>.jpg"]
    for name in odd:
        with open(os.path.join(folder.encode(), name), "wb") as file:
            file.write(struct.pack("<I", len(name)))
    os.mkdir(os.path.join(folder, "folder.jpg"))


FOLDERS = {
    "sparse file of 20 GB": sparse,
    "text of 100 MB": long_text,
    "pipes for images and texts": pipe_image,
    "pipe for rules": pipe_rules,
    "5,000 rules": long_rules,
    "link to /dev/zero": endless,
    "links in circles": circles,
    "2,000 levels": deep,
    "20,000 empty files": empties,
    "odd names": names,
}
