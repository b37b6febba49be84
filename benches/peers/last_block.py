"""Would patches name pixels better if they attended otherwise in the last block?

    pip install numpy opencv-python-headless safetensors
    python benches/peers/last_block.py GLIMPSE MODEL_DIR GALLERY [IMAGES]

computes the vision tower with numpy, once as it is and once for each other attention of the last
block, and prints the mean intersection over union of the patch map of one pass: each pixel has the
label of the largest cosine, or none below the threshold that is best for that attention. GALLERY is
a folder of `python -m training masks`; GLIMPSE embeds the names. Only for models of fixed resolution
in the layout of Hugging Face with the tanh GELU, as the bundled one.
"""

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
from safetensors.numpy import load_file

WAYS = {
    "the model's own": lambda q, k, z: soft(scaled(q, k)),
    "none (each patch to itself)": lambda q, k, z: None,
    "queries with queries, keys with keys": lambda q, k, z: (soft(scaled(q, q)) + soft(scaled(k, k))) / 2,
    "keys with keys": lambda q, k, z: soft(scaled(k, k)),
    "among similar patches": lambda q, k, z: similar(z)[:, None],
}


def soft(values):
    values = np.exp(values - values.max(-1, keepdims=True))
    return values / values.sum(-1, keepdims=True)


def scaled(a, b):
    return a @ b.swapaxes(-1, -2) / a.shape[-1] ** 0.5


def similar(tokens):
    """Cosines above their mean, times ten, as weights (RADSeg, 2511.19704)."""
    unit = tokens / np.linalg.norm(tokens, axis=-1, keepdims=True)
    cosines = unit @ unit.swapaxes(-1, -2)
    above = cosines - cosines.mean((-1, -2), keepdims=True)
    return soft(np.where(above < 0, -1e9, 10 * above))


class Tower:
    def __init__(self, folder: Path):
        self.weights = {k: v.astype(np.float32) for k, v in load_file(folder / "model.safetensors").items()}
        config = json.loads((folder / "config.json").read_text())["vision_config"]
        self.width, self.heads = config["hidden_size"], config["num_attention_heads"]
        self.depth, self.side = config["num_hidden_layers"], config["image_size"]
        self.patch = config["patch_size"]

    def linear(self, x, name):
        return x @ self.weights[f"{name}.weight"].T + self.weights[f"{name}.bias"]

    def norm(self, x, name):
        x = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-6)
        return x * self.weights[f"{name}.weight"] + self.weights[f"{name}.bias"]

    def mlp(self, x, name, norm):
        x = self.linear(self.norm(x, norm), f"{name}.fc1")
        x = 0.5 * x * (1 + np.tanh((2 / np.pi) ** 0.5 * (x + 0.044715 * x * x * x)))
        return self.linear(x, f"{name}.fc2")

    def block(self, x, number, way):
        name = f"vision_model.encoder.layers.{number}"
        z = self.norm(x, f"{name}.layer_norm1")
        split = lambda part: part.reshape(*part.shape[:2], self.heads, -1).swapaxes(1, 2)
        q, k, v = (split(self.linear(z, f"{name}.self_attn.{part}_proj")) for part in "qkv")
        weights = way(q, k, z)
        mixed = (v if weights is None else weights @ v).swapaxes(1, 2).reshape(x.shape)
        x = x + self.linear(mixed, f"{name}.self_attn.out_proj")
        return x + self.mlp(x, f"{name}.mlp", f"{name}.layer_norm2")

    def embed(self, image):
        """Tokens (1, N, W) of an RGB image before the first block."""
        method = cv2.INTER_AREA if min(image.shape[:2]) > self.side else cv2.INTER_LINEAR
        pixels = cv2.resize(image, (self.side, self.side), interpolation=method).astype(np.float32) / 127.5 - 1
        cells, embed = self.side // self.patch, "vision_model.embeddings"
        patches = pixels.reshape(cells, self.patch, cells, self.patch, 3).transpose(0, 2, 4, 1, 3)
        stem = self.weights[f"{embed}.patch_embedding.weight"].reshape(self.width, -1)
        x = patches.reshape(1, cells * cells, -1) @ stem.T + self.weights[f"{embed}.patch_embedding.bias"]
        return x + self.weights[f"{embed}.position_embedding.weight"]

    def align(self, x):
        """Tokens after the last block to text-aligned vectors of the same shape."""
        x = self.norm(x, "vision_model.post_layernorm")
        head = "vision_model.head"
        weight, bias = (self.weights[f"{head}.attention.in_proj_{part}"][2 * self.width :] for part in ("weight", "bias"))
        x = self.linear(x @ weight.T + bias, f"{head}.attention.out_proj")
        return x + self.mlp(x, f"{head}.mlp", f"{head}.layernorm")

    def vectors(self, image, way):
        """Text-aligned unit vectors of the patches of an RGB image."""
        x, cells = self.embed(image), self.side // self.patch
        for number in range(self.depth):
            x = self.block(x, number, way if number == self.depth - 1 else WAYS["the model's own"])
        x = self.align(x)
        return (x / np.linalg.norm(x, axis=-1, keepdims=True)).reshape(cells, cells, -1)


def embedded(glimpse: str, model: Path, names: list[str]) -> np.ndarray:
    texts = [part for name in names for part in ("--text", name)]
    said = subprocess.run([glimpse, "--model", model, "embed", *texts], capture_output=True, check=True, text=True)
    return np.array([json.loads(line)["embedding"] for line in said.stdout.splitlines()], np.float32)


def mean_iou(tower: Tower, way, folder: Path, names: np.ndarray, files: list[str]) -> tuple[float, float]:
    """The best over thresholds, and that threshold."""
    cuts = np.arange(0.2, 0.8, 0.05)
    classes = len(names) + 1
    both, predicted = np.zeros((len(cuts), classes)), np.zeros((len(cuts), classes))
    there = np.zeros(classes)
    for file in files:
        image = cv2.imread(str(folder / file))[..., ::-1]
        truth = cv2.imread(str(folder / "semantic" / f"{Path(file).stem}.png"), -1).astype(int) - 1
        counted = truth < classes
        cosines = tower.vectors(image, way) @ names.T
        live = np.flatnonzero(cosines.max((0, 1)) > cuts[0])
        best, label = np.full(truth.shape, -1.0, np.float32), np.zeros(truth.shape, int)
        for place in live:
            layer = cv2.resize(np.ascontiguousarray(cosines[..., place]), truth.shape[::-1], interpolation=cv2.INTER_LINEAR)
            label[layer > best] = place + 1
            best = np.maximum(best, layer)
        there += np.bincount(truth[counted], minlength=classes)
        for row, cut in enumerate(cuts):
            answer = np.where(best > cut, label, 0)[counted]
            predicted[row] += np.bincount(answer, minlength=classes)
            both[row] += np.bincount(answer[answer == truth[counted]], minlength=classes)
    union = predicted + there - both
    scores = (both / np.maximum(union, 1))[:, there > 0].mean(1)
    return float(scores.max()), float(cuts[scores.argmax()])


def main() -> None:
    glimpse, model, folder = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    data = json.loads((folder / "panoptic.json").read_text())
    files = [image["file_name"] for image in data["images"]][: int(sys.argv[4]) if len(sys.argv) > 4 else None]
    names = embedded(glimpse, model, [category["name"] for category in data["categories"][1:]])
    tower = Tower(model)
    for name, way in WAYS.items():
        score, cut = mean_iou(tower, way, folder, names, files)
        print(f"{name:40} mIoU {score:.3f} (above {cut:.2f})", flush=True)


if __name__ == "__main__":
    main()
