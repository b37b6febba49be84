"""The text tower alone: every caption is pulled to the anchors of the concepts that it means."""

import numpy as np
import torch
import torch.nn.functional as F

from .anchors import build_anchors
from .captions import CaptionSampler
from .devices import mixed_precision, on_device
from .loop import Stage
from .model import build_model, encode_text
from .optimise import optimisers, trainable
from .settings import SEED, Budget
from .tokens import encode

SHARP = 14.0  # scale of the cosines in the cross-entropy
OUTSIDE_COSINE = 0.1  # a caption outside the domain may be this near to an anchor: they fill the space
MOST_MEANINGS = 6  # a keyword with more concepts than this is only pulled to their mean


def draw_captions(sampler: CaptionSampler, count: int) -> tuple[list[str], torch.Tensor, torch.Tensor]:
    """Random captions: 60 % single words, 30 % lists, 10 % outside the domain.

    Returns the texts, what they mean (count, concepts), and whether they ask for all (a list) or
    any of it.
    """
    texts, meanings, every = [], np.zeros((count, sampler.concepts), np.float32), np.zeros(count, bool)
    for row in range(count):
        kind = sampler.rng.random()
        if kind < 0.6:
            text, meaning = sampler.single(int(sampler.rng.integers(sampler.concepts)))
        elif kind < 0.9:
            every[row] = True
            size = 2 if sampler.rng.random() < 0.7 else 3
            text, meaning = sampler.listing(
                [int(c) for c in sampler.rng.choice(sampler.concepts, size, replace=False)]
            )
        else:
            text, meaning = sampler.outside()
        texts.append(text)
        meanings[row, list(meaning)] = 1
    return texts, on_device(meanings), on_device(every)


def anchor_loss(vectors: torch.Tensor, meanings: torch.Tensor, anchors: torch.Tensor):
    """Loss and metrics of unit vectors (b, d) against anchors (concepts, d), given meanings (b,
    concepts).
    """
    cosines = vectors @ anchors.T  # (b, concepts)
    counts = meanings.sum(1)
    goals = F.normalize(meanings @ anchors, dim=1)
    near = (vectors * goals).sum(1)
    some, few = counts > 0, (counts > 0) & (counts <= MOST_MEANINGS)
    shares = meanings[few] / counts[few, None]
    choice = F.cross_entropy(SHARP * cosines[few], shares)
    outside = F.relu(cosines[~some] - OUTSIDE_COSINE).square().sum(1)
    loss = choice + 2 * (1 - near[some]).mean()
    if len(outside):
        loss = loss + 2 * outside.mean()
    hit = meanings[few].gather(1, cosines[few].argmax(1, keepdim=True)).mean()
    metrics = {"choice": choice.item(), "cosine": near[some].mean().item(), "top1": hit.item()}
    if len(outside):
        metrics["outside"] = cosines[~some].amax(1).mean().item()
    return loss, metrics


class TextStage(Stage):
    name = "text"
    log_name = "text"

    def __init__(self, rank: int, budget: Budget, concepts: int, compile: bool = True):
        torch.manual_seed(SEED)
        self.modules = build_model()
        named = list(trainable(self.modules, "text_model."))
        self.optimisers = optimisers(named, muon_lr=6e-3, adam_lr=3e-3)
        self.sampler = CaptionSampler(np.random.default_rng([SEED, 2, rank]), concepts)
        self.anchors = build_anchors(concepts)
        self.batch = budget.batch
        self.encode = torch.compile(encode_text) if compile else encode_text

    def loss(self, progress):
        texts, meanings, _ = draw_captions(self.sampler, self.batch)
        with mixed_precision():
            vectors = self.encode(self.modules, encode(texts))
        return anchor_loss(F.normalize(vectors.float(), dim=1), meanings, self.anchors)
