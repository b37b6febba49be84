"""Full-size architectures with random weights: `transformers` beside the Rust towers, once, with a
table at the end.

    cargo build --release -p glimpse-encoder --example encode
    .venv/bin/python tests/golden/full_size.py [NAME..] [--devices cpu,candle]

A checkpoint is written to a temporary directory (bfloat16, giant: 3.7 GB) and loaded by all, one
after the other; giant needs 8 GB of memory. Each device of this machine is compared stage by stage:
a cosine of at least 0.99999 where it computes in float32, of 0.999 in bfloat16. Nothing is
downloaded.
"""

import argparse
import gc
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

import torch
from generate import aligned, pixel_inputs, randomise, record_stages
from safetensors.torch import load_file, save_file
from transformers import Siglip2Config, Siglip2Model, SiglipConfig, SiglipModel
from transformers.utils import logging

BASE = dict(hidden_size=768, intermediate_size=3072, num_hidden_layers=12, num_attention_heads=12)
SO400M = dict(hidden_size=1152, intermediate_size=4304, num_hidden_layers=27, num_attention_heads=16)
GIANT = dict(hidden_size=1536, intermediate_size=6144, num_hidden_layers=40, num_attention_heads=16)
LENGTH, VOCAB = 64, 256_000


class Case:
    """One released architecture; `grids` as in generate.py."""

    def __init__(self, vision, text, image=None, grids=None, projection=None):
        self.patch, self.image, self.grids = 16, image, grids
        self.padded_to = max(r * c for r, c in grids) + 6 if grids else 0
        text = dict(text, vocab_size=VOCAB, max_position_embeddings=LENGTH)
        if projection:
            text["projection_size"] = projection
        if grids:
            self.config, self.model = Siglip2Config(vision_config=vision, text_config=text), Siglip2Model
        else:
            vision = dict(vision, image_size=image, patch_size=self.patch)
            self.config, self.model = SiglipConfig(vision_config=vision, text_config=text), SiglipModel


CASES = {
    "B/16-256": lambda: Case(BASE, BASE, image=256),
    "So400m/16-384": lambda: Case(SO400M, SO400M, image=384),
    "giant-opt/16-256": lambda: Case(GIANT, SO400M, image=256, projection=1536),
    "B/16 NaFlex": lambda: Case(BASE, BASE, grids=((12, 21), (29, 8), (16, 16), (5, 3))),
}


def write_checkpoint(case, directory, generator):
    """Random weights, never more than one tensor of them in float32."""
    torch.set_default_dtype(torch.bfloat16)
    model = case.model(case.config)
    torch.set_default_dtype(torch.float32)
    randomise(model, generator)
    model.save_pretrained(directory)


def write_inputs(case, path, generator):
    shapes = [(r * 16, c * 16) for r, c in case.grids] if case.grids else [(case.image, case.image)] * 2
    images = [torch.randint(0, 256, (h, w, 3), generator=generator, dtype=torch.uint8) for h, w in shapes]
    ids = torch.randint(2, VOCAB, (2, LENGTH), generator=generator)
    ids[1, 9:], ids[1, 8] = 0, 1
    grid = (case.image or 0) // 16
    grids = torch.tensor(case.grids or [(grid, grid)] * 2, dtype=torch.int32)
    inputs = {f"input.pixels.{i}": image for i, image in enumerate(images)}
    save_file({**inputs, "input.grids": grids, "input.ids": ids.to(torch.int32)}, path)
    return images, ids, grids


@torch.no_grad()
def reference(case, directory, images, ids):
    model = case.model.from_pretrained(directory, dtype=torch.float32, attn_implementation="eager").eval()
    stages = record_stages(model)
    inputs = pixel_inputs(case, images)
    start = time.perf_counter()
    model.vision_model(**inputs)
    seconds = time.perf_counter() - start
    model(input_ids=ids, **inputs)
    stages["vision.aligned"] = aligned(model.vision_model.head, stages["vision.post_norm"])
    return dict(stages), seconds / len(images)


