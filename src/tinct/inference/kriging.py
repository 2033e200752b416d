"""How alike places of a photograph err, and what is expected between those that are known: Gaussian processes.

Places err alike where they lie near to one another, are as light, and are alike to the model. One that has learned
which places err alike says so itself; of another, what it believes of their colors is compared. The distance of two
beliefs is Hellinger's, so a lawn is like the other lawn, though both were shown a brown between green and straw.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tinct.inference.guidance import Placed, cover
from tinct.models.kernels import BELIEVED, CAST, LEARNED, Kernel, Kernels

if TYPE_CHECKING:
    from tinct.inference.confidence import Belief

Floats = NDArray[np.float32]


SURE = 5.0
"""Deviation that even a sure color has, in Lab units."""
SHOWN = 20.0
"""Difference of two colors, in Lab units, that counts as a likeness of 1 where a model has no beliefs."""
BLOCK = 4096
"""Cells whose differences are computed at once."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What the cells of a photograph look like to a model, before any hint."""

    looks: NDArray[np.float64]
    """(h, w, 3 + K): y and x as shares of the short side, L, and what else tells which are alike."""
    doubt: Floats
    """(h, w), how far the errors of cells go, of which only the ratios count."""
    kernels: Kernels
    """For these looks."""

    @classmethod
    def of_belief(cls, belief: Belief) -> Scene:
        """Return the cells by the likeness that a model learned, or else by its belief.

        By belief they err by the root of their deviations; by the deviations themselves a hint where the model was sure
        would move others by several times as much.
        """
        if belief.likeness is not None:
            vectors, errors = belief.likeness[..., :-1], belief.likeness[..., -1]
            return cls(_looks(belief.lightness, vectors), errors, LEARNED)
        mean = belief.chances @ belief.bins
        deviation = np.sqrt(belief.variance(mean).clip(0) + np.float32(SURE**2))
        return cls(_looks(belief.lightness, np.sqrt(belief.chances)), np.sqrt(deviation), BELIEVED)

    @classmethod
    def of_colors(cls, lightness: Floats, ab: Floats) -> Scene:
        """Return the cells by the colors of a model that gives no distribution; L (h, w), a and b (h, w, 2)."""
        return cls(_looks(lightness, ab / np.float32(SHOWN)), np.ones_like(lightness), BELIEVED)


def _looks(lightness: Floats, likeness: Floats) -> NDArray[np.float64]:
    height, width = lightness.shape
    y, x = (np.mgrid[0:height, 0:width] + 0.5) / min(height, width)
    return np.concatenate([np.stack([y, x, lightness], axis=-1), likeness], axis=-1)


def spread(placed: Sequence[Placed], scene: Scene, ab: Floats, scale: tuple[float, float]) -> Floats:
    """Add to predicted colors what they lack at the hints, there and where the picture looks alike.

    The differences are kriged (Gaussian process regression, Rasmussen and Williams 2006, eq. 2.25) twice. A cast that
    all of a picture shares, like its white balance, reaches far; a difference counts towards it with Cauchy's weight,
    so that one red dress amid gray ones stays one dress. What then still lacks is spread over near places.

    Args:
        placed: the hints.
        scene: the cells.
        ab: (h, w, 2), predicted colors.
        scale: pixels of the photograph in a cell, along y and x.

    Returns:
        float32 (h, w, 2), Lab units.
    """
    rows, columns = _covers(placed, scene, scale)
    spots, shown, own = (
        np.einsum("nh,nw,hwc->nc", rows, columns, plane, optimize=True)
        for plane in (scene.looks, ab, scene.doubt[..., np.newaxis])
    )
    cells, doubt = scene.looks.reshape(-1, scene.looks.shape[-1]), scene.doubt.reshape(-1, 1)
    missing = np.stack([hint.ab for hint in placed]) - shown
    cast = missing / (1 + (missing**2).sum(1, keepdims=True) / CAST**2)
    kernels = scene.kernels
    wide = _krige(spots, cast / own, np.concatenate([spots, cells]), kernels.wide, kernels.wide_noise)
    near = _krige(spots, missing / own - wide[: len(spots)], cells, kernels.near, kernels.near_noise)
    change = ((wide[len(spots) :] + near) * doubt).reshape(ab.shape)
    return ab + change.astype(np.float32)


