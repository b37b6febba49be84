"""Image files written by hand: nothing else is needed, and nothing corrects what is wrong."""

import os
import struct
import zlib


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_head(width, height, depth=8, colour=2):
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head)


def png(width, height, pixels, extra=b""):
    """RGB, 8 bits; `pixels` is width x height x 3 bytes; `extra` are chunks before the pixels."""
    rows = b"".join(b"\0" + pixels[y * width * 3 : (y + 1) * width * 3] for y in range(height))
    return png_head(width, height) + extra + chunk(b"IDAT", zlib.compress(rows, 1)) + chunk(b"IEND", b"")


def png_with_sums(data):
    """The same file with right checksums, so that damage reaches what is behind them."""
    fixed, at = data[:8], 8
    while at + 12 <= len(data):
        length = struct.unpack(">I", data[at : at + 4])[0]
        if at + 12 + length > len(data):
            break
        fixed += chunk(data[at + 4 : at + 8], data[at + 8 : at + 8 + length])
        at += 12 + length
    return fixed + data[at:]


def bmp(width, height, pixels, told=None):
    """RGB; `told` is the size in the header, if it is another than that of the pixels."""
    row = (width * 3 + 3) // 4 * 4
    rows = b"".join(pixels[y * width * 3 : (y + 1) * width * 3].ljust(row, b"\0") for y in range(height))
    told = told or (width, height)
    info = struct.pack("<IiiHHIIiiII", 40, *told, 1, 24, 0, len(rows), 2835, 2835, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54 + len(rows), 0, 0, 54) + info + rows


def gif(width, height, frames=1, screen=None):
    """Frames of one colour."""
    head = b"GIF89a" + struct.pack("<HHBBB", *(screen or (width, height)), 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    # Clear, one pixel at a time with a clear after each, end: three bits a code, no dictionary.
    codes = [4] + [code for _ in range(width * height) for code in (1, 4)] + [5]
    bits = sum(code << 3 * i for i, code in enumerate(codes))
    body = bits.to_bytes((3 * len(codes) + 7) // 8, "little")
    blocks = b"".join(bytes([len(body[i : i + 255])]) + body[i : i + 255] for i in range(0, len(body), 255))
    frame = b"\x2c" + struct.pack("<HHHHB", 0, 0, width, height, 0) + b"\x02" + blocks + b"\0"
    return head + frame * frames + b"\x3b"


def tiff(entries, body=b"", following=0):
    """Little-endian; `entries` are (tag, type, count, value); `body` begins at byte 8."""
    body += b"\0" * (len(body) % 2)
    directory = struct.pack("<H", len(entries))
    for tag, kind, count, value in sorted(entries):
        directory += struct.pack("<HHII", tag, kind, count, value)
    return b"II*\0" + struct.pack("<I", 8 + len(body)) + body + directory + struct.pack("<I", following)


def tiff_rgb(width, height, pixels, told=None, extra=()):
    """Uncompressed, one strip. Bits are given by one value for all samples."""
    w, h = told or (width, height)
    bits = struct.pack("<HHH", 8, 8, 8) + b"\0\0"
    entries = [(256, 4, 1, w), (257, 4, 1, h), (258, 3, 3, 8), (259, 3, 1, 1), (262, 3, 1, 2)]
    entries += [(273, 4, 1, 16), (277, 3, 1, 3), (278, 4, 1, h), (279, 4, 1, len(pixels)), *extra]
    return tiff(entries, bits + pixels)


def segment(marker, body):
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


def jpeg_progressive(width, height, scans):
    """Grey; one scan of flat blocks, then `scans` scans that say that there is nothing more."""
    quantisation = segment(0xDB, b"\0" + b"\1" * 64)
    frame = segment(0xC2, struct.pack(">BHHB", 8, height, width, 1) + b"\1\x11\0")
    # One code each, a single 0 bit: no difference (DC), and the end of up to 32,767 blocks (AC).
    tables = segment(0xC4, b"\0" + b"\1" + b"\0" * 15 + b"\0")
    tables += segment(0xC4, b"\x10" + b"\1" + b"\0" * 15 + b"\xe0")
    blocks = ((width + 7) // 8) * ((height + 7) // 8)
    first = segment(0xDA, b"\1\1\0\0\0\0") + b"\0" * ((blocks + 7) // 8)
    runs = (blocks + 16383) // 16384
    empty = segment(0xDA, b"\1\1\0\1\x3f\0") + b"\0" * ((runs * 15 + 7) // 8)
    return b"\xff\xd8" + quantisation + frame + tables + first + empty * scans + b"\xff\xd9"


def jpeg_with(original, segments):
    """A JPEG with more segments behind its start."""
    return original[:2] + segments + original[2:]


def exif(tiff_bytes):
    return segment(0xE1, b"Exif\0\0" + tiff_bytes[:65000])


def xmp(text):
    return segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + text[:65000])


def webp_head(width, height, body=b""):
    """VP8X with a size (at most 2^24), and `body` behind it."""
    extended = b"\0\0\0\0" + struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
    chunks = b"VP8X" + struct.pack("<I", 10) + extended + body
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WEBP" + chunks


def webp_lossless_head(width, height, body):
    """VP8L with a size (at most 2^14) and whatever `body` decodes to."""
    bits = (width - 1) | (height - 1) << 14
    data = b"\x2f" + struct.pack("<I", bits) + body
    data += b"\0" * (len(data) % 2)
    chunks = b"VP8L" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WEBP" + chunks


def golden(name):
    """A file of the tests of formats."""
    folder = os.path.join(os.path.dirname(__file__), "../golden/formats")
    with open(os.path.join(folder, name), "rb") as file:
        return file.read()


def noise(random, side=24):
    """A small image that no other file holds."""
    return bmp(side, side, random.randbytes(side * side * 3))
