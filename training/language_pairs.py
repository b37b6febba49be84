"""Pairs in a language that the bundled model was not taught, for `training.lit`, and galleries to
measure it with.

    python -m training language FOLDER --language lo

writes `pairs/` (new scenes and `pairs.jsonl`: every name and keyword of what a scene shows in that
language, a list of its things, and the English name of each as `source`), `keep.txt` (texts of the
48 languages, a quarter of all) and the held-out galleries `trained-single`, `heldout-single` and
`trained-several` with queries in all 49. Names come from Unicode CLDR, as those of the other
languages do; keywords that are measured as unseen are not in the pairs.

    python -m training style FOLDER

writes `pairs/` and `keep.txt` for `training.adapt`: English captions of scenes in the style that no
training saw.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from .art import HELD_OUT_STYLES, STYLES
from .batches import training_painter
from .captions import Language, join, load_languages
from .gallery import KINDS, seen_concepts
from .gallery_files import write_gallery
from .languages import LANGUAGES
from .layout import whole_scene
from .scenes import Painter
from .settings import IMAGE, SEED

GALLERIES = ("trained-single", "heldout-single", "trained-several")
KEPT_SHARE = 0.25  # of the texts of the model's languages


def write_language(folder: Path, code: str, concepts: int, scenes: int, size: int) -> None:
    if code in LANGUAGES:
        raise SystemExit(f"the model knows `{code}` already; its languages are {' '.join(LANGUAGES)}")
    languages = load_languages(concepts, code)
    write_pairs(folder / "pairs", languages[code], languages["en"], concepts, scenes)
    keep = sorted(kept_texts(languages))
    (folder / "keep.txt").write_text("".join(f"{text}\n" for text in keep), encoding="utf-8")
    print(f"{len(keep)} texts to keep", flush=True)
    for kind in KINDS:
        if kind.name in GALLERIES:
            write_gallery(kind, folder / kind.name, concepts, size, code)
            print(f"{kind.name}: {size} scenes", flush=True)


def write_style(folder: Path, concepts: int, scenes: int) -> None:
    """Pairs in English of new scenes in the style that no training saw, for `training.adapt`, and
    texts to keep.
    """
    languages = load_languages(concepts)
    weights = [STYLES[style].weight for style in HELD_OUT_STYLES]
    painter = Painter(np.random.default_rng([SEED, 52]), concepts, HELD_OUT_STYLES, weights, 1.0)
    write_pairs(folder / "pairs", languages["en"], languages["en"], concepts, scenes, painter)
    keep = sorted(kept_texts(languages))
    (folder / "keep.txt").write_text("".join(f"{text}\n" for text in keep), encoding="utf-8")


def write_pairs(
    folder: Path, language: Language, english: Language, concepts: int, count: int, painter: Painter | None = None
) -> None:
    """Scenes as training draws them, or as `painter` does, with what can be said of each."""
    folder.mkdir(parents=True, exist_ok=True)
    painter = painter or training_painter(np.random.SeedSequence([SEED, 49]).generate_state(1)[0], concepts)
    rng = np.random.default_rng([SEED, 50])
    lines = []
    for number in range(count):
        scene, file = whole_scene(painter, IMAGE), f"{number:05d}.png"
        cv2.imwrite(str(folder / file), scene.image[..., ::-1])
        for text, source in scene_captions(sorted(seen_concepts(scene)), language, english, rng):
            lines.append(json.dumps({"image": file, "text": text, "source": source}, ensure_ascii=False) + "\n")
    (folder / "pairs.jsonl").write_text("".join(lines), encoding="utf-8")
    print(f"{len(lines)} pairs of {count} scenes", flush=True)


def scene_captions(
    shown: list[int], language: Language, english: Language, rng: np.random.Generator
) -> Iterator[tuple[str, str]]:
    """What can be said of a scene that shows these concepts, each with the English for it."""
    for concept in shown:
        for word in [language.names.get(concept), *language.keywords[concept]]:
            if word and len(language.meaning[word]) < 4:  # a word for many things says little of one
                yield word, english.names[concept]
    named = [concept for concept in shown if concept in language.names]
    if len(named) > 1:
        several = [int(concept) for concept in rng.choice(named, min(len(named), 3), replace=False)]
        english_list = join(english.pattern, [english.names[concept] for concept in several])
        yield join(language.pattern, [language.names[concept] for concept in several]), english_list


def kept_texts(languages: dict[str, Language]) -> set[str]:
    """A share of the names and keywords of the model's languages, and lists of two names."""
    rng = np.random.default_rng([SEED, 51])
    texts = set()
    for code in LANGUAGES:
        language = languages[code]
        texts |= {word for word in language.meaning if rng.random() < KEPT_SHARE}
        names = list(language.names.values())
        texts |= {join(language.pattern, list(rng.choice(names, 2, replace=False))) for _ in range(100)}
    return texts
