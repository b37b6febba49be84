"""The teacher: a small convolutional network that learns the concepts in minutes.

A vision transformer of this size stays at chance for a long time when it is trained on labels alone
on a CPU; the features of this network get it going (see distil.py). It has the transformer's stride
of 16 pixels, so that its cells are the transformer's patches.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from .batches import collate, training_painter
from .devices import mixed_precision
from .layout import whole_scene, window
from .loop import Stage, checkpoint_path
from .settings import SEED, Budget

WIDTHS = (32, 64, 128, 256)
SIDES = (64, 96, 128)  # window sizes in pixels ...
SIDE_SHARES = (0.65, 0.23, 0.12)  # ... and how often each is drawn


class Residual(nn.Module):
    """Two 3x3 convolutions with a skip connection."""

    def __init__(self, channels: int):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
        )

    def forward(self, x):
        return F.relu(x + self.body(x))


def stage(channels_in: int, channels_out: int, blocks: int) -> nn.Sequential:
    """Halves the resolution, then `blocks` residual blocks."""
    down = [
        nn.Conv2d(channels_in, channels_out, 3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(channels_out),
        nn.ReLU(inplace=True),
    ]
    return nn.Sequential(*down, *(Residual(channels_out) for _ in range(blocks)))


class Teacher(nn.Module):
    """Pixels (b, 3, h, w) to features of three depths, and scores of each 16-pixel cell and the
    image.
    """

    def __init__(self, concepts: int):
        super().__init__()
        w = WIDTHS
        self.stem = nn.Sequential(
            nn.Conv2d(3, w[0], 5, stride=2, padding=2, bias=False),
            nn.BatchNorm2d(w[0]),
            nn.ReLU(inplace=True),
        )
        self.stage1 = stage(w[0], w[1], 1)
        self.stage2 = stage(w[1], w[2], 2)
        self.stage3 = stage(w[2], w[3], 2)
        self.cells = nn.Linear(w[3], concepts + 1)  # the last class is background
        self.pooled = nn.Linear(w[3], concepts)

    def forward(self, pixels):
        low = self.stage1(self.stem(pixels))  # (b, 64, h/4, w/4)
        middle = self.stage2(low)  # (b, 128, h/8, w/8)
        high = self.stage3(middle)  # (b, 256, h/16, w/16)
        tokens = high.flatten(2).transpose(1, 2)  # (b, cells, 256)
        return (low, middle, tokens), self.cells(tokens), self.pooled(tokens.mean(1))


def soft_targets(present: torch.Tensor) -> torch.Tensor:
    """Equal shares for all visible concepts; rows without any stay zero and cost nothing."""
    return present / present.sum(1, keepdim=True).clamp(min=1)


def cell_loss(scores: torch.Tensor, patches: torch.Tensor, background: int) -> torch.Tensor:
    """Cross-entropy per patch; background patches, the majority, count a quarter."""
    labels = torch.where(patches == -1, background, patches)  # (b, cells), -2 stays undecided
    losses = F.cross_entropy(scores.float().transpose(1, 2), labels.clamp(min=0), reduction="none")
    weights = torch.where(patches == -1, 0.25, 1.0) * (patches != -2)
    return (losses * weights).sum() / weights.sum().clamp(min=1)


def ramp(progress: float, start: float = 0.3, until: float = 0.15) -> float:
    """Augmentation strength: mild at first, full after `until` of the training."""
    return min(1.0, start + (1 - start) * progress / until)


class TeacherStage(Stage):
    name = "teacher"
    log_name = "teacher"

    def __init__(self, rank: int, budget: Budget, concepts: int):
        torch.manual_seed(SEED)
        self.concepts, self.batch = concepts, budget.batch
        self.modules = Teacher(concepts).to(memory_format=torch.channels_last)
        self.optimisers = [torch.optim.AdamW(self.modules.parameters(), lr=3e-3, weight_decay=0.02)]
        self.painter = training_painter(
            np.random.SeedSequence([SEED, 1, rank]).generate_state(1)[0], concepts
        )

    def loss(self, progress):
        painter = self.painter
        painter.augment = ramp(progress)
        side = int(painter.rng.choice(SIDES, p=SIDE_SHARES))
        count = max(8, self.batch * 64 * 64 // (side * side))
        draw = whole_scene if side == 128 and painter.rng.random() < 0.5 else window
        batch = collate([draw(painter, side) for _ in range(count)], self.concepts)
        pixels = batch.pixels.contiguous(memory_format=torch.channels_last)
        with mixed_precision():
            _, cells, pooled = self.modules(pixels)
        pooled = pooled.float()
        pooled_loss = F.cross_entropy(pooled, soft_targets(batch.present))
        patch_loss = cell_loss(cells, batch.patches, self.concepts)
        hit = batch.present.gather(1, pooled.argmax(1, keepdim=True)).mean().item()
        metrics = {f"loss{side}": pooled_loss.item(), f"top1_{side}": hit, "patch_loss": patch_loss.item()}
        return pooled_loss + 0.5 * patch_loss, metrics


def load_teacher(concepts: int) -> Teacher:
    """The trained teacher, frozen."""
    model = Teacher(concepts)
    model.load_state_dict(torch.load(checkpoint_path("teacher"), weights_only=True, map_location="cpu")["modules"])
    return model.eval().requires_grad_(False).to(memory_format=torch.channels_last)
