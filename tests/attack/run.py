"""Attacks the program, and says what did not hold. Python 3.9 and Linux, nothing else.

    python3 tests/attack/run.py --bin target/release/glimpse [--short | --long] [--seed N]
                                [--only kills,rot,...] [--json FILE] [--times SHARE]

Exit status 1 if anything was found. The same seed makes the same damage; when a kill arrives is a
matter of the clock as well. Ctrl-C or SIGTERM ends a part, and what it did so far is told. What is
promised and what was measured: docs/reliability.md.
"""

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import time

import bombs
import broken_images
import forms
import kills
import models
import mounts
import rot
import server
from library import Bench, Glimpse, Report, remove

# How much of each part, short and long: kills, damages, images, bombs, models, requests, and for
# the server and mounts seconds of load.
PARTS = {
    "kills": (kills, 20, 1000),
    "rot": (rot, 13, 600),
    "images": (broken_images, 500, 10_000),
    "bombs": (bombs, 10, 80),
    "models": (models, 14, 300),
    "forms": (forms, 300, 10_000),
    "server": (server, 5, 60),
    "mounts": (mounts, 5, 60),
}


def main():
    args = arguments()
    # Whoever ends this run wants to know what it did until then.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    glimpse, results = Glimpse(args.bin, args.patience), {}
    scratch = tempfile.mkdtemp(prefix="glimpse-attack-", dir=args.scratch)
    print(f"seed {args.seed}, scratch folder {scratch}", flush=True)
    try:
        library = bundled_images()
        for name in args.only:
            part, short, long = PARTS[name]
            size = max(1, round((long if args.long else short) * args.times))
            results[name] = attack(name, part, size, glimpse, scratch, library, args.seed)
            results[name]["size"] = size
            if args.json:
                write(args.json, args.seed, results)
    finally:
        remove(scratch)
    table(results)
    return any(result["findings"] for result in results.values())


def arguments():
    parser = argparse.ArgumentParser(description="Attacks the program, and says what did not hold.")
    parser.add_argument("--bin", required=True, help="the program")
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--short", action="store_true", help="three minutes on two cores (the default)")
    size.add_argument("--long", action="store_true", help="hours")
    parser.add_argument("--times", type=float, default=1, help="this share of the size")
    parser.add_argument("--patience", type=float, default=1, help="limits of time, on a busy machine")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default=",".join(PARTS), help="parts, with commas")
    parser.add_argument("--json", help="file for the results")
    parser.add_argument("--scratch", help="folder for temporary files, some 500 MB")
    args = parser.parse_args()
    args.only = args.only.split(",")
    if unknown := set(args.only) - set(PARTS):
        parser.error(f"no such part: {', '.join(unknown)}; there are {', '.join(PARTS)}")
    if not os.access(args.bin, os.X_OK):
        parser.error(f"{args.bin}: no program; build it with: cargo build --release")
    return args


def bundled_images():
    """The images that are bundled with the program, as the repository has them."""
    here = os.path.dirname(os.path.abspath(__file__))
    return os.path.join(os.path.dirname(os.path.dirname(here)), "models", "demo", "library")


def attack(name, part, size, glimpse, scratch, library, seed):
    print(f"{name}: {size}", flush=True)
    report = Report(name)
    # Parts have random numbers of their own, so that each can be repeated without the others.
    bench = Bench(glimpse, scratch, random.Random(f"{seed}-{name}"), size, library, report)
    try:
        part.run(bench)
    except KeyboardInterrupt:
        print(f"  {name}: stopped; what was done counts", flush=True)
        report.count("stopped early")
    return report.as_json()


def write(path, seed, results):
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"seed": seed, "time": time.strftime("%Y-%m-%d"), "parts": results}, file, indent=1)


def table(results):
    print(f"\n{'part':10} {'size':>7} {'seconds':>8} {'processor':>9} {'findings':>8}")
    for name, result in results.items():
        times = f"{result['seconds']:8.0f} {result['processor_seconds']:9.0f}"
        print(f"{name:10} {result['size']:7} {times} {len(result['findings']):8}")
    for name, result in results.items():
        for what, count in result["counts"].items():
            print(f"{name:10} {count:>12,} {what}")
    # At the end once more, where a long log is read first.
    for name, result in results.items():
        for finding in result["findings"]:
            print(f"FINDING in {name}: {finding['what']}\n  again: {finding['how']}")


if __name__ == "__main__":
    sys.exit(main())
