"""The area under the curve against a slow one, written down from the definition."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from skimage.color import rgb2lab

from tinct.color.gamut import ab_bins
from tinct.evaluation import auc
from tinct.evaluation.protocol import to_lab

Pixels = NDArray[np.uint8]


def slow_areas(pairs: list[tuple[Pixels, Pixels]]) -> tuple[float, float]:
    """Return the plain and the rebalanced area: thresholds one by one, bins by a search, a prior summed bin by bin."""
    bins = ab_bins(10).astype(float)
    errors, truths = [], []
    for original, result in pairs:
        truth, found = (rgb2lab(picture)[..., 1:].reshape(-1, 2) for picture in (original, result))
        errors.append(np.sqrt(((truth - found) ** 2).sum(axis=1)))
        truths.append(((np.rint(truth)[:, None] - bins) ** 2).sum(axis=2).argmin(axis=1))
    error, nearest = np.concatenate(errors), np.concatenate(truths)
    prior = np.zeros(len(bins))
    for index in range(len(bins)):
        kernel = np.exp(-((bins - bins[index]) ** 2).sum(axis=1) / (2 * 5.0**2))
        prior += (nearest == index).mean() * kernel / kernel.sum()
    weights = 1 / prior[nearest]
    plain = [np.mean(error <= threshold) for threshold in range(151)]
    balanced = [np.sum(weights * (error <= threshold)) / weights.sum() for threshold in range(151)]
    return 100 * float(np.mean(plain)), 100 * float(np.mean(balanced))


def test_areas_are_those_of_the_definition(scene: Callable[..., Pixels]) -> None:
    pairs = [(scene(seed, 40, 50), scene(seed + 10, 40, 50)) for seed in range(4)]
    hits, counts = np.zeros((2, len(auc.bins())), np.int64)
    for original, result in pairs:
        truth, found = to_lab(original)[..., 1:], to_lab(result)[..., 1:]
        index = auc.nearest_bins(truth)
        hits += auc.count_hits(found, truth, index)
        counts += auc.count_colors(index)
    plain, balanced = slow_areas(pairs)
    assert auc.area(hits, counts) == pytest.approx(plain, abs=1e-3)
    assert auc.area(hits, counts, auc.rebalancing(counts)) == pytest.approx(balanced, abs=1e-3)
    assert plain != pytest.approx(balanced, abs=0.1)


def test_ends_of_the_scale(scene: Callable[..., Pixels]) -> None:
    truth = to_lab(scene(0, 40, 40))[..., 1:]
    index = auc.nearest_bins(truth)
    counts = auc.count_colors(index)
    assert auc.area(auc.count_hits(truth, truth, index), counts) == 100
    assert auc.area(auc.count_hits(truth + np.float32(300), truth, index), counts) == 0
