"""Both towers, and then the decoder, once more and for longer, on scenes that are drawn in more ways
and show more things.

Either starts from what the stage of that name before it gave, or from the model directory where that
was not trained here, and has the same losses. Drawings are bent, flattened and outlined at random,
which stands for styles that no training saw; towards the end they come to look as they are.
"""

import json

import torch

from .decoder import DecoderStage
from .export import tensors_of, trained, weights_of
from .joint import JointStage
from .scenes import Painter
from .settings import MODEL_DIR, Budget

CALM = 0.75  # of the stage, from where on drawings are changed less and less
THINGS = (0.32, 0.30, 0.20, 0.12, 0.06)  # shares of scenes of one to five things
DECODER_RATE = 0.5  # of the learning rates of a decoder that starts from nothing


def vary(painter: Painter, progress: float) -> None:
    """Sets how much drawings are changed, at this share of a stage."""
    left = min(1.0, (1 - progress) / (1 - CALM))
    painter.augment, painter.variety = 0.6 + 0.4 * left, left


class RefineStage(JointStage):
    name = "refine"
    log_name = "refine"

    def __init__(self, rank: int, budget: Budget, concepts: int, compile: bool = True, **options):
        super().__init__(rank, budget, concepts, compile, **options)
        self.painter.things = THINGS

    def weights_before(self) -> dict[str, torch.Tensor]:
        return trained("joint") or weights_of(MODEL_DIR)

    def loss(self, progress):
        vary(self.painter, progress)
        return super().loss(progress)


class RefineDecoderStage(DecoderStage):
    name = "refine_decoder"
    log_name = "refine_decoder"

    def __init__(self, rank: int, budget: Budget, concepts: int, compile: bool = True):
        super().__init__(rank, budget, concepts, compile, rate=DECODER_RATE)
        self.modules.load_state_dict(self.weights_before())
        self.painter.things = THINGS

    def weights_before(self) -> dict[str, torch.Tensor]:
        """Those of a decoder that has the same words."""
        if decoder := trained("decoder"):
            return decoder
        told = json.loads((MODEL_DIR / "decoder.json").read_text(encoding="utf-8"))
        if tuple(told["pieces"]) != self.config.pieces or tuple(told["languages"]) != self.config.languages:
            raise SystemExit(f"{MODEL_DIR}: its decoder has other words; train one first (--stage decoder)")
        return tensors_of(MODEL_DIR / "decoder.safetensors")

    def loss(self, progress):
        vary(self.painter, progress)
        return super().loss(progress)
