"""Self-distillation and masked prediction beside the joint stage, as SigLIP 2 adds them late in its
training (arXiv 2502.14786, section 2.3): each can be switched on by its weight.

The teacher sees a whole scene, the student eight windows of it, and once more the whole of which
half of the patches are hidden. The windows stand where they are in the scene and are not enlarged,
which a CPU has no time for. Each process has a centre of its own.
"""

import torch
from torch import nn
from transformers import SiglipModel

from . import distillation
from .model import encode_patches, pool, window_positions
from .settings import GRID, PATCH, SEED, WIDTH

PROTOTYPES, INNER = 1024, 384
WINDOW = 5  # patches per side of a local view: a sixth of the scene
MASKED_WEIGHT = 0.25  # of masked prediction beside SILC, as the paper weighs them


class Tower(nn.Module):
    """A vision tower with its prototypes of images and of patches."""

    def __init__(self, vision_model: nn.Module, images: nn.Module, patches: nn.Module):
        super().__init__()
        self.vision_model, self.images, self.patches = vision_model, images, patches


class SelfDistillation(nn.Module):
    """What is trained beside the model (prototypes, mask token), the teacher, and both losses."""

    def __init__(self, model: SiglipModel, silc: float, masked: float, rank: int = 0, seed: int = SEED):
        super().__init__()
        self.silc, self.masked = silc, masked
        self.images = distillation.Prototypes(WIDTH, PROTOTYPES, INNER)
        self.patches = distillation.Prototypes(WIDTH, PROTOTYPES, INNER)
        self.mask_token = nn.Parameter(torch.zeros(WIDTH))
        self.teacher = distillation.teacher_of(Tower(model.vision_model, self.images, self.patches))
        self.register_buffer("image_centre", torch.zeros(PROTOTYPES))
        self.register_buffer("patch_centre", torch.zeros(PROTOTYPES))
        self.generator = torch.Generator().manual_seed(seed + rank)

    def trained(self):
        """Named parameters of its own; the teacher has none to train."""
        return [(name, p) for name, p in self.named_parameters() if not name.startswith("teacher.")]

    def loss(self, model: SiglipModel, pixels: torch.Tensor) -> tuple[torch.Tensor, dict[str, float]]:
        """The weighted sum for scenes (b, 3, h, w), and each part."""
        whole = window_positions(0, 0, GRID, GRID)
        with torch.no_grad():
            tokens = encode_patches(self.teacher, pixels, whole)[-1]
        total, metrics = pixels.new_zeros(()), {}
        if self.silc:
            with torch.no_grad():
                scores = self.teacher.images(pool(self.teacher, tokens)).float()
            wanted = distillation.targets(scores, self.image_centre)
            silc = distillation.local_to_global(self._windows(model, pixels).float(), wanted)
            self.image_centre.copy_(distillation.moved_centre(self.image_centre, scores))
            total, metrics = total + self.silc * silc, {"silc": silc.item()}
        if self.masked:
            with torch.no_grad():
                scores = self.teacher.patches(tokens).float()
            wanted = distillation.targets(scores, self.patch_centre)
            hidden = distillation.draw_mask(len(pixels), GRID * GRID, self.generator).to(pixels.device)
            seen = encode_patches(model, pixels, whole, (hidden, self.mask_token))[-1]
            guess = distillation.masked_prediction(self.patches(seen).float(), wanted, hidden)
            self.patch_centre.copy_(distillation.moved_centre(self.patch_centre, scores))
            total, metrics = total + MASKED_WEIGHT * self.masked * guess, metrics | {"masked": guess.item()}
        return total, metrics

    def _windows(self, model: SiglipModel, pixels: torch.Tensor) -> torch.Tensor:
        """Scores of local views (views, b, prototypes), the same windows for all scenes."""
        scores = []
        for row, column in distillation.local_places(self.generator, GRID, WINDOW):
            top, left, side = PATCH * row, PATCH * column, PATCH * WINDOW
            part = pixels[..., top : top + side, left : left + side]
            tokens = encode_patches(model, part, window_positions(row, column, WINDOW, WINDOW))[-1]
            scores.append(self.images(pool(model, tokens)))
        return torch.stack(scores)

    def follow(self, model: SiglipModel) -> None:
        """Moves the teacher after a step."""
        distillation.follow(self.teacher, Tower(model.vision_model, self.images, self.patches))
