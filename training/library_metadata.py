"""Dates, places, cameras and sidecar files of the demo library."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np
from PIL import ExifTags, Image

CAMERAS = (("Kobold", "K-100"), ("Kobold", "K-200 Travel"), ("Lumen", "Pocket 3"), ("Fabula", "Phone 12"))


@dataclass
class Moment:
    """When, where and with what an image was taken."""

    time: datetime
    place: tuple[float, float] | None
    camera: tuple[str, str]

    @staticmethod
    def start(rng: np.random.Generator, year: int, place: tuple[float, float] | None) -> Moment:
        begin = datetime(year, 1, 1) + timedelta(
            days=int(rng.integers(20, 330)), hours=int(rng.integers(8, 18))
        )
        return Moment(begin, place, CAMERAS[rng.integers(len(CAMERAS))])

    def later(self, rng: np.random.Generator) -> Moment:
        """Minutes to a day on, a few streets away."""
        place = self.place and (self.place[0] + rng.normal(0, 0.004), self.place[1] + rng.normal(0, 0.004))
        return Moment(self.time + timedelta(minutes=float(rng.choice([3, 25, 90, 700]))), place, self.camera)


def degrees(value: float) -> tuple[float, float, float]:
    """Degrees, minutes and seconds of an angle without its sign."""
    value = abs(value)
    minutes = (value % 1) * 60
    return float(int(value)), float(int(minutes)), round((minutes % 1) * 60, 2)


def exif_bytes(moment: Moment, orientation: int, style: str) -> bytes:
    exif = Image.Exif()
    base = ExifTags.Base
    exif[base.Orientation] = orientation
    exif[base.Make], exif[base.Model] = moment.camera
    exif[base.ImageDescription] = f"Drawn with {style} art"
    stamp = moment.time.strftime("%Y:%m:%d %H:%M:%S")
    exif[base.DateTime] = stamp
    exif.get_ifd(ExifTags.IFD.Exif)[base.DateTimeOriginal] = stamp
    if moment.place:
        latitude, longitude = moment.place
        exif.get_ifd(ExifTags.IFD.GPSInfo).update(
            {
                ExifTags.GPS.GPSLatitudeRef: "N" if latitude >= 0 else "S",
                ExifTags.GPS.GPSLatitude: degrees(latitude),
                ExifTags.GPS.GPSLongitudeRef: "E" if longitude >= 0 else "W",
                ExifTags.GPS.GPSLongitude: degrees(longitude),
            }
        )
    return exif.tobytes()


def write_caption(image: Path, text: str) -> None:
    """A plain text caption beside the image."""
    image.with_suffix(".txt").write_text(text + "\n", encoding="utf-8")


def write_xmp(image: Path, language: str, text: str, keywords: list[str]) -> None:
    """An XMP sidecar with a description and keywords."""
    items = "".join(f"<rdf:li>{escape(word)}</rdf:li>" for word in keywords)
    image.with_suffix(".xmp").write_text(
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">\n'
        ' <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">\n'
        '  <rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/">\n'
        f'   <dc:description><rdf:Alt><rdf:li xml:lang="x-default">{escape(text)}</rdf:li>'
        f'<rdf:li xml:lang="{language}">{escape(text)}</rdf:li></rdf:Alt></dc:description>\n'
        f"   <dc:subject><rdf:Bag>{items}</rdf:Bag></dc:subject>\n"
        "  </rdf:Description>\n </rdf:RDF>\n</x:xmpmeta>\n",
        encoding="utf-8",
    )
