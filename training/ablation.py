"""What parts of the joint stage do, from one starting point: each on and off for equal minutes of
one core and several seeds, measured by Glimpse on held-out galleries.

    python -m training galleries /tmp/galleries && python -m training masks /tmp/masks --size 120
    python -m training.ablation /tmp/ablation --galleries /tmp/galleries --masks /tmp/masks

A run that was stopped goes on: what is trained and measured is not trained and measured again.
"""

import argparse
import hashlib
import json
from functools import cache
from pathlib import Path

import torch

from .checkpoint import OF_IMAGES, OF_SCORES, write_checkpoint
from .embeddings import model_digest
from .export import weights_of
from .figures import PROGRAM, SOME, ask
from .joint import JointStage
from .loop import checkpoint_path, run
from .measures import interval
from .settings import BUDGETS, CONCEPTS, MODEL_DIR, Budget

ARMS: dict[str, dict[str, float]] = {
    "off": {},
    "silc": {"silc": 1.0},
    "masked": {"masked": 1.0},
    "both": {"silc": 1.0, "masked": 1.0},
    "locca": {"locca": 1.0},
    "curated": {"curate": 0.5},
    "varied": {"variety": 1.0},
}
FIGURES = {
    "one": "R@1, one thing",
    "one_held_out": "R@1, one thing, held-out style",
    "two": "R@1, two things",
    "pointing": "pointing",
    "boxes": "Acc@0.5, several things",
    "miou": "mIoU",
    "miou_held_out": "mIoU, held-out style",
    "auroc": "AUROC, there or not",
}


class Arm(JointStage):
    """The joint stage, under a name of its own."""

    def __init__(self, rank: int, budget: Budget, folder: Path, state: str, name: str, seed: int, model: Path, rate: float):
        super().__init__(rank, budget, CONCEPTS, compile=False, start=weights_of(model), teacher=weights_of(model), seed=seed, rate=rate, **ARMS[name])
        self.name, self.folder = state, folder

    def log_path(self) -> Path:
        return self.folder / f"{Path(self.name).name}.csv"


def settings_of(options) -> dict[str, str]:
    """What all figures of a folder depend on, but for arms and seeds."""
    places = {"galleries": options.galleries, "masks": options.masks}
    told = {key: str(getattr(options, key)) for key in ("minutes", "rate", "pixel_scenes")}
    return told | {key: str(path.resolve()) for key, path in places.items()} | {"model": model_digest(options.model)}


def begin(options) -> None:
    """Makes the folder, or sees that what it has is of the same settings."""
    options.folder.mkdir(parents=True, exist_ok=True)
    path, now = options.folder / "settings.json", settings_of(options)
    begun = json.loads(path.read_text(encoding="utf-8")) if path.exists() else now
    if differing := [key for key in now if begun.get(key) != now[key]]:
        raise SystemExit(f"{options.folder}: was begun with another {', '.join(differing)}; name a new folder")
    path.write_text(json.dumps(now, indent=1), encoding="utf-8")


def without_fits(options) -> Path:
    """A copy of the starting point without decoder and calibration, as the trained models are."""
    out = options.folder / "start"
    if not (out / "model.safetensors").exists():
        write_checkpoint(options.model, out, {}, OF_SCORES + OF_IMAGES)
    return out


def trained(folder: Path, name: str, seed: int, options) -> Path:
    """The folder of a trained model, which is trained if it is not there."""
    out = folder / f"{name}-{seed}"
    if (out / "model.safetensors").exists():
        return out
    budget = Budget(10**9, BUDGETS["joint"].batch, options.minutes, processes=1, of_processor=True)
    digest = hashlib.sha256(json.dumps([str(folder.resolve()), settings_of(options)]).encode()).hexdigest()[:16]
    kept = f"ablation/{digest}/{name}-{seed}"
    run(Arm, budget, folder=folder, state=kept, name=name, seed=seed, model=options.model, rate=options.rate)
    state = torch.load(checkpoint_path(kept), weights_only=True, map_location="cpu")
    print(f"{name}-{seed}: {state['step']} steps", flush=True)
    changed = {key: value for key, value in state["modules"].items() if "position_ids" not in key}
    write_checkpoint(options.model, out, changed, OF_SCORES + OF_IMAGES)
    (out / "steps.json").write_text(json.dumps(state["step"]), encoding="utf-8")
    return out


