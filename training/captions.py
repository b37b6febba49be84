"""Captions from Unicode CLDR: names and keywords of every concept in every language, and lists of
names.

A caption is a text with the set of concepts that it means; keywords that several concepts share
mean all of them, and names of things outside the domain mean none.
"""

import json
import zlib
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache

import numpy as np

from .concepts import VARIATION_SELECTOR, load_concepts
from .download import CLDR_VERSION, read_json_members
from .languages import FRAMES, LANGUAGES
from .settings import CACHE_DIR

HELD_OUT_SHARE = (
    0.06  # of the keywords that only one concept has: never trained on, to measure unseen synonyms
)


def build_captions() -> None:
    """Collects what CLDR says into one JSON file in the working folder."""
    captions = read_cldr(LANGUAGES)
    (CACHE_DIR / "captions.json").write_text(json.dumps(captions, ensure_ascii=False), encoding="utf-8")
    print(f"captions: {len(captions)} languages", flush=True)


def read_cldr(codes: Collection[str]) -> dict[str, dict]:
    """Names and keywords of all emoji, and list patterns, of languages by their code."""

    def wanted(path: str) -> bool:
        parts = path.split("/")
        return len(parts) == 3 and parts[1] in codes and parts[2] in ("annotations.json", "listPatterns.json")

    base = read_json_members("cldr-annotations-full", CLDR_VERSION, wanted)
    patterns = read_json_members("cldr-misc-full", CLDR_VERSION, wanted)
    captions = {}
    for language in codes:
        path = f"annotations/{language}/annotations.json"
        if path not in base:
            raise SystemExit(f"Unicode CLDR {CLDR_VERSION} names nothing in a language with the code `{language}`")
        entries = base[path]["annotations"]["annotations"]
        names, keywords = {}, {}
        for emoji, entry in entries.items():
            emoji = emoji.replace(VARIATION_SELECTOR, "")
            if "tts" in entry:
                names[emoji] = clean(entry["tts"][0])
            keywords[emoji] = sorted({clean(word) for word in entry.get("default", [])})
        lists = patterns[f"main/{language}/listPatterns.json"]["main"][language]["listPatterns"]
        captions[language] = {
            "names": names,
            "keywords": keywords,
            "list": lists["listPattern-type-standard"],
        }
    return captions


def clean(text: str) -> str:
    return " ".join(text.replace(VARIATION_SELECTOR, "").lower().split())


@dataclass
class Language:
    names: dict[int, str]  # by concept
    keywords: dict[int, list[str]]  # by concept; trained on
    shares: dict[int, np.ndarray]  # by concept: how often each of its keywords is drawn
    unseen: list[tuple[str, int]]  # held-out keywords, each with its one concept
    meaning: dict[str, tuple[int, ...]]  # concepts of every name and keyword
    outside: list[str]  # names of things that are no concept
    pattern: dict[str, str]  # CLDR list pattern
    frames: list[str]


def join(pattern: dict[str, str], items: list[str]) -> str:
    """`items` as a list in a language's own way."""

    def fill(key, first, second):
        return pattern[key].replace("{0}", first).replace("{1}", second)

    if len(items) == 1:
        return items[0]
    if len(items) == 2:
        return fill("2", *items)
    text = fill("end", items[-2], items[-1])
    for item in reversed(items[1:-2]):
        text = fill("middle", item, text)
    return fill("start", items[0], text)


@cache
def load_languages(concepts: int, *more: str) -> dict[str, Language]:
    """The languages of the model by code, then `more` that it was not trained on."""
    raw = json.loads((CACHE_DIR / "captions.json").read_text(encoding="utf-8"))
    if more:
        raw |= read_cldr(more)
    emoji = load_concepts(concepts)
    relatives = related_emoji(raw["en"], emoji)
    return {language: _language(language, entry, emoji, relatives) for language, entry in raw.items()}


