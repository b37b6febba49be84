"""Retrieval and calibration measures on plain arrays."""

import numpy as np


def recall(scores: np.ndarray, relevant: np.ndarray) -> dict[str, float]:
    """Share of queries (rows) with a relevant image first, and among the first five."""
    best = np.argsort(-scores, axis=1)[:, :5]
    hits = np.take_along_axis(relevant, best, 1)
    return {"r1": float(hits[:, 0].mean()), "r5": float(hits.any(1).mean())}


def auroc(positives: np.ndarray, negatives: np.ndarray) -> float:
    """Probability that a random positive scores above a random negative, ties counting half."""
    ordered = np.sort(negatives)
    below = np.searchsorted(ordered, positives, "left")
    up_to = np.searchsorted(ordered, positives, "right")
    return float((below + up_to).mean() / 2 / len(negatives))


def calibration_error(probabilities: np.ndarray, outcomes: np.ndarray, bins: int = 15) -> float:
    """Expected calibration error over pairs, negatives weighted to as many as there are positives."""
    p, y = probabilities.ravel(), outcomes.ravel()
    weights = np.where(y, 1.0, y.sum() / max((~y).sum(), 1))
    odds = p / np.clip(1 - p, 1e-9, 1) * (~y).sum() / max(y.sum(), 1)  # the same evidence at even odds
    p = odds / (1 + odds)
    index = np.minimum((p * bins).astype(int), bins - 1)
    total, error = weights.sum(), 0.0
    for b in range(bins):
        inside = index == b
        share = weights[inside].sum()
        if share:
            error += abs((weights * p)[inside].sum() - (weights * y)[inside].sum()) / total
    return float(error)


def overlap(a, b) -> float:
    """Intersection over union of two boxes (left, top, right, bottom)."""
    width = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)]
    return width * height / max(sum(areas) - width * height, 1e-9)


def interval(values: list[float]) -> tuple[float, float]:
    """Mean of a few values, and half of its 95 % interval by Student's t; not a number for one."""
    count = len(values)
    if count < 2:
        return float(np.mean(values)), float("nan")
    t = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262)[min(count - 2, 8)]
    return float(np.mean(values)), float(t * np.std(values, ddof=1) / count**0.5)
