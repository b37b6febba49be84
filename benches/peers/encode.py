"""Our encoder beside PyTorch, ONNX Runtime and OpenVINO: the same random weights, the same run,
each in its turn.

    .venv/bin/python benches/peers/encode.py [--models B/16-224,So400m/16-384] [--batches 1,8,32] [--rounds 5]

    --models B/16-256        --models So400m --batches 1        --models NaFlex        --batches 32 --text-batches 0

Vision towers are timed from pixels to the pooled embedding, text towers from token ids; models are
loaded and warmed up before. Each row also tells the share of the machine's peak: the faster of two
products of 2048 x 2048 taken in the same turns, PyTorch's (oneDNN) and that of our own kernels.
"""

import argparse
import copy
import gc
import json
import os
import pathlib
import sys
import tempfile
import time

import numpy
import onnxruntime
import openvino
import torch
import transformers
from transformers import Siglip2Config, Siglip2Model, SiglipConfig, SiglipModel
from transformers.utils import logging

from towers import Pooled
from turns import ROOT, Ours, table, take_turns

BASE = dict(hidden_size=768, intermediate_size=3072, num_hidden_layers=12, num_attention_heads=12)
SO400M = dict(hidden_size=1152, intermediate_size=4304, num_hidden_layers=27, num_attention_heads=16)
MODELS = {
    "B/16-224": (BASE, 224),
    "B/16-256": (BASE, 256),
    "So400m/16-384": (SO400M, 384),
    "NaFlex B/16, 256 patches": (BASE, None),
}
PATCHES = 256
# Of our kernels, whose products may be the machine's peak.
PATHS = ("amx-bf16", "avx512-f32", "avx2-f32")


def vocabulary():
    return json.loads((ROOT / "models/demo/config.json").read_text())["text_config"]["vocab_size"]


def checkpoint(folder, tower, side, layers):
    """A model with random weights. The tower that is not measured has one layer."""
    vision = dict(tower, patch_size=16) | ({} if layers["vision"] else dict(num_hidden_layers=1))
    text = dict(tower, vocab_size=vocabulary(), max_position_embeddings=64)
    text |= {} if layers["text"] else dict(num_hidden_layers=1)
    torch.manual_seed(1)
    if side:
        config = SiglipConfig(vision_config=vision | dict(image_size=side), text_config=text)
        model = SiglipModel(config).eval()
    else:
        model = Siglip2Model(Siglip2Config(vision_config=vision, text_config=text)).eval()
    model.save_pretrained(folder)
    return model


def flops(tower, tokens):
    """Of one input; pooling and embedding are left out."""
    width, mlp = tower["hidden_size"], tower["intermediate_size"]
    layer = tokens * (4 * width * width + 2 * width * mlp) + 2 * tokens * tokens * width
    return 2 * layer * tower["num_hidden_layers"]


def timed(run):
    def part():
        start = time.perf_counter()
        run()
        return time.perf_counter() - start

    return part


def torch_part(module, x, dtype):
    module = module if dtype is torch.float32 else module.to(dtype)
    x = x.to(dtype) if x.is_floating_point() else x

    def run():
        with torch.inference_mode():
            module(x)

    return timed(run)


def onnx_part(module, x, folder):
    path = str(folder / "model.onnx")
    try:
        with torch.inference_mode():
            torch.onnx.export(module, (x,), path, input_names=["x"], dynamo=False)
    except torch.onnx.errors.UnsupportedOperatorError as error:
        print(f"ONNX Runtime is left out: {error}", file=sys.stderr)
        return None
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return timed(lambda: session.run(None, {"x": x.numpy()}))


def openvino_part(module, x, precision):
    with torch.inference_mode():
        converted = openvino.convert_model(module, example_input=x)
    hints = {"INFERENCE_PRECISION_HINT": precision, "PERFORMANCE_HINT": "LATENCY"}
    request = openvino.Core().compile_model(converted, "CPU", hints).create_infer_request()
    return timed(lambda: request.infer([x.numpy()]))


def peak_part(dtype, side=2048):
    a, b = torch.randn(side, side).to(dtype), torch.randn(side, side).to(dtype)
    return timed(lambda: torch.mm(a, b))


