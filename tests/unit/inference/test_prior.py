from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tinct.inference.prior import BANDS, Prior, Signature, _median
from tinct.media.photo import read_photo

RNG = np.random.default_rng(0)
LIGHT = RNG.uniform(0, 100, (40, 50)).astype(np.float32)


def cells(a: float, b: float) -> np.ndarray:
    return (np.array([a, b]) + RNG.normal(0, 3, (40, 50, 2))).astype(np.float32)


def test_a_signature_averages_by_lightness() -> None:
    ab = np.stack([LIGHT / 10, -LIGHT / 5], axis=-1)
    signature = Signature.of_cells(LIGHT, ab)
    assert sum(signature.weight) == pytest.approx(1, abs=1e-3)
    middles = (np.arange(BANDS) + 0.5) * 100 / BANDS
    inner = slice(1, -1)
    np.testing.assert_allclose(np.array(signature.ab)[inner, 0], middles[inner] / 10, atol=0.2)
    assert Signature.from_json(signature.to_json()) == signature


def test_a_series_comes_closer_together_and_keeps_its_detail() -> None:
    photos = [cells(a, b) for a, b in ((5, 10), (9, 6), (1, 14))]
    prior = Prior.of_series([Signature.of_cells(LIGHT, ab) for ab in photos])
    shifted = [prior.shift(LIGHT, ab) for ab in photos]
    means = np.array([ab.mean(axis=(0, 1)) for ab in shifted])
    np.testing.assert_allclose(means, [[5, 10]] * 3, atol=0.6)
    for before, after in zip(photos, shifted, strict=True):
        assert np.corrcoef(before[..., 0].ravel(), after[..., 0].ravel())[0, 1] > 0.9
    assert Prior.from_json(prior.to_json()) == prior


def test_an_outlier_moves_nothing_and_is_little_moved() -> None:
    photos = [cells(5, 10) for _ in range(4)] + [cells(80, -70)]
    prior = Prior.of_series([Signature.of_cells(LIGHT, ab) for ab in photos])
    np.testing.assert_allclose(np.array(prior.ab), [[5, 10]] * BANDS, atol=2)
    moved = prior.shift(LIGHT, photos[-1]).mean(axis=(0, 1)) - photos[-1].mean(axis=(0, 1))
    assert np.hypot(*moved) < 8


def test_bands_that_nobody_knows_change_nothing() -> None:
    dark = (LIGHT / 4).astype(np.float32)
    prior = Prior.of_series([Signature.of_cells(dark, cells(30, 30))] * 2)
    bright = (60 + LIGHT / 4).astype(np.float32)
    ab = cells(0, 0)
    np.testing.assert_allclose(prior.shift(bright, ab), ab, atol=0.01)


def test_a_reference_picture_gives_its_colors(tmp_path: Path) -> None:
    read_photo(np.full((60, 40, 3), (220, 150, 90), np.uint8)).save(tmp_path / "r.png")
    prior = Prior.of_picture(tmp_path / "r.png")
    known = int(np.argmax(prior.weight))
    # Generated using skimage.color.rgb2lab.
    np.testing.assert_allclose(prior.ab[known], (20.22, 41.89), atol=0.1)


def test_the_median_by_weight() -> None:
    values = np.array([[3.0], [1.0], [2.0], [9.0]])
    assert _median(values, np.ones((4, 1))) == pytest.approx([2.5])
    assert _median(values, np.array([[1.0], [1.0], [1.0], [5.0]])) == pytest.approx([9.0])
    assert _median(values[:1], np.ones((1, 1))) == pytest.approx([3.0])


@pytest.mark.parametrize("text", ["{}", "[]", '{"weight": [1], "ab": [[1, 2]]}', '{"weight": [], "ab": [[]]}', "x"])
def test_what_is_no_prior_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Prior.from_json(text)
