"""Greedy decoding: every box is well-formed, every caption made of words."""

import torch

from .decoder_model import AREF, CAP, COORDINATES, EOS, GCAP, LANGUAGE, SEPARATOR, START, Decoder
from .tokens import load_tokenizer


@torch.no_grad()
def next_scores(decoder: Decoder, seen: torch.Tensor, said: torch.Tensor, texts=None) -> torch.Tensor:
    """Log-probabilities (b, vocabulary) of what follows `said` (b, t), which begins with START."""
    states = decoder.states(said, seen, texts)[:, -1]
    return decoder.output(states).float().log_softmax(-1)


def boxes(decoder: Decoder, seen: torch.Tensor, texts: torch.Tensor) -> torch.Tensor:
    """The box (b, 4) of each expression, given as embeddings (b, vision): left, top, right, bottom
    as shares of the image.
    """
    first = decoder.config.first_coordinate
    said = torch.tensor([[START, AREF]] * len(texts), device=seen.device)
    place = torch.arange(COORDINATES, device=seen.device)[None]
    for step in range(4):  # left, bottom, right, top
        scores = next_scores(decoder, seen, said, texts)[:, first : first + COORDINATES]
        if step < 2:  # room for the other side
            wrong = place == (COORDINATES - 1 if step == 0 else 0)
        else:
            other = said[:, -2:-1] - first
            wrong = place <= other if step == 2 else place >= other
        best = scores.masked_fill(wrong, float("-inf")).argmax(1)
        said = torch.cat([said, best[:, None] + first], 1)
    left, bottom, right, top = ((said[:, i] - first) / (COORDINATES - 1) for i in (-4, -3, -2, -1))
    return torch.stack([left, top, right, bottom], 1)


def caption_ids(decoder: Decoder, seen: torch.Tensor, prefixes: list[list[int]]) -> list[list[int]]:
    """What follows each prefix (all equally long): pieces, up to the end."""
    config = decoder.config
    said = torch.tensor(prefixes)
    start = said.shape[1]
    ended = torch.zeros(len(said), dtype=torch.bool)
    while said.shape[1] < config.length and not ended.all():
        scores = next_scores(decoder, seen, said)
        silent = torch.arange(scores.shape[1]) < config.first_piece
        silent[EOS] = False
        best = scores.masked_fill(silent, float("-inf")).argmax(1)
        best = torch.where(ended, EOS, best)
        ended |= best == EOS
        said = torch.cat([said, best[:, None]], 1)
    rows = said[:, start:].tolist()
    return [row[: row.index(EOS)] if EOS in row else row for row in rows]


def captions(decoder: Decoder, seen: torch.Tensor, language: str, regions: list[list[int]] | None = None):
    """A caption of each image, or of a region of it given as coordinate ids, in one language."""
    config = decoder.config
    code = LANGUAGE + config.languages.index(language)
    if regions is None:
        prefixes = [[START, CAP, code]] * len(seen)
    else:
        prefixes = [[START, GCAP, code, *box, SEPARATOR] for box in regions]
    found = caption_ids(decoder, seen, prefixes)
    return [load_tokenizer().decode([config.pieces[i - config.first_piece] for i in row]) for row in found]
