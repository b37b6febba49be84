"""From a cold process to the first vector of a text, and the most memory it takes: SigLIP 2
B/16-224, 256,000 tokens.

    cargo build --release
    .venv/bin/python benches/peers/load.py [--tokenizer tokenizer.json[.gz]] [--rounds 3]

Each engine is a process of its own that reads the same random weights (f32, as released) from files
in the page cache, tokenizes a text with the same vocabulary, and ends with its vector. "Loaded"
leaves out what a Python process needs to import its engine. Memory is the largest resident set,
pages of mapped files included. Parts take turns; medians.

This process imports none of the engines: a child's largest resident set begins with that of its
parent.
"""

import argparse
import gzip
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

from turns import ROOT, program, table

BASE = dict(hidden_size=768, intermediate_size=3072, num_hidden_layers=12, num_attention_heads=12)
VOCABULARY, LENGTH, TEXT = 256_000, 64, "a cat by the sea"


def prepare(folder):
    """Writes the checkpoint, and the text tower as ONNX and OpenVINO read it."""
    import openvino
    import torch
    from towers import Pooled
    from transformers import SiglipConfig, SiglipModel

    torch.manual_seed(1)
    vision = dict(BASE, image_size=224, patch_size=16)
    text = dict(BASE, vocab_size=VOCABULARY, max_position_embeddings=LENGTH)
    model = SiglipModel(SiglipConfig(vision_config=vision, text_config=text)).eval()
    model.save_pretrained(folder)
    ids = torch.ones(1, LENGTH, dtype=torch.int64)
    with torch.inference_mode():
        torch.onnx.export(Pooled(model.text_model), (ids,), str(folder / "text.onnx"), input_names=["x"], dynamo=False)
        converted = openvino.convert_model(Pooled(model.text_model), example_input=ids)
        openvino.save_model(converted, folder / "text.xml", compress_to_fp16=False)


def child(engine, folder):
    """One engine, from its import to a vector; prints the seconds that its import took."""
    start = time.perf_counter()
    import tokenizers

    kind = engine.split()[0]
    if kind == "PyTorch":
        import torch
        from transformers import SiglipTextModel
    elif kind == "ONNX":
        import numpy
        import onnxruntime
    else:
        import numpy
        import openvino
    print(time.perf_counter() - start)
    ids = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json")).encode(TEXT).ids[:LENGTH]
    ids += [0] * (LENGTH - len(ids))
    if kind == "PyTorch":
        dtype = torch.bfloat16 if engine.endswith("bf16") else torch.float32
        model = SiglipTextModel.from_pretrained(folder, dtype=dtype).eval()
        with torch.inference_mode():
            vector = model(torch.tensor([ids])).pooler_output[0]
    elif kind == "ONNX":
        session = onnxruntime.InferenceSession(str(folder / "text.onnx"), providers=["CPUExecutionProvider"])
        vector = session.run(None, {"x": numpy.array([ids], dtype=numpy.int64)})[0][0]
    else:
        hints = {"INFERENCE_PRECISION_HINT": engine.split()[-1], "PERFORMANCE_HINT": "LATENCY"}
        model = openvino.Core().compile_model(folder / "text.xml", "CPU", hints)
        vector = model([numpy.array([ids], dtype=numpy.int64)])[0][0]
    assert len(vector) == 768


def measure(command):
    """Seconds of a process, those of its imports, and the most memory it took in bytes."""
    start = time.perf_counter()
    process = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    output, errors = process.stdout.read(), process.stderr.read()
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command}: {errors}")
    importing = 0 if output.startswith("{") else float(output.split()[0])
    return seconds, seconds - importing, used.ru_maxrss * 1024


def main():
    data = pathlib.Path(os.environ.get("GLIMPSE_TEST_DATA", ROOT / "../shared/data"))
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--tokenizer", type=pathlib.Path, default=data / "siglip2-tokenizer.json.gz")
    arguments.add_argument("--devices", default="cpu,cpu:avx512-f32")
    arguments.add_argument("--rounds", type=int, default=3)
    options = arguments.parse_args()
    if not options.tokenizer.is_file():
        raise SystemExit(f"{options.tokenizer} is not there; name the tokenizer.json of a SigLIP 2 with --tokenizer")
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        this = [sys.executable, __file__]
        subprocess.run([*this, "--prepare", folder], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        opened = gzip.open if options.tokenizer.suffix == ".gz" else open
        with opened(options.tokenizer, "rb") as source, open(folder / "tokenizer.json", "wb") as target:
            shutil.copyfileobj(source, target)
        shutil.copy(ROOT / "models/demo/tokenizer_config.json", folder)
        processor = json.loads((ROOT / "models/demo/preprocessor_config.json").read_text())
        processor["size"] = {"height": 224, "width": 224}
        (folder / "preprocessor_config.json").write_text(json.dumps(processor))
        commands = {}
        for device in options.devices.split(","):
            commands[f"ours, {device}"] = [program(), "embed", "--model", folder, "--device", device, "--text", TEXT]
        for engine in ("PyTorch f32", "PyTorch bf16", "ONNX Runtime f32", "OpenVINO f32", "OpenVINO bf16"):
            commands[engine] = [*this, "--child", engine, folder]
        taken = {name: [] for name in commands}
        for turn in range(options.rounds + 1):
            for name, command in commands.items():
                numbers = measure(command)
                if turn:  # the first warms the page cache
                    taken[name].append(numbers)
    rows = []
    for name, numbers in taken.items():
        seconds, loaded, memory = (statistics.median(column) for column in zip(*numbers))
        rows.append((name, f"{seconds:.2f}", f"{loaded:.2f}", f"{memory / 2**20:.0f}"))
    table(["first vector of a text", "seconds, from start to end", "loaded", "most memory, MiB"], rows)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--prepare", folder]:
            prepare(pathlib.Path(folder))
        case ["--child", engine, folder]:
            child(engine, pathlib.Path(folder))
        case _:
            main()
