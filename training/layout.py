"""Where the objects of a scene stand and how large they are: crops round one object, whole scenes."""

import numpy as np

from .scenes import Painter, Scene


def window(painter: Painter, side: int) -> Scene:
    """A square crop round one object, sometimes with a second one that is partly hidden."""
    rng = painter.rng
    main = side * rng.uniform(0.62, 1.08)
    centre = side / 2 + rng.normal(0, 0.07 * side, 2)
    if rng.random() < 0.3:
        both = painter.pick(2)
        angle, distance = rng.uniform(0, 2 * np.pi), side * rng.uniform(0.4, 0.62)
        other = side / 2 + distance * np.array([np.sin(angle), np.cos(angle)])
        sizes = [side * rng.uniform(0.4, 0.8), main]
        return painter.draw(side, side, both, sizes, [other, centre], squash(rng))
    return painter.draw(side, side, painter.pick(1), [main], [centre], squash(rng))


def whole_scene(painter: Painter, side: int, count: int | None = None) -> Scene:
    """A full square scene of one to five objects whose size varies four-fold."""
    return scene(painter, side, side, count, squashed=True)


def scene(painter: Painter, height: int, width: int, count: int | None = None, squashed: bool = False) -> Scene:
    """A full scene of one to five objects, whose shape is kept unless it is `squashed` into this one."""
    rng = painter.rng
    count = int(rng.choice(5, p=painter.things) + 1) if count is None else count
    largest = {1: 0.85, 2: 0.6, 3: 0.5, 4: 0.42, 5: 0.38}[count]
    smallest = 0.24 if count > 1 else 0.3
    side = min((height * width) ** 0.5, 1.15 * min(height, width))
    sizes = side * np.exp(rng.uniform(np.log(smallest), np.log(largest), count))
    centres = spread_centres(rng, height, width, sizes)
    return painter.draw(
        height, width, painter.pick(count), sizes, centres, squash(rng) if squashed else 1.0
    )


def squash(rng: np.random.Generator) -> float:
    """By how much an image of a usual shape is widened to a square: mostly little, at most twice."""
    return float(np.exp(np.clip(rng.normal(0, 0.28), -0.69, 0.69)))


def spread_centres(rng: np.random.Generator, height: int, width: int, sizes) -> list[tuple[float, float]]:
    """Random centres inside the image, tried a few times so that objects overlap only a little."""
    centres = []
    for size in sizes:
        reach_y, reach_x = min(0.45 * size, height / 2), min(0.45 * size, width / 2)
        best, best_gap = None, -np.inf
        for _ in range(8):
            centre = (rng.uniform(reach_y, height - reach_y), rng.uniform(reach_x, width - reach_x))
            gaps = [
                np.hypot(centre[0] - c[0], centre[1] - c[1]) / (0.5 * (size + s))
                for c, s in zip(centres, sizes)
            ]
            gap = min(gaps, default=np.inf)
            if gap > best_gap:
                best, best_gap = centre, gap
            if gap > 0.85:
                break
        centres.append(best)
    return centres
