"""Files that are built like those of cameras, around a JPEG: directories, offsets and numbers are
right, and where a camera keeps what its sensor saw, there is noise."""

import io
import struct

PREVIEW = (1024, 680)
SHORT, LONG, BYTES, TEXT, RATIO = 3, 4, 7, 2, 5


def jpeg(quarters, size=PREVIEW, turned=True, **options):
    """Quarters as the sensor saw them: a camera turned to the right, unless it says so."""
    image = quarters((size[1], size[0]) if turned else size)
    if turned:
        image = image.transpose(2)  # a quarter against the clock
    file = io.BytesIO()
    image.save(file, "JPEG", quality=90, subsampling=0, **options)
    return file.getvalue()


class Tiff:
    """Directories and what they name, each at a place that is known before it is written."""

    def __init__(self, order="<", magic=42, head=b""):
        self.order, self.magic, self.head, self.data = order, magic, head, b""

    def pack(self, form, *values):
        return struct.pack(self.order + form, *values)

    def add(self, data):
        """Where the data lies."""
        at = 8 + len(self.head) + len(self.data)
        self.data += data + bytes(len(data) % 2)
        return at

    def directory(self, fields, after=0):
        entries = b""
        for tag, kind, value in sorted(fields):
            if kind in (TEXT, BYTES):
                count, body = len(value), value
            else:
                values = value if isinstance(value, list) else [value]
                count = len(values) // 2 if kind == RATIO else len(values)
                body = self.pack(f"{len(values)}{'H' if kind == SHORT else 'I'}", *values)
            place = body.ljust(4, b"\0") if len(body) <= 4 else self.pack("I", self.add(body))
            entries += self.pack("HHI", tag, kind, count) + place
        return self.add(self.pack("H", len(fields)) + entries + self.pack("I", after))

    def file(self, first):
        start = b"II" if self.order == "<" else b"MM"
        magic = self.magic if isinstance(self.magic, bytes) else self.pack("H", self.magic)
        return start + magic + self.pack("I", first) + self.head + self.data


def facts(model):
    return [(0x010F, TEXT, b"Test\0"), (0x0110, TEXT, model.encode() + b"\0"), (0x0112, SHORT, 6),
            (0x0132, TEXT, b"2024:05:06 07:08:09\0")]


def noise(tiff, length=600):
    return tiff.add(bytes(i * 37 % 251 for i in range(length)))


def sensor(tiff, compression=1):
    """The directory of what the sensor saw."""
    return [(0x00FE, LONG, 0), (0x0100, LONG, 30), (0x0101, LONG, 20), (0x0103, SHORT, compression),
            (0x0106, SHORT, 32803), (0x0111, LONG, noise(tiff)), (0x0117, LONG, 600)]


def thumbnail(tiff, quarters):
    small = jpeg(quarters, (160, 106))
    return [(0x0201, LONG, tiff.add(small)), (0x0202, LONG, len(small))]


def cr2(quarters):
    tiff = Tiff(head=b"CR\2\0" + bytes(4))
    large = jpeg(quarters)
    raw = tiff.directory(sensor(tiff, 6))
    small = tiff.directory(thumbnail(tiff, quarters), raw)
    first = facts("CR2 camera") + [(0x0103, SHORT, 6), (0x0111, LONG, tiff.add(large)), (0x0117, LONG, len(large))]
    return tiff.file(tiff.directory(first, small))


def nef(quarters):
    tiff = Tiff(">")
    large = jpeg(quarters)
    below = tiff.directory([(0x00FE, LONG, 1), (0x0103, SHORT, 6), (0x0201, LONG, tiff.add(large)),
                            (0x0202, LONG, len(large))])
    raw = tiff.directory(sensor(tiff, 34713))
    return tiff.file(tiff.directory(facts("NEF camera") + [(0x00FE, LONG, 1), (0x014A, LONG, [below, raw])]))


def old_nef(quarters):
    """With its preview in the maker's notes."""
    notes, large = Tiff(">"), jpeg(quarters)
    preview = notes.directory([(0x0201, LONG, notes.add(large)), (0x0202, LONG, len(large))])
    body = b"Nikon\0\2\x10\0\0" + notes.file(notes.directory([(0x0011, LONG, preview)]))
    tiff = Tiff(">")
    exif = tiff.directory([(0x9003, TEXT, b"2024:05:06 07:08:09\0"), (0x927C, BYTES, body)])
    raw = tiff.directory(sensor(tiff, 34713))
    fields = facts("Old NEF camera") + [(0x00FE, LONG, 1), (0x014A, LONG, raw), (0x8769, LONG, exif)]
    return tiff.file(tiff.directory(fields))


def arw(quarters):
    tiff = Tiff()
    large = jpeg(quarters)
    raw = tiff.directory(sensor(tiff, 32767))
    after = tiff.directory(thumbnail(tiff, quarters))
    fields = facts("ARW camera") + [(0x00FE, LONG, 1), (0x014A, LONG, raw), (0x0201, LONG, tiff.add(large)),
                                    (0x0202, LONG, len(large))]
    return tiff.file(tiff.directory(fields, after))


