"""A drive that never answers again: the server goes on, commands end when they are asked to, and
nothing on the drive is forgotten.
"""

import os
import shutil
import signal
import time
import urllib.parse

from fuse_mount import FuseMount
from server import BUSY, PATIENCE, Server, besieged, healthy, stop

# Longest time from a request to end a job or a command until it has ended, in seconds.
END = 10
# A drive is waited for eight seconds: who needs none and takes nearly that has waited for it too.
WAITED_TOO = 7


def run(bench):
    """`bench.size` is the number of seconds of load."""
    here, there, mount = (bench.folder(f"mount-{name}") for name in ("here", "source", "target"))
    shutil.copytree(os.path.join(bench.images, "Kitchen"), os.path.join(here, "Kitchen"))
    # Several folders of the library on one drive, as the years of a photo archive.
    years = [f"year {number}" for number in range(8)]
    for number, name in enumerate(sorted(os.listdir(os.path.join(bench.images, "Garten")))):
        year = os.path.join(there, years[number % len(years)])
        os.makedirs(year, exist_ok=True)
        shutil.copy(os.path.join(bench.images, "Garten", name), year)
    home = bench.folder("mount-home")
    try:
        drive = FuseMount(there, mount)
    except OSError as error:
        print(f"  SKIPPED: this user may mount nothing: {error}", flush=True)
        bench.report.count("skipped, since this user may mount nothing")
        return
    with drive:
        bench.library(home, here)
        for year in years:
            bench.library(home, os.path.join(mount, year))
        known, _ = bench.glimpse.listing(home)
        bench.report.count("images on the drive", sum(path.startswith(mount) for path in known))
        with Server(bench, home) as server:
            serve(bench, server, drive, here, mount, known)
            stop(bench, server)
        command(bench, home, os.path.join(mount, "year 0"))
    # The drive is away now: its folder is there, and empty.
    for pruned in (here, *(os.path.join(mount, year) for year in years)):
        bench.index(home, "--prune", pruned)
    verify = bench.glimpse.run(home, "verify")
    if verify.code != 0:
        bench.report.finding(f"verify afterwards: {verify.out} {verify.err}", "a drive that died")
    with FuseMount(there, mount):
        bench.index(home)
        again, listed = bench.glimpse.listing(home)
    if again != known:
        lost = sorted(set(known) - set(again))
        bench.report.finding(f"{len(lost)} images lost: {lost[:3]} {listed.err[:300]}", "a drive that died, and came back")


def serve(bench, server, drive, here, mount, known):
    listed = server.get_json("/api/v1/search?q=&sort=newest&limit=200")["hits"]
    images = [(hit["id"], hit["path"].startswith(mount)) for hit in listed]
    if len(images) != len(known):
        raise RuntimeError(f"{len(images)} of {len(known)} images listed")
    healthy(bench, server, None)
    drive.die()
    besieged(bench, server, lambda end, number: client(bench, server, end, images, number), "with a dead drive")
    job(bench, server, os.path.join(mount, "year 0"), must_finish=False)
    job(bench, server, here, must_finish=True)
    healthy(bench, server, None, "with a dead drive")


def client(bench, server, end, images, number):
    """Questions that need no drive must be answered, those for its files at least be refused."""
    turn = number
    while time.monotonic() < end:
        turn += 1
        image, on_drive = images[turn * 7 % len(images)]
        query = urllib.parse.quote(["red bike", "dog", "зима"][turn % 3])
        paths = [
            (f"/api/v1/search?q={query}", False),
            (f"/api/v1/images/{image}/original", on_drive),
            (f"/api/v1/images/{image}/thumbnail?size=1600", on_drive),
            (f"/api/v1/images/{image}/similar", False),
            (f"/api/v1/images/{image}", False),
            (f"/api/v1/images/{image}/heatmap?q={query}", on_drive),
        ]
        path, needs_drive = paths[turn % len(paths)]
        start = time.monotonic()
        status, body = server.ask(path, timeout=3 * PATIENCE)
        kind = "that need the drive" if needs_drive else "that need no drive"
        bench.report.count(f"requests {kind}")
        seconds = time.monotonic() - start
        bench.report.peak(f"slowest request of those {kind}, s", seconds)
        if seconds > WAITED_TOO and not needs_drive:
            bench.report.finding(f"{path}: {status} after {seconds:.1f} s", "with a dead drive")
        if status in BUSY:
            bench.report.count(f"answered busy, {kind}")
        if status == 0 or (status >= 500 and status not in BUSY) or (status in BUSY and not needs_drive):
            bench.report.finding(f"{path}: {status} {body[:200]}", "with a dead drive")


def job(bench, server, root, must_finish):
    """Starts to index `root`. A job that cannot finish is told to end, which it must do."""
    start = time.monotonic()
    status, body = server.ask("/api/v1/jobs", {"roots": [root]}, timeout=3 * PATIENCE)
    bench.report.peak("slowest start of a job, s", time.monotonic() - start)
    if status != 202:
        bench.report.count("jobs on the dead drive that were refused")
        if must_finish or status == 0 or (status >= 500 and status not in BUSY):
            bench.report.finding(f"a job for {root}: {status} {body[:200]}", "with a dead drive")
        return
    number = server.get_json("/api/v1/jobs")["jobs"][0]["id"]
    if not must_finish:
        time.sleep(1)
        server.ask(f"/api/v1/jobs/{number}/cancel", b"")
    begun = time.monotonic()
    limit = (6 * END if must_finish else END) * bench.glimpse.patience
    while (view := server.get_json(f"/api/v1/jobs/{number}"))["state"] in ("running", "paused"):
        if time.monotonic() - begun > limit:
            bench.report.finding(f"the job for {root} is still {view['state']} after {limit:.0f} s", "with a dead drive")
            return
        time.sleep(0.05)
    if must_finish and view["state"] != "done":
        bench.report.finding(f"the job for {root} ended: {view}", "with a dead drive")
    if not must_finish:
        bench.report.peak("a job on the dead drive ends in, s", time.monotonic() - begun)


def command(bench, home, mount):
    """`index` of a dead drive ends by Ctrl-C."""
    process = bench.glimpse.start(home, "index", mount)
    time.sleep(2)
    if process.poll() is None:
        start = time.monotonic()
        process.send_signal(signal.SIGINT)
        try:
            process.wait(END * bench.glimpse.patience)
        except Exception:
            bench.report.finding("index of a dead drive goes on after Ctrl-C", "index, then SIGINT")
            process.kill()
            process.wait()
        bench.report.peak("index of the dead drive stops in, s", time.monotonic() - start)
    else:
        bench.report.count("index of the dead drive refused at once")
    process.communicate()
