"""The distribution of colors in a training set."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tinct.color.gamut import soft_encode_table
from tinct.color.lab import srgb_to_lab

ENOUGH = 6000
"""Photos to count; more change the distribution by less than its smoothing does."""


def count_colors(photos: Sequence[NDArray[np.uint8]], bins: NDArray[np.float32]) -> NDArray[np.float64]:
    """Count how many pixels of a training set fall into each bin.

    Every k-th photo and every fourth pixel of its rows and columns are counted.

    Args:
        photos: (H, W, 3) uint8 each.
        bins: (Q, 2) centers.

    Returns:
        (Q,) counts.
    """
    nearest = soft_encode_table(bins, 1, 5.0)[0][..., 0]
    counts = np.zeros(len(bins))
    for index in range(0, len(photos), max(1, len(photos) // ENOUGH)):
        lab = srgb_to_lab(photos[index][::4, ::4].astype(np.float32) / 255)
        ab = np.rint(lab[..., 1:]).astype(np.int64).clip(-110, 110) + 110
        counts += np.bincount(nearest[ab[..., 0], ab[..., 1]].ravel(), minlength=len(bins))
    return counts