def dng(quarters):
    tiff = Tiff()
    large = jpeg(quarters)
    preview = tiff.directory([(0x00FE, LONG, 1), (0x0103, SHORT, 7), (0x0106, SHORT, 6),
                              (0x0111, LONG, tiff.add(large)), (0x0117, LONG, len(large))])
    # A lossless JPEG, larger than the preview: no decoder here reads it.
    frame = b"\xff\xd8\xff\xc3\0\x0b\x0c" + struct.pack(">HH", 3000, 4000) + b"\1\1\x11\0" + bytes(50000) + b"\xff\xd9"
    raw = tiff.directory([(0x00FE, LONG, 0), (0x0103, SHORT, 7), (0x0106, SHORT, 32803),
                          (0x0111, LONG, tiff.add(frame)), (0x0117, LONG, len(frame))])
    fields = facts("DNG camera") + [(0x00FE, LONG, 1), (0x014A, LONG, [raw, preview]), (0xC612, BYTES, b"\1\4\0\0")]
    return tiff.file(tiff.directory(fields))


def orf(quarters):
    large = jpeg(quarters)
    # Places count from the start of the notes.
    notes = b"OLYMPUS\0II\3\0" + struct.pack("<HHHIII", 1, 0x2020, 13, 1, 30, 0)
    notes += struct.pack("<HHHIIHHIII", 2, 0x101, 4, 1, 64, 0x102, 4, 1, len(large), 0)
    notes = notes.ljust(64, b"\0") + large
    tiff = Tiff(magic=b"RO")
    exif = tiff.directory([(0x927C, BYTES, notes)])
    return tiff.file(tiff.directory(facts("ORF camera") + sensor(tiff)[1:] + [(0x8769, LONG, exif)]))


def rw2(quarters):
    tiff = Tiff(magic=b"\x55\0")
    return tiff.file(tiff.directory(facts("RW2 camera") + [(0x0002, SHORT, 4000), (0x002E, BYTES, jpeg(quarters))]))


def pef(quarters):
    tiff = Tiff(">")
    large = jpeg(quarters)
    third = tiff.directory([(0x0103, SHORT, 6), (0x0201, LONG, tiff.add(large)), (0x0202, LONG, len(large))])
    second = tiff.directory(thumbnail(tiff, quarters), third)
    return tiff.file(tiff.directory(facts("PEF camera") + sensor(tiff, 65535)[1:], second))


def raf(quarters):
    facts_of_jpeg = Tiff(">")
    exif = b"Exif\0\0" + facts_of_jpeg.file(facts_of_jpeg.directory(facts("RAF camera")))
    large = jpeg(quarters, exif=exif)
    head = b"FUJIFILMCCD-RAW 0201FF123456Camera".ljust(84, b"\0") + struct.pack(">II", 148, len(large))
    return head.ljust(148, b"\0") + large + bytes(600)


def box(name, body):
    return struct.pack(">I", len(body) + 8) + name + body


def cr3(quarters):
    tiff, exif, place = Tiff(), Tiff(), Tiff()
    first = tiff.file(tiff.directory(facts("CR3 camera")))
    second = exif.file(exif.directory([(0x829D, RATIO, [28, 10]), (0x8827, SHORT, 400),
                                       (0x9003, TEXT, b"2024:05:06 07:08:08\0"),
                                       (0xA434, TEXT, b"Test 50mm F2.8\0")]))
    fourth = place.file(place.directory([(1, TEXT, b"S\0"), (2, RATIO, [33, 1, 51, 1, 0, 1]),
                                         (3, TEXT, b"E\0"), (4, RATIO, [151, 1, 12, 1, 0, 1])]))
    boxes = box(b"CMT1", first) + box(b"CMT2", second) + box(b"CMT4", fourth)
    large, middle = jpeg(quarters), jpeg(quarters, (512, 340))
    key = bytes.fromhex("85c0b687820f11e08111f4ce462b6a48")
    preview_key = bytes.fromhex("eaf42b5e1c984b88b9fbb7dc406e4d16")

    def file(place):
        def track(start, length):
            table = box(b"stsz", struct.pack(">III", 0, length, 1)) + box(b"co64", struct.pack(">IIQ", 0, 1, start))
            return box(b"trak", box(b"mdia", box(b"minf", box(b"stbl", table))))
        movie = box(b"moov", box(b"uuid", key + boxes) + track(place, len(large))
                    + track(place + len(large), 600))
        prvw = struct.pack(">IHHHHI", 0, 1, 512, 340, 1, len(middle)) + middle
        preview = box(b"uuid", preview_key + bytes(8) + box(b"PRVW", prvw))
        head = box(b"ftyp", b"crx \0\0\0\1crx isom") + movie + preview
        return len(head) + 8, head + box(b"mdat", large + bytes(600))

    return file(file(0)[0])[1]


def small(quarters):
    tiff = Tiff()
    raw = tiff.directory(sensor(tiff, 32767))
    fields = facts("Small camera") + [(0x00FE, LONG, 1), (0x014A, LONG, raw)] + thumbnail(tiff, quarters)
    return tiff.file(tiff.directory(fields))


def none(quarters):
    tiff = Tiff()
    return tiff.file(tiff.directory(facts("Bare camera") + sensor(tiff)))


def raw_files(quarters):
    """Name, bytes, and upright size of the preview: none where there is none to show."""
    upright = (PREVIEW[1], PREVIEW[0])
    makers = {"a.cr2": cr2, "b.nef": nef, "c.nef": old_nef, "d.arw": arw, "e.dng": dng, "f.orf": orf, "g.rw2": rw2,
              "h.pef": pef, "i.raf": raf, "j.cr3": cr3}
    files = {name: (make(quarters), upright) for name, make in makers.items()}
    return files | {"small.arw": (small(quarters), None), "none.dng": (none(quarters), None)}
