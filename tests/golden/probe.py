"""Made-up patches and pixels, and what scikit-learn and SciPy read out of them.

    pip install scikit-learn==1.9.1 scipy==1.17.1 numpy==2.4.6
    python tests/golden/probe.py

Writes tests/golden/probe.json: six small images with random inputs for each patch, a category, a
distance and a direction for each pixel that depend on them, some of them unknown, and for each task
the answers of the layer (for each input alone, then for none) and its figures.
"""

import json
from pathlib import Path

import numpy as np
from scipy.ndimage import map_coordinates
from sklearn.linear_model import Ridge
from sklearn.metrics import accuracy_score, jaccard_score, root_mean_squared_error

FILE = Path(__file__).parent / "probe.json"
ROWS, COLS, WIDTH, HEIGHT, INPUTS, CATEGORIES = 3, 4, 13, 9, 5, 3
IMAGES, TRAIN, RIDGE = 6, 4, 0.01


def patch_of(count: int, patches: int) -> np.ndarray:
    """The patch of each pixel along a side."""
    return np.floor((np.arange(count) + 0.5) / count * patches).astype(int)


def made_up(rng: np.random.Generator) -> dict:
    inputs = rng.normal(size=(ROWS * COLS, INPUTS)).round(3)
    cell = patch_of(HEIGHT, ROWS)[:, None] * COLS + patch_of(WIDTH, COLS)
    seen = inputs[cell]  # (HEIGHT, WIDTH, INPUTS)
    categories = (seen[..., :CATEGORIES] + rng.normal(0, 0.7, (HEIGHT, WIDTH, CATEGORIES))).argmax(-1)
    categories[rng.random((HEIGHT, WIDTH)) < 0.15] = -1
    depth = (4 + 0.5 * seen[..., 0] - 0.3 * seen[..., 4] + rng.normal(0, 0.2, (HEIGHT, WIDTH))).round(3)
    depth[rng.random((HEIGHT, WIDTH)) < 0.15] = 0
    facing = np.stack([seen[..., 1], seen[..., 2], np.full((HEIGHT, WIDTH), 1.5)], -1)
    facing += rng.normal(0, 0.3, facing.shape)
    facing /= np.linalg.norm(facing, axis=-1, keepdims=True)
    normals = ((facing + 1) * 127.5).round().astype(int)
    normals[rng.random((HEIGHT, WIDTH)) < 0.15] = 0
    return {
        "inputs": inputs.tolist(),
        "categories": categories.ravel().tolist(),
        "depth": depth.ravel().tolist(),
        "normals": normals.reshape(-1, 3).tolist(),
    }


def targets(image: dict, task: str) -> tuple[np.ndarray, np.ndarray]:
    """Values (pixels, outputs) and whether they are known."""
    if task == "segmentation":
        categories = np.array(image["categories"])
        return np.eye(CATEGORIES)[np.maximum(categories, 0)], categories >= 0
    if task == "depth":
        depth = np.array(image["depth"])
        return depth[:, None], depth > 0
    normals = np.array(image["normals"]) / 127.5 - 1
    known = np.array(image["normals"]).any(1)
    return normals / np.linalg.norm(normals, axis=1, keepdims=True), known


def of_patches(values: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    cell = (patch_of(HEIGHT, ROWS)[:, None] * COLS + patch_of(WIDTH, COLS)).ravel()
    means, weights = np.zeros((ROWS * COLS, values.shape[1])), np.zeros(ROWS * COLS)
    for patch in range(ROWS * COLS):
        inside = cell == patch
        weights[patch] = known[inside].mean()
        if weights[patch] > 0:
            means[patch] = values[inside & known].mean(0)
    return means, weights


def at_pixels(answers: np.ndarray) -> np.ndarray:
    y = (np.arange(HEIGHT) + 0.5) * ROWS / HEIGHT - 0.5
    x = (np.arange(WIDTH) + 0.5) * COLS / WIDTH - 0.5
    places = np.meshgrid(y, x, indexing="ij")
    maps = [
        map_coordinates(answers[:, k].reshape(ROWS, COLS), places, order=1, mode="nearest")
        for k in range(answers.shape[1])
    ]
    return np.stack(maps, -1).reshape(HEIGHT * WIDTH, -1)


def figures(task: str, truth: np.ndarray, answers: np.ndarray) -> dict:
    if task == "segmentation":
        truth, answers = truth.argmax(1), answers.argmax(1)
        return {
            "mean_iou": jaccard_score(truth, answers, average="macro"),
            "pixel_accuracy": accuracy_score(truth, answers),
        }
    if task == "depth":
        truth, answers = truth[:, 0], answers[:, 0]
        ratio = np.maximum(truth / answers, answers / truth)
        return {
            "rmse": root_mean_squared_error(truth, answers),
            "abs_rel": (np.abs(truth - answers) / truth).mean(),
            "delta_1": (ratio < 1.25).mean(),
        }
    answers = answers / np.linalg.norm(answers, axis=1, keepdims=True)
    angles = np.degrees(np.arccos(np.clip((truth * answers).sum(1), -1, 1)))
    return {
        "mean_angular_error": angles.mean(),
        "rmse": np.sqrt((angles**2).mean()),
        "within_11_22_30": [(angles < most).mean() for most in (11.25, 22.5, 30)],
    }


def expected(images: list[dict], task: str) -> dict:
    x, y, weights = [], [], []
    for image in images[:TRAIN]:
        means, share = of_patches(*targets(image, task))
        x.append(image["inputs"]), y.append(means), weights.append(share)
    x, y, weights = np.concatenate(x), np.concatenate(y), np.concatenate(weights)
    layer = Ridge(alpha=RIDGE * weights.sum()).fit(x, y, sample_weight=weights)

    def predict(inputs) -> np.ndarray:
        return layer.predict(np.asarray(inputs)).reshape(len(inputs), -1)

    truths, answers = [], []
    for image in images[TRAIN:]:
        values, known = targets(image, task)
        truths.append(values[known]), answers.append(at_pixels(predict(image["inputs"]))[known])
    alone = np.concatenate([np.eye(INPUTS), np.zeros((1, INPUTS))])
    measured = figures(task, np.concatenate(truths), np.concatenate(answers))
    return {"answers": predict(alone).ravel().tolist(), "figures": measured}


def main() -> None:
    rng = np.random.default_rng(7)
    images = [made_up(rng) for _ in range(IMAGES)]
    golden = {"rows": ROWS, "cols": COLS, "width": WIDTH, "height": HEIGHT, "categories": CATEGORIES}
    golden |= {"ridge": RIDGE, "train": TRAIN, "images": images}
    golden["expected"] = {task: expected(images, task) for task in ("segmentation", "depth", "normals")}
    FILE.write_text(json.dumps(golden, separators=(",", ":")) + "\n", encoding="utf-8")
    print(json.dumps(golden["expected"], indent=1))


if __name__ == "__main__":
    main()
