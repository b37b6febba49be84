"""Turns one atlas drawing into a placed part of an image: recoloured, turned, scaled, with its
alpha.
"""

import cv2
import numpy as np

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def colour_matrix(rng: np.random.Generator, strength: float) -> np.ndarray:
    """A random affine colour change (3, 4) for pre-multiplied RGBA: hue, saturation, gains,
    inversion.
    """
    grey = np.full((3, 3), 1 / 3, np.float32)
    angle = rng.normal(0, 0.5 * strength)
    axis = np.full(3, 1 / np.sqrt(3))
    cross = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    turn = np.cos(angle) * np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * np.outer(axis, axis)
    saturation = 0.0 if rng.random() < 0.06 * strength else max(0.0, 1 + rng.normal(0, 0.35 * strength))
    matrix = (saturation * np.eye(3) + (1 - saturation) * grey) @ turn
    contrast = 1 + rng.uniform(-0.35, 0.25) * strength
    gains = 1 + rng.uniform(-0.15, 0.15, 3) * strength
    offset = 255 * (0.5 * (1 - contrast) + rng.uniform(-0.12, 0.12) * strength)
    matrix = matrix * contrast * gains[:, None]
    if rng.random() < 0.02 * strength:  # a negative
        matrix, offset = -matrix, 255 - offset
    return np.concatenate([matrix, np.full((3, 1), offset / 255)], 1).astype(np.float32)


def recolour(sprite: np.ndarray, rng: np.random.Generator, strength: float) -> np.ndarray:
    """A sprite (h, w, 4) with other colours; never brighter than its alpha."""
    matrix = np.concatenate([colour_matrix(rng, strength), [[0, 0, 0, 1]]]).astype(np.float32)
    changed = cv2.transform(sprite, matrix)
    np.minimum(changed, changed[..., 3:], out=changed)
    return changed


def draw_outline(sprite: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A dark line round the drawing and along its inner edges, as line-art sets have it."""
    side = sprite.shape[0]
    width = max(1, round(side * rng.uniform(0.012, 0.04)))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * width + 1, 2 * width + 1))
    if rng.random() < 0.5:  # flat colours between the lines
        smooth = cv2.pyrDown(cv2.pyrDown(sprite))
        sprite = np.minimum(cv2.resize(smooth, (side, side)), sprite[..., 3:])
    luma = (sprite[..., :3].astype(np.float32) @ _LUMA).astype(np.uint8)
    edges = cv2.morphologyEx(luma, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    ink = np.minimum(edges.astype(np.uint16) * 3, 255).astype(np.uint16)
    wider = cv2.dilate(sprite[..., 3], kernel)
    ring = wider.astype(np.uint16) - cv2.erode(sprite[..., 3], np.ones((3, 3), np.uint8))
    ink = np.maximum(ink * (sprite[..., 3] > 0), ring)[..., None]  # (h, w, 1)
    lined = sprite.astype(np.uint16) * (255 - ink) // 255
    lined[..., 3] = wider
    return lined.astype(np.uint8)


def bend(sprite: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The drawing with its lines bent smoothly, as another hand would draw the same thing."""
    side, cells = sprite.shape[0], int(rng.integers(3, 6))
    coarse = rng.normal(0, side * rng.uniform(0.01, 0.05), (2, cells, cells)).astype(np.float32)
    x, y = (cv2.resize(shift, (side, side), interpolation=cv2.INTER_CUBIC) for shift in coarse)
    rows, columns = np.mgrid[0:side, 0:side].astype(np.float32)
    return cv2.remap(sprite, columns + x, rows + y, cv2.INTER_LINEAR, borderValue=(0, 0, 0, 0))


def flatten(sprite: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The drawing in few flat colours: no shading, no texture."""
    side, levels = sprite.shape[0], int(rng.integers(2, 6))
    smooth = cv2.resize(cv2.pyrDown(sprite), (side, side))
    smooth = cv2.medianBlur(np.ascontiguousarray(smooth[..., :3]), 5)
    table = (np.round(np.arange(256) * (levels / 255)) * (255 / levels)).astype(np.uint8)
    return np.dstack([np.minimum(cv2.LUT(smooth, table), sprite[..., 3:]), sprite[..., 3]])


def warp(
    sprite: np.ndarray, size: float, rng: np.random.Generator, turn: float, flip: bool, aspect: float = 1.0
):
    """The sprite at `size` pixels, turned by `turn` radians, a little sheared: a tight (h, w, 4).

    `aspect` widens the result as the model's square input widens a tall image.
    """
    side = sprite.shape[0]
    while side >= 2 * size and side > 16:  # shrink by halves first, against aliasing
        side //= 2
    if side != sprite.shape[0]:
        sprite = cv2.resize(sprite, (side, side), interpolation=cv2.INTER_AREA)
    stretch = np.exp(rng.normal(0, 0.08))
    shear = rng.normal(0, 0.08)
    cos, sin = np.cos(turn), np.sin(turn)
    linear = np.array([[cos, -sin], [sin, cos]]) @ np.array([[1, shear], [0, 1]])
    linear = linear @ np.diag([(-stretch if flip else stretch), 1 / stretch]) * (size / side)
    linear = np.diag([aspect**0.5, aspect**-0.5]) @ linear
    corners = linear @ (np.array([[-1, 1, 1, -1], [-1, -1, 1, 1]]) * side / 2)
    low, high = corners.min(1), corners.max(1)
    width, height = (np.ceil(high - low) + 1).astype(int)
    move = -low + 0.5 - linear @ np.full(2, (side - 1) / 2)
    matrix = np.concatenate([linear, move[:, None]], 1)
    return cv2.warpAffine(sprite, matrix, (int(width), int(height)), flags=cv2.INTER_LINEAR)
