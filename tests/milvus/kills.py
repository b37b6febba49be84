"""Kills the program in the middle of bulk loads, and the server once: nothing that was said to be
indexed is lost, and the library and its server come together again.

    python kills.py GLIMPSE URL FOLDER    with the server's control on descriptors 3 and 4
"""

import json
import os
import pathlib
import random
import struct
import subprocess
import sys
import time
import zlib

GLIMPSE, URL = sys.argv[1:3]
FOLDER = pathlib.Path(sys.argv[3])
KILLS = 20
EACH = 240


def png(path, seed):
    """An image of 32 x 32 coloured blocks, each another."""
    chance = random.Random(seed)
    colours = [bytes(chance.randrange(256) for _ in range(3)) for _ in range(16)]
    rows = b"".join(
        b"\0" + b"".join(colours[(y // 8) * 4 + x // 8] for x in range(32)) for y in range(32)
    )

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 32, 32, 8, 2, 0, 0, 0)
    content = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + content)


def command(*words):
    return [GLIMPSE, "--home", str(FOLDER / "home"), "--quiet", *words]


def run(*words):
    done = subprocess.run(command(*words), capture_output=True, text=True)
    if done.returncode not in (0, 1):
        sys.exit(f"error: glimpse {' '.join(words)}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def server(line, answer):
    os.write(3, f"{line}\n".encode())
    said = b""
    while not said.endswith(b"\n"):
        said += os.read(4, 1)
    if not said.decode().startswith(answer):
        sys.exit(f"error: the server answered {said!r} to {line}")


def load(number, kill_after=None, kill_server=False):
    """Indexes a new folder; gives the files that were said to be indexed before the end, which comes
    after so many of them."""
    images = FOLDER / "images" / str(number)
    images.mkdir(parents=True)
    for image in range(EACH):
        png(images / f"{image}.png", number * EACH + image)
    words = command("--model", "demo", "index", "--batch", "8", "--vectors-at", URL, "--json", str(images))
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    lines = []
    for line in process.stdout:
        lines.append(line)
        if len(lines) == kill_after:
            process.kill()
        if kill_server and len(lines) == EACH // 3:
            server("kill", "killed")
            time.sleep(2)
            server("start", "http")
    err = process.stderr.read()
    if process.wait() != 0 and kill_after is None:
        sys.exit(f"error: a load that nobody killed ended with {process.returncode}\n{err}")
    events = [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}\n")]
    return [event["path"] for event in events if event.get("event") == "indexed"]


def check(said):
    """What was said to be indexed is in the library, and the server holds what the library does."""
    found = json.loads(run("verify", "--json"))
    if found["problems"]:
        sys.exit(f"error: {found}")
    listed = run("search", "--limit", "10000", "--json", "--all", "colours").split("\n")
    there = {json.loads(line)["path"] for line in listed if line}
    lost = [path for path in said if path not in there]
    if lost:
        sys.exit(f"error: {len(lost)} of {len(said)} images were lost, such as {lost[0]}")
    return len(there)


def main():
    FOLDER.mkdir()
    chance = random.Random(20)
    began = time.time()
    said = load(0)
    print(f"{len(said)} images in {time.time() - began:.1f} s", flush=True)
    in_the_middle = 0
    for number in range(1, KILLS + 1):
        now = load(number, kill_after=chance.randrange(1, EACH - 16))
        in_the_middle += 0 < len(now) < EACH
        said += now
    there = check(said)
    print(f"{KILLS} kills of the program, {in_the_middle} in the middle of a load: {len(said)} images were "
          f"acknowledged, {there} are there", flush=True)
    said += load(KILLS + 1, kill_server=True)
    there = check(said)
    print(f"a kill of the server: {len(said)} images were acknowledged, {there} are there", flush=True)
    run("--model", "demo", "index")
    there = check(said)
    if there != (KILLS + 2) * EACH:
        sys.exit(f"error: {there} images after a run to the end, not {(KILLS + 2) * EACH}")
    print(f"all {there} images are there, and on the server; {time.time() - began:.0f} s", flush=True)


main()
