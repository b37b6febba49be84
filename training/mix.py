"""How even the mix of training data is.

SigLIP 2's data are freed of two biases (arXiv 2403.04547): representation, that some things come up
more often than others, and association, that things come up together. Scenes are drawn without
either: any concept, each in any of its styles, beside any others. What is left is told here: how
often each concept, style and language comes up, and how closely a concept goes with a style.

    python -m training mix
"""

from dataclasses import dataclass

import numpy as np

from .art import STYLES
from .batches import training_painter
from .captions import CaptionSampler, load_languages
from .scenes import Painter
from .settings import SEED

DRAWS = 100_000


@dataclass(frozen=True)
class Evenness:
    """How often the rarest and the most frequent of some things come up, beside their mean."""

    least: float
    most: float

    @classmethod
    def of(cls, counts: np.ndarray) -> "Evenness":
        return cls(float(counts.min() / counts.mean()), float(counts.max() / counts.mean()))

    def __str__(self) -> str:
        return f"{self.least:.2f} to {self.most:.2f} times the mean"


def association(joint: np.ndarray) -> float:
    """The largest correlation, of either sign, between a row's and a column's coming up, for the
    probabilities (rows, columns) of a row and a column together.
    """
    rows, columns = joint.sum(1, keepdims=True), joint.sum(0, keepdims=True)
    spread = np.sqrt(rows * (1 - rows) * columns * (1 - columns))
    return float(np.abs((joint - rows * columns) / np.where(spread > 0, spread, np.inf)).max())


def style_shares(painter: Painter) -> np.ndarray:
    """The probability (concepts, styles) that a drawing is of a concept and in a style."""
    shares = np.zeros((len(painter.choices), len(STYLES)))
    for concept, (styles, share) in enumerate(painter.choices):
        shares[concept, styles] = share
    return shares / len(painter.choices)


def meant(sampler: CaptionSampler, draws: int) -> np.ndarray:
    """How often each concept (concepts,) is meant by captions of a single word."""
    counts = np.zeros(sampler.concepts)
    for concept in sampler.rng.integers(sampler.concepts, size=draws):
        counts[list(sampler.single(int(concept))[1])] += 1
    return counts


def print_mix(concepts: int) -> None:
    """Tells the mix of the stages that train both towers."""
    shares = style_shares(training_painter(SEED, concepts))
    by_style = shares.sum(0)
    for style, share in zip(STYLES, by_style):
        print(f"{style.name}: {100 * share:.1f} % of drawings")
    print(f"association of a concept with a style: {association(shares):.3f}")
    languages = load_languages(concepts)
    print(f"languages: {len(languages)}, all alike; concepts without a name in one: {unnamed(languages, concepts)}")
    print(f"concepts that captions mean: {Evenness.of(meant(CaptionSampler(np.random.default_rng(SEED), concepts), DRAWS))}")


def unnamed(languages: dict, concepts: int) -> int:
    return sum(concept not in language.names for language in languages.values() for concept in range(concepts))
