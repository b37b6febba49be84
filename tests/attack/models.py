"""Damaged checkpoints: each must be harmless or refused by a sentence, with bounded memory."""

import json
import os
import shutil
import struct

import image_files

# Addresses that a process may have: three times what the whole model takes.
MEMORY = 6 << 30
# Longest time to refuse a model, in seconds.
TIMEOUT = 60
NUMBERS = [0, -1, 1, 3, 10**9, 2**31, 2**63, 2**64, 1e308, 0.5, "7", None, [], {}, True, [1, 2]]
HEADERS = [0, 1, 7, 8, 2**16, 2**31, 2**32, 2**40, 2**63 - 1, 2**63, 2**64 - 1]


def unpacked(bench):
    """The folder of the bundled model, which the program unpacks into a home."""
    home = os.path.join(bench.scratch, "model-home")
    if not os.path.exists(home):
        os.makedirs(home)
        bench.library(home, one_image(bench))
    models = os.path.join(home, "models")
    return os.path.join(models, sorted(os.listdir(models))[0])


def one_image(bench):
    top = os.path.join(bench.scratch, "one")
    if not os.path.exists(top):
        os.makedirs(top)
        with open(os.path.join(top, "noise.bmp"), "wb") as file:
            file.write(image_files.noise(bench.random))
    return top


def other_model(bench):
    """A copy of the bundled model with other weights: one bit of each tensor."""
    other = os.path.join(bench.scratch, "other-model")
    if not os.path.exists(other):
        shutil.copytree(unpacked(bench), other)
        path = os.path.join(other, "model.safetensors")
        with open(path, "rb") as file:
            data = bytearray(file.read())
        size, table = header(data)
        for name, tensor in table.items():
            if name != "__metadata__":
                data[8 + size + tensor["data_offsets"][0]] ^= 1
        with open(path, "wb") as file:
            file.write(data)
    return other


def header(data):
    size = struct.unpack("<Q", data[:8])[0]
    return size, json.loads(bytes(data[8 : 8 + size]))


def run(bench):
    """`bench.size` damages, each kind in its turn."""
    source = unpacked(bench)
    kinds = [config_number, config_structure, tensor_table, header_length, tokenizer, truncated, garbled]
    model = bench.folder("damaged-model")
    # The limits leave room for the model as it is.
    one(bench, source, "no damage")
    if bench.report.counts.get("harmless") != 1:
        bench.report.finding(f"the undamaged model is refused: {bench.report.counts}", "no damage")
    for number in range(bench.size):
        shutil.rmtree(model)
        shutil.copytree(source, model)
        kind = kinds[number % len(kinds)]
        what = f"damage {number}, {kind.__name__}: {kind(bench, model, number // len(kinds))}"
        one(bench, model, what)
        bench.report.progress(number + 1, bench.size)


def one(bench, model, what):
    home = bench.folder("damaged-home")
    for args in (("index", "--model", model, one_image(bench)), ("search", "--model", model, "noise a b")):
        run = bench.glimpse.run(home, *args, timeout=TIMEOUT, memory=MEMORY)
        bench.report.peak("slowest, s", run.seconds)
        bench.report.peak("most memory, MB", run.memory / 1e6)
        if crash := run.crash():
            bench.report.finding(f"{args[0]}: {crash}", what)
            return bench.report.count("crashed")
        if run.code == 2 and "error" not in run.err:
            bench.report.finding(f"{args[0]} fails without a word: {run.err[:200]}", what)
        if run.code not in (0, 1):
            return bench.report.count("refused by a sentence")
    return bench.report.count("harmless")


def read_json(model, name):
    with open(os.path.join(model, name), encoding="utf-8") as file:
        return json.load(file)


def write_json(model, name, value):
    with open(os.path.join(model, name), "w", encoding="utf-8") as file:
        json.dump(value, file)


