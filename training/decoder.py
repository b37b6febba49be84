"""Trains the decoder on frozen towers: captions of scenes, boxes of words, words of boxes, in every
language.

Each image gives one sequence per task. The loss covers all that follows the task (and language)
token. The joint stage uses the same tasks to shape the vision tower (`--locca`), and there predicts
half of the captions in parallel; a frozen tower has nothing to gain by that.
"""

from dataclasses import dataclass

import numpy as np
import torch

from .batches import collate, training_painter
from .captions import CaptionSampler, join, load_languages
from .decoder_model import AREF, CAP, COORDINATES, GCAP, START, Decoder, DecoderConfig
from .decoder_vocabulary import LANGUAGES, Vocabulary, decoder_config
from .devices import mixed_precision, on_device
from .export import load_weights
from .layout import whole_scene
from .loop import Stage
from .model import build_model, encode_patches, encode_text, patch_vectors, window_positions
from .optimise import optimisers, trainable
from .scenes import SEEN, Scene, Thing
from .settings import GRID, IMAGE, SEED, Budget
from .tokens import encode

BLUR = 4.0  # standard deviation, in coordinates, of what counts as nearly right


def visible(scene: Scene) -> list[Thing]:
    """What a scene shows, the largest first."""

    def area(thing: Thing) -> float:
        left, top, right, bottom = thing.box
        return (right - left) * (bottom - top)

    return sorted((t for t in scene.things if t.visible >= SEEN), key=area, reverse=True)


@dataclass
class Sequence:
    ids: list[int]
    text: str = ""  # the expression, if it is one's box


class Sequences:
    """Draws sequences of the three tasks about a scene."""

    def __init__(self, rng: np.random.Generator, concepts: int, config: DecoderConfig):
        self.rng = rng
        self.sampler = CaptionSampler(rng, concepts)
        self.languages = load_languages(concepts)
        self.vocabulary = Vocabulary(config)

    def of(self, scene: Scene) -> list[Sequence]:
        things = visible(scene)
        if not things:
            return []
        height, width = scene.image.shape[:2]
        code, language = self.language()
        names = [language.names[t.concept] for t in things if t.concept in language.names]
        sequences = [Sequence(self.vocabulary.caption(code, join(language.pattern, names)))] if names else []
        for thing in self.some(things):
            text, meaning = self.sampler.single(thing.concept)  # in any language
            if len(set(meaning) & {t.concept for t in things}) == 1:
                box = self.vocabulary.box(thing.box, width, height)
                sequences.append(Sequence(self.vocabulary.expression(box), text))
        for thing in self.some(things):
            code, language = self.language()
            if thing.concept in language.names:
                box = self.vocabulary.box(thing.box, width, height)
                sequences.append(Sequence(self.vocabulary.region(code, language.names[thing.concept], box)))
        return [s for s in sequences if len(s.ids) <= self.vocabulary.config.length]

    def language(self):
        code = LANGUAGES[0 if self.rng.random() < 0.1 else self.rng.integers(len(LANGUAGES))]
        return code, self.languages[code]

    def some(self, things: list[Thing]) -> list[Thing]:
        return [things[i] for i in self.rng.permutation(len(things))[:2]]


