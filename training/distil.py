"""The vision tower alone, taught by labels, anchors and the convolutional teacher's features.

Most steps see windows of 4 x 4 patches, which cost a ninth of a whole image; whole scenes take over
towards the end. The teacher's features of three depths are predicted from the hidden states by
linear maps that are thrown away afterwards.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from .anchors import build_anchors
from .batches import Batch, collate, training_painter
from .devices import mixed_precision
from .layout import whole_scene, window
from .loop import Stage
from .model import build_model, encode_patches, patch_vectors, pool, window_positions
from .optimise import optimisers, trainable
from .settings import GRID, IMAGE, PATCH, SEED, WIDTH, Budget
from .teacher import Teacher, load_teacher, ramp, soft_targets
from .text import SHARP

WINDOW = 64
HINTS = (256, 512, 256)  # widths of the teacher's features per patch
BACKGROUND_COSINE = 0.5  # a patch closer to no anchor than this is background
HINT_WEIGHT = 2.0


def patch_hints(features) -> list[torch.Tensor]:
    """The teacher's features of three depths, gathered per 16-pixel patch: (b, patches, 256 | 512 |
    256).
    """
    low, middle, tokens = features
    low = F.pixel_unshuffle(F.avg_pool2d(low.float(), 2), 2)  # (b, 256, h/16, w/16)
    middle = F.pixel_unshuffle(middle.float(), 2)  # (b, 512, h/16, w/16)
    return [low.flatten(2).transpose(1, 2), middle.flatten(2).transpose(1, 2), tokens.float()]


def fit_patch_embedding(teacher: Teacher, batch: Batch) -> tuple[torch.Tensor, torch.Tensor, list]:
    """A start for the patch embedding, and the hints' means and deviations.

    Reduced-rank regression from raw patches to the teacher's two earlier depths: the WIDTH
    directions of pixel space that say most about them.
    """
    with torch.no_grad():
        hints = patch_hints(teacher(batch.pixels)[0])
    moments = [(h.flatten(0, 1).mean(0), h.flatten(0, 1).std(0) + 1e-3) for h in hints]
    y = torch.cat([((h - m) / d).flatten(0, 1) for h, (m, d) in zip(hints[:2], moments)], 1)  # (n, 768)
    x = F.unfold(batch.pixels, PATCH, stride=PATCH).transpose(1, 2).flatten(0, 1)  # (n, 768)
    mean = x.mean(0)
    x = (x - mean).double()
    gram = x.T @ x / len(x) + 1e-2 * torch.eye(x.shape[1])
    maps = torch.linalg.solve(gram, x.T @ y.double() / len(x))  # (768, 768)
    _, directions = torch.linalg.eigh(maps.T @ gram @ maps)
    weight = (maps @ directions[:, -WIDTH:]).T  # (WIDTH, 768)
    weight = weight / (x @ weight.T).std(0)[:, None]
    weight = weight.float()
    return weight.view(WIDTH, 3, PATCH, PATCH), -weight @ mean, moments


class Student(nn.Module):
    """The whole model plus the maps that predict hints."""

    def __init__(self):
        super().__init__()
        self.siglip = build_model()
        self.hints = nn.ModuleList(nn.Linear(WIDTH, size) for size in HINTS)

    def forward(self, pixels, positions):
        """Hidden states, image vectors (b, WIDTH) and patch vectors (b, n, WIDTH)."""
        states = encode_patches(self.siglip, pixels, positions)
        predicted = [head(state) for head, state in zip(self.hints, states)]
        return predicted, pool(self.siglip, states[-1]), patch_vectors(self.siglip, states[-1])


def image_loss(vectors: torch.Tensor, present: torch.Tensor, anchors: torch.Tensor):
    """Cross-entropy of the image against the anchors and nearness to the mean of those it shows."""
    unit = F.normalize(vectors.float(), dim=1)
    goals = F.normalize(present @ anchors, dim=1)
    cosines = unit @ anchors.T
    some = present.sum(1) > 0
    loss = F.cross_entropy(SHARP * cosines, soft_targets(present)) + (1 - (unit * goals).sum(1)[some]).mean()
    hit = present.gather(1, cosines.argmax(1, keepdim=True)).mean().item()
    return loss, hit


def patch_loss(
    vectors: torch.Tensor, patches: torch.Tensor, anchors: torch.Tensor, guess: torch.Tensor | None
):
    """Cross-entropy per patch over concepts and background, against labels and the teacher's guess."""
    cosines = F.normalize(vectors.float(), dim=2) @ anchors.T  # (b, n, concepts)
    background = torch.full_like(cosines[..., :1], BACKGROUND_COSINE)
    scores = F.log_softmax(SHARP * torch.cat([cosines, background], 2), 2)  # (b, n, concepts + 1)
    concepts = anchors.shape[0]
    labels = torch.where(patches < 0, concepts, patches)
    known = (patches != -2).float()
    weights = torch.where(patches == -1, 0.2, 1.0)
    losses = known * F.nll_loss(scores.transpose(1, 2), labels, reduction="none")
    if guess is not None:
        taught = -(guess * scores).sum(2)
        losses = torch.where(patches == -2, taught, 0.5 * losses + 0.5 * taught)
        known = torch.ones_like(known)
    return (weights * losses).sum() / (weights * known).sum().clamp(min=1)


