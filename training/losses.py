"""Losses that more than one kind of training uses, each a few lines of plain tensors."""

import torch
import torch.nn.functional as F


def sigmoid_loss(texts, images, positive, scale, bias):
    """SigLIP's pairwise loss of unit vectors (t, d) and (i, d), `positive` (t, i), per image.

    -1/i sum over pairs of log sigmoid(z (exp(scale) cos + bias)), z = 1 for a positive pair and -1
    for all others (arXiv 2303.15343, algorithm 1). Returns the loss and the logits (t, i).
    """
    logits = texts @ images.T * scale.exp() + bias
    signs = torch.where(positive, 1.0, -1.0)
    return -F.logsigmoid(signs * logits).sum() / images.shape[0], logits


def anchor_loss(vectors: torch.Tensor, frozen: torch.Tensor) -> torch.Tensor:
    """How far unit vectors (n, d) have moved from what the frozen model gave: mean of 1 - cosine."""
    return 1 - (vectors * frozen).sum(1).mean()
