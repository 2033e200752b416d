"""Intervals and tests against SciPy's."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from tinct.evaluation.statistics import mean_intervals, paired_differences, ratio_interval


@pytest.fixture
def values() -> np.ndarray:
    return np.random.default_rng(0).gamma(2.0, 3.0, 300)


def test_mean_interval_is_scipys(values: np.ndarray) -> None:
    theirs = stats.bootstrap((values,), np.mean, n_resamples=5000, method="percentile", rng=1).confidence_interval
    low, high = mean_intervals(values[:, None])[0]
    width = theirs.high - theirs.low
    assert low == pytest.approx(theirs.low, abs=0.06 * width)
    assert high == pytest.approx(theirs.high, abs=0.06 * width)


def test_ratio_interval_is_scipys(values: np.ndarray) -> None:
    below = values + np.random.default_rng(1).uniform(1, 2, len(values))
    theirs = stats.bootstrap(
        (values, below),
        lambda above, under, axis: above.sum(axis=axis) / under.sum(axis=axis),
        paired=True,
        n_resamples=3000,
        method="percentile",
        rng=1,
    ).confidence_interval
    low, high = ratio_interval(values, below)
    width = theirs.high - theirs.low
    assert (low, high) == (pytest.approx(theirs.low, abs=0.08 * width), pytest.approx(theirs.high, abs=0.08 * width))


def test_columns_keep_to_themselves(values: np.ndarray) -> None:
    columns = np.stack([values, -values, np.full_like(values, 7)], axis=1)
    first, second, third = mean_intervals(columns)
    assert first == pytest.approx((-second[1], -second[0]))
    assert third == (7, 7)


def test_difference_is_tested_as_scipy_does(values: np.ndarray) -> None:
    rng = np.random.default_rng(3)
    other = values + rng.normal(0.08, 1, len(values))
    theirs = stats.permutation_test(
        (values, other),
        lambda x, y, axis: np.mean(x - y, axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=4000,
        rng=1,
    )
    (ours,) = paired_differences(values[:, None], other[:, None], draws=4000)
    assert ours.mean == pytest.approx(np.mean(values - other))
    assert ours.low < ours.mean < ours.high
    assert ours.p == pytest.approx(theirs.pvalue, abs=0.03)
    assert 0.01 < ours.p < 0.9


def test_alike_and_apart(values: np.ndarray) -> None:
    (alike,) = paired_differences(values[:, None], values[:, None])
    assert (alike.mean, alike.p) == (0, 1)
    (apart,) = paired_differences(values[:, None] + 1, values[:, None])
    assert apart.p < 0.001


def test_the_same_figures_give_the_same_interval(values: np.ndarray) -> None:
    assert mean_intervals(values[:, None]) == mean_intervals(values[:, None].copy())
