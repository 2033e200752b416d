"""What a person could say that helps most: where to put the next hints, and which colors a place may have.

A place is worth a hint where the model is unsure, and where many others would follow. The errors of cells are taken to
vary together as the kernels of :mod:`~tinct.inference.kriging` say, each with the variance of its distribution; the
next place is the one that takes most away from the sum of variances, given those chosen before (greedy experimental
design; Krause, Singh and Guestrin, "Near-Optimal Sensor Placements in Gaussian Processes", 2008).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tinct.color.gamut import reduce_chroma
from tinct.color.lab import lab_to_srgb
from tinct.inference import guidance, kriging
from tinct.inference.checks import whole
from tinct.inference.confidence import NEARBY, Belief
from tinct.inference.options import ColorizeOptions, Hint

if TYPE_CHECKING:
    from tinct.inference.pipeline import Prepared

Floats = NDArray[np.float32]

MOST_POINTS = 100
"""Points suggested at once."""
MOST_COLORS = 20
"""Colors suggested for a place."""
CANDIDATES = 1500
"""Cells that are looked at, evenly spread; the work grows with the square."""
APART = NEARBY / 2
"""Distance within which two colors that the gamut has brought together count as one, in Lab units."""
LEAST = 0.02
"""A color that is less probable is not suggested."""


@dataclass(frozen=True, slots=True)
class Point:
    """A place where a hint would help."""

    x: int
    """From the left of the upright picture, in pixels."""
    y: int
    """From the top, in pixels."""
    score: float
    """Share of the picture's expected squared error that a hint here would take away, after the points before it."""


@dataclass(frozen=True, slots=True)
class Swatch:
    """A color that a place may have."""

    color: str
    """sRGB as ``#rrggbb``, as light as the place is."""
    probability: float
    """That the true color is this one rather than another of the list, or one too rare for it."""


def suggest_points(prepared: Prepared, n: int, options: ColorizeOptions) -> list[Point]:
    """See :meth:`tinct.inference.pipeline.Colorizer.suggest_points`."""
    n = whole(n, "the number of points", 1, MOST_POINTS)
    prepared = prepared.restored(options.restore)
    belief = prepared.believe(options)
    _, ab = prepared.cells(options)
    placed, scale = prepared.locate(options)
    left = kriging.remaining(placed, kriging.Scene.of_belief(belief), scale) if placed else None
    photo = prepared.photo
    found: dict[tuple[int, int], Point] = {}  # of a picture with fewer pixels than cells, several are one
    for row, column, score in choose_points(belief, ab, left, n):
        x, y = (
            min(int((at + 0.5) * side), most)
            for at, side, most in ((column, scale[1], photo.width - 1), (row, scale[0], photo.height - 1))
        )
        found.setdefault((x, y), Point(x, y, score))
    return list(found.values())


def suggest_colors(prepared: Prepared, x: float | str, y: float | str, n: int) -> list[Swatch]:
    """See :meth:`tinct.inference.pipeline.Colorizer.suggest_colors`."""
    n = whole(n, "the number of colors", 1, MOST_COLORS)
    options = ColorizeOptions(hints=(Hint(x, y, "#808080"),))
    (place,), scale = prepared.locate(options)
    belief = prepared.believe(options)
    rows, columns = guidance.cover(place, belief.lightness.shape, scale)
    chances = np.einsum("h,w,hwq->q", rows, columns, belief.chances, optimize=True)
    lightness = float(rows @ belief.lightness @ columns)
    return choose_colors(chances.astype(np.float32), belief.bins, lightness, n)


def choose_points(belief: Belief, ab: Floats, left: Floats | None, count: int) -> list[tuple[int, int, float]]:
    """Choose the cells whose colors would help most.

    Args:
        belief: of the model.
        ab: (h, w, 2), the colors shown without hints.
        left: (h, w), the share of variance that the hints given so far leave; None without any.
        count: how many, 1 to :data:`MOST_POINTS`; fewer come back where the picture has fewer cells.

    Returns:
        Row, column, and score of each; the most helpful first.
    """
    height, width = belief.lightness.shape
    step = int(np.ceil(np.sqrt(height * width / CANDIDATES)))
    rows, columns = (np.arange(min(step // 2, length - 1), length, step) for length in (height, width))
    places = np.ix_(rows, columns)
    variance = belief.variance(ab) * (1.0 if left is None else left)
    deviation = np.sqrt(variance[places].ravel().astype(np.float64))
    scene = kriging.Scene.of_belief(belief)
    looks = scene.looks[places].reshape(len(deviation), -1)
    kernels = (*scene.kernels.near, *scene.kernels.wide)
    shared = kriging.alike(looks, looks, kernels) / sum(kernel.variance for kernel in kernels)
    shared *= deviation[:, np.newaxis] * deviation
    own = np.diag(shared).copy()
    total, noise = own.sum() + 1e-12, scene.kernels.near_noise * own.mean() + 1e-12
    free = np.ones(len(own), bool)
    found = []
    for _ in range(min(count, len(own))):
        gains = np.where(free, (shared**2).sum(axis=0) / (np.diag(shared) + noise), -1)
        best = int(gains.argmax())
        free[best] = False
        found.append((int(rows[best // len(columns)]), int(columns[best % len(columns)]), float(gains[best] / total)))
        shared -= np.outer(shared[:, best], shared[best]) / (shared[best, best] + noise)
    return found


def choose_colors(chances: Floats, bins: Floats, lightness: float, count: int) -> list[Swatch]:
    """Choose distinct colors that together cover most of a distribution.

    One after the other, the color is taken around which most of what isn't covered yet lies.

    Args:
        chances: (Q,), summing to 1.
        bins: (Q, 2).
        lightness: L of the place, in 0..100.
        count: how many at most, 1 to :data:`MOST_COLORS`.

    Returns:
        The most probable first.
    """
    distances = np.linalg.norm(bins[:, np.newaxis] - bins, axis=-1)
    near = np.exp(-0.5 * (distances / APART) ** 2)
    uncovered, middles = chances.astype(np.float64), []
    for _ in range(count):
        middle = int((near @ uncovered).argmax())
        middles.append(middle)
        uncovered[distances[middle] < NEARBY] = 0
    owner = distances[:, middles].argmin(axis=1)
    swatches: list[tuple[float, Floats]] = []
    for index, middle in enumerate(middles):
        mass = chances * (owner == index)
        if mass.sum() >= LEAST:
            weights = mass * near[middle]
            ab = (weights[:, np.newaxis] * bins).sum(axis=0) / weights.sum()
            lab = reduce_chroma(np.array([lightness, *ab], np.float32))
            swatches.append((float(mass.sum()), lab))
    return _merged(sorted(swatches, key=lambda swatch: -swatch[0]))


def _merged(swatches: list[tuple[float, Floats]]) -> list[Swatch]:
    """Drop colors that the gamut has made one; near black and white there is only gray."""
    kept: list[tuple[float, Floats]] = []
    for probability, lab in swatches:
        for index, (other, earlier) in enumerate(kept):
            if np.linalg.norm(lab - earlier) < APART:
                kept[index] = (other + probability, earlier)
                break
        else:
            kept.append((probability, lab))
    kept.sort(key=lambda swatch: -swatch[0])
    return [Swatch(_to_hex(lab), round(probability, 4)) for probability, lab in kept]


def _to_hex(lab: Floats) -> str:
    levels = np.rint(np.clip(lab_to_srgb(lab), 0, 1) * 255).astype(int)
    return "#{:02x}{:02x}{:02x}".format(*levels)
