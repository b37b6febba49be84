"""Which way to look at an image names its pixels best?

    pip install numpy opencv-python-headless safetensors
    python benches/peers/looks.py GLIMPSE MODEL_DIR GALLERY [CHOOSE] [FIRST LAST]

computes the vision tower with numpy and, for each way, the mean intersection over union of its maps
over scenes FIRST to LAST (300 to 449): each pixel has the label of the largest cosine, or none below
the threshold that is best on the first CHOOSE scenes (50). Beside it stand the seconds of processor
time that an image takes in the tower and the memory that numpy holds at most. GALLERY is a folder of
`python -m training masks`; GLIMPSE embeds the names. Only for models of fixed resolution in the
layout of Hugging Face with the tanh GELU, as the bundled one.

Windows are those of `segment`: two thirds and half of the shorter side, half a window apart, and the
whole image; maps are pooled and their edges moved to those of the image as there.
"""

import json
import sys
import time
import tracemalloc
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from last_block import WAYS, Tower, embedded

OWN = WAYS["the model's own"]
SIZES = (1.5, 2.0)  # windows along the shorter side
SHARPNESS = 19  # the model's own scale of logits
CUTS = np.arange(0.35, 0.7, 0.025)
HALF = 2  # maps have as many pixels less along a side


@dataclass
class Look:
    """A part of the image and the unit vectors of its patches, (rows, cols, W)."""

    left: float
    top: float
    right: float
    bottom: float
    vectors: np.ndarray
    weight: float = 1.0
    is_stitched: bool = False


class Looker:
    """Every way to look at an image; each gives its looks."""

    def __init__(self, tower: Tower):
        self.tower, self.cells = tower, tower.side // tower.patch
        self.known: dict[float, np.ndarray] = {}  # of one image, by size of windows

    def before_last(self, size: float, images: list[np.ndarray]) -> np.ndarray:
        """Tokens (n, N, W) of the windows of one size (RGB) before the last block."""
        if size not in self.known:
            self.known[size] = self.until_last(images)
        return self.known[size]

    def until_last(self, images: list[np.ndarray]) -> np.ndarray:
        x = np.concatenate([self.tower.embed(image) for image in images])
        for number in range(self.tower.depth - 1):
            x = self.tower.block(x, number, OWN)
        return x

    def last(self, x: np.ndarray) -> np.ndarray:
        """Tokens after the last block; all of a sequence attend to each other."""
        return self.tower.block(x, self.tower.depth - 1, OWN)

    def unit(self, x: np.ndarray, rows: int, cols: int, mend: float | None = None) -> np.ndarray:
        """Text-aligned unit vectors (n, rows, cols, W); tokens longer than `mend` times the median
        take the mean of their neighbours'."""
        aligned = self.tower.align(x).reshape(len(x), rows, cols, -1)
        if mend:
            norms = np.linalg.norm(x, axis=-1).reshape(len(x), rows, cols)
            aligned = np.stack([mended(*pair, mend) for pair in zip(aligned, norms)])
        return aligned / np.linalg.norm(aligned, axis=-1, keepdims=True)

    def whole(self, image, mend=None, early=None) -> list[Look]:
        x = self.before_last(1, [image])
        if early:
            norms = np.linalg.norm(x[0], axis=-1).reshape(self.cells, self.cells)
            x = mended(x[0].reshape(self.cells, self.cells, -1), norms, early).reshape(x.shape)
        return [Look(0, 0, 1, 1, self.unit(self.last(x), self.cells, self.cells, mend)[0], 4)]

    def cut(self, image, size: float) -> tuple[list[tuple[int, int]], list[np.ndarray], int, int]:
        """Windows on a common grid of patches: their corners (row, column), their pixels, and the
        grid's rows and columns."""
        height, width = image.shape[:2]
        short = min(height, width)
        rows, cols = (round(self.cells * size * side / short) for side in (height, width))
        corners = [(top, left) for top in starts(rows, self.cells) for left in starts(cols, self.cells)]
        at = lambda cell, cells, pixels: round(cell / cells * pixels)
        windows = [
            image[
                at(top, rows, height) : at(top + self.cells, rows, height),
                at(left, cols, width) : at(left + self.cells, cols, width),
            ]
            for top, left in corners
        ]
        return corners, windows, rows, cols

    def windows(self, image, attend_to_all=False, mend=None) -> list[Look]:
        """Windows by themselves, or, in the last block, each patch attending to those of all."""
        looks = self.whole(image, mend)
        for size in SIZES:
            corners, windows, rows, cols = self.cut(image, size)
            x = self.before_last(size, windows)
            last = self.last(x.reshape(1, -1, x.shape[-1])).reshape(x.shape) if attend_to_all else self.last(x)
            for (top, left), vectors in zip(corners, self.unit(last, self.cells, self.cells, mend)):
                right, bottom = (left + self.cells) / cols, (top + self.cells) / rows
                looks.append(Look(left / cols, top / rows, right, bottom, vectors))
        return looks

    def stitched(self, image) -> list[Look]:
        """Features of windows before the last block laid on one grid, means where they overlap, and
        one attention over all of it (OV-Stitcher, 2604.08110)."""
        looks = self.whole(image)
        for size in SIZES:
            corners, windows, rows, cols = self.cut(image, size)
            x = self.before_last(size, windows).reshape(len(windows), self.cells, self.cells, -1)
            total, count = np.zeros((rows, cols, x.shape[-1]), np.float32), np.zeros((rows, cols, 1), np.float32)
            for (top, left), tokens in zip(corners, x):
                total[top : top + self.cells, left : left + self.cells] += tokens
                count[top : top + self.cells, left : left + self.cells] += 1
            one = (total / count).reshape(1, rows * cols, -1)
            looks.append(Look(0, 0, 1, 1, self.unit(self.last(one), rows, cols)[0], 4, True))
        return looks

    def both(self, image) -> list[Look]:
        return self.windows(image) + self.stitched(image)[1:]


