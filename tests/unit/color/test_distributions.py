"""Soft encoding, read-outs and weights of :mod:`tinct.color.gamut` against plain re-typed references."""

import math

import numpy as np
import pytest

from tinct.color import gamut
from tinct.errors import OptionError

BINS = gamut.ab_bins(10)


def reference_encoding(color: np.ndarray, bins: np.ndarray, neighbours: int, sigma: float) -> list[float]:
    squares = [(float(color[0]) - float(a)) ** 2 + (float(color[1]) - float(b)) ** 2 for a, b in bins]
    nearest = sorted(range(len(bins)), key=squares.__getitem__)[:neighbours]
    weights = {index: math.exp(-squares[index] / (2 * sigma**2)) for index in nearest}
    return [weights.get(index, 0.0) / sum(weights.values()) for index in range(len(bins))]


@pytest.mark.parametrize(("neighbours", "sigma"), [(5, 5.0), (1, 5.0), (10, 12.0)])
def test_table_is_the_encoding_of_whole_numbers(neighbours: int, sigma: float) -> None:
    indices, weights = gamut.soft_encode_table(BINS, neighbours, sigma)
    assert indices.shape == weights.shape == (221, 221, neighbours)
    assert indices.dtype == np.int16
    assert weights.dtype == np.float32
    colors = np.random.default_rng(6).integers(-95, 96, (60, 2))
    encoded = np.zeros((60, len(BINS)), np.float32)
    at = (colors[:, 0] + 110, colors[:, 1] + 110)
    np.put_along_axis(encoded, indices[at].astype(np.intp), weights[at], axis=1)
    expected = [reference_encoding(color, BINS, neighbours, sigma) for color in colors]
    assert np.allclose(encoded, expected, atol=2e-5)


def test_table_at_the_centers_and_far_from_them() -> None:
    # A Gaussian so narrow that its values themselves would be 0 at the corners.
    indices, weights = gamut.soft_encode_table(BINS, sigma=1.0)
    a, b = BINS.T.astype(int) + 110
    assert np.array_equal(indices[a, b, 0], np.arange(len(BINS)))
    assert np.allclose(weights.sum(axis=-1), 1, atol=1e-6)
    assert weights[0, 220, 0] == pytest.approx(1)


def test_table_refuses() -> None:
    for neighbours in (0, len(BINS) + 1):
        with pytest.raises(OptionError, match="neighbours"):
            gamut.soft_encode_table(BINS, neighbours)
    with pytest.raises(OptionError, match="sigma"):
        gamut.soft_encode_table(BINS, sigma=0)


def random_distributions(count: int) -> np.ndarray:
    return np.random.default_rng(7).dirichlet(np.full(len(BINS), 0.1), count).astype(np.float32)


