"""Register tokens: patches in which a vision transformer keeps global information (arXiv
2309.16588), found and mended as Glimpse does it (`encoder/src/dense/registers.rs`), so that a
decoder learns from the tokens that it will be given.
"""

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

RATIO = 5.0  # a register is so many times longer than the median token, before the last norm
SHARE = 0.9  # of the images in which a slot must be long
IMAGES, SIDE = 20, 256  # images of noise that are looked at, and their pixels per side


def outliers(norms: torch.Tensor) -> torch.Tensor:
    """Tokens that are far longer than the median one of their image, (b, n) from lengths (b, n)."""
    middle = norms.sort(1).values[:, norms.shape[1] // 2, None]
    return norms > RATIO * middle


def slots(norms: torch.Tensor) -> torch.Tensor:
    """Places (n) that are long in nearly every image, from lengths (b, n)."""
    return outliers(norms).sum(0) >= np.ceil(SHARE * len(norms))


def noise(seed: int) -> Image.Image:
    """An image of coloured noise in blocks of 4 to 32 pixels, always the same for a seed."""
    block = 4 << (seed % 4)
    place = np.arange(SIDE, dtype=np.uint32) // block
    bits = np.uint32(seed * 0x9E3779B9 & 0xFFFFFFFF) ^ (place[None, :] << 16) ^ place[:, None]
    for _ in range(3):
        bits = (bits ^ bits >> 15) * np.uint32(0x85EBCA6B) ^ bits >> 13
    return Image.fromarray(bits.astype("<u4").view(np.uint8).reshape(SIDE, SIDE, 4)[..., :3].copy())


def mend(values: torch.Tensor, broken: torch.Tensor, rows: int, columns: int) -> torch.Tensor:
    """Values (b, rows * columns, d) with those of broken tokens (b, rows * columns) replaced by the
    mean of their sound neighbours. One without sound neighbours stays, as do all if all are broken.
    """
    b, n, d = values.shape
    sound = (~broken).float().view(b, 1, rows, columns)
    grid = values.float().transpose(1, 2).reshape(b, d, rows, columns)
    around = torch.ones(1, 1, 3, 3, device=values.device)
    counts = F.conv2d(sound, around, padding=1)
    sums = F.conv2d(grid * sound, around.expand(d, 1, 3, 3), padding=1, groups=d)
    means = (sums / counts.clamp(min=1)).reshape(b, d, n).transpose(1, 2)
    replaced = broken & (counts.view(b, n) > 0)
    return torch.where(replaced[..., None], means.to(values.dtype), values)