def leaves(value, path=()):
    """All places of a JSON value that hold no others."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if pairs is None:
        return [path]
    return [leaf for key, child in pairs for leaf in leaves(child, (*path, key))]


def put(value, path, new):
    for key in path[:-1]:
        value = value[key]
    value[path[-1]] = new


def config_number(bench, model, _turn):
    name = bench.random.choice(["config.json", "config.json", "preprocessor_config.json", "calibration.json"])
    value = read_json(model, name)
    path, new = bench.random.choice(leaves(value)), bench.random.choice(NUMBERS)
    put(value, path, new)
    write_json(model, name, value)
    return f"{name} {path} = {new}"


def config_structure(bench, model, _turn):
    names = [name for name in sorted(os.listdir(model)) if name.endswith(".json")]
    name = bench.random.choice(names)
    texts = ["", "{}", "[]", "null", "{", "[" * 100_000, '{"a":' * 50_000, '"' + "a" * 10_000_000 + '"', "\ufeff{}"]
    text = bench.random.choice(texts)
    with open(os.path.join(model, name), "w", encoding="utf-8") as file:
        file.write(text)
    return f"{name} is {text[:12]!r}, {len(text)} characters"


def with_header(model, size, data, text, length=None):
    with open(os.path.join(model, "model.safetensors"), "wb") as file:
        file.write(struct.pack("<Q", len(text) if length is None else length) + text + data[8 + size :])


def weights(model):
    with open(os.path.join(model, "model.safetensors"), "rb") as file:
        data = file.read()
    return data, *header(data)


def tensor_table(bench, model, _turn):
    data, size, table = weights(model)
    name = bench.random.choice([name for name in table if name != "__metadata__"])
    tensor, end = table[name], len(data)
    changes = {
        "dtype": ["F64", "F16", "I8", "BOOL", "F4", "", 7],
        "shape": [[], [0], [2**32, 2**32], [2**63], [-1], [1] * 5000, tensor["shape"][::-1], [1, *tensor["shape"]]],
        "data_offsets": [[0, 0], [end, end + 4], [0, 2**63], [8, 4], [0, 2**64 - 1], [1, 5], [0]],
    }
    field = bench.random.choice(sorted(changes) + ["gone"])
    if field == "gone":
        del table[name]
        new = None
    else:
        new = tensor[field] = bench.random.choice(changes[field])
    with_header(model, size, data, json.dumps(table).encode())
    return f"{name} {field} = {str(new)[:60]}"


def header_length(_bench, model, turn):
    data, size, table = weights(model)
    length = HEADERS[turn % len(HEADERS)]
    with_header(model, size, data, json.dumps(table).encode(), length)
    return f"header length {length}"


def tokenizer(bench, model, turn):
    value = read_json(model, "tokenizer.json")
    replace = [{"type": "Replace", "pattern": {"String": "a"}, "content": "a" * 1000} for _ in range(6)]
    slow = {"type": "Replace", "pattern": {"Regex": "(a|a|aa)+(b+)+$"}, "content": "x"}
    huge = {"type": "Replace", "pattern": {"Regex": "(" * 200 + "a{1,1000}" + "){1,1000}" * 200}, "content": ""}
    nested = {"type": "Sequence", "normalizers": []}
    for _ in range(80):
        nested = {"type": "Sequence", "normalizers": [nested]}
    normalizers = [
        {"type": "Sequence", "normalizers": replace},
        {"type": "Prepend", "prepend": "a" * 50_000_000},
        slow,
        huge,
        nested,
        {"type": "Unknown"},
        None,
    ]
    if turn % 2 == 0:
        value["normalizer"] = normalizers[turn // 2 % len(normalizers)]
        what = f"normalizer {str(value['normalizer'])[:60]}"
    else:
        paths = [path for path in leaves({key: value[key] for key in value if key != "model"})]
        paths += [("model", key) for key in value["model"]]
        path, new = bench.random.choice(paths), bench.random.choice(NUMBERS)
        put(value, path, new)
        what = f"{path} = {new}"
    write_json(model, "tokenizer.json", value)
    return what


def truncated(bench, model, _turn):
    name = bench.random.choice(sorted(os.listdir(model)))
    path = os.path.join(model, name)
    size = bench.random.randrange(os.path.getsize(path))
    os.truncate(path, size)
    return f"{name} cut to {size}"


def garbled(bench, model, _turn):
    name = bench.random.choice(sorted(os.listdir(model)))
    path, length = os.path.join(model, name), bench.random.choice([1, 16, 1024])
    with open(path, "r+b") as file:
        at = bench.random.randrange(max(1, os.path.getsize(path) - length))
        file.seek(at)
        file.write(bench.random.randbytes(length))
    return f"{name}, {length} bytes at {at}"
