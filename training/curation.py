"""Which pairs of a super-batch are worth a step: those that a teacher tells apart and the learner does
not yet, chosen together (ACID, arXiv 2411.18674, which SigLIP 2 ends its training of small models
with; joint example selection, arXiv 2406.17711).
"""

import torch
import torch.nn.functional as F

from .devices import mixed_precision
from .losses import pair_losses
from .model import build_model, encode_patches, encode_text, pool
from .settings import SEED

CHUNKS = 4  # a batch is chosen in so many parts, each by what is chosen already


def learnability(learner: torch.Tensor, teacher: torch.Tensor) -> torch.Tensor:
    """Losses (n, n) of all pairs by learner and teacher: how much of each the learner can still learn."""
    return learner - teacher


def choose(scores: torch.Tensor, count: int, generator: torch.Generator, chunks: int = CHUNKS) -> torch.Tensor:
    """`count` places out of n, given scores (n, n) of all pairs of text and image.

    Each chunk is drawn without replacement, an item with a chance in proportion to exp of its own
    score and those with all that was chosen before (Gumbel's trick).
    """
    scores = scores.cpu()  # where the generator is
    chosen = torch.zeros(len(scores), dtype=torch.bool, device="cpu")
    for chunk in range(chunks):
        size = count * (chunk + 1) // chunks - int(chosen.sum())
        own = scores.diagonal() + scores[:, chosen].sum(1) + scores[chosen].sum(0)
        noise = -torch.log(-torch.log(torch.rand(len(scores), generator=generator, dtype=torch.double, device="cpu")))
        ranked = (own.double() + noise).masked_fill(chosen, float("-inf"))
        chosen[ranked.topk(size).indices] = True
    return torch.nonzero(chosen)[:, 0]


class Curator:
    """Draws batches out of larger ones by what a frozen teacher makes of them."""

    def __init__(self, teacher: dict[str, torch.Tensor], rank: int = 0, seed: int = SEED):
        """`teacher` are the weights of a model of the same shape as the learner."""
        self.teacher = build_model()
        self.teacher.load_state_dict(teacher)
        self.teacher.eval().requires_grad_(False)
        self.generator = torch.Generator().manual_seed(seed + rank)

    @torch.no_grad()
    def choose(self, learner, pixels, positions, ids, positive, count: int) -> torch.Tensor:
        """`count` places of a super-batch: images (n, 3, h, w), their own captions as ids (n, length),
        and which caption is true of which image (n, n).
        """
        by = [_losses(model, pixels, positions, ids, positive) for model in (learner, self.teacher)]
        return choose(learnability(*by), count, self.generator)


def _losses(model, pixels, positions, ids, positive) -> torch.Tensor:
    with mixed_precision():
        images = pool(model, encode_patches(model, pixels, positions)[-1])
        texts = encode_text(model, ids)
    texts, images = F.normalize(texts.float(), dim=1), F.normalize(images.float(), dim=1)
    return pair_losses(texts, images, positive, model.logit_scale, model.logit_bias)[0]
