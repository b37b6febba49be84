"""What the decoder can say: the configuration of the bundled one, and texts and boxes as its ids."""

from collections.abc import Callable
from dataclasses import dataclass

from .captions import join, load_languages
from .decoder_model import AREF, CAP, EOS, GCAP, LANGUAGE, SEPARATOR, DecoderConfig
from .settings import EOS as TEXT_EOS
from .settings import HEADS, MLP, PAD, WIDTH
from .tokens import load_tokenizer

LAYERS, LENGTH = 3, 56
# Of captions: every name of every language has to be learnt, so they are few, of different scripts.
LANGUAGES = ("en", "de", "fr", "es", "pt", "ru", "ar", "hi", "zh", "ja", "ko", "th")


def text_ids(text: str) -> list[int]:
    """The tokenizer's ids of a text without its end and padding."""
    tokenizer = load_tokenizer()
    ids = tokenizer.encode(text.lower()).ids
    return ids[: ids.index(TEXT_EOS)] if TEXT_EOS in ids else ids


def decoder_config(concepts: int) -> DecoderConfig:
    """Pieces are those of all names and lists of the domain."""
    languages = load_languages(concepts)
    used = set()
    for language in (languages[code] for code in LANGUAGES):
        words = list(language.names.values())
        words += [join(language.pattern, words[: n + 2]) for n in range(3)]
        for encoding in load_tokenizer().encode_batch([word.lower() for word in words]):
            used.update(encoding.ids)
    used.discard(TEXT_EOS)
    return DecoderConfig(
        WIDTH, WIDTH, MLP, HEADS, LAYERS, LENGTH, LANGUAGES, tuple(sorted(used - {PAD}))
    )


@dataclass
class Vocabulary:
    """From texts and boxes to the decoder's ids."""

    config: DecoderConfig
    ids: Callable[[str], list[int]] = text_ids  # the tokenizer's ids of a text without its end

    def __post_init__(self):
        self.piece = {piece: self.config.first_piece + i for i, piece in enumerate(self.config.pieces)}
        self.language = {code: LANGUAGE + i for i, code in enumerate(self.config.languages)}

    def text(self, text: str) -> list[int]:
        return [self.piece[i] for i in self.ids(text) if i in self.piece]

    def box(self, box, width: int, height: int) -> list[int]:
        """Left, bottom, right, top, as LocCa writes them."""
        left, top, right, bottom = box
        shares = (left / width, bottom / height, right / width, top / height)
        return [self.config.first_coordinate + min(500, max(0, round(500 * s))) for s in shares]

    def caption(self, language: str, text: str) -> list[int]:
        return [CAP, self.language[language], *self.text(text), EOS]

    def expression(self, box: list[int]) -> list[int]:
        return [AREF, *box, EOS]

    def region(self, language: str, text: str, box: list[int]) -> list[int]:
        return [GCAP, self.language[language], *box, SEPARATOR, *self.text(text), EOS]
