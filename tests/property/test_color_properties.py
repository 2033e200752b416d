import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tinct.color import gamut
from tinct.color.enhance import scale_saturation
from tinct.color.lab import gray_to_lightness, lab_to_srgb, lightness, lightness_to_gray, srgb_to_lab

BINS = gamut.ab_bins(20)

unhurried = settings(deadline=None)  # other work on the machine is no failure

shares = st.floats(0, 1, width=32)
rgb_colors = arrays(np.float32, st.tuples(st.integers(1, 20), st.just(3)), elements=shares)
lab_colors = arrays(np.float32, (12, 3), elements=st.floats(-150, 150, width=32)).map(
    lambda lab: np.concatenate([np.abs(lab[:, :1]) / np.float32(1.5), lab[:, 1:]], axis=1)
)


@unhurried
@given(rgb_colors)
def test_rgb_comes_back(rgb: np.ndarray) -> None:
    assert np.abs(lab_to_srgb(srgb_to_lab(rgb)) - rgb).max() < 1e-4


@unhurried
@given(lab_colors)
def test_lab_comes_back_even_from_outside_the_gamut(lab: np.ndarray) -> None:
    assert np.abs(srgb_to_lab(lab_to_srgb(lab)) - lab).max() < 0.02


@unhurried
@given(rgb_colors)
def test_lab_stays_in_its_range(rgb: np.ndarray) -> None:
    lab = srgb_to_lab(rgb)
    assert (lab >= [-1e-4, -87, -108]).all()
    assert (lab <= [100.0001, 99, 95]).all()


@unhurried
@given(arrays(np.float32, st.integers(1, 30), elements=shares))
def test_gray_comes_back_in_order(gray: np.ndarray) -> None:
    level = gray_to_lightness(gray)
    assert np.abs(lightness_to_gray(level) - gray).max() < 1e-5
    order = np.argsort(gray, kind="stable")
    assert (np.diff(level[order]) >= -1e-5).all()
    assert np.abs(lightness(np.stack([gray] * 3, axis=-1)) - level).max() < 1e-4


@unhurried
@given(rgb_colors)
def test_colors_of_srgb_are_in_its_gamut_and_stay(rgb: np.ndarray) -> None:
    lab = srgb_to_lab(rgb)
    assert gamut.in_gamut(lab).all()
    assert np.array_equal(gamut.reduce_chroma(lab), lab)


@unhurried
@given(lab_colors)
def test_reduction_of_chroma(lab: np.ndarray) -> None:
    reduced = gamut.reduce_chroma(lab)
    assert np.array_equal(reduced[:, 0], lab[:, 0])
    # One factor for a and b of each color, in 0..1.
    before, after = np.hypot(lab[:, 1], lab[:, 2]), np.hypot(reduced[:, 1], reduced[:, 2])
    assert (after <= before + 1e-6).all()
    cross = lab[:, 1] * reduced[:, 2] - lab[:, 2] * reduced[:, 1]
    assert np.abs(cross).max() < 5e-3
    # At both ends of L even gray lies a rounding error outside.
    gray = after < 1e-3
    assert (gamut.in_gamut(reduced) | gray).all()
    assert np.array_equal(gamut.reduce_chroma(reduced)[~gray], reduced[~gray])


@settings(deadline=None, max_examples=12)  # each makes a whole table
@given(st.integers(1, 9), st.floats(0.5, 20))
def test_soft_encoding_is_a_distribution(neighbours: int, sigma: float) -> None:
    bins = gamut.ab_bins(40)
    indices, weights = gamut.soft_encode_table(bins, neighbours, sigma)
    assert (weights >= 0).all()
    assert np.abs(weights.sum(axis=-1) - 1).max() < 1e-5
    assert (np.diff(weights, axis=-1) <= 0).all()
    ab = np.stack(np.meshgrid(*[np.arange(-110, 111, dtype=np.float32)] * 2, indexing="ij"), axis=-1)
    nearest = ((ab[:, :, None] - bins) ** 2).sum(axis=-1).min(axis=-1)
    assert np.array_equal(((ab - bins[indices[..., 0]]) ** 2).sum(axis=-1), nearest)


@unhurried
@given(
    arrays(np.float32, (5, len(BINS)), elements=st.floats(-30, 30, width=32)),
    st.floats(0, 1),
    st.floats(0.05, 2),
    st.floats(0, 2),
)
def test_read_out_stays_among_the_bins(logits: np.ndarray, division: float, temperature: float, chroma: float) -> None:
    weights = np.linspace(0.1, 9, len(BINS))
    ab = gamut.read_out(logits, BINS, weights, division, temperature, chroma)
    bound = np.abs(BINS).max(axis=0) * chroma
    assert (np.abs(ab) <= bound + 1e-3).all()
    # A constant on all logits is no news.
    assert np.allclose(gamut.read_out(logits + 5, BINS, weights, division, temperature, chroma), ab, atol=0.05)


@unhurried
@given(arrays(np.float64, len(BINS), elements=st.floats(1e-6, 1e6)), st.floats(0.01, 1), st.floats(1, 30))
def test_weights_average_to_one(counts: np.ndarray, mixing: float, sigma: float) -> None:
    prior = gamut.smooth_prior(counts, BINS, sigma)
    assert prior.sum() == pytest.approx(1, abs=1e-4)
    weights = gamut.rebalancing_weights(prior, mixing)
    assert (prior * weights).sum() == pytest.approx(1, abs=1e-4)
    # The rarer, the heavier.
    assert (np.diff(weights[np.argsort(prior)]) <= 1e-4 * weights.max()).all()


@unhurried
@given(rgb_colors, st.floats(0, 10), st.floats(-1, 1), st.booleans(), st.booleans())
def test_enhancement_stays_in_range(rgb: np.ndarray, saturation: float, shift: float, skin: bool, gray: bool) -> None:
    result = scale_saturation(rgb, saturation, shift, protect_skin=skin, protect_gray=gray)
    assert result.shape == rgb.shape
    assert (result >= 0).all()
    assert (result <= 1).all()


@unhurried
@given(rgb_colors, st.floats(0, 10))
def test_enhancement_keeps_value(rgb: np.ndarray, saturation: float) -> None:
    assert np.allclose(scale_saturation(rgb, saturation).max(axis=1), rgb.max(axis=1), atol=1e-6)
