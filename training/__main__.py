"""Command line: `python -m training build --stage all` rebuilds everything that models/demo holds."""

import argparse
from dataclasses import replace
from pathlib import Path

from .settings import BUDGETS, CACHE_DIR, CONCEPTS, MODEL_DIR, NAFLEX_DIR


def art(options):
    from .art import build_atlas

    build_atlas()


def captions(options):
    from .captions import build_captions

    build_captions()


def tokenizer(options):
    from .tokens import build_tokenizer

    build_tokenizer()


def train(stage: str):
    """The action that trains one stage, going on from its checkpoint where there is one."""

    def action(options):
        from .decoder import DecoderStage
        from .distil import DistilStage
        from .export import weights_of
        from .joint import JointStage
        from .loop import run
        from .naflex_stage import NaflexStage
        from .refine import RefineDecoderStage, RefineStage
        from .teacher import TeacherStage
        from .text import TextStage

        budget = BUDGETS[stage]
        one = options.device != "cpu"
        budget = replace(budget, processes=options.processes or (1 if one else budget.processes), device=options.device)
        given = {key: getattr(options, key) for key in ("steps", "batch", "minutes")}
        budget = replace(budget, **{key: value for key, value in given.items() if value})
        build = {
            "teacher": TeacherStage,
            "text": TextStage,
            "vision": DistilStage,
            "joint": JointStage,
            "decoder": DecoderStage,
            "refine": RefineStage,
            "refine_decoder": RefineDecoderStage,
            "naflex": NaflexStage,
        }[stage]
        extra = {} if stage == "teacher" else {"compile": not options.eager}
        if stage == "joint":
            extra |= {"silc": options.silc, "masked": options.masked, "locca": options.locca, "curate": options.curate}
            if options.curate:
                extra |= {"teacher": weights_of(options.teacher)}
        run(build, budget, concepts=options.concepts, **extra)

    return action


def export(options):
    from .export import export, export_decoder
    from .naflex_stage import export_naflex

    export(options.model)
    export_decoder(options.model, options.concepts)
    export_naflex(options.naflex)


def library(options):
    from .library import build_library

    build_library()


def evaluation(options):
    from .evaluate import evaluate

    evaluate(options.model, options.concepts, options.size)


def queries(options):
    from .queries import build_queries

    build_queries(options.model, options.concepts)


def galleries(options):
    from .gallery_files import write_galleries

    write_galleries(options.folder, options.concepts, options.size)


def masks(options):
    from .mask_gallery import write_mask_galleries

    write_mask_galleries(options.folder, options.concepts, options.size)


def language(options):
    from .language_pairs import write_language

    write_language(options.folder, options.language, options.concepts, options.scenes, options.size)


def style(options):
    from .language_pairs import write_style

    write_style(options.folder, options.concepts, options.scenes)


def figures(options):
    from .figures import print_figures

    print_figures(options.folder, options.model)


def mix(options):
    from .mix import print_mix

    print_mix(options.concepts)


def plot(options):
    from .plot import plot_curves

    plot_curves()


def share(text: str) -> float:
    """The value of `--curate`."""
    value = float(text)
    if not 0 <= value <= 0.9:
        raise argparse.ArgumentTypeError("a share from 0 to 0.9")
    return value


STAGES = {
    "art": art,
    "captions": captions,
    "tokenizer": tokenizer,
    "teacher": train("teacher"),
    "text": train("text"),
    "vision": train("vision"),
    "joint": train("joint"),
    "decoder": train("decoder"),
    "refine": train("refine"),
    "refine_decoder": train("refine_decoder"),
    "naflex": train("naflex"),
    "export": export,
    "library": library,
    "queries": queries,
    "evaluate": evaluation,
    "plot": plot,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    build = commands.add_parser(
        "build", help="run one stage, or all in order; finished training is not repeated"
    )
    build.add_argument("--stage", choices=["all", *STAGES], default="all")
    evaluate = commands.add_parser("evaluate", help="measure a model directory on held-out galleries")
    gallery = commands.add_parser("galleries", help="write the held-out galleries as files")
    figure = commands.add_parser("figures", help="measure a model directory on them with `glimpse eval`")
    mask = commands.add_parser("masks", help="write galleries whose every pixel is known")
    other = commands.add_parser("language", help="write pairs and galleries of a language the model lacks")
    other.add_argument("--language", required=True, help="its code in Unicode CLDR, such as lo")
    other.add_argument("--scenes", type=int, default=4000, help="scenes with pairs to train on")
    styled = commands.add_parser("style", help="write pairs in the style that no training saw")
    styled.add_argument("--scenes", type=int, default=2000, help="scenes with pairs to train on")
    mixed = commands.add_parser("mix", help="tell how often concepts, styles and words come up in training")
    mixed.add_argument("--concepts", type=int, default=CONCEPTS)
    for command in (gallery, mask, figure, other, styled):
        command.add_argument("folder", type=Path, help="where the galleries are")
    for command in (build, evaluate, gallery, mask, figure, other, styled):
        command.add_argument("--concepts", type=int, default=CONCEPTS)
        command.add_argument("--model", type=Path, default=MODEL_DIR)
        command.add_argument("--size", type=int, default=1000, help="scenes per gallery")
    build.add_argument("--naflex", type=Path, default=NAFLEX_DIR, help="where its NaFlex sibling is written")
    build.add_argument("--processes", type=int, help="one per core; each has one thread")
    build.add_argument("--steps", type=int, help="of each training stage, instead of its own")
    build.add_argument("--batch", type=int, help="images of a step of each training stage, instead of its own")
    build.add_argument("--device", default="cpu", help="where stages train, `cpu` or `cuda` [cpu]")
    build.add_argument(
        "--minutes", type=float, help="wall-clock limit of each training stage, instead of its own"
    )
    build.add_argument(
        "--eager", action="store_true", help="do not compile the towers (slower, starts at once)"
    )
    build.add_argument("--silc", type=float, default=0.0, help="joint: weight of self-distillation")
    build.add_argument("--masked", type=float, default=0.0, help="joint: weight of masked prediction")
    build.add_argument("--locca", type=float, default=0.0, help="joint: weight of captions and boxes by a decoder")
    build.add_argument("--curate", type=share, default=0.0, help="joint: share of drawn scenes to leave out [0 to 0.9]")
    build.add_argument("--teacher", type=Path, default=MODEL_DIR, help="joint: the checkpoint that curates")
    options = parser.parse_args()
    CACHE_DIR.mkdir(parents=True, exist_ok=True)
    if options.command == "evaluate":
        evaluation(options)
    elif options.command == "galleries":
        galleries(options)
    elif options.command == "masks":
        masks(options)
    elif options.command == "language":
        language(options)
    elif options.command == "style":
        style(options)
    elif options.command == "mix":
        mix(options)
    elif options.command == "figures":
        figures(options)
    else:
        for stage in STAGES if options.stage == "all" else [options.stage]:
            print(f"== {stage}", flush=True)
            STAGES[stage](options)


if __name__ == "__main__":
    main()
