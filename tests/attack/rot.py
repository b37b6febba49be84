"""Damage to files of the library: what was not hit stays, and one more run makes it whole.

For each damage: `verify` and `search` must not crash; `verify --repair` forgets no more than what
can have been hit; after `index` all images are there again, the library is clean, and a
question has the answer that it had before.
"""

import os
import shutil

QUESTION = ("search", "--paths", "dog")
# Images that one small damage of the store may cost: two leaves of sled, 17 entries each.
LEAVES = 34


def run(bench):
    images = bench.folder("rot-images")
    for name in ("Kitchen", "Garten", "Zoo"):
        shutil.copytree(os.path.join(bench.images, name), os.path.join(images, name))
    source = bench.folder("rot-source")
    bench.library(source, images)
    expected, _ = bench.glimpse.listing(source)
    answer = bench.glimpse.run(source, *QUESTION).out
    bench.report.count("images of the library", len(expected))
    files = by_kind(source)
    kinds = sorted(files)
    for number in range(bench.size):
        kind = kinds[number % len(kinds)]
        home = bench.folder("rot-home")
        shutil.rmtree(home)
        shutil.copytree(source, home)
        path = bench.random.choice(files[kind])
        how, small = damage(bench, os.path.join(home, path))
        what = f"damage {number}, {kind}: {path}, {how}"
        trial(bench, home, images, kind, small, expected, answer, what)
        bench.report.progress(number + 1, bench.size)


def by_kind(home):
    """Files of a library by what they are; empty ones cannot be damaged."""
    kinds = {}
    for root, _, names in os.walk(home):
        for name in sorted(names):
            path = os.path.relpath(os.path.join(root, name), home)
            if os.path.getsize(os.path.join(home, path)) > 0:
                kinds.setdefault(kind_of(path), []).append(path)
    return {kind: sorted(paths) for kind, paths in kinds.items()}


def kind_of(path):
    parts = path.split(os.sep)
    if "sled" in parts:
        return "sled " + parts[-1].split(".")[0]
    for known in ("words", "thumbnails", "models"):
        if known in parts:
            return known
    return "cache" if parts[0] == "cache" else parts[-1]


def damage(bench, path):
    """Damages a file; what was done, and whether it hit one place only."""
    random, size = bench.random, os.path.getsize(path)
    with open(path, "rb") as file:
        data = bytearray(file.read())
    at, length = random.randrange(size), min(size, random.choice([16, 64, 512]))
    kind = random.choice(["bit", "bit", "bit", "garbled", "zeros", "doubled", "cut", "gone"])
    if kind == "bit":
        bit = random.randrange(8)
        data[at] ^= 1 << bit
        how = f"bit {bit} of byte {at}"
    elif kind == "garbled":
        data[at : at + length] = random.randbytes(len(data[at : at + length]))
        how = f"{length} garbled bytes at {at}"
    elif kind == "zeros":
        data[at : at + length] = bytes(len(data[at : at + length]))
        how = f"{length} zeros at {at}"
    elif kind == "doubled":
        data[at:at] = data[at : at + length]
        how = f"{length} bytes at {at} doubled"
    elif kind == "cut":
        del data[at:]
        how = f"cut to {at}"
    else:
        os.remove(path)
        return "removed", False
    with open(path, "wb") as file:
        file.write(data)
    return how, kind in ("bit", "garbled", "zeros")


def trial(bench, home, images, kind, small, expected, answer, what):
    glimpse, report = bench.glimpse, bench.report
    runs = [
        glimpse.run(home, *QUESTION),
        glimpse.run(home, "verify"),
        glimpse.run(home, "verify", "--repair", "--json"),
    ]
    report.count(f"damages, {kind}")
    for each, name in zip(runs, ("search", "verify", "verify --repair")):
        if crash := each.crash():
            report.finding(f"{name}: {crash}", what)
    report.count("noticed by verify", runs[1].code != 0)
    repaired, _ = glimpse.listing(home)
    lost = len(expected) - len(repaired)
    report.count(f"images forgotten by --repair, {kind}", lost)
    report.peak(f"most forgotten by --repair at one damage, {kind}", lost)
    bound = 0 if kind != "sled db" else LEAVES if small else len(expected)
    if lost > bound:
        report.finding(f"{lost} of {len(expected)} images are lost by --repair: {runs[2].err[-300:]}", what)
    index = bench.index(home, "--model", "demo", images)
    if crash := index.crash():
        report.finding(f"index: {crash}", what)
    elif index.code != 0:
        report.finding(f"index after repair: {index.err[-300:]}", what)
    found, _ = glimpse.listing(home)
    again = glimpse.run(home, *QUESTION)
    clean = glimpse.run(home, "verify")
    if found != expected:
        report.finding(f"{len(found)} of {len(expected)} images after the next run", what)
    elif clean.code != 0:
        report.finding(f"verify after the next run: {clean.out[-200:]} {clean.err[-200:]}", what)
    elif again.out != answer:
        report.finding("another answer after the next run", what)
    else:
        report.count("whole after the next run")
