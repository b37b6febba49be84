"""Every number that more than one stage needs, and where the working files live."""

import os
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
MODEL_DIR = REPOSITORY / "models" / "demo"
NAFLEX_DIR = REPOSITORY / "models" / "demo-naflex"
LIBRARY_DIR = MODEL_DIR / "library"
LOG_DIR = Path(__file__).resolve().parent / "log"
CACHE_DIR = Path(os.environ.get("GLIMPSE_TRAINING_DIR", Path.home() / ".cache" / "glimpse-training"))

SEED = 20
CONCEPTS = 315  # the first so many of concepts.txt make up the domain

# Vision tower
IMAGE = 192  # pixels per side
PATCH = 16  # pixels per patch side: a 12 x 12 grid
GRID = IMAGE // PATCH
WIDTH = 192  # of both towers, hence of the embedding
HEADS = 3
MLP = 768
VISION_LAYERS = 6

# Text tower
TEXT_LAYERS = 4
TEXT_LENGTH = 32  # tokens; the tower pools the last one, so it is trained at exactly this length
VOCABULARY = 16000  # pieces, of which 256 are bytes
PAD, EOS, UNK = 0, 1, 2


@dataclass(frozen=True)
class Budget:
    """How long each stage trains, and where; `minutes` (wall clock), if given, ends a stage before its steps
    are done.

    Processes average their gradients (`sync` 1), or their weights after every `sync` steps. Minutes
    are those of the clock on the wall, or of the processor, which other programs do not shorten.
    """

    steps: int
    batch: int
    minutes: float | None = None
    processes: int = 2
    sync: int = 1
    of_processor: bool = False
    device: str = "cpu"  # or `cuda`, with one process


# Nine and a half hours on two cores with AMX, by training/log; other work ran beside some stages.
BUDGETS = {
    "teacher": Budget(steps=3_500, batch=128),
    "text": Budget(steps=2_500, batch=128),
    "vision": Budget(steps=4_500, batch=160),
    "joint": Budget(steps=1_000, batch=32),
    "decoder": Budget(steps=1_600, batch=32),
    "refine": Budget(steps=5_000, batch=64, processes=1),
    "refine_decoder": Budget(steps=5_000, batch=32),
    "naflex": Budget(steps=600, batch=48, processes=1),
}
