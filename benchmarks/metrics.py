"""Figures of quality, as the literature defines them; pictures are uint8 sRGB (H, W, 3)."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tinct.color.gamut import REACH, ab_bins, smooth_prior, soft_encode_table

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]

CAP = 50.0
"""No photograph counts for more dB."""
THRESHOLDS = 151
"""0 to 150, of the error in the ab plane."""


def psnr(first: Pixels, second: Pixels) -> float:
    """Peak signal-to-noise ratio in dB over the three channels, at most 50."""
    error = float(np.mean((first.astype(np.float64) - second) ** 2))
    return min(CAP, 10 * np.log10(255**2 / error)) if error else CAP


def colorfulness(rgb: Pixels) -> float:
    """Hasler and Suesstrunk, "Measuring colourfulness in natural images" (2003), M3."""
    red, green, blue = (rgb[..., channel].astype(np.float64) for channel in range(3))
    rg, yb = red - green, (red + green) / 2 - blue
    return float(np.hypot(rg.std(), yb.std()) + 0.3 * np.hypot(rg.mean(), yb.mean()))


def interval(values: list[float], seed: int = 0) -> tuple[float, float]:
    """Return the 95 % bootstrap interval of a mean."""
    data = np.array(values)
    draws = np.random.default_rng(seed).integers(0, len(data), (1000, len(data)))
    low, high = np.quantile(data[draws].mean(axis=1), (0.025, 0.975))
    return float(low), float(high)


def nearest_bins() -> tuple[Floats, NDArray[np.int16]]:
    """Return the bins of :class:`Curve`, and a table from rounded ab to the nearest."""
    bins = ab_bins(10)
    return bins, soft_encode_table(bins)[0][..., 0]


@dataclass
class Curve:
    """Area under the cumulative curve of ab errors (Zhang 2016), plain and with rare colors counting as much as others.

    Rebalanced, a pixel weighs 1 / p~ of the bin of its true color (grid 10), p~ being the distribution over all true
    colors given, smoothed with sigma 5.
    """

    counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros((len(ab_bins(10)), THRESHOLDS + 1), np.int64))
    """Pixels by true bin and by the least threshold that their error doesn't exceed."""

    def add(self, found: Floats, truth: Floats, nearest: NDArray[np.int16]) -> None:
        """Count a picture; ab (H, W, 2), and the table from rounded ab to bins."""
        error = np.ceil(np.linalg.norm(found - truth, axis=-1)).astype(np.intp)
        place = np.clip(np.rint(truth).astype(np.intp), -REACH, REACH) + REACH
        index = nearest[place[..., 0], place[..., 1]].astype(np.intp)
        np.add.at(self.counts, (index.ravel(), np.minimum(error, THRESHOLDS).ravel()), 1)

    def areas(self) -> tuple[float, float]:
        """Return the plain and the rebalanced area, in percent."""
        below = np.cumsum(self.counts[:, :THRESHOLDS], axis=1)
        total = self.counts.sum(axis=1)
        plain = below.sum(axis=0) / total.sum()
        weights = np.where(total > 0, 1 / smooth_prior(total, ab_bins(10)).astype(np.float64), 0)
        balanced = weights @ below / (weights @ total)
        return float(plain.mean() * 100), float(balanced.mean() * 100)
