"""What surrounds the objects of a scene: backgrounds, clutter, and the noise of a camera."""

import cv2
import numpy as np


def random_colour(rng: np.random.Generator) -> np.ndarray:
    """A colour (3,), often muted."""
    colour = rng.uniform(0, 255, 3)
    return colour * (1 - (mix := rng.uniform(0, 0.8))) + colour.mean() * mix


def _cloud(rng: np.random.Generator, height: int, width: int, cells: int) -> np.ndarray:
    """Smooth noise in 0..1 (height, width)."""
    coarse = rng.random((cells + 1, max(2, round(cells * width / height)) + 1)).astype(np.float32)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC).clip(0, 1)


def _blend(share: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Mixes two colours by a share (height, width) into (height, width, 3)."""
    return (first + share[..., None] * (second - first)).astype(np.float32)


def _gradient(rng, height, width):
    angle = rng.uniform(0, 2 * np.pi)
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    share = x * np.cos(angle) + y * np.sin(angle)
    share = (share - share.min()) / (np.ptp(share) + 1e-6)
    return _blend(share, random_colour(rng), random_colour(rng))


def _clouds(rng, height, width):
    share = sum(_cloud(rng, height, width, cells) / (i + 1) for i, cells in enumerate((2, 5, 12, 30)))
    share = (share - share.min()) / (np.ptp(share) + 1e-6)
    return _blend(share, random_colour(rng), random_colour(rng))


def _stripes(rng, height, width):
    angle, period = rng.uniform(0, np.pi), rng.uniform(6, 40)
    y, x = np.mgrid[0:height, 0:width]
    wave = np.sin((x * np.cos(angle) + y * np.sin(angle)) * 2 * np.pi / period)
    if rng.random() < 0.3:
        wave = wave * np.sin((x * np.sin(angle) - y * np.cos(angle)) * 2 * np.pi / period)
    share = (wave * rng.uniform(1, 6)).clip(-1, 1) / 2 + 0.5
    first = random_colour(rng)
    return _blend(share, first, first + rng.uniform(-70, 70, 3))


def _horizon(rng, height, width):
    """Sky above ground, each with its own texture."""
    canvas = _gradient(rng, height, width)
    line = int(height * rng.uniform(0.4, 0.85))
    canvas[line:] = _clouds(rng, height - line, width)
    return cv2.GaussianBlur(canvas, (0, 0), rng.uniform(0.5, 3))


def background(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """A random backdrop (height, width, 3) of bytes."""
    kind = rng.random()
    if kind < 0.12:
        canvas = np.broadcast_to(random_colour(rng), (height, width, 3)).astype(np.float32)
    elif kind < 0.35:
        canvas = _gradient(rng, height, width)
    elif kind < 0.65:
        canvas = _clouds(rng, height, width)
    elif kind < 0.8:
        canvas = _stripes(rng, height, width)
    else:
        canvas = _horizon(rng, height, width)
    if rng.random() < 0.5:
        canvas = canvas + (_cloud(rng, height, width, 4)[..., None] - 0.5) * rng.uniform(0, 90)
    if rng.random() < 0.4:
        canvas = canvas + rng.normal(0, rng.uniform(2, 14), (height, width, 1))
    return np.ascontiguousarray(canvas.clip(0, 255).astype(np.uint8))


def add_clutter(image: np.ndarray, rng: np.random.Generator) -> None:
    """Draws a few shapes that are no object (lines, discs, boxes, polygons) behind the objects."""
    height, width = image.shape[:2]
    for _ in range(rng.integers(1, 7)):
        colour = tuple(float(c) for c in random_colour(rng))
        x, y = int(rng.integers(width)), int(rng.integers(height))
        reach = max(4, int(rng.uniform(0.04, 0.3) * height))
        thickness = -1 if rng.random() < 0.5 else int(rng.integers(1, 5))
        kind = rng.integers(4)
        if kind == 0:
            end = (int(rng.integers(width)), int(rng.integers(height)))
            cv2.line(image, (x, y), end, colour, max(1, thickness), cv2.LINE_AA)
        elif kind == 1:
            axes = (reach // 2, max(1, int(reach * rng.uniform(0.2, 0.5))))
            cv2.ellipse(
                image, (x, y), axes, float(rng.uniform(0, 180)), 0, 360, colour, thickness, cv2.LINE_AA
            )
        elif kind == 2:
            cv2.rectangle(
                image, (x, y), (x + reach, y + int(reach * rng.uniform(0.3, 1.5))), colour, thickness
            )
        else:
            points = (rng.uniform(-0.5, 0.5, (int(rng.integers(3, 6)), 2)) * reach + (x, y)).astype(np.int32)
            cv2.fillPoly(image, [points], colour, cv2.LINE_AA)


def add_camera_noise(image: np.ndarray, rng: np.random.Generator, strength: float = 1.0) -> np.ndarray:
    """Exposure, colour cast, blur, sensor noise and compression of a whole image (h, w, 3)."""
    gain = 1 + rng.uniform(-0.25, 0.2) * strength
    cast = 1 + rng.uniform(-0.08, 0.08, 3) * strength
    levels = np.arange(256, dtype=np.float32)
    gamma = np.exp(rng.normal(0, 0.15 * strength))
    table = (255 * (levels / 255) ** gamma)[:, None] * gain * cast  # (256, 3)
    image = cv2.LUT(image, table.clip(0, 255).astype(np.uint8).reshape(1, 256, 3))
    if rng.random() < 0.25 * strength:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 1.3))
    if rng.random() < 0.4 * strength:
        noise = rng.integers(-9, 10, image.shape, dtype=np.int16)
        image = (image + noise).clip(0, 255).astype(np.uint8)
    if rng.random() < 0.15 * strength:
        quality = int(rng.integers(30, 90))
        image = cv2.imdecode(
            cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR
        )
    return image