def starts(length: int, side: int) -> list[int]:
    """First cells of windows of `side` cells that cover `length`, at most half a window apart."""
    steps = -(-2 * (length - side) // side)
    return [round(step * (length - side) / steps) for step in range(steps + 1)] if steps else [0]


def mended(values: np.ndarray, norms: np.ndarray, ratio: float) -> np.ndarray:
    """`values` (rows, cols, W) with those of long tokens replaced by the mean of sound neighbours."""
    broken = norms > ratio * np.median(norms)
    if not broken.any():
        return values
    values = values.copy()
    for row, col in np.argwhere(broken):
        around = (slice(max(row - 1, 0), row + 2), slice(max(col - 1, 0), col + 2))
        sound = values[around][~broken[around]]
        if len(sound):
            values[row, col] = sound.mean(0)
    return values


def pooled(looks: list[Look], cosines: list[np.ndarray], height: int, width: int) -> np.ndarray:
    """Maps of labels (height, width, L) from their cosines (rows, cols, L) in each look: the
    logarithm of the mean exponential over looks, middles counting most."""
    highest = max(part.max() for part in cosines)
    sums, weights = np.zeros((height, width, cosines[0].shape[-1]), np.float32), np.zeros((height, width, 1), np.float32)
    for look, part in zip(looks, cosines):
        rows, down, row_weight = places(look.top, look.bottom, part.shape[0], height)
        cols, across, col_weight = places(look.left, look.right, part.shape[1], width)
        values = across @ np.tensordot(down, part, 1)
        weight = (look.weight * row_weight[:, None] * col_weight)[..., None]
        if look.is_stitched:
            weight = np.full_like(weight, look.weight)  # it has no borders within the image
        sums[rows, cols] += weight * np.exp(SHARPNESS * (values - highest))
        weights[rows, cols] += weight
    return highest + np.log(np.maximum(sums / weights, 1e-38)) / SHARPNESS


def places(start: float, end: float, patches: int, length: int) -> tuple[slice, np.ndarray, np.ndarray]:
    """Places of `length` from `start` to `end`, the matrix that interpolates patches there, and how
    much each place counts."""
    first, last = start * length, end * length
    at = np.arange(max(int(np.ceil(first - 0.5)), 0), min(int(np.floor(last - 0.5)) + 1, length))
    share = (at + 0.5 - first) / (last - first)
    patch = np.clip(share * patches - 0.5, 0, patches - 1)
    matrix = np.maximum(1 - abs(patch[:, None] - np.arange(patches)), 0).astype(np.float32)
    return slice(at[0], at[-1] + 1), matrix, (1.1 - abs(2 * share - 1)).astype(np.float32)


class Guide:
    """The guided filter (He, Sun and Tang, ECCV 2010) with three colours as guide."""

    def __init__(self, image: np.ndarray):
        self.radius = round(0.05 * max(image.shape[:2]))
        self.count = self.sums(np.ones((*image.shape[:2], 1), np.float32))
        self.colours = image.astype(np.float32) / 255
        self.means = self.mean(self.colours)
        pairs = self.mean((self.colours[..., None] * self.colours[..., None, :]).reshape(*image.shape[:2], 9))
        covariance = pairs.reshape(*image.shape[:2], 3, 3) - self.means[..., None] * self.means[..., None, :]
        self.inverse = np.linalg.inv(covariance + 1e-3 * np.eye(3, dtype=np.float32))

    def sums(self, values: np.ndarray) -> np.ndarray:
        side = 2 * self.radius + 1
        boxes = cv2.boxFilter(values, -1, (side, side), normalize=False, borderType=cv2.BORDER_CONSTANT)
        return boxes.reshape(values.shape)

    def mean(self, values: np.ndarray) -> np.ndarray:
        return self.sums(values) / self.count

    def filter(self, maps: np.ndarray) -> np.ndarray:
        """Maps (h, w, L) whose edges are those of the image."""
        mean, colours, inverse = self.mean(maps), self.colours[..., None], self.inverse[..., None]
        shared = [self.mean(colours[..., c, :] * maps) - self.means[..., c, None] * mean for c in range(3)]
        slopes = [sum(inverse[..., c, d, :] * shared[d] for d in range(3)) for c in range(3)]
        offset = mean - sum(slopes[c] * self.means[..., c, None] for c in range(3))
        return self.mean(offset) + sum(self.mean(slopes[c]) * colours[..., c, :] for c in range(3))


def ways(looker: Looker) -> dict:
    """By name: how an image is looked at, and whether edges of maps follow it."""
    return {
        "one pass": (looker.whole, False),
        "one pass, edges": (looker.whole, True),
        "one pass, edges, tokens over 1.4 medians mended": (lambda image: looker.whole(image, mend=1.4), True),
        "the same before the last block, over 1.6": (lambda image: looker.whole(image, early=1.6), True),
        "windows, edges (as it is)": (looker.windows, True),
        "windows, edges, tokens over 1.4 medians mended": (lambda image: looker.windows(image, mend=1.4), True),
        "windows that attend to all in the last block": (lambda image: looker.windows(image, attend_to_all=True), True),
        "windows stitched before the last block": (looker.stitched, True),
        "windows, and the same stitched": (looker.both, True),
    }


def counts(looks: list[Look], image, truth, names, edges: bool) -> np.ndarray:
    """Intersection, prediction and truth of each category (3, cuts, classes), by cut."""
    classes, counted = len(names) + 1, truth < len(names) + 1
    cosines = [look.vectors @ names.T for look in looks]
    height, width = (side // HALF for side in truth.shape)
    guide = Guide(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)) if edges else None
    live = np.flatnonzero(np.max([part.max((0, 1)) for part in cosines], 0) > CUTS[0])
    best, label = np.full((height, width), -1.0, np.float32), np.zeros((height, width), int)
    for part_of in np.array_split(live, -(-len(live) // 64)) if len(live) else []:
        maps = pooled(looks, [part[..., part_of] for part in cosines], height, width)
        maps = guide.filter(maps) if guide else maps
        most = maps.max(-1)
        label = np.where(most > best, part_of[maps.argmax(-1)] + 1, label)
        best = np.maximum(best, most)
    best, label = (np.kron(values, np.ones((HALF, HALF), values.dtype)) for values in (best, label))
    answers = [np.where(best > cut, label, 0)[counted] for cut in CUTS]
    right = truth[counted]
    tally = lambda values: np.bincount(values, minlength=classes)
    return np.array(
        [
            [tally(answer[answer == right]) for answer in answers],
            [tally(answer) for answer in answers],
            [tally(right)] * len(CUTS),
        ],
        np.float64,
    )


def mean_iou(tallies: np.ndarray) -> np.ndarray:
    both, predicted, there = tallies
    shown = there[0] > 0
    return (both / np.maximum(predicted + there - both, 1))[:, shown].mean(1)


def main() -> None:
    glimpse, model, folder = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    choose = int(sys.argv[4]) if len(sys.argv) > 4 else 50
    first, last = map(int, sys.argv[5:7]) if len(sys.argv) > 6 else (300, 449)
    data = json.loads((folder / "panoptic.json").read_text())
    names = embedded(glimpse, model, [category["name"] for category in data["categories"][1:]])
    looker = Looker(Tower(model))
    cv2.setNumThreads(1)
    chosen = [image["file_name"] for image in data["images"][:choose]]
    judged = [image["file_name"] for image in data["images"][first : last + 1]]
    read = lambda file: cv2.imread(str(folder / file))[..., ::-1].copy()
    asked = ways(looker)
    tallies = {name: [] for name in asked}
    for file in chosen + judged:
        image = read(file)
        truth = cv2.imread(str(folder / "semantic" / f"{Path(file).stem}.png"), -1).astype(int) - 1
        truth[truth < 0] = 1 << 30
        looker.known.clear()
        for name, (way, edges) in asked.items():
            tallies[name].append(counts(way(image), image, truth, names, edges))
    for name, (way, _) in asked.items():
        cut = mean_iou(np.sum(tallies[name][:choose], 0)).argmax()
        score = mean_iou(np.sum(tallies[name][choose:], 0))[cut]
        seconds, peak = cost(looker, way, [read(file) for file in chosen[:5]])
        print(f"{name:50} mIoU {score:.3f} (above {CUTS[cut]:.3f}) {seconds:.3f} s {peak:.0f} MB", flush=True)


def cost(looker: Looker, way, images: list[np.ndarray]) -> tuple[float, float]:
    """Seconds of processor time an image, and the megabytes that numpy holds at most."""
    started = time.process_time()
    for image in images:
        looker.known.clear()
        way(image)
    seconds = (time.process_time() - started) / len(images)
    looker.known.clear()
    tracemalloc.start()
    way(images[0])
    peak = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    return seconds, peak


if __name__ == "__main__":
    main()