def pack(sequences: list[list[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Inputs (b, t), shifted right, and targets (b, t) with -1 where there is nothing to learn."""
    length = max(map(len, sequences))
    targets = np.full((len(sequences), length), -1, np.int64)
    inputs = np.full((len(sequences), length), START, np.int64)
    for row, ids in enumerate(sequences):
        inputs[row, 1 : len(ids)] = ids[:-1]
        prefix = 1 if ids[0] == AREF else 2
        targets[row, prefix : len(ids)] = ids[prefix:]
    return on_device(inputs), on_device(targets)


def sequence_loss(scores: torch.Tensor, targets: torch.Tensor, first_coordinate: int):
    """Cross-entropy of scores (n, vocabulary); a coordinate's neighbours are nearly right. Returns
    both parts.
    """
    log = scores.float().log_softmax(-1)
    place = (targets >= first_coordinate) & (targets < first_coordinate + COORDINATES)
    words = -log[~place].gather(1, targets[~place, None])[:, 0]
    if not place.any():
        return words.mean(), words.mean(), words.new_zeros(())
    steps = torch.arange(COORDINATES, device=targets.device) - (targets[place, None] - first_coordinate)  # (m, 501)
    goals = (-0.5 * (steps / BLUR).square()).softmax(-1)
    boxes = -(goals * log[place, first_coordinate : first_coordinate + COORDINATES]).sum(-1)
    total = (words.sum() + boxes.sum()) / len(targets)
    return total, words.mean(), boxes.mean()


def hide_words(inputs: torch.Tensor) -> torch.Tensor:
    """Captions (b, t) for parallel prediction (arXiv 2306.07915): of what follows START, task and
    language, every input is START, so that nothing but the image says what comes next.
    """
    return torch.cat([inputs[:, :3], torch.full_like(inputs[:, 3:], START)], 1)


def tasks_loss(decoder: Decoder, towers, tokens, aligned, drawn: list[tuple[int, Sequence]], parallel: bool = False):
    """The losses of all tasks, added, and each part: tokens (b, s, vision) and text-aligned vectors
    of the patches of images, and sequences, each with the row of its image. `parallel` predicts
    whole captions at once. The text tower learns nothing from it.
    """
    total, metrics = tokens.new_zeros((), dtype=torch.float), {}
    seen = decoder.look(tokens, aligned, GRID, GRID)
    for name, task in (("cap", CAP), ("aref", AREF), ("gcap", GCAP)):
        chosen = [(row, sequence) for row, sequence in drawn if sequence.ids[0] == task]
        if not chosen:
            continue
        rows = torch.tensor([row for row, _ in chosen])
        inputs, targets = pack([sequence.ids for _, sequence in chosen])
        at_once = parallel and task == CAP
        texts = None
        if task == AREF:
            with torch.no_grad():
                texts = encode_text(towers, encode([sequence.text for _, sequence in chosen]))
        states = decoder.states(hide_words(inputs) if at_once else inputs, seen[rows], texts, causal=not at_once)
        known = targets >= 0
        loss, words, boxes = sequence_loss(decoder.output(states[known]), targets[known], decoder.config.first_coordinate)
        total = total + loss
        metrics["parallel_words" if at_once else f"{name}_words"] = words.item()
        if task != CAP:
            metrics[f"{name}_boxes"] = boxes.item()
    return total, metrics


class DecoderStage(Stage):
    name = "decoder"
    log_name = "decoder"

    def __init__(self, rank: int, budget: Budget, concepts: int, compile: bool = True, rate: float = 1.0):
        """`rate` is a share of the learning rates that suit a decoder that starts from nothing."""
        torch.manual_seed(SEED)
        self.concepts, self.batch = concepts, budget.batch
        self.towers = build_model()
        self.towers.load_state_dict(load_weights())
        self.towers.eval().requires_grad_(False)
        self.config = decoder_config(concepts)
        self.modules = Decoder(self.config)
        named = list(trainable(self.modules, ""))
        self.optimisers = optimisers(named, muon_lr=rate * 6e-3, adam_lr=rate * 2e-3)
        self.painter = training_painter(np.random.SeedSequence([SEED, 6, rank]).generate_state(1)[0], concepts)
        self.sampler = Sequences(np.random.default_rng([SEED, 7, rank]), concepts, self.config)
        self.positions = window_positions(0, 0, GRID, GRID)
        self.see = torch.compile(self._see) if compile else self._see

    def _see(self, pixels):
        tokens = encode_patches(self.towers, pixels, self.positions)[-1]
        return tokens, patch_vectors(self.towers, tokens)

    def loss(self, progress):
        scenes = [whole_scene(self.painter, IMAGE) for _ in range(self.batch)]
        batch = collate(scenes, self.concepts)
        drawn = [(row, sequence) for row, scene in enumerate(scenes) for sequence in self.sampler.of(scene)]
        with mixed_precision():
            with torch.no_grad():
                tokens, aligned = self.see(batch.pixels)
            total, metrics = tasks_loss(self.modules, self.towers, tokens, aligned, drawn)
        return total, metrics | {"tokens": float(sum(len(sequence.ids) for _, sequence in drawn))}