def annealed_mean(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    with np.errstate(divide="ignore"):
        logits = np.log(probabilities)
    return gamut.read_out(logits, BINS, np.ones(len(BINS)), 0.0, temperature, 1.0)


def test_annealed_mean_at_one_is_the_mean() -> None:
    probabilities = random_distributions(50)
    assert np.allclose(annealed_mean(probabilities, 1.0), probabilities @ BINS, atol=1e-3)


def test_annealed_mean_towards_zero_is_the_mode() -> None:
    probabilities = random_distributions(50)
    mode = BINS[probabilities.argmax(axis=1)]
    assert np.array_equal(annealed_mean(probabilities, 1e-4), mode)
    assert np.array_equal(annealed_mean(probabilities, 1e-30), mode)


def test_read_out_against_the_formula() -> None:
    rng = np.random.default_rng(8)
    logits = rng.normal(0, 3, (7, 9, len(BINS)))
    weights = rng.uniform(0.2, 8, len(BINS))
    softmax = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    powers = (softmax / weights**0.7) ** (1 / 0.6)
    expected = (powers / powers.sum(axis=-1, keepdims=True)) @ BINS * 1.2
    result = gamut.read_out(logits.astype(np.float32), BINS, weights, 0.7, 0.6, 1.2)
    assert result.shape == (7, 9, 2)
    assert result.dtype == np.float32
    assert np.allclose(result, expected, atol=2e-3)
    # The view that a backend's (Q, h, w) gives, and a single pixel.
    view = np.moveaxis(np.ascontiguousarray(np.moveaxis(logits, -1, 0)), 0, -1)
    assert np.array_equal(
        gamut.read_out(view, BINS, weights, 0.7, 0.6, 1.2), gamut.read_out(logits, BINS, weights, 0.7, 0.6, 1.2)
    )
    single = gamut.read_out(logits[0, 0], BINS, weights, 0.7, 0.6, 1.2)
    assert single.shape == (2,)
    assert np.allclose(single, expected[0, 0], atol=2e-3)


def test_read_out_is_safe_with_large_logits() -> None:
    logits = np.full((2, len(BINS)), -1e4, np.float32)
    logits[:, 17] = 1e4
    result = gamut.read_out(logits, BINS, np.ones(len(BINS)), 1.0, 0.1, 1.0)
    assert np.array_equal(result, BINS[[17, 17]])


def test_read_out_leaves_the_logits_alone() -> None:
    logits = np.random.default_rng(9).normal(size=(4, len(BINS))).astype(np.float32)
    before = logits.copy()
    gamut.read_out(logits, BINS, np.full(len(BINS), 2.0), 1.0, 0.5, 1.0)
    assert np.array_equal(logits, before)


@pytest.mark.parametrize("temperature", [0.0, -1.0])
def test_read_out_refuses_temperature(temperature: float) -> None:
    with pytest.raises(OptionError, match="temperature"):
        annealed_mean(random_distributions(1), temperature)


def test_read_out_refuses_what_does_not_match() -> None:
    ones = np.ones(len(BINS), np.float32)
    with pytest.raises(OptionError, match="bins"):
        gamut.read_out(np.zeros((4, 10), np.float32), BINS, ones, 0.0, 1.0, 1.0)
    with pytest.raises(OptionError, match="bins"):
        gamut.read_out(np.zeros((4, len(BINS)), np.float32), BINS, ones[1:], 0.0, 1.0, 1.0)
    with pytest.raises(OptionError, match="weight"):
        gamut.read_out(np.zeros((4, len(BINS)), np.float32), BINS, ones * 0, 0.0, 1.0, 1.0)


def test_smooth_prior_against_a_loop() -> None:
    counts = np.random.default_rng(10).integers(0, 1000, len(BINS))
    expected = np.zeros(len(BINS))
    for source, count in enumerate(counts):
        kernel = np.array([math.exp(-(math.dist(BINS[source], center) ** 2) / 50) for center in BINS])
        expected += count / counts.sum() * kernel / kernel.sum()
    prior = gamut.smooth_prior(counts, BINS)
    assert prior.dtype == np.float32
    assert prior.sum() == pytest.approx(1, abs=1e-5)
    assert np.allclose(prior, expected, atol=1e-7)


def test_smooth_prior_with_a_narrow_kernel_changes_nothing() -> None:
    counts = np.arange(len(BINS))
    assert np.allclose(gamut.smooth_prior(counts, BINS, sigma=0.5), counts / counts.sum(), atol=1e-7)


@pytest.mark.parametrize(("mixing", "sigma"), [(0.25, 6.0), (0.5, 5.0)])  # the paper's and the original's
def test_rebalancing_weights(mixing: float, sigma: float) -> None:
    counts = np.random.default_rng(11).exponential(size=len(BINS)) ** 6
    prior = gamut.smooth_prior(counts, BINS, sigma)
    weights = gamut.rebalancing_weights(prior, mixing)
    assert weights.dtype == np.float32
    assert (weights * prior).sum() == pytest.approx(1, abs=1e-5)
    mixture = (1 - mixing) * prior + mixing / len(BINS)
    assert np.allclose(weights * mixture, (weights * mixture)[0], rtol=1e-5)
    assert weights.argmin() == prior.argmax()


def test_rebalancing_weights_at_the_ends() -> None:
    prior = np.array([0.5, 0.25, 0.25])
    assert np.allclose(gamut.rebalancing_weights(prior, 1.0), 1)
    assert np.allclose(gamut.rebalancing_weights(prior, 0.0), [2 / 3, 4 / 3, 4 / 3])


def test_weights_refuse() -> None:
    counts = np.ones(len(BINS))
    for bad in (counts[1:], -counts, counts * 0, counts * np.nan):
        with pytest.raises(OptionError, match="counts"):
            gamut.smooth_prior(bad, BINS)
    with pytest.raises(OptionError, match="sigma"):
        gamut.smooth_prior(counts, BINS, sigma=0)
    for mixing in (-0.1, 1.1):
        with pytest.raises(OptionError, match="mixing"):
            gamut.rebalancing_weights(counts / counts.sum(), mixing)
    with pytest.raises(OptionError, match="never occurs"):
        gamut.rebalancing_weights(np.array([0.0, 1.0]), 0.0)
