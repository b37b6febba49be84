"""New pieces for a tokenizer, so that a script that it knows only as bytes gets tokens of its own.

Only pieces with a character that no piece had before are added. Texts without such characters are
therefore split as they were, and the tower reads them as it did.
"""

import json

import torch
from tokenizers import Tokenizer, models, trainers

LONGEST_PIECE = 12  # characters


def unknown_characters(tokenizer: Tokenizer, texts: list[str]) -> set[str]:
    """Characters of the texts, as the tokenizer normalises them, that are in none of its pieces."""
    known = {character for piece in tokenizer.get_vocab() for character in piece}
    return {character for text in texts for character in _normalised(tokenizer, text)} - known


def learn_pieces(tokenizer: Tokenizer, texts: list[str], count: int) -> list[list]:
    """At most `count` new pieces with their scores, the best first, from a Unigram model of the
    texts; every unknown character is among them.
    """
    model = json.loads(tokenizer.to_str())["model"]
    if model["type"] != "Unigram":
        raise SystemExit(f"the tokenizer is {model['type']}, and only to Unigram ones can pieces be added: leave --pieces out")
    unknown = unknown_characters(tokenizer, texts)
    if not unknown:
        return []
    learner = Tokenizer(models.Unigram())
    learner.normalizer, learner.pre_tokenizer = tokenizer.normalizer, tokenizer.pre_tokenizer
    options = dict(unk_token="<unk>", special_tokens=["<unk>"], max_piece_length=LONGEST_PIECE, show_progress=False)
    learner.train_from_iterator(texts, trainers.UnigramTrainer(vocab_size=count + len(unknown) + 64, **options))
    learnt = json.loads(learner.to_str())["model"]["vocab"]
    new = [[piece, score] for piece, score in learnt if unknown & set(piece)]
    single = [entry for entry in new if len(entry[0]) == 1]
    missing = [[character, model_floor(learnt)] for character in sorted(unknown - {piece for piece, _ in single})]
    longer = [entry for entry in new if len(entry[0]) > 1]
    return [*single, *missing, *longer[: max(0, count - len(single) - len(missing))]]


def model_floor(pieces: list[list]) -> float:
    """The lowest score of a Unigram model: of a character that is there but rare."""
    return min(score for _, score in pieces)


def with_pieces(tokenizer: Tokenizer, pieces: list[list]) -> str:
    """The tokenizer's JSON with the pieces behind all others, so that no id changes."""
    description = json.loads(tokenizer.to_str())
    description["model"]["vocab"] += pieces
    return json.dumps(description, ensure_ascii=False)


def grown(table: torch.Tensor, count: int, seed: int) -> torch.Tensor:
    """The embedding table (v, d) with `count` more rows, drawn as the others are spread."""
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(count, table.shape[1], generator=generator).to(table)
    return torch.cat([table, table.mean(0) + table.std(0) * noise])


def _normalised(tokenizer: Tokenizer, text: str) -> str:
    lower = text.lower()
    return tokenizer.normalizer.normalize_str(lower) if tokenizer.normalizer else lower