def remaining(placed: Sequence[Placed], scene: Scene, scale: tuple[float, float]) -> Floats:
    """Return which share of its variance each cell's error keeps once the hints are known, (h, w), in 0..1.

    The variance of kriging (Rasmussen and Williams 2006, eq. 2.26) with the kernels of near places, and none where a
    hint lies itself; arguments as for :func:`spread`.
    """
    rows, columns = _covers(placed, scene, scale)
    spots = np.einsum("nh,nw,hwc->nc", rows, columns, scene.looks, optimize=True)
    cells = scene.looks.reshape(-1, scene.looks.shape[-1])
    kernels, noise = scene.kernels.near, scene.kernels.near_noise
    known = np.linalg.cholesky(alike(spots, spots, kernels) + noise * np.eye(len(spots)))
    total = sum(kernel.variance for kernel in kernels)
    left = np.empty(len(cells), np.float32)
    for start in range(0, len(cells), BLOCK):
        explained = np.linalg.solve(known, alike(spots, cells[start : start + BLOCK], kernels))
        left[start : start + BLOCK] = 1 - (explained**2).sum(axis=0) / total
    share: Floats = np.clip(left, 0, 1).reshape(scene.doubt.shape)
    for hint, row, column in zip(placed, rows, columns, strict=True):
        down = np.minimum(row * (hint.bottom - hint.top) / scale[0], 1)
        across = np.minimum(column * (hint.right - hint.left) / scale[1], 1)
        share *= (1 - np.outer(down, across)).astype(np.float32)
    return share


def _covers(
    placed: Sequence[Placed], scene: Scene, scale: tuple[float, float]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return how much of each hint lies in each row, (n, h), and in each column, (n, w), of cells."""
    rows, columns = zip(*(cover(hint, scene.doubt.shape, scale) for hint in placed), strict=True)
    return np.stack(rows), np.stack(columns)


def _krige(
    spots: NDArray[np.float64],
    values: NDArray[np.float64],
    places: NDArray[np.float64],
    kernels: Sequence[Kernel],
    noise: float,
) -> NDArray[np.float64]:
    """Return the values expected at places, (n, 2), given those at spots, (m, 2)."""
    factors = np.linalg.solve(alike(spots, spots, kernels) + noise * np.eye(len(spots)), values)
    # In blocks, because a covariance of all places with all spots can be large.
    starts = range(0, len(places), BLOCK)
    return np.concatenate([alike(places[start : start + BLOCK], spots, kernels) @ factors for start in starts])


def alike(first: NDArray[np.float64], second: NDArray[np.float64], kernels: Sequence[Kernel]) -> NDArray[np.float64]:
    """Return how the errors of each place of the first, (n, C), vary with those of each of the second, (m, C).

    Places are rows of :attr:`Scene.looks`. The covariance of a place with itself is the sum of the kernels' variances.
    """
    parts = (slice(0, 2), slice(2, 3), slice(3, None))
    distance, lightness, likeness = (_squares(first[:, part], second[:, part]) for part in parts)
    covariance = np.zeros_like(distance)
    for kernel in kernels:
        exponent = distance / kernel.reach**2 + lightness / kernel.lightness**2 + likeness / kernel.likeness**2
        covariance += kernel.variance * np.exp(-0.5 * exponent)
    return covariance


def _squares(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the squared distance of each row of the first from each of the second."""
    lengths = (first**2).sum(1)[:, np.newaxis] + (second**2).sum(1)
    squares: NDArray[np.float64] = np.maximum(lengths - 2 * first @ second.T, 0)
    return squares
