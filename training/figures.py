"""The bundled model's figures, measured by Glimpse itself on held-out galleries.

    cargo build --release
    python -m training galleries /tmp/galleries
    python -m training figures /tmp/galleries

Prints the tables of models/demo/README.md and keeps all figures in training/log/figures.json.
"""

import json
import subprocess
from pathlib import Path

from .settings import LOG_DIR, MODEL_DIR, REPOSITORY

PROGRAM = REPOSITORY / "target" / "release" / "glimpse"
# Where boxes and captions are measured in a few languages, one a script.
SOME = ("en", "ar", "ru", "zh")


def ask(program: Path, model: Path, *arguments: str):
    """What `glimpse eval` answers."""
    command = [str(program), "eval", *arguments, "--json", "--model", str(model), "--quiet"]
    answer = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(answer.stdout)


def measure(folder: Path, model: Path, program: Path) -> dict:
    def retrieval(kind: str, queries: str):
        rows = ask(program, model, "retrieval", "--data", str(folder / kind / f"{queries}.tsv"))
        return {row["language"]: row for row in rows}

    def regions(kind: str, *more: str):
        data = str(folder / kind / "annotations.json")
        return ask(program, model, "regions", "--data", data, "--lang", ",".join(SOME), *more)

    def captions(kind: str):
        data = str(folder / kind / "annotations.json")
        rows = ask(program, model, "captions", "--data", data, "--lang", ",".join(SOME), "--limit", "100")
        return {row["language"]: row for row in rows}

    figures: dict = {"names": {}, "unseen": {}, "pairs": {}, "regions": {}, "captions": {}}
    for style in ("trained", "heldout"):
        single, several = f"{style}-single", f"{style}-several"
        figures["names"][style] = retrieval(single, "names")
        figures["unseen"][style] = retrieval(single, "unseen")
        figures["pairs"][style] = retrieval(several, "pairs")
        for kind in (single, several):
            print(f"measuring regions: {kind}", flush=True)
            figures["regions"][kind] = regions(kind, "--limit", "100")
            if (model / "decoder.safetensors").exists():
                figures["captions"][kind] = captions(kind)
    diagram = LOG_DIR / "reliability.svg"
    figures["lacking"] = regions("lacking", "--limit", "300", "--reliability", str(diagram))
    return figures


def tables(figures: dict) -> str:
    """The figures as Markdown."""
    lines = ["| | R@1 | R@5 |", "|---|---|---|"]

    def row(title: str, figure: dict):
        first, fifth, _ = figure["text_to_image"]
        lines.append(f"| {title} | {first:.2f} | {fifth:.2f} |")

    for style, title in (("trained", "trained styles"), ("heldout", "held-out style")):
        names = figures["names"][style]
        each = {code: it for code, it in names.items() if code != "mean"}
        worst = min(each, key=lambda code: each[code]["text_to_image"][0])
        row(f"{title}: one object, mean of {len(each)} languages", names["mean"])
        row(f"{title}: one object, English", names["en"])
        row(f"{title}: one object, worst language ({worst})", names[worst])
        row(f"{title}: one object, words never seen in training", figures["unseen"][style]["mean"])
        row(f"{title}: two named objects, mean of languages", figures["pairs"][style]["mean"])
    lines += [
        "",
        "| | pointing | worst language | best region | closer look | by the decoder | as shown | worst language | caption F1 | box names |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for kind, figure in figures["regions"].items():
        it = figure["all"]

        def worst(measure: str) -> str:
            code = min(figure["languages"], key=lambda code: figure["languages"][code][measure])
            return f"{figure['languages'][code][measure]:.2f} ({code})"

        boxes = [it["acc_at_05"], it["acc_at_05_fine"], it["acc_at_05_read"], it["acc_at_05_refined"]]
        said = figures["captions"].get(kind, {}).get("mean", {"f1": 0, "box_names": 0})
        cells = [kind, f"{it['pointing']:.2f}", worst("pointing"), *(f"{v:.2f}" for v in boxes), worst("acc_at_05_refined")]
        cells += [f"{said['f1']:.2f}", f"{said['box_names']:.2f}"]
        lines.append("| " + " | ".join(cells) + " |")
    lines += [
        "",
        "| images of 100 that show it, among the first | 1 | 5 | 10 | of all patches: 1 | 5 | 10 |",
        "|---|---|---|---|---|---|---|",
    ]
    for kind, figure in figures["regions"].items():
        recalls = figure["all"]["image_recall"] + figure["all"]["exhaustive_image_recall"]
        lines.append("| " + " | ".join([kind, *(f"{v:.2f}" for v in recalls)]) + " |")
    lacking = figures["lacking"]
    of_images = figures["names"]["trained"]["mean"]["presence_auroc"]
    told = (
        "In a gallery of 300 without every fifth thing (the cut was fitted to other scenes), `find` for what is absent gives something in "
        f"{100 * lacking['all']['false_alarms']:.1f} % of queries, of what is there it finds "
        f"{100 * lacking['all']['recall']:.0f} % at {100 * lacking['all']['precision']:.0f} % precision; scores mean what they "
        f"say (expected calibration error {lacking['calibration_error']:.3f}), and a query's best score tells what is there "
        f"from what is not with an AUROC of {lacking['presence_auroc']:.3f}. By the best cosine of whole images, in "
        f"single-object scenes, it is {of_images:.3f}."
    )
    lines += [
        "",
        told,
        "",
        "| Language | R@1 | R@5 |",
        "|---|---|---|",
    ]
    for code, figure in figures["names"]["trained"].items():
        row(code, figure)
    return "\n".join(lines)


def print_figures(folder: Path, model: Path = MODEL_DIR, program: Path = PROGRAM) -> None:
    figures = measure(folder, model, program)
    LOG_DIR.mkdir(exist_ok=True)
    text = json.dumps(figures, ensure_ascii=False, separators=(",", ":"))
    (LOG_DIR / "figures.json").write_text(text + "\n", encoding="utf-8")
    print(tables(figures))
