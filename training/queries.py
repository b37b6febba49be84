"""Chooses the demonstration's queries: things, in many scripts, that the model finds in the
library.
"""

import json
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps

from .captions import join, load_languages
from .concepts import load_concepts
from .evaluate import Encoder
from .languages import SCRIPT_OF
from .scenes import Scene
from .settings import IMAGE, LIBRARY_DIR

# In order of preference. Two emoji ask for both in one image.
CANDIDATES = (
    ("en", "🦋"),
    ("de", "🌻"),
    ("ja", "🎸"),
    ("ar", "🐪"),
    ("ru", "🚁"),
    ("hi", "🐘"),
    ("zh", "🐧"),
    ("ko", "🍄"),
    ("el", "🏰"),
    ("he", "🍉"),
    ("th", "☂"),
    ("ta", "🐢"),
    ("ka", "🍓"),
    ("am", "🚲"),
    ("fr", "🥐☕"),
    ("es", "🦁🐘"),
    ("hy", "🍎"),
    ("bn", "🐟"),
    ("uk", "🚂"),
    ("tr", "🎈"),
    ("fa", "🌹"),
    ("zh-Hant", "🚌"),
    ("vi", "🐘"),
    ("te", "🌙"),
    ("pt", "🍍"),
    ("sw", "🦓"),
    ("my", "🐈"),
    ("km", "🌵"),
)
LATIN_MOST, MOST = 4, 15


def load_images(folder: Path) -> tuple[list[dict], list[Scene]]:
    """The readable images of the library as the preprocessor squashes them."""
    entries = [
        e for e in json.loads((folder.parent / "library.json").read_text(encoding="utf-8")) if "concepts" in e
    ]
    scenes = []
    for entry in entries:
        image = Image.open(BytesIO((folder / entry["path"]).read_bytes()))
        image = (
            ImageOps.exif_transpose(image).convert("RGB").resize((IMAGE, IMAGE), Image.Resampling.BILINEAR)
        )
        scenes.append(Scene(np.asarray(image), [], np.zeros((0, 0))))
    return entries, scenes


def precision(order: np.ndarray, wanted: str, entries: list[dict]) -> tuple[bool, int]:
    """Whether the best image is right, and how many of the best three are."""
    good = [set(wanted) <= set(entries[i]["concepts"]) for i in order[:3]]
    return good[0], sum(good)


def build_queries(model: Path, concepts: int) -> None:
    """Writes queries.json beside the model: per language the wanted thing, or else another one that
    is found.
    """
    torch.set_num_threads(1)
    encoder, languages, emoji = Encoder(model), load_languages(concepts), load_concepts(concepts)
    entries, scenes = load_images(LIBRARY_DIR)
    images, _ = encoder.scenes(scenes)
    shown = [e for e in emoji if any(e in entry["concepts"] for entry in entries)]
    chosen, used, latin = [], set(), 0
    for code, preferred in CANDIDATES:
        language, english = languages[code], languages["en"]
        is_latin = SCRIPT_OF[code] == "Latin"
        if len(chosen) == MOST or (is_latin and latin == LATIN_MOST):
            continue
        options = [preferred, *(e for e in shown if e not in used)]
        options = [o for o in options if all(emoji.index(e) in language.names for e in o)]
        texts = [join(language.pattern, [language.names[emoji.index(e)] for e in o]) for o in options]
        orders = np.argsort(-(encoder.texts(texts) @ images.T), axis=1)
        scored = [(o, t, *precision(order, o, entries)) for o, t, order in zip(options, texts, orders)]
        right = [(o, t) for o, t, first, count in scored if first and count >= (2 if len(o) == 1 else 1)]
        if not right:
            print(f"left out: {code}", flush=True)
            continue
        wanted, text = right[0]
        used.update(wanted)
        latin += is_latin
        names = [english.names[emoji.index(e)] for e in wanted]
        chosen.append(
            {"lang": code, "text": text, "english": join(english.pattern, names), "concept": wanted}
        )
    lines = ",\n".join("  " + json.dumps(entry, ensure_ascii=False) for entry in chosen)
    (model / "queries.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    print(f"queries: {len(chosen)}", flush=True)