def measured(model: Path, kept: Path, options) -> dict[str, float]:
    """The figures of a model. Those that are not kept are measured, and kept one by one."""
    figures = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
    galleries, masks, program = options.galleries, options.masks, options.program

    def first(data: str) -> float:
        rows = ask(program, model, "retrieval", "--data", str(galleries / data), "--lang", ",".join(SOME))
        return next(row["text_to_image"][0] for row in rows if row["language"] == "mean")

    @cache
    def regions(kind: str, limit: int) -> dict:
        data = str(galleries / kind / "annotations.json")
        return ask(program, model, "regions", "--data", data, "--lang", "en", "--limit", str(limit))

    def pixels(kind: str) -> float:
        data = str(masks / kind / "panoptic.json")
        told = ask(program, model, "segment", "--data", data, "--none", "background", "--limit", str(options.pixel_scenes))
        return told["ours"]["mean_iou"]

    measures = {
        "one": lambda: first("trained-single/names.tsv"),
        "one_held_out": lambda: first("heldout-single/names.tsv"),
        "two": lambda: first("trained-several/pairs.tsv"),
        "pointing": lambda: regions("trained-several", 200)["all"]["pointing"],
        "boxes": lambda: regions("trained-several", 200)["all"]["acc_at_05_fine"],
        "miou": lambda: pixels("plain"),
        "miou_held_out": lambda: pixels("held-out"),
        "auroc": lambda: regions("lacking", 300)["presence_auroc"],
    }
    for name, measure in measures.items():
        if name not in figures:
            figures[name] = measure()
            kept.write_text(json.dumps(figures), encoding="utf-8")
    return figures


def table(start: dict[str, float], rows: dict[str, list[dict[str, float]]]) -> str:
    """Markdown: the start, the mean of `off`, and by how much each arm differs from it, seed by seed."""
    arms = [name for name in rows if name != "off"]
    lines = ["| | start | off | " + " | ".join(arms) + " |", "|---|" + "---|" * (2 + len(arms))]
    for key, title in FIGURES.items():
        off = [row[key] for row in rows["off"]]
        cells = [f"{start[key]:.3f}", _told(*interval(off), signed=False)]
        for name in arms:
            differences = [row[key] - before for row, before in zip(rows[name], off)]
            cells.append(_told(*interval(differences), signed=True))
        lines.append(f"| {title} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _told(mean: float, half: float, signed: bool) -> str:
    return f"{mean:{'+' if signed else ''}.3f} ± {half:.3f}"


def ablation(options) -> str:
    """Trains and measures all of it, seed by seed; returns the table."""
    begin(options)
    start = measured(without_fits(options), options.folder / "start.json", options)
    rows: dict[str, list[dict[str, float]]] = {name: [] for name in options.arms}
    for seed in range(options.seeds):
        for name in options.arms:
            model = trained(options.folder, name, seed, options)
            figures = measured(model, options.folder / f"{name}-{seed}.json", options)
            print(name, seed, figures, flush=True)
            rows[name].append(figures)
    return table(start, rows)


def arms(text: str) -> list[str]:
    """The value of `--arms`; `off`, which the others are compared with, is always there."""
    names = text.split(",")
    if unknown := [name for name in names if name not in ARMS]:
        raise argparse.ArgumentTypeError(f"`{unknown[0]}` is none of {', '.join(ARMS)}")
    return ["off", *(name for name in dict.fromkeys(names) if name != "off")]


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m training.ablation", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="where models and figures are kept")
    parser.add_argument("--galleries", type=Path, required=True, help="what `training galleries` wrote")
    parser.add_argument("--masks", type=Path, required=True, help="what `training masks` wrote")
    parser.add_argument("--arms", type=arms, default=list(ARMS), help="some of " + ", ".join(ARMS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--minutes", type=float, default=5.0, help="of one core, for each run")
    parser.add_argument("--rate", type=float, default=0.25, help="share of the joint stage's learning rates")
    parser.add_argument("--pixel-scenes", type=int, default=30, help="of each gallery of masks; one takes some two seconds of a core")
    parser.add_argument("--model", type=Path, default=MODEL_DIR, help="the starting point")
    parser.add_argument("--program", type=Path, default=PROGRAM)
    return parser


if __name__ == "__main__":
    print(ablation(parser().parse_args()))
