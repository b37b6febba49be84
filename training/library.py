"""Draws the demo library: new scenes as ordinary image files, as a person's folders would hold
them.

Everything the interface can show has something to show: folders by place, year and theme, dates,
places, cameras and orientation in EXIF, captions and keywords in sidecar files, near-duplicates,
and files that are broken on purpose. What each file shows is written to library.json beside the
library.
"""

import json
import shutil
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from .art import STYLES, draw_concept
from .captions import join, load_languages
from .concepts import load_concepts
from .layout import spread_centres
from .library_metadata import Moment, exif_bytes, write_caption, write_xmp
from .scenes import SEEN, Painter, Scene
from .settings import CONCEPTS, LIBRARY_DIR, SEED
from .sprites import draw_outline, recolour

SHOWN_STYLES = ("noto", "noto-v1", "twemoji", "fluent", "fluent-flat", "emojione")
SPRITE_SIDE = 320
SIZES = (
    (480, 360),
    (360, 480),
    (512, 384),
    (400, 400),
    (560, 315),
    (320, 480),
    (640, 360),
    (600, 300),
    (300, 560),
)
BROKEN = ("truncated.jpg", "empty.png", "words.jpg", "header-only.webp", "noise.png")


@dataclass(frozen=True)
class Album:
    folder: str
    language: str  # of its sidecar captions
    place: tuple[float, float] | None  # latitude, longitude
    year: int
    theme: str  # emoji to choose from
    count: int


ALBUMS = (
    Album("Travel/2019 Lisboa", "pt", (38.71, -9.14), 2019, "🚌🚕🏠🏰⛵🚢☀🍊🍋🐟🎸☕🍷🌴🎈", 24),
    Album("Travel/2021 Wien", "de", (48.21, 16.37), 2021, "🐎🎻🎹🏰🎂☕🍺🌹🚲🚂🎩👑🎺🥐", 24),
    Album("Travel/2022 京都", "ja", (35.01, 135.77), 2022, "🍣🍁🐟☂🏠🚲🌸🐒🦆🐢🌙📷🍊", 24),
    Album("Travel/2023 القاهرة", "ar", (30.04, 31.24), 2023, "🐪☀🌴🚕🐈⛵🌙🐊🍇🍉☕📚", 24),
    Album("Travel/2024 Nairobi", "sw", (-1.29, 36.82), 2024, "🦁🐘🦒🦓🐒🦅🐊🌴☀🚌🦩⛺🔭", 26),
    Album("Дача/2018", "ru", (55.92, 37.81), 2018, "🐈🐕🌻🍅🥕🍎🍓🐝🦋🐌🚲🏠🍄🐞🌲", 26),
    Album("Zoo", "en", (52.51, 13.34), 2020, "🐼🐨🐧🦁🐘🦒🦓🐅🐻🐒🦜🦩🐍🐢🐸🦉🐳🐬🦈🐙", 34),
    Album("Kitchen/Breakfast", "fr", None, 2023, "☕🥐🍞🥚🧀🍌🍎🍊🍓🥑🍩🍒🍇🍋", 26),
    Album("Kitchen/Dinner", "it", None, 2022, "🍕🍔🍟🌭🍣🍷🍺🍅🥦🍆🌽🍄🍍🍉🍦🎂🍿🧀", 28),
    Album("Garage/on wheels", "en", None, 2017, "🚗🚌🚕🚒🚑🚚🚜🚲🏍🚂✈🚁🚀🔧🔨🔑🔒", 28),
    Album("Home/Christmas 2016", "de", (47.27, 11.39), 2016, "🎁⛄❄⭐🌲🧸🕯🧦🎈🎂🎩🔥🌙", 22),
    Album("Home/Bureau", "fr", None, 2024, "💻📱☎📷📺💡📚✏✂⌚⏰👓☕🪑✉💰", 24),
    Album("음악", "ko", (37.57, 126.98), 2021, "🎸🎹🎺🎻🥁🎈🏆👑💡📺", 16),
    Album("Sport", "es", (41.39, 2.17), 2015, "⚽🏀🎾🎳🏆👟🎲⚓🚲🎒🧦⛺", 20),
    Album("Garten", "de", None, 2019, "🌹🌻🌷🌵🌴🌲🍁🍀🐝🐞🦋🐌🐸🦔🐇☂🌈💧", 24),
)


class LibraryPainter(Painter):
    """Paints large sprites of one style per scene, in colours close to the originals."""

    def __init__(self, rng: np.random.Generator):
        super().__init__(rng, len(load_concepts()), (0,), augment=0.25)
        self.style = None
        self.cache: dict[tuple[str, int], np.ndarray] = {}

    def sprite(self, concept, style=None):
        key = (self.style.name, concept)
        if key not in self.cache:
            self.cache[key] = draw_concept(self.style, load_concepts()[concept], SPRITE_SIDE)
        sprite = self.cache[key]
        if self.rng.random() < 0.4:
            sprite = recolour(sprite, self.rng, 0.25)
        return draw_outline(sprite, self.rng) if self.rng.random() < 0.03 else sprite


def paint(painter: LibraryPainter, album: Album) -> tuple[Scene, str]:
    """A scene of an album, and the name of its style."""
    rng = painter.rng
    width, height = SIZES[rng.integers(len(SIZES))]
    emoji = load_concepts()
    theme = [emoji.index(e) for e in album.theme if e in emoji[:CONCEPTS]]
    count = min(int(rng.choice([1, 2, 3, 4], p=[0.45, 0.3, 0.17, 0.08])), len(theme))
    chosen = rng.choice(theme, count, replace=False)
    have = [s for s in STYLES if s.name in SHOWN_STYLES and all(has(s, emoji[c]) for c in chosen)]
    painter.style = have[rng.integers(len(have))]
    largest = {1: 0.8, 2: 0.58, 3: 0.5, 4: 0.42}[count]
    sizes = min(width, height) * np.exp(rng.uniform(np.log(0.36), np.log(largest), count))
    centres = spread_centres(rng, height, width, sizes)
    return painter.draw(height, width, chosen, sizes, centres), painter.style.name


