"""A whole library beside other ways to index it: JPEGs of twelve megapixels to vectors, decoding
and all.

    cargo build --release
    .venv/bin/python benches/peers/library.py [--images 64] [--photos FOLDER] [--rounds 3] [--side 4000x3000]

All run SigLIP 2 B/16-224 with random weights: speed does not depend on their values.

- ours: `glimpse index` into an empty library, by its own account of the seconds; hashes, metadata,
  words and the packing of the weights are included. Once more with regions, which nobody else
  makes.
- open_clip: its own preprocessing in a DataLoader with a worker for each core, PyTorch in bf16.
- rclip's way: PIL and ONNX Runtime in f32, eight images at a time, one step after the other.

The others have loaded their models before, and store nothing. Parts take turns; medians.
"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time

import numpy
import onnxruntime
import open_clip
import torch
from PIL import Image
from transformers import SiglipConfig, SiglipModel
from transformers.utils import logging

from towers import Pooled
from turns import ROOT, program, table, take_turns

BASE = dict(hidden_size=768, intermediate_size=3072, num_hidden_layers=12, num_attention_heads=12)
SIDE, BATCH = 224, 8
DEMO = ROOT / "models/demo"


def enlarge(photos, folder, count, size):
    """JPEGs of `size` in which no two files are equal, with the grain of a camera."""
    files = sorted(file for file in photos.iterdir() if file.suffix.lower() in (".jpg", ".jpeg"))
    if not files:
        raise SystemExit(f"{photos} holds no JPEG; name a folder with --photos")
    random = numpy.random.default_rng(1)
    for i in range(count):
        with Image.open(files[i % len(files)]) as photo:
            pixels = numpy.asarray(photo.convert("RGB").resize(size, Image.BICUBIC), dtype=numpy.int16)
        grain = random.integers(-8, 9, pixels.shape, dtype=numpy.int16)
        Image.fromarray((pixels + grain).clip(0, 255).astype(numpy.uint8)).save(folder / f"{i:05}.jpg", quality=90)
    return sorted(folder.iterdir())


def checkpoint(folder):
    """B/16-224 with random weights and the tokenizer of the bundled model."""
    demo = json.loads((DEMO / "config.json").read_text())["text_config"]
    text = dict(BASE, vocab_size=demo["vocab_size"], max_position_embeddings=demo["max_position_embeddings"])
    torch.manual_seed(1)
    model = SiglipModel(SiglipConfig(vision_config=dict(BASE, image_size=SIDE, patch_size=16), text_config=text)).eval()
    model.save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(DEMO / name, folder)
    processor = json.loads((DEMO / "preprocessor_config.json").read_text())
    (folder / "preprocessor_config.json").write_text(json.dumps(processor | {"size": {"height": SIDE, "width": SIDE}}))
    return model


def ours(folder, model, device, *more):
    busy = []

    def part():
        with tempfile.TemporaryDirectory() as home:
            command = [program(), "--home", home, "--model", model, "--device", device, "index", "--json", *more, folder]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        summary = json.loads(done.stdout.splitlines()[-1])
        assert summary["indexed"] == len(list(folder.iterdir())), summary
        busy.append(summary["encoder_busy"])
        return summary["seconds"]

    part.busy = busy
    return part


class Files(torch.utils.data.Dataset):
    def __init__(self, files, transform):
        self.files, self.transform = files, transform

    def __len__(self):
        return len(self.files)

    def __getitem__(self, i):
        with Image.open(self.files[i]) as image:
            return self.transform(image.convert("RGB"))


def open_clip_part(files, batch):
    model, _, transform = open_clip.create_model_and_transforms("ViT-B-16-SigLIP2", pretrained=None, precision="bf16")
    model.eval()

    def part():
        start = time.perf_counter()
        loader = torch.utils.data.DataLoader(Files(files, transform), batch_size=batch, num_workers=os.cpu_count())
        with torch.inference_mode():
            vectors = [model.encode_image(batch_of_images.bfloat16(), normalize=True).float() for batch_of_images in loader]
        assert sum(map(len, vectors)) == len(files)
        return time.perf_counter() - start

    return part


def onnx_part(files, model, folder):
    path = str(folder / "vision.onnx")
    names = dict(input_names=["x"], output_names=["y"], dynamic_axes={"x": {0: "n"}, "y": {0: "n"}})
    with torch.inference_mode():
        torch.onnx.export(Pooled(model.vision_model), (torch.rand(2, 3, SIDE, SIDE),), path, dynamo=False, **names)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])

    def read(file):
        with Image.open(file) as image:
            pixels = numpy.asarray(image.convert("RGB").resize((SIDE, SIDE), Image.BICUBIC), dtype=numpy.float32)
        return (pixels / 127.5 - 1).transpose(2, 0, 1)

    def part():
        start = time.perf_counter()
        for at in range(0, len(files), BATCH):
            (vectors,) = session.run(None, {"x": numpy.stack([read(file) for file in files[at : at + BATCH]])})
            vectors / numpy.linalg.norm(vectors, axis=1, keepdims=True)
        return time.perf_counter() - start

    return part


def main():
    data = pathlib.Path(os.environ.get("GLIMPSE_TEST_DATA", ROOT / "../shared/data"))
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--images", type=int, default=64)
    arguments.add_argument("--photos", type=pathlib.Path, default=data / "photos")
    arguments.add_argument("--side", type=lambda text: tuple(map(int, text.split("x"))), default=(4000, 3000))
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--devices", default="cpu,cpu:avx512-f32")
    options = arguments.parse_args()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    versions = dict(open_clip=open_clip, torch=torch, onnxruntime=onnxruntime, numpy=numpy)
    print(", ".join(f"{name} {module.__version__}" for name, module in versions.items()), f"; {os.cpu_count()} threads\n")
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        photos, weights = folder / "photos", folder / "model"
        photos.mkdir(), weights.mkdir()
        files = enlarge(options.photos, photos, options.images, options.side)
        model = checkpoint(weights)
        devices = options.devices.split(",")
        parts = {f"ours, {device}": ours(photos, weights, device, "--no-regions") for device in devices}
        parts[f"ours, {devices[0]}, with regions"] = ours(photos, weights, devices[0])
        parts["open_clip bf16, DataLoader"] = open_clip_part(files, BATCH)
        parts["ONNX Runtime f32, PIL"] = onnx_part(files, model, folder)
        seconds = dict(zip(parts, take_turns(parts.values(), options.rounds)))
    rows = []
    for name, part in parts.items():
        busy = f"{max(part.busy):.0%}" if name.startswith("ours") else ""
        ratio = seconds["open_clip bf16, DataLoader"] / seconds[name]
        rows.append((name, f"{seconds[name]:.2f}", f"{len(files) / seconds[name]:.2f}", f"{ratio:.2f}", busy))
    size = "{} x {}".format(*options.side)
    table([f"{len(files)} JPEGs of {size}", "seconds", "images/s", "times open_clip", "encoder busy"], rows)


if __name__ == "__main__":
    main()
