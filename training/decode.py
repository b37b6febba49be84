"""Greedy decoding: every box is well-formed, every caption made of words."""

from collections import defaultdict

import torch

from .decoder_model import AREF, CAP, COORDINATES, EOS, GCAP, LANGUAGE, SEPARATOR, START, Decoder
from .tokens import load_tokenizer


@torch.no_grad()
def next_scores(decoder: Decoder, tokens: torch.Tensor, said: torch.Tensor) -> torch.Tensor:
    """Log-probabilities (b, vocabulary) of what follows `said` (b, t), which begins with START."""
    states = decoder.states(said, tokens)[:, -1]
    return decoder.output(states).float().log_softmax(-1)


def by_length(prefixes: list[list[int]]):
    """Rows whose prefixes are equally long, so that they can be decoded together."""
    groups = defaultdict(list)
    for row, prefix in enumerate(prefixes):
        groups[len(prefix)].append(row)
    return groups.values()


def boxes(decoder: Decoder, tokens: torch.Tensor, texts: list[list[int]]) -> torch.Tensor:
    """The box (b, 4) of each expression, given as ids: left, top, right, bottom as shares of the picture."""
    first = decoder.config.first_coordinate
    found = torch.zeros(len(texts), 4)
    prefixes = [[START, AREF, *text, SEPARATOR] for text in texts]
    for rows in by_length(prefixes):
        said = torch.tensor([prefixes[row] for row in rows])
        for step in range(4):  # left, bottom, right, top
            scores = next_scores(decoder, tokens[rows], said)[:, first : first + COORDINATES]
            place = torch.arange(COORDINATES)[None]
            if step < 2:  # room for the other side
                wrong = place == (COORDINATES - 1 if step == 0 else 0)
            else:
                other = said[:, -2:-1] - first
                wrong = place <= other if step == 2 else place >= other
            best = scores.masked_fill(wrong, float("-inf")).argmax(1)
            said = torch.cat([said, best[:, None] + first], 1)
        left, bottom, right, top = ((said[:, i] - first) / (COORDINATES - 1) for i in (-4, -3, -2, -1))
        found[rows] = torch.stack([left, top, right, bottom], 1)
    return found


def caption_ids(decoder: Decoder, tokens: torch.Tensor, prefixes: list[list[int]]) -> list[list[int]]:
    """What follows each prefix (all equally long): pieces, up to the end."""
    config = decoder.config
    said = torch.tensor(prefixes)
    start = said.shape[1]
    ended = torch.zeros(len(said), dtype=torch.bool)
    while said.shape[1] < config.length and not ended.all():
        scores = next_scores(decoder, tokens, said)
        silent = torch.arange(scores.shape[1]) < config.first_piece
        silent[EOS] = False
        best = scores.masked_fill(silent, float("-inf")).argmax(1)
        best = torch.where(ended, EOS, best)
        ended |= best == EOS
        said = torch.cat([said, best[:, None]], 1)
    rows = said[:, start:].tolist()
    return [row[: row.index(EOS)] if EOS in row else row for row in rows]


def captions(decoder: Decoder, tokens: torch.Tensor, language: str, regions: list[list[int]] | None = None):
    """A caption of each picture, or of a region of it given as coordinate ids, in one language."""
    config = decoder.config
    code = LANGUAGE + config.languages.index(language)
    if regions is None:
        prefixes = [[START, CAP, code]] * len(tokens)
    else:
        prefixes = [[START, GCAP, code, *box, SEPARATOR] for box in regions]
    found = caption_ids(decoder, tokens, prefixes)
    return [load_tokenizer().decode([config.pieces[i - config.first_piece] for i in row]) for row in found]