def related_emoji(english: dict, emoji: tuple[str, ...]) -> set[str]:
    """The concepts and all that English keywords tie to one ("cat face" to the cat): not "outside"."""
    words = {part for e in emoji for part in english["names"].get(e, "").split()}
    words |= {word for e in emoji for word in english["keywords"].get(e, [])}
    tied = {e for e, keywords in english["keywords"].items() if words & set(keywords)}
    return tied | {e for e, name in english["names"].items() if words & set(name.split())} | set(emoji)


def _language(code: str, entry: dict, emoji: tuple[str, ...], relatives: set[str]) -> Language:
    names = {c: entry["names"][e] for c, e in enumerate(emoji) if e in entry["names"]}
    owners: dict[str, set[int]] = {}
    for c, e in enumerate(emoji):
        for word in entry["keywords"].get(e, []):
            owners.setdefault(word, set()).add(c)
    name_set = set(names.values())
    for name in name_set:  # a name means the things called so, whatever else has it as a keyword
        owners[name] = {c for c, own in names.items() if own == name}
    keywords = {c: [] for c in range(len(emoji))}
    unseen = []
    for word, concepts in sorted(owners.items()):
        alone = len(concepts) == 1 and word not in name_set
        if alone and zlib.crc32(f"{code}:{word}".encode()) % 1000 < 1000 * HELD_OUT_SHARE:
            unseen.append((word, *concepts))
            continue
        for c in concepts:
            if word not in name_set:
                keywords[c].append(word)
    meaning = {word: tuple(sorted(concepts)) for word, concepts in owners.items()}
    known = set(owners)
    outside = sorted(
        {n for e, n in entry["names"].items() if e not in relatives and n not in known and ":" not in n}
    )
    shares = {c: even_shares([len(meaning[word]) for word in words]) for c, words in keywords.items()}
    return Language(names, keywords, shares, unseen, meaning, outside, entry["list"], FRAMES.get(code, []))


def even_shares(meanings: list[int]) -> np.ndarray:
    """How often each keyword of a concept is drawn, given how many concepts it means: inversely to
    it. A word that many concepts share comes up with each of them, and would be said of them all too
    often (`mix.py` tells by how much).
    """
    shares = 1 / np.array(meanings, float)
    return shares / shares.sum()


class CaptionSampler:
    """Draws captions of given concepts in random languages."""

    def __init__(self, rng: np.random.Generator, concepts: int):
        self.rng = rng
        self.concepts = concepts
        self.languages = list(load_languages(concepts).values())

    def language(self) -> Language:
        return self.languages[self.rng.integers(len(self.languages))]

    def word(self, language: Language, concept: int, names_only: bool = False) -> tuple[str, tuple[int, ...]]:
        """A name (60 %) or keyword of a concept, with everything it means."""
        words = language.keywords[concept]
        if concept not in language.names or (not names_only and words and self.rng.random() < 0.4):
            word = words[self.rng.choice(len(words), p=language.shares[concept])]
        else:
            word = language.names[concept]
        return word, language.meaning[word]

    def single(self, concept: int) -> tuple[str, tuple[int, ...]]:
        """One word, at times in a frame ("a photo of ...")."""
        language = self.language()
        word, meaning = self.word(language, concept)
        if language.frames and self.rng.random() < 0.25:
            word = language.frames[self.rng.integers(len(language.frames))].replace("{}", word)
        return word, meaning

    def listing(self, concepts) -> tuple[str, tuple[int, ...]]:
        """Several objects in one caption, joined as the language does or simply by spaces."""
        language = self.language()
        words = [self.word(language, c, names_only=self.rng.random() < 0.8) for c in concepts]
        words = [(w, m if len(m) < 4 else (c,)) for (w, m), c in zip(words, concepts)]
        text = (
            " ".join(w for w, _ in words)
            if self.rng.random() < 0.2
            else join(language.pattern, [w for w, _ in words])
        )
        if language.frames and self.rng.random() < 0.1:
            text = language.frames[self.rng.integers(len(language.frames))].replace("{}", text)
        return text, tuple(sorted(set(concepts)))

    def outside(self) -> tuple[str, tuple[int, ...]]:
        language = self.language()
        return language.outside[self.rng.integers(len(language.outside))], ()
