"""Towers of `transformers` as exporters want them. Apart from `turns.py`, since it needs torch."""

import torch


class Pooled(torch.nn.Module):
    """One input, one output. `grid` is that of NaFlex patches without padding."""

    def __init__(self, tower, grid=None):
        super().__init__()
        self.tower, self.grid = tower, grid

    def forward(self, x):
        if self.grid is None:
            return self.tower(x).pooler_output
        mask = torch.ones(x.shape[:2], dtype=torch.int32)
        return self.tower(x, mask, torch.tensor([self.grid] * x.shape[0])).pooler_output
