"""Measures the exported decoder on held-out galleries: boxes of words, captions of scenes and of
boxes.
"""

import json
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file

from . import decode
from .captions import load_languages
from .decoder import visible
from .decoder_model import Decoder, DecoderConfig
from .decoder_vocabulary import Vocabulary
from .gallery import KINDS, draw_gallery
from .measures import overlap
from .scenes import Scene
from .settings import GRID

LANGUAGES = ("en", "de", "ru", "ar", "hi", "zh", "ja", "th")


def load_decoder(folder: Path) -> Decoder:
    config = json.loads((folder / "decoder.json").read_text(encoding="utf-8"))
    del config["texts"]
    lists = {key: tuple(config[key]) for key in ("languages", "pieces")}
    decoder = Decoder(DecoderConfig(**config | lists)).eval()
    weights = load_file(folder / "decoder.safetensors")
    decoder.load_state_dict({key: value.float() for key, value in weights.items()})
    return decoder


def named(caption: str, names: dict[int, str]) -> set[int]:
    """The concepts whose names stand in a caption, longer names first."""
    found = set()
    for concept, name in sorted(names.items(), key=lambda item: -len(item[1])):
        if name in caption:
            found.add(concept)
            caption = caption.replace(name, " ")
    return found


def decoder_figures(decoder: Decoder, seen: torch.Tensor, towers, scenes: list[Scene], concepts: int) -> dict:
    """Accuracy of boxes at IoU 0.5, F1 of the objects in captions, share of right names of boxes,
    by language.
    """
    languages, vocabulary = load_languages(concepts), Vocabulary(decoder.config)
    height, width = scenes[0].image.shape[:2]
    figures = {}
    for code in LANGUAGES:
        names = languages[code].names
        rows = [(i, t) for i, s in enumerate(scenes) for t in visible(s) if t.concept in names]
        rows = rows[:: max(1, len(rows) // 600)]
        images = seen[[i for i, _ in rows]]
        texts = torch.from_numpy(towers.texts([names[t.concept] for _, t in rows]))
        found = decode.boxes(decoder, images, texts)
        scale = torch.tensor([width, height, width, height])
        hits = [overlap(box.tolist(), t.box) >= 0.5 for box, (_, t) in zip(found * scale, rows)]
        regions = [vocabulary.box(t.box, width, height) for _, t in rows]
        said = decode.captions(decoder, images, code, regions)
        some = scenes[:300]
        right = guessed = wanted = 0
        for scene, caption in zip(some, decode.captions(decoder, seen[: len(some)], code)):
            shown, told = {t.concept for t in visible(scene)} & set(names), named(caption, names)
            right, guessed, wanted = right + len(shown & told), guessed + len(told), wanted + len(shown)
        figures[code] = {
            "box_accuracy": float(np.mean(hits)),
            "caption_f1": 2 * right / max(guessed + wanted, 1),
            "region_name": float(np.mean([text == names[t.concept] for text, (_, t) in zip(said, rows)])),
        }
    return figures


def evaluate_decoder(folder: Path, concepts: int, size: int, towers) -> dict:
    """Figures of every gallery; `towers` is the exported model's encoder."""
    decoder, result = load_decoder(folder), {}
    for kind in KINDS:
        scenes = draw_gallery(kind, concepts, size)
        figures = decoder_figures(decoder, decoder.look(*towers.dense(scenes), GRID, GRID), towers, scenes, concepts)
        means = {key: float(np.mean([f[key] for f in figures.values()])) for key in figures["en"]}
        result[kind.name] = means | {"languages": figures}
        print(kind.name, json.dumps(means, default=lambda v: round(float(v), 3)), flush=True)
    return result
