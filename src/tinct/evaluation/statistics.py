"""How sure a figure is: bootstrap intervals of means and ratios, and a test of paired differences.

Resampling is over photographs, the unit that another data set would draw anew. Everything is seeded: the same figures
give the same intervals.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Column = NDArray[np.float64]
Interval = tuple[float, float]

DRAWS = 2000
LEVEL = 0.95
_PIECE = 1 << 22


def resampled_sums(columns: Column, draws: int = DRAWS, seed: int = 0) -> Column:
    """Return sums over photographs drawn with replacement, (draws, k), of columns (n, k)."""
    count = len(columns)
    rng = np.random.default_rng(seed)
    sums = np.empty((draws, columns.shape[1]))
    for start in range(0, draws, max(1, _PIECE // count)):
        part = sums[start : start + max(1, _PIECE // count)]
        times = np.stack([np.bincount(rng.integers(0, count, count), minlength=count) for _ in range(len(part))])
        part[:] = times.astype(np.float64) @ columns
    return sums


def percentile_interval(values: Column) -> Interval:
    """Return the middle 95 % of resampled values."""
    low, high = np.quantile(values, ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    return float(low), float(high)


def mean_intervals(columns: Column) -> list[Interval]:
    """Return the 95 % bootstrap interval of the mean of each column, for (n, k)."""
    means = resampled_sums(columns) / len(columns)
    return [percentile_interval(means[:, index]) for index in range(columns.shape[1])]


def ratio_interval(above: Column, below: Column) -> Interval:
    """Return the 95 % bootstrap interval of sum(above) / sum(below), for (n,) each."""
    sums = resampled_sums(np.stack([above, below], axis=1))
    return percentile_interval(sums[:, 0] / sums[:, 1])


@dataclass(frozen=True, slots=True)
class Difference:
    """How two colorizers differ in a figure on the same photographs."""

    mean: float
    """Of the first minus the second."""
    low: float
    high: float
    """The 95 % bootstrap interval of the mean."""
    p: float
    """Two-sided, of the sign-flip permutation test: how often one as large comes about if the two are alike."""


def paired_differences(first: Column, second: Column, draws: int = DRAWS, seed: int = 0) -> list[Difference]:
    """Compare two colorizers in several figures, (n, k) each, photograph by photograph.

    Source of the test: Good, "Permutation, Parametric and Bootstrap Tests of Hypotheses", 3.2.1. The smallest p that it
    can give is 1 / (draws + 1).
    """
    differences = first - second
    count, figures = differences.shape
    observed = np.abs(differences.sum(axis=0))
    reached = np.ones(figures)
    rng = np.random.default_rng(seed)
    step = max(1, _PIECE // count)
    for start in range(0, draws, step):
        signs = rng.integers(0, 2, (min(step, draws - start), count), dtype=np.int8) * 2.0 - 1.0
        # A little below, so that rounding doesn't decide between equal sums.
        reached += (np.abs(signs @ differences) >= observed * (1 - 1e-12)).sum(axis=0)
    means = differences.mean(axis=0)
    chances = reached / (draws + 1)
    return [
        Difference(float(mean), low, high, float(p))
        for mean, (low, high), p in zip(means, mean_intervals(differences), chances, strict=True)
    ]
