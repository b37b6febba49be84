"""The program under attack, run over libraries in a scratch folder, and how its ends are judged."""

import json
import os
import resource
import shutil
import signal
import subprocess
import tempfile
import threading
import time

# Longest time for a command over a small library, in seconds: the machine may be busy.
TIMEOUT = 120
# Rust's exit status after a panic, and the shell's after SIGABRT.
CRASHES = (101, 134)


class Run:
    """How a command ended: exit status, output, seconds, and peak memory in bytes."""

    def __init__(self, code, out, err, seconds, memory, timed_out):
        self.code, self.out, self.err = code, out, err
        self.seconds, self.memory, self.timed_out = seconds, memory, timed_out

    def crash(self):
        """Why this end is a fault of the program, or None. An error that is told is none."""
        if self.timed_out:
            return f"no end after {self.seconds:.0f} s"
        if "panicked" in self.err:
            line = next(line for line in self.err.splitlines() if "panicked" in line)
            return f"exit {self.code}: {line[:300]}"
        if self.code < 0 or self.code in CRASHES:
            return f"exit {self.code}: {self.err[-300:]}"
        return None

    def events(self):
        """The JSON lines of stdout; a line that was cut off by a kill does not count."""
        lines = self.out.split("\n")[:-1]
        return [json.loads(line) for line in lines]


class Glimpse:
    """The binary with nothing of the caller's settings; limits of time are `patience` times as
    long.
    """

    def __init__(self, binary, patience=1):
        self.binary, self.patience = os.path.abspath(binary), patience
        prefixes = ("GLIMPSE_", "HF_", "HUGGINGFACE_")
        self.env = {key: value for key, value in os.environ.items() if not key.startswith(prefixes)}

    def start(self, home, *args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, memory=None):
        """Starts a command over the library in `home`, with at most `memory` bytes of addresses."""

        def limit():
            if memory:
                resource.setrlimit(resource.RLIMIT_AS, (memory, memory))

        return subprocess.Popen(
            [self.binary, *map(os.fspath, args)],
            env={**self.env, "GLIMPSE_HOME": os.fspath(home)},
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            preexec_fn=limit if memory else None,
        )

    def run(self, home, *args, timeout=TIMEOUT, memory=None, kill_after=None):
        """Runs a command to its end, or kills it (SIGKILL) after `kill_after` seconds."""
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            start = time.monotonic()
            process = self.start(home, *args, stdout=out, stderr=err, memory=memory)
            late = threading.Event()

            def end():
                late.set()
                process.kill()

            timer = threading.Timer(timeout * self.patience if kill_after is None else kill_after, end)
            timer.start()
            _, status, usage = os.wait4(process.pid, 0)
            seconds = time.monotonic() - start
            timer.cancel()
            process.returncode = os.waitstatus_to_exitcode(status)
            killed = late.is_set() and process.returncode == -signal.SIGKILL
            out.seek(0), err.seek(0)
            text = [file.read().decode("utf-8", "replace") for file in (out, err)]
        return Run(process.returncode, *text, seconds, usage.ru_maxrss * 1024, killed)

    def listing(self, home):
        """All images of the library: a dict from path to content hash, and the run."""
        run = self.run(home, "search", "--sort", "newest", "-n", "10000", "--all", "--json")
        found = {}
        if run.code in (0, 1) and not run.timed_out:
            for image in run.events():
                for path in image["files"]:
                    found[path] = image["content"]
        return found, run


def processor_seconds():
    """What the programs that were run so far took, which does not depend on what else runs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class Report:
    """What a part did, what it counted and what it found."""

    def __init__(self, name, quiet=False):
        self.name, self.quiet = name, quiet
        self.counts, self.findings = {}, []
        self.start = self.told = time.monotonic()
        self.processor = processor_seconds()

    def count(self, what, by=1):
        self.counts[what] = self.counts.get(what, 0) + by

    def peak(self, what, value):
        self.counts[what] = max(self.counts.get(what, 0), round(value, 2))

    def finding(self, what, how):
        """`what` went wrong, and `how` to see it again."""
        self.findings.append({"what": what, "how": how})
        print(f"  FINDING in {self.name}: {what}\n    again: {how}", flush=True)

    def progress(self, done, of):
        now = time.monotonic()
        if not self.quiet and (now - self.told > 10 or done == of):
            self.told = now
            text = f"  {self.name}: {done} of {of}, {now - self.start:.0f} s"
            print(f"{text}, {len(self.findings)} findings", flush=True)

    def as_json(self):
        seconds = round(time.monotonic() - self.start, 1)
        used = round(processor_seconds() - self.processor, 1)
        times = {"seconds": seconds, "processor_seconds": used}
        return {**times, "counts": self.counts, "findings": self.findings}


def remove(path):
    """Removes a folder of any depth, which `shutil.rmtree` does not."""
    subprocess.run(["rm", "-rf", "--", path], check=False)


class Bench:
    """What every part is given: the program, a scratch folder, a seed of its own, and its size."""

    def __init__(self, glimpse, scratch, random, size, images, report):
        self.glimpse, self.scratch, self.random, self.size = glimpse, scratch, random, size
        self.images, self.report = images, report

    def folder(self, name):
        """A new, empty folder of this name."""
        path = os.path.join(self.scratch, name)
        remove(path)
        os.makedirs(path)
        return path

    def index(self, home, *args, **kwargs):
        return self.glimpse.run(home, "index", "--json", *args, **kwargs)

    def library(self, home, images):
        """Indexes `images` into the library that an attack begins with."""
        run = self.index(home, "--model", "demo", images, timeout=600)
        if run.code != 0:
            raise RuntimeError(f"no library to attack: exit {run.code} after {run.seconds:.0f} s: {run.err[-500:]}")
        return run
