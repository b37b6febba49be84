"""Muon for the weight matrices inside transformer blocks, AdamW for everything else."""

import torch
from torch import nn


def optimisers(named_parameters, muon_lr: float, adam_lr: float) -> list[torch.optim.Optimizer]:
    """Splits parameters by name and shape; embeddings, heads, norms and biases go to AdamW."""
    matrices, rest = [], []
    for name, p in named_parameters:
        inner = "layers." in name or "head.mlp" in name or "head.attention.out_proj" in name
        (matrices if p.dim() == 2 and inner else rest).append(p)
    chosen: list[torch.optim.Optimizer] = []
    if matrices:
        chosen.append(
            torch.optim.Muon(
                matrices, lr=muon_lr, momentum=0.95, weight_decay=0.01, adjust_lr_fn="match_rms_adamw"
            )
        )
    chosen.append(torch.optim.AdamW(rest, lr=adam_lr, betas=(0.9, 0.98), weight_decay=0.01))
    return chosen


def trainable(modules: nn.Module, *prefixes: str):
    """Named parameters under any of the prefixes; the others are frozen."""
    for name, p in modules.named_parameters():
        p.requires_grad_(name.startswith(prefixes))
        if p.requires_grad:
            yield name, p
