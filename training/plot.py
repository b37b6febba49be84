"""Draws the training curves kept in training/log as one image."""

import csv

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

from .settings import LOG_DIR

# Stage, metrics, title, largest value.
PANELS = (
    ("teacher", ("top1_64", "top1_96", "top1_128"), "teacher: best concept right", 1),
    ("text", ("top1", "cosine"), "text tower: best concept right, cosine to its anchor", 1),
    ("vision", ("window_top1", "scene_top1"), "vision tower: best concept shown", 1),
    ("joint", ("image_top1", "batch_retrieval", "text_cosine"), "both towers together", 1),
    ("decoder", ("aref_boxes", "gcap_boxes", "cap_words", "gcap_words"), "decoder: nats a token", 6),
    ("refine", ("image_top1", "batch_retrieval", "text_cosine"), "both towers once more, on varied drawings", 1),
    ("refine_decoder", ("aref_boxes", "gcap_boxes", "cap_words", "gcap_words"), "decoder once more: nats a token", 6),
    ("naflex", ("image_top1", "batch_retrieval"), "vision tower of the NaFlex sibling", 1),
)


def read_curve(stage: str) -> dict[str, list[tuple[float, float]]]:
    """Points (minutes, value) of each metric of a stage."""
    curves: dict[str, list[tuple[float, float]]] = {}
    path = LOG_DIR / f"{stage}.csv"
    if path.exists():
        with path.open(newline="") as file:
            for row in csv.DictReader(file):
                curves.setdefault(row["metric"], []).append((float(row["minutes"]), float(row["value"])))
    return curves


def plot_curves() -> None:
    figure, axes = plt.subplots(1, len(PANELS), figsize=(4 * len(PANELS), 3), constrained_layout=True)
    for axis, (stage, metrics, title, largest) in zip(axes, PANELS):
        curves = read_curve(stage)
        for metric in metrics:
            if metric in curves:
                axis.plot(*zip(*curves[metric]), label=metric, linewidth=1)
        axis.set(title=title, xlabel="minutes", ylim=(0, largest))
        axis.title.set_fontsize(8)
        if axis.lines:
            axis.legend(fontsize=7, loc="lower right")
        axis.grid(alpha=0.3)
    figure.savefig(LOG_DIR / "curves.png", dpi=80)
    plt.close(figure)