def measure(name, kind, tower, side, batches, options):
    tokens = 64 if kind == "text" else (side // 16) ** 2 if side else PATCHES
    rows = []
    for batch in batches:
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            model = checkpoint(folder, tower, side, {"vision": kind == "vision", "text": kind == "text"})
            tokenizer = ROOT / "models/demo/tokenizer.json"
            devices = options.devices.split(",")
            ours = [Ours("encode", "--model", folder, "--tokenizer", tokenizer, "--device", device) for device in devices]
            if kind == "text":
                module, x = Pooled(model.text_model), torch.randint(0, 1000, (batch, 64))
            elif side:
                module, x = Pooled(model.vision_model), torch.rand(batch, 3, side, side) * 2 - 1
            else:
                module, x = Pooled(model.vision_model, (16, 16)), torch.rand(batch, PATCHES, 768) * 2 - 1
            parts = {f"ours, {one.facts['backend']}": (lambda one=one: one.ask(kind, batch)["seconds"]) for one in ours}
            if "f32" in options.precisions:
                parts["ONNX Runtime f32"] = onnx_part(module, x, folder)
                parts["OpenVINO f32"] = openvino_part(module, x, "f32")
                parts["PyTorch f32"] = torch_part(module, x, torch.float32)
            if "bf16" in options.precisions:
                parts["OpenVINO bf16"] = openvino_part(module, x, "bf16")
                # Casting changes a module in place.
                parts["PyTorch bf16"] = torch_part(copy.deepcopy(module), x, torch.bfloat16)
            parts = {name: part for name, part in parts.items() if part}
            peaks = [("f32", "oneDNN", peak_part(torch.float32)), ("bf16", "oneDNN", peak_part(torch.bfloat16))]
            for path in PATHS:
                if ours[0].ask("product", path)["seconds"] is not None:
                    product = lambda path=path: ours[0].ask("product", path)["seconds"]
                    peaks.append((path.split("-")[-1], path, product))
            seconds = take_turns([*parts.values(), *(part for _, _, part in peaks)], options.rounds)
            rates = [2 * 2048**3 / time for time in seconds[len(parts) :]]
            fastest = lambda precision: max(rate for rate, p in zip(rates, peaks) if p[0] == precision)
            peak = {precision: fastest(precision) for precision in ("f32", "bf16")}
            for part, time_taken in zip(parts, seconds):
                rate = flops(tower, tokens) * batch / time_taken
                share = rate / peak["bf16" if "bf16" in part else "f32"]
                rows.append((name, batch, part, f"{batch / time_taken:.2f}", f"{rate / 1e12:.2f}", f"{share:.0%}"))
            for (precision, whose, _), rate in zip(peaks, rates):
                which = whose if precision in whose else f"{whose} {precision}"
                rows.append((name, batch, f"product of 2048 x 2048, {which}", "", f"{rate / 1e12:.2f}", ""))
            for one in ours:
                one.close()
            del parts, model, module
            gc.collect()
    table(["model", "batch", "encoder", f"{'texts' if kind == 'text' else 'images'}/s", "TFLOP/s", "of the peak"], rows)


def main():
    numbers = lambda text: [int(number) for number in text.split(",")]
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--models", default=",".join(["B/16-224", "B/16-256", "So400m/16-384", "NaFlex"]))
    arguments.add_argument("--batches", type=numbers, default=[1, 8, 32])
    arguments.add_argument("--text-batches", type=numbers, default=[1, 16])
    arguments.add_argument("--devices", default="cpu,cpu:avx512-f32")
    arguments.add_argument("--precisions", default="f32,bf16")
    arguments.add_argument("--rounds", type=int, default=5)
    options = arguments.parse_args()
    logging.set_verbosity_error()
    versions = dict(torch=torch, transformers=transformers, onnxruntime=onnxruntime, openvino=openvino, numpy=numpy)
    print(", ".join(f"{name} {module.__version__}" for name, module in versions.items()), f"; {os.cpu_count()} threads\n")
    for name, (tower, side) in MODELS.items():
        if any(name.startswith(wanted) for wanted in options.models.split(",")):
            measure(name, "vision", tower, side, options.batches, options)
    for name, tower in (("B, text", BASE), ("So400m, text", SO400M)):
        if any(name[0] == wanted[0] for wanted in options.models.split(",")) and options.text_batches != [0]:
            measure(name, "text", tower, 224, options.text_batches, options)


if __name__ == "__main__":
    main()