# What each way of computing must reach.
DEVICES = {
    "candle": 0.99999,
    "cpu:amx-f32": 0.99999,
    "cpu:avx512-f32": 0.99999,
    "cpu:avx2-f32": 0.99999,
    "cpu:portable-f32": 0.99999,
    "cpu:amx-bf16": 0.999,
    "cpu:avx512-bf16": 0.999,
    "cpu:amx-int8": 0.998,
    "cpu:avx512-int8": 0.998,
    "cpu:avx512-int8-f32": 0.998,
    "cpu:avx2-int8": 0.998,
    "cpu:portable-int8": 0.998,
}


def compare(ours, theirs, counts):
    """Largest difference relative to the spread of the stage, and cosine, both over what is not
    padding.
    """
    if theirs.ndim == 3:
        ours = torch.cat([x[:n] for x, n in zip(ours, counts)])
        theirs = torch.cat([x[:n] for x, n in zip(theirs, counts)])
    ours, theirs = ours.double().flatten(), theirs.double().flatten()
    cosine = torch.nn.functional.cosine_similarity(ours, theirs, dim=0)
    return (ours - theirs).abs().max().item(), theirs.std().item(), cosine.item()


def ask(program, directory, device):
    """The stages on a device and the seconds of each part; None if this machine does not have it."""
    files = [directory / "inputs.safetensors", directory / "outputs.safetensors"]
    done = subprocess.run([program, directory, *files, device], stderr=subprocess.PIPE, text=True)
    if done.returncode and f"`{device}`" in done.stderr:
        print(f"SKIPPED: {done.stderr.strip()}", file=sys.stderr)
        return None
    if done.returncode:
        raise SystemExit(done.stderr)
    seconds = {what: float(s) for what, s in re.findall(r"(\w+) ([\d.]+) s", done.stderr)}
    return load_file(files[1]), seconds


def run(name, program, devices):
    """Prints a table; returns what falls short."""
    case, generator, failures = CASES[name](), torch.Generator().manual_seed(1), []
    with tempfile.TemporaryDirectory() as directory:
        directory = pathlib.Path(directory)
        write_checkpoint(case, directory, generator)
        gc.collect()
        images, ids, grids = write_inputs(case, directory / "inputs.safetensors", generator)
        theirs, their_seconds = reference(case, directory, images, ids)
        gc.collect()
        counts = {"vision": grids.prod(dim=1).tolist(), "text": [LENGTH] * len(ids)}
        for device in devices:
            answer = ask(program, directory, device)
            if answer is None:
                continue
            ours, seconds = answer
            assert ours.keys() == theirs.keys(), ours.keys() ^ theirs.keys()
            results = {stage: compare(ours[stage], theirs[stage], counts[stage.split(".")[0]]) for stage in theirs}
            worst = min(results, key=lambda stage: results[stage][2])
            for stage in dict.fromkeys(("vision.pooled", "vision.aligned", "text.pooled", worst)):
                difference, spread, cosine = results[stage]
                label = "worst of all: " + stage if stage == worst else stage
                print(f"| {name} | {device} | {label} | {difference:.1e} | {spread:.2f} | {1 - cosine:.1e} |", flush=True)
            ms = 1000 * seconds["images"] / len(images)
            times = f"load {seconds['load']:.1f} s, image {ms:.0f} ms, torch {1000 * their_seconds:.0f} ms"
            print(f"| {name} | {device} | {times} | | | |", flush=True)
            short = [stage for stage in results if results[stage][2] < DEVICES[device]]
            failures += [f"{name}, {device}, {stage}: cosine {results[stage][2]}" for stage in short]
            del answer, ours
            gc.collect()
    return failures


if __name__ == "__main__":
    root = pathlib.Path(__file__).parents[2]
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", root / "target"))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(CASES)}")
    parser.add_argument("--devices", default=",".join(DEVICES), help="of %(default)s")
    parser.add_argument("--program", default=target / "release/examples/encode")
    options = parser.parse_args()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    print("| architecture | device | stage | max abs difference | spread | 1 - cosine |\n|---|---|---|---|---|---|", flush=True)
    devices = options.devices.split(",")
    failures = [failure for name in options.names or CASES for failure in run(name, options.program, devices)]
    raise SystemExit("\n".join(failures) or None)
