"""Our encoder beside PyTorch: SigLIP 2 B/16-224 with the same random weights, each in its turn.

    .venv/bin/python benches/peers/encode.py

The vision tower alone is timed, pixels to pooled embedding; the text tower has one layer, so that the checkpoint stays
small.
"""

import argparse
import json
import pathlib
import tempfile
import time

import torch
from transformers import SiglipConfig, SiglipModel
from transformers.utils import logging

from turns import ROOT, Ours, table, take_turns

BASE = dict(hidden_size=768, intermediate_size=3072, num_attention_heads=12)


def checkpoint(folder):
    demo = json.loads((ROOT / "models/demo/config.json").read_text())["text_config"]
    config = SiglipConfig(
        vision_config=dict(BASE, num_hidden_layers=12, image_size=224, patch_size=16),
        text_config=dict(BASE, num_hidden_layers=1, vocab_size=demo["vocab_size"], max_position_embeddings=64),
    )
    torch.manual_seed(1)
    model = SiglipModel(config).eval()
    model.save_pretrained(folder)
    return model


def torch_part(model, batch, dtype):
    pixels = torch.rand(batch, 3, 224, 224) * 2 - 1

    @torch.inference_mode()
    def run():
        start = time.perf_counter()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=dtype is torch.bfloat16):
            model(pixels)
        return time.perf_counter() - start

    return run


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--batches", type=lambda text: [int(size) for size in text.split(",")], default=[1, 8, 32])
    arguments.add_argument("--rounds", type=int, default=5)
    options = arguments.parse_args()
    logging.set_verbosity_error()
    with tempfile.TemporaryDirectory() as folder:
        model = checkpoint(pathlib.Path(folder)).vision_model
        ours = Ours("encode", "--model", folder, "--tokenizer", ROOT / "models/demo/tokenizer.json")
    names, parts, sizes = [], [], []
    for batch in options.batches:
        for name, run in (
            (ours.facts["backend"], lambda batch=batch: ours.ask(batch)["seconds"]),
            (f"torch {torch.__version__}, f32", torch_part(model, batch, torch.float32)),
            (f"torch {torch.__version__}, bf16 autocast", torch_part(model, batch, torch.bfloat16)),
        ):
            names.append(name), parts.append(run), sizes.append(batch)
    seconds = take_turns(parts, options.rounds)
    print(f"B/16-224, random weights, {torch.get_num_threads()} threads\n")
    rows = [(size, name, f"{size / time:.2f}") for size, name, time in zip(sizes, names, seconds)]
    table(["batch", "encoder", "pictures/s"], rows)
    ours.close()


if __name__ == "__main__":
    main()
