"""Losses that more than one kind of training uses, each a few lines of plain tensors."""

import torch
import torch.nn.functional as F


def pair_losses(texts, images, positive, scale, bias):
    """SigLIP's losses of all pairs of unit vectors (t, d) and (i, d), of which `positive` (t, i)
    belong together: -log sigmoid(z (exp(scale) cos + bias)), z = 1 for a positive pair and -1 for
    all others (arXiv 2303.15343). Returns them and the logits, both (t, i).
    """
    logits = texts @ images.T * scale.exp() + bias
    return -F.logsigmoid(torch.where(positive, logits, -logits)), logits


def sigmoid_loss(texts, images, positive, scale, bias):
    """The sum of `pair_losses` per image (algorithm 1 of the paper), and the logits (t, i)."""
    losses, logits = pair_losses(texts, images, positive, scale, bias)
    return losses.sum() / images.shape[0], logits


def anchor_loss(vectors: torch.Tensor, frozen: torch.Tensor) -> torch.Tensor:
    """How far unit vectors (n, d) have moved from what the frozen model gave: mean of 1 - cosine."""
    return 1 - (vectors * frozen).sum(1).mean()
