"""Art styles and the sprite atlas: every concept in every style, rasterised once.

The atlas is one array (styles, concepts, 128, 128, 4) of pre-multiplied RGBA bytes, memory-mapped
by each process. A missing drawing is all zero and marked so in `present`.
"""

import json
import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from io import BytesIO

import cv2
import numpy as np
import resvg_py
from PIL import Image

from .concepts import VARIATION_SELECTOR, load_concepts
from .download import CLDR_VERSION, read_json_members
from .settings import CACHE_DIR

SPRITE = 128  # pixels per side


@dataclass(frozen=True)
class Style:
    name: str
    package: str
    version: str
    licence: str
    author: str
    role: (
        str  # "colour": trained on and shown; "line": trained on, filled outlines; "held-out": evaluated only
    )
    weight: float = 1.0


STYLES = (
    Style("noto", "@iconify-json/noto", "1.2.9", "Apache-2.0", "Google", "colour"),
    Style("noto-v1", "@iconify-json/noto-v1", "1.2.5", "Apache-2.0", "Google", "colour"),
    Style("twemoji", "@iconify-json/twemoji", "1.2.5", "CC-BY-4.0", "Twitter and contributors", "colour"),
    Style("fluent", "@iconify-json/fluent-emoji", "1.2.7", "MIT", "Microsoft", "colour"),
    Style("fluent-flat", "@iconify-json/fluent-emoji-flat", "1.2.6", "MIT", "Microsoft", "colour"),
    Style("emojione", "@iconify-json/emojione", "1.2.3", "CC-BY-4.0", "EmojiOne / EmojiTwo", "colour"),
    Style("fxemoji", "@iconify-json/fxemoji", "1.2.2", "Apache-2.0", "Mozilla", "colour"),
    Style("streamline", "@iconify-json/streamline-emojis", "1.2.4", "CC-BY-4.0", "Streamline", "colour"),
    Style(
        "fluent-line", "@iconify-json/fluent-emoji-high-contrast", "1.2.6", "MIT", "Microsoft", "line", 0.5
    ),
    Style(
        "emojione-line",
        "@iconify-json/emojione-monotone",
        "1.2.1",
        "CC-BY-4.0",
        "EmojiOne / EmojiTwo",
        "line",
        0.5,
    ),
    Style("openmoji", "@iconify-json/openmoji", "1.2.29", "CC-BY-SA-4.0", "OpenMoji", "held-out"),
)
TRAINED_STYLES = tuple(i for i, style in enumerate(STYLES) if style.role != "held-out")
COLOUR_STYLES = tuple(i for i, style in enumerate(STYLES) if style.role == "colour")
HELD_OUT_STYLES = tuple(i for i, style in enumerate(STYLES) if style.role == "held-out")


def icon_names(chars: dict, emoji: str, english: str) -> list[str]:
    """Icon names under which an iconify set may hold an emoji, best first.

    Some sets list code points (`chars`); the others only use names: CLDR's or Unicode's, with or
    without hyphens, some with a number behind the first of several drawings.
    """
    point = f"{ord(emoji):x}"
    names = [chars[key] for key in (point, f"{point}-fe0f") if key in chars]
    for name in (english, unicodedata.name(emoji)):
        slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
        names += [slug, f"{slug}-1", slug.replace("-", "")]
    return names


def load_english_names() -> dict[str, str]:
    """CLDR's English name of each emoji, after which the icons are named."""
    path = "annotations/en/annotations.json"
    files = read_json_members("cldr-annotations-full", CLDR_VERSION, lambda p: p == path)
    entries = files[path]["annotations"]["annotations"]
    return {
        emoji.replace(VARIATION_SELECTOR, ""): entry["tts"][0]
        for emoji, entry in entries.items()
        if "tts" in entry
    }


def rasterise(icon: dict, default_width: int, default_height: int, side: int = SPRITE) -> np.ndarray:
    """An iconify icon as pre-multiplied RGBA (side, side, 4)."""
    width, height = icon.get("width", default_width), icon.get("height", default_height)
    left, top = icon.get("left", 0), icon.get("top", 0)
    body = icon["body"].replace("currentColor", "#1c1c1c")
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'viewBox="{left} {top} {width} {height}" width="{side}" height="{side}">{body}</svg>'
    )
    png = resvg_py.svg_to_bytes(svg_string=svg, width=side, height=side)
    rgba = np.asarray(Image.open(BytesIO(bytes(png))).convert("RGBA")).astype(np.uint16)
    rgba[..., :3] = rgba[..., :3] * rgba[..., 3:] // 255
    return rgba.astype(np.uint8)


