"""SIGKILL at random times. All that was told to be in the library must be there afterwards.

What is told is counted: each line of `index --json`, and the counters of a job of `serve`. After
each kill the library is verified, and every image that was ever told is looked for in it.
"""

import os
import shutil
import time

import image_files
from models import other_model
from server import Server

# Images at the start: in a long attack enough for a commit in the middle of a run.
FIRST_SHORT, FIRST_LONG = 40, 150
# Made anew before each run that starts from a complete library.
MORE = 8
# Kills in a row before a run is allowed to end.
IN_A_ROW = 10


class World:
    """Images on disk, and which of them were told to be in the library."""

    def __init__(self, bench, name):
        self.bench, self.random = bench, bench.random
        self.home, self.top = bench.folder(name), bench.folder(name + "-images")
        self.album, self.made = os.path.join(self.top, "album-0"), 0
        self.known, self.names = {}, set()
        os.makedirs(self.album)
        for _ in range(FIRST_LONG if bench.size >= 100 else FIRST_SHORT):
            self.write(f"{self.made}.bmp")

    def write(self, name):
        self.made += 1
        with open(os.path.join(self.album, name), "wb") as file:
            file.write(image_files.noise(self.random))
        self.names.add(name)
        self.known.pop(name, None)

    def change(self):
        """New, changed, removed and renamed files."""
        for _ in range(MORE):
            self.write(f"{self.made}.bmp")
        for _ in range(2):
            self.write(self.random.choice(sorted(self.names)))
            gone = self.random.choice(sorted(self.names))
            os.remove(os.path.join(self.album, gone))
            self.names.discard(gone)
            self.known.pop(gone, None)
        renamed = os.path.join(self.top, f"album-{self.made}")
        os.rename(self.album, renamed)
        self.album = renamed

    def hear(self, events, how):
        """Takes in what a run told; an image that was told before is not encoded again."""
        for event in events:
            if event["event"] not in ("indexed", "unchanged", "moved", "duplicate"):
                continue
            name = os.path.basename(event["path"])
            if event["event"] == "indexed" and name in self.known:
                self.bench.report.finding(f"{name} was told before, and is encoded again", how)
            self.known[name] = True

    def check(self, how):
        """The library is clean and holds what was told."""
        glimpse, report = self.bench.glimpse, self.bench.report
        verify = glimpse.run(self.home, "verify", "--json")
        if crash := verify.crash():
            return report.finding(f"verify: {crash}", how)
        if verify.code != 0:
            if not self.known and "no index here yet" in verify.err:
                return report.count("killed before there was a library")
            return report.finding(f"verify: {verify.out[-300:]} {verify.err[-300:]}", how)
        report.peak("slowest verify, s", verify.seconds)
        found, run = glimpse.listing(self.home)
        if crash := run.crash():
            return report.finding(f"search: {crash}", how)
        names = {os.path.basename(path) for path in found}
        lost = [name for name in self.known if name not in names]
        report.count("told images counted", len(self.known))
        report.count("told images lost", len(lost))
        if lost:
            report.finding(f"{len(lost)} told images are lost, as {lost[0]}", how)
        return None


def run(bench):
    scenarios = {"fresh": fresh, "changing": changing, "pruning": pruning, "switching": switching, "serving": serving}
    shares = {"fresh": 0.25, "changing": 0.25, "pruning": 0.2, "switching": 0.2, "serving": 0.1}
    for name, scenario in scenarios.items():
        scenario(bench, max(1, round(bench.size * shares[name])))
        bench.report.progress(bench.report.counts.get("kills", 0), bench.size)


def fresh(bench, kills):
    """A new library each time a run has ended."""

    def restart(world):
        shutil.rmtree(world.home)
        world.known.clear()

    many(bench, "fresh", kills, restart)


def changing(bench, kills):
    many(bench, "changing", kills, World.change)


def pruning(bench, kills):
    many(bench, "pruning", kills, World.change, "--prune", "--force")


def many(bench, name, kills, next_round, *args):
    """Kills index runs; one in a while may end, and `next_round` gives the next one work."""
    world = World(bench, name)
    first = bench.library(world.home, world.top)
    world.hear(first.events(), "the first run")
    span, done, row = first.seconds, 0, 0
    next_round(world)
    while done < kills:
        after = None if row >= IN_A_ROW else bench.random.random() * span
        run = bench.index(world.home, "--model", "demo", *args, world.top, kill_after=after, timeout=300)
        how = f"scenario {name}, kill {done + 1} after {after or 0:.3f} s"
        if not run.timed_out and run.code != 0:
            bench.report.finding(f"index: exit {run.code} {run.err[-300:]}", how)
        world.hear(run.events(), how)
        if run.timed_out:
            done, row = done + 1, row + 1
            bench.report.count("kills"), bench.report.count(f"kills, {name}")
            world.check(how)
        else:
            span, row = max(0.05, 0.7 * span + 0.3 * run.seconds), 0
            if len(world.known) != len(world.names):
                bench.report.finding(f"a whole run tells {len(world.known)} of {len(world.names)}", how)
            next_round(world)
        bench.report.progress(bench.report.counts.get("kills", 0), bench.size)


def switching(bench, kills):
    """Another model: the library answers with all its images until the new one is complete."""
    world = World(bench, "switching")
    models = ["demo", other_model(bench)]
    first = bench.library(world.home, world.top)
    world.hear(first.events(), "the first run")
    span, done, row, to = first.seconds, 0, 0, 1
    while done < kills:
        after = None if row >= IN_A_ROW else bench.random.random() * span
        run = bench.index(world.home, "--model", models[to], world.top, kill_after=after, timeout=300)
        how = f"scenario switching, kill {done + 1} after {after or 0:.3f} s"
        if not run.timed_out and run.code != 0:
            bench.report.finding(f"index: exit {run.code} {run.err[-300:]}", how)
        if run.timed_out:
            done, row = done + 1, row + 1
            bench.report.count("kills"), bench.report.count("kills, switching")
        else:
            span, row, to = max(0.05, run.seconds), 0, 1 - to
        world.check(how)
        bench.report.progress(bench.report.counts.get("kills", 0), bench.size)


def serving(bench, kills):
    """The server with a job; what its counters told is counted."""
    world = World(bench, "serving")
    world.hear(bench.library(world.home, world.top).events(), "the first run")
    for kill in range(kills):
        world.change()
        how = f"scenario serving, kill {kill + 1}"
        before, told = set(bench.glimpse.listing(world.home)[0].values()), 0
        with Server(bench, world.home) as server:
            job = server.get_json("/api/v1/jobs", {"roots": [world.top]})
            end = time.monotonic() + bench.random.random() * 2
            while time.monotonic() < end:
                told = server.get_json(f"/api/v1/jobs/{job['id']}")["counts"]["indexed"]
                time.sleep(0.02)
            server.process.kill()
        bench.report.count("kills"), bench.report.count("kills, serving")
        world.check(how)
        new = set(bench.glimpse.listing(world.home)[0].values()) - before
        if len(new) < told:
            bench.report.finding(f"the job told {told} new images, the library has {len(new)}", how)
        bench.report.progress(bench.report.counts.get("kills", 0), bench.size)