def has(style, emoji: str) -> bool:
    from .art import style_icons

    return emoji in style_icons(style)


def encode(pixels: np.ndarray, kind: str, exif: bytes | None, orientation: int) -> bytes:
    """An image as file bytes; turned so that its EXIF orientation puts it upright again."""
    if orientation == 6:
        pixels = np.rot90(pixels, 1)
    elif orientation == 8:
        pixels = np.rot90(pixels, -1)
    elif orientation == 3:
        pixels = np.rot90(pixels, 2)
    buffer = BytesIO()
    image = Image.fromarray(np.ascontiguousarray(pixels))
    extra = {"exif": exif} if exif else {}
    if kind == "png":  # few colours keep it small
        image.quantize(96, dither=Image.Dither.NONE).save(buffer, "PNG", optimize=True, **extra)
    elif kind == "webp":
        image.save(buffer, "WEBP", quality=72, **extra)
    else:
        image.save(buffer, "JPEG", quality=78, **extra)
    return buffer.getvalue()


def build_library(folder: Path = LIBRARY_DIR) -> None:
    """Draws the whole library anew; the same seed gives the same files."""
    shutil.rmtree(folder, ignore_errors=True)
    rng = np.random.default_rng([SEED, 9])
    painter = LibraryPainter(rng)
    names = load_languages(len(load_concepts()))
    entries = []
    for album in ALBUMS:
        target = folder / album.folder
        target.mkdir(parents=True)
        moment = Moment.start(rng, album.year, album.place)
        for number in range(album.count):
            scene, style = paint(painter, album)
            moment = moment.later(rng)
            kind = str(rng.choice(["jpg", "png", "webp"], p=[0.72, 0.1, 0.18]))
            orientation = int(rng.choice([1, 6, 8, 3], p=[0.86, 0.07, 0.04, 0.03])) if kind == "jpg" else 1
            dated = kind != "png" and rng.random() < 0.8
            exif = exif_bytes(moment, orientation, style) if dated else None
            orientation = orientation if dated else 1
            path = target / f"{file_stem(rng, number)}.{kind}"
            path.write_bytes(encode(scene.image, kind, exif, orientation))
            entry = describe(scene, path.relative_to(folder), style)
            language = names[album.language]
            words = [language.names[c] for c in entry["concepts"] if c in language.names]
            chance = rng.random()
            if words and chance < 0.12:
                write_caption(path, join(language.pattern, words))
            elif words and chance < 0.2:
                write_xmp(path, album.language, join(language.pattern, words), words)
            entries.append(entry)
            if rng.random() < 0.05:
                entries.append(near_duplicate(rng, scene, path, folder, entry))
    entries += write_broken(rng, folder)
    finish(folder, entries)


def file_stem(rng: np.random.Generator, number: int) -> str:
    kind = rng.integers(3)
    return (f"IMG_{1000 + 7 * number}", f"DSC{4100 + 3 * number:05d}", f"picture {number + 1:02d}")[kind]


def describe(scene: Scene, path: Path, style: str) -> dict:
    """What is to be seen, boxes as shares of width and height."""
    height, width = scene.image.shape[:2]
    seen = [thing for thing in scene.things if thing.visible >= SEEN]
    boxes = [[round(float(v) / s, 4) for v, s in zip(t.box, (width, height, width, height))] for t in seen]
    return {"path": path.as_posix(), "style": style, "concepts": [t.concept for t in seen], "boxes": boxes}


def near_duplicate(rng: np.random.Generator, scene: Scene, path: Path, folder: Path, entry: dict) -> dict:
    """The same scene again, smaller and a little brighter, without metadata."""
    copy = path.with_name(f"{path.stem} copy.jpg")
    height, width = scene.image.shape[:2]
    image = cv2.resize(scene.image, (round(width * 0.8), round(height * 0.8)), interpolation=cv2.INTER_AREA)
    image = (image.astype(np.float32) * rng.uniform(0.92, 1.08)).clip(0, 255).astype(np.uint8)
    copy.write_bytes(encode(image, "jpg", None, 1))
    return entry | {"path": copy.relative_to(folder).as_posix(), "duplicate_of": entry["path"]}


def write_broken(rng: np.random.Generator, folder: Path) -> list[dict]:
    """Files that no reader can open, each for another reason."""
    target = folder / "Rescued disk"
    target.mkdir()
    noise = rng.integers(0, 256, 3000, dtype=np.uint8).tobytes()
    whole = encode(rng.integers(0, 256, (64, 64, 3), dtype=np.uint8), "jpg", None, 1)
    contents = (
        whole[: len(whole) // 3],
        b"",
        b"This is not a picture.\n",
        b"RIFF\x10\x00\x00\x00WEBPVP8 ",
        noise,
    )
    for name, content in zip(BROKEN, contents):
        (target / name).write_bytes(content)
    return [{"path": f"Rescued disk/{name}", "broken": True} for name in BROKEN]


def finish(folder: Path, entries: list[dict]) -> None:
    """Writes library.json (concepts as emoji) and reports the size."""
    emoji = load_concepts()
    for entry in entries:
        if "concepts" in entry:
            entry["concepts"] = [c if isinstance(c, str) else emoji[c] for c in entry["concepts"]]
    lines = ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in entries)
    (folder.parent / "library.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    files = [path for path in folder.rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in files)
    print(f"library: {len(entries)} images, {len(files)} files, {size / 1e6:.1f} MB", flush=True)
