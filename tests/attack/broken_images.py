"""Broken images: mutants of samples of each format. Every file is named, and nothing crashes."""

import os
import shutil

import image_files

# Files of one index run.
BATCH = 250
# Most memory of a run, in bytes: three times what whole images of this size take.
MEMORY = 1_500_000_000
EXTREMES = [b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\0\0\x80", b"\0\1\0\0", b"\x80\0\0\0"]


def samples(bench):
    """One name and its bytes for each: the bundled images, and those of formats that they lack."""
    found = []
    for root, _, names in sorted(os.walk(bench.images)):
        for name in sorted(names):
            path = os.path.join(root, name)
            if name.lower().endswith((".jpg", ".png", ".webp")) and os.path.getsize(path) < 60_000:
                with open(path, "rb") as file:
                    found.append((name, file.read()))
    found = bench.random.sample(found, min(60, len(found)))
    pixels = bench.random.randbytes(64 * 48 * 3)
    rotated = image_files.tiff([(274, 3, 1, 6), (306, 2, 20, 8)], b"2024:05:17 18:30:00\0")
    jpegs = [data for name, data in found if name.endswith(".jpg")]
    found += [
        ("made.bmp", image_files.bmp(64, 48, pixels)),
        ("made.gif", image_files.gif(20, 16, 3)),
        ("made.tif", image_files.tiff_rgb(64, 48, pixels)),
        ("made.png", image_files.png(64, 48, pixels)),
        ("progressive.jpg", image_files.jpeg_progressive(64, 48, 3)),
    ]
    text = "<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>"
    packet = image_files.xmp(f"{text}<rdf:Description/></rdf:RDF></x:xmpmeta>".encode())
    formats = os.path.join(os.path.dirname(__file__), "../golden/formats")
    whole = [name for name in sorted(os.listdir(formats)) if not name.endswith(".json")]
    found += [(name, image_files.golden(name)) for name in whole]
    found += [("exif.jpg", image_files.jpeg_with(data, image_files.exif(rotated) + packet)) for data in jpegs[:5]]
    return found


def mutant(random, name, data):
    """One to four changes of any kind; half of the PNGs get right checksums again."""
    data = bytearray(data)
    for _ in range(random.choice([1, 1, 2, 4])):
        # Heads are small and decide much.
        at = random.randrange(max(1, min(len(data), random.choice([64, 1024, len(data)]))))
        kind = random.randrange(7)
        if kind == 0 and data:
            data[at] ^= 1 << random.randrange(8)
        elif kind == 1:
            data[at : at + 4] = random.choice(EXTREMES)
        elif kind == 2:
            length = random.choice([2, 16, 300])
            data[at : at + length] = random.randbytes(length)
        elif kind == 3:
            del data[at : at + random.choice([1, 4, 100])]
        elif kind == 4:
            data[at:at] = data[at : at + random.choice([1, 12, 500])]
        elif kind == 5:
            del data[random.randrange(len(data) + 1) :]
        else:
            other = random.randrange(max(1, len(data)))
            data[at : at + 40] = data[other : other + 40]
    if name.endswith(".png") and random.random() < 0.5:
        return image_files.png_with_sums(bytes(data))
    return bytes(data)


def run(bench):
    chosen = samples(bench)
    bench.report.count("samples", len(chosen))
    done = 0
    while done < bench.size:
        count = min(BATCH, bench.size - done)
        folder = bench.folder("mutants")
        for number in range(done, done + count):
            name, data = bench.random.choice(chosen)
            with open(os.path.join(folder, f"{number}-{name}"), "wb") as file:
                file.write(mutant(bench.random, name, data))
        batch(bench, folder, count, f"files {done} to {done + count - 1} of this seed")
        done += count
        bench.report.progress(done, bench.size)


def batch(bench, folder, count, how):
    home = bench.folder("mutants-home")
    run = bench.index(home, "--model", "demo", "--no-regions", folder, timeout=600)
    report = bench.report
    report.count("mutants", count)
    report.peak("most memory, MB", run.memory / 1e6)
    report.peak("slowest batch, s", run.seconds)
    if crash := run.crash():
        keep(bench, folder, how)
        return report.finding(crash, how)
    named = [event for event in run.events() if "path" in event]
    for event in named:
        report.count(event["event"])
    if len({event["path"] for event in named}) != count:
        keep(bench, folder, how)
        report.finding(f"{len(named)} of {count} files are named", how)
    if run.memory > MEMORY:
        report.finding(f"{run.memory >> 20} MiB of memory", how)
    return None


def keep(bench, folder, how):
    """Puts the files where they outlive the run."""
    kept = bench.scratch.rstrip("/") + "-kept"
    shutil.copytree(folder, os.path.join(kept, how.replace(" ", "-")), dirs_exist_ok=True)
    print(f"  kept: {kept}")