class DistilStage(Stage):
    name = "vision"
    log_name = "vision"

    def __init__(self, rank: int, budget: Budget, concepts: int, compile: bool = True):
        torch.manual_seed(SEED)
        self.concepts, self.batch = concepts, budget.batch
        self.teacher = load_teacher(concepts)
        self.anchors = build_anchors(concepts)
        self.modules = Student()
        sample = training_painter(SEED, concepts)  # the same in every process
        weight, bias, self.moments = fit_patch_embedding(
            self.teacher, collate([whole_scene(sample, IMAGE) for _ in range(64)], concepts)
        )
        embedding = self.modules.siglip.vision_model.embeddings.patch_embedding
        with torch.no_grad():
            embedding.weight.copy_(weight)
            embedding.bias.copy_(bias)
        named = list(trainable(self.modules, "siglip.vision_model.", "hints."))
        self.optimisers = optimisers(named, muon_lr=6e-3, adam_lr=2e-3)
        self.painter = training_painter(
            np.random.SeedSequence([SEED, 3, rank]).generate_state(1)[0], concepts
        )
        self.forward = torch.compile(self.modules, dynamic=False) if compile else self.modules
        self.step = 0

    def draw(self, progress: float) -> tuple[str, Batch, torch.Tensor]:
        """A batch of windows or of whole scenes (ever more of them), with its part of the position
        table.
        """
        self.step += 1
        whole = 0.3 + 0.7 * max(0.0, progress - 0.5) / 0.5
        if (self.step * whole) % 1 < whole:
            count = max(8, self.batch // 5)
            positions = window_positions(0, 0, GRID, GRID)
            scenes = [whole_scene(self.painter, IMAGE) for _ in range(count)]
            return "scene", collate(scenes, self.concepts), positions
        corner = self.painter.rng.integers(0, GRID - WINDOW // PATCH + 1, 2)
        positions = window_positions(*map(int, corner), WINDOW // PATCH, WINDOW // PATCH)
        scenes = [window(self.painter, WINDOW) for _ in range(self.batch)]
        return "window", collate(scenes, self.concepts), positions

    def loss(self, progress):
        self.painter.augment = ramp(progress)
        kind, batch, positions = self.draw(progress)
        hint_weight = HINT_WEIGHT * min(1.0, max(0.0, (0.9 - progress) / 0.2))  # off for the last tenth
        with mixed_precision():
            with torch.no_grad():
                features, cells, _ = self.teacher(batch.pixels.contiguous(memory_format=torch.channels_last))
            predicted, pooled, patches = self.forward(batch.pixels, positions)
        whole, hit = image_loss(pooled, batch.present, self.anchors)
        local = patch_loss(patches, batch.patches, self.anchors, cells.float().softmax(2))
        hints = sum(
            F.smooth_l1_loss(p.float(), (h - m) / d)
            for p, h, (m, d) in zip(predicted, patch_hints(features), self.moments)
        )
        metrics = {
            f"{kind}_loss": whole.item(),
            f"{kind}_top1": hit,
            "patch_loss": local.item(),
            "hints": hints.item(),
        }
        return whole + 0.5 * local + hint_weight * hints, metrics
