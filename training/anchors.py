"""Fixed target vectors, one per concept, that let both towers be trained apart before they meet.

Their cosines mix "all different" with "alike where CLDR's keywords are alike", so that neighbours
in meaning are neighbours in space but every concept stays apart from every other.
"""

import json

import numpy as np
import torch

from .concepts import load_concepts
from .devices import on_device
from .settings import CACHE_DIR, WIDTH

LIKENESS = 0.45  # share of the keyword similarity in the cosines


def keyword_similarity(concepts: int) -> np.ndarray:
    """Cosines (concepts, concepts) of all languages' keyword sets, rare words counting more."""
    captions = json.loads((CACHE_DIR / "captions.json").read_text(encoding="utf-8"))
    emoji = load_concepts(concepts)
    columns: dict[tuple[str, str], list[int]] = {}
    for language, entry in captions.items():
        for row, e in enumerate(emoji):
            for word in entry["keywords"].get(e, []):
                columns.setdefault((language, word), []).append(row)
    table = np.zeros((concepts, len(columns)), np.float32)
    for column, rows in enumerate(columns.values()):
        table[rows, column] = np.log(1 + concepts / len(rows))
    table /= np.linalg.norm(table, axis=1, keepdims=True)
    return table @ table.T


def build_anchors(concepts: int) -> torch.Tensor:
    """Unit vectors (concepts, WIDTH) whose cosines are the wanted ones, as far as WIDTH dimensions
    allow.
    """
    wanted = (1 - LIKENESS) * np.eye(concepts) + LIKENESS * keyword_similarity(concepts)
    values, vectors = np.linalg.eigh(wanted)
    values, vectors = values[::-1][:WIDTH], vectors[:, ::-1][:, :WIDTH]
    points = np.zeros((concepts, WIDTH))
    points[:, : len(values)] = vectors * np.sqrt(np.maximum(values, 0))
    rotation, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(WIDTH, WIDTH)))
    points = points @ rotation
    return torch.nn.functional.normalize(on_device(points.astype(np.float32)), dim=1)
