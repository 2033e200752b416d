"""The area under the cumulative curve of color errors: what share of all pixels lies within a distance in ab.

Source: Zhang, Isola, Efros, "Colorful Image Colorization" (ECCV 2016), section 3.1 ("Raw accuracy"): distances in the
ab plane, thresholds 0 to 150; plain, and with every pixel weighed by the rarity of its true color (equation 4 with
lambda 0, prior smoothed with sigma 5, grid 10).

The area is a mean over thresholds, so a photograph's part in it is one number for each color bin: nothing larger has
to be kept, and the weights may come at the end, from all photographs.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from tinct.color.gamut import REACH, ab_bins, smooth_prior, soft_encode_table

Floats = NDArray[np.float32]
Counts = NDArray[np.int64]

GRID = 10
THRESHOLDS = 151
"""0, 1, ... 150 Lab units."""
SIGMA = 5.0


@cache
def bins() -> Floats:
    """Return the centers of the color bins, (229, 2)."""
    return ab_bins(GRID)


@cache
def _nearest() -> NDArray[np.int16]:
    return np.ascontiguousarray(soft_encode_table(bins())[0][..., 0])


def nearest_bins(ab: Floats) -> NDArray[np.int16]:
    """Return the index of the nearest bin of each color, for ab (..., 2); the color is rounded to whole units first."""
    place = np.clip(np.rint(ab), -REACH, REACH).astype(np.intp) + REACH
    index: NDArray[np.int16] = _nearest()[place[..., 0], place[..., 1]]
    return index


def count_colors(index: NDArray[np.int16]) -> Counts:
    """Return how many pixels lie in each bin, (229,), for the indices of :func:`nearest_bins`."""
    return np.bincount(index.ravel(), minlength=len(bins())).astype(np.int64)


def count_hits(found: Floats, truth: Floats, index: NDArray[np.int16]) -> Counts:
    """Return for each bin of the true color how many (pixel, threshold) pairs hold: the error is at most the threshold.

    Args:
        found: (H, W, 2), a and b of the result.
        truth: of the original.
        index: (H, W), the bins of ``truth``.
    """
    squares = np.square(found - truth)
    error = np.ceil(np.sqrt(squares[..., 0] + squares[..., 1]))
    held = np.clip(THRESHOLDS - error, 0, THRESHOLDS)
    return np.bincount(index.ravel(), held.ravel(), len(bins())).astype(np.int64)


def rebalancing(counts: Counts) -> NDArray[np.float64]:
    """Return the weight of each bin, 1 / p~, 0 where it never occurs.

    Args:
        counts: (229,), pixels of each bin in all originals of the data set, whose own distribution p~ is used.
    """
    prior = smooth_prior(counts, bins(), SIGMA).astype(np.float64)
    return np.divide(1.0, prior, out=np.zeros_like(prior), where=counts > 0)


def area(hits: Counts, counts: Counts, weights: NDArray[np.float64] | None = None) -> float:
    """Return the area in percent: of (229,) hits and pixel counts, with each bin's weight, or all alike."""
    chosen = np.ones(len(counts)) if weights is None else weights
    return float(100 * (chosen @ hits) / (THRESHOLDS * (chosen @ counts)))