def fill_outline(sprite: np.ndarray) -> np.ndarray:
    """Puts white behind everything a line drawing encloses, as colouring-book art has it."""
    outside = np.pad((sprite[..., 3] < 96).astype(np.uint8), 1, constant_values=1)  # (130, 130)
    cv2.floodFill(outside, None, (0, 0), 2)
    inside = np.where(outside[1:-1, 1:-1] == 2, 0, 255).astype(np.uint16)
    inside = cv2.GaussianBlur(inside, (3, 3), 0)
    white = np.maximum(inside, sprite[..., 3]) - sprite[..., 3]
    filled = sprite.astype(np.uint16) + white[..., None]
    return np.minimum(filled, 255).astype(np.uint8)


def fit_to_square(sprite: np.ndarray) -> np.ndarray:
    """Crops the transparent margin so that a drawing's size is the size asked for; keeps its
    proportions.
    """
    ys, xs = np.nonzero(sprite[..., 3] > 16)
    if len(ys) == 0:
        return sprite
    top, bottom, left, right = ys.min(), ys.max() + 1, xs.min(), xs.max() + 1
    crop = sprite[top:bottom, left:right]
    side = sprite.shape[0]
    scale = (side - 4) / max(crop.shape[:2])
    height, width = max(1, round(crop.shape[0] * scale)), max(1, round(crop.shape[1] * scale))
    crop = cv2.resize(crop, (width, height), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    square = np.zeros((side, side, 4), np.uint8)
    y, x = (side - height) // 2, (side - width) // 2
    square[y : y + height, x : x + width] = crop
    return square


@cache
def style_icons(style: Style) -> dict[str, tuple[dict, int, int]]:
    """Icon and default size of every concept that a style has, by emoji."""
    files = read_json_members(style.package, style.version, lambda p: p in ("icons.json", "chars.json"))
    icons, chars, english = files["icons.json"], files["chars.json"], load_english_names()
    drawn = dict(icons["icons"])
    for alias, target in icons.get("aliases", {}).items():
        drawn.setdefault(alias, drawn.get(target["parent"]))
    found = {}
    for emoji in load_concepts():
        icon = next(
            (drawn[n] for n in icon_names(chars, emoji, english.get(emoji, "")) if drawn.get(n)), None
        )
        if icon is not None:
            found[emoji] = (icon, icons.get("width", 16), icons.get("height", 16))
    return found


def draw_concept(style: Style, emoji: str, side: int = SPRITE) -> np.ndarray:
    """A concept in a style as pre-multiplied RGBA (side, side, 4) without margin."""
    sprite = rasterise(*style_icons(style)[emoji], side)
    return fit_to_square(fill_outline(sprite) if style.role == "line" else sprite)


def build_atlas() -> None:
    """Rasterises all styles and concepts into the working folder."""
    concepts = load_concepts()
    atlas = np.zeros((len(STYLES), len(concepts), SPRITE, SPRITE, 4), np.uint8)
    for s, style in enumerate(STYLES):
        for emoji in style_icons(style):
            atlas[s, concepts.index(emoji)] = draw_concept(style, emoji)
        count = int(atlas[s].any(axis=(1, 2, 3)).sum())
        print(f"{style.name}: {count} of {len(concepts)} concepts", flush=True)
    np.save(CACHE_DIR / "atlas.npy", atlas)
    meta = {"concepts": concepts, "styles": [style.name for style in STYLES]}
    (CACHE_DIR / "atlas.json").write_text(json.dumps(meta, ensure_ascii=False))


@cache
def load_atlas() -> tuple[np.ndarray, np.ndarray]:
    """The memory-mapped atlas and `present` (styles, concepts), true where a drawing exists."""
    atlas = np.load(CACHE_DIR / "atlas.npy", mmap_mode="r")
    present = np.asarray(atlas[..., 32:96, 32:96, 3].any(axis=(2, 3)))
    return atlas, present
