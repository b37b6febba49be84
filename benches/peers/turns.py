"""Engines that take turns: what all comparisons share."""

import json
import os
import pathlib
import statistics
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]


def program():
    """Our command line, built by `cargo build --release`."""
    path = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release/glimpse"
    if not path.is_file():
        raise SystemExit(f"{path} is not there: cargo build --release")
    return path


class Ours:
    """One of our benches with `--serve`: a line in, a line of JSON out."""

    def __init__(self, bench, *arguments):
        command = ["cargo", "bench", "--quiet", "--bench", bench, "--", "--serve", *map(str, arguments)]
        self.process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.facts = self._read()

    def ask(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        return self._read()

    def close(self):
        self.process.stdin.close()
        self.process.wait()

    def _read(self):
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"the bench ended with {self.process.wait()}")
        return json.loads(line)


def run_bench(bench, *arguments):
    """Runs one of our benches to its end."""
    subprocess.run(["cargo", "bench", "--quiet", "--bench", bench, "--", *map(str, arguments)], cwd=ROOT, check=True)


def take_turns(parts, rounds):
    """Median seconds of each part; each is run once to warm up, then all in turn, so that noise
    falls on all alike.
    """
    for part in parts:
        part()
    times = [[] for _ in parts]
    for _ in range(rounds):
        for part, seconds in zip(parts, times):
            seconds.append(part())
    return [statistics.median(seconds) for seconds in times]


def table(header, rows):
    """Prints a Markdown table."""
    print("| " + " | ".join(header) + " |")
    print("|" + "---|" * len(header))
    for row in rows:
        print("| " + " | ".join(str(cell) for cell in row) + " |", flush=True)
    print()
