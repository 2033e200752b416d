from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from tinct.color.lab import lightness
from tinct.data.batches import BatchStream, Position, Sampling
from tinct.data.deck import Deck
from tinct.data.degrade import (
    EMULSIONS,
    add_grain,
    bend,
    blur,
    compress,
    degrade,
    expose,
    fade,
    scratch,
)


@pytest.fixture
def ramp() -> NDArray[np.float32]:
    return np.tile(np.linspace(0, 1, 64, dtype=np.float32), (48, 1))


@pytest.mark.parametrize("kind", EMULSIONS)
def test_every_emulsion_leaves_grays_as_they_are(kind: str) -> None:
    grays = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=-1)
    np.testing.assert_allclose(expose(grays, kind)[0], np.arange(256) / 255, atol=1e-5)


def test_emulsions_see_colors_as_history_has_it() -> None:
    """Red lips are black on an orthochromatic plate, and a blue sky white on one that sees blue alone."""
    red, sky = np.array([[[200, 30, 40]], [[110, 160, 255]]], np.uint8)[:, None]
    seen = {kind: (float(expose(red, kind)[0, 0]), float(expose(sky, kind)[0, 0])) for kind in EMULSIONS}
    assert seen["orthochromatic"][0] < seen["panchromatic"][0] - 0.25
    assert seen["blue-sensitive"][0] < seen["panchromatic"][0] - 0.25
    assert seen["blue-sensitive"][1] > seen["orthochromatic"][1] > seen["panchromatic"][1]


def test_an_old_print_depends_on_its_seed_alone(color_pixels: NDArray[np.uint8]) -> None:
    one, again, other = (degrade(color_pixels, np.random.default_rng(seed)) for seed in (5, 5, 6))
    np.testing.assert_array_equal(one, again)
    assert np.abs(one - other).mean() > 0.5


def test_old_prints_are_lightness_and_differ_from_the_photo(color_pixels: NDArray[np.uint8]) -> None:
    rng = np.random.default_rng(0)
    plain = lightness(color_pixels.astype(np.float32) / 255)
    for size in (1, 7, 48):
        for _ in range(40):
            print_ = degrade(color_pixels[:size, : size + 3], rng)
            assert print_.shape == (size, min(size + 3, 64))
            assert print_.dtype == np.float32
            assert np.isfinite(print_).all()
            assert print_.min() >= 0
            assert print_.max() <= 100.001
    assert np.abs(print_ - plain[:48, :51]).mean() > 1


def test_blur_keeps_the_mean_and_lowers_contrast(ramp: NDArray[np.float32]) -> None:
    steps = (np.arange(64) // 4 % 2).astype(np.float32) * np.ones((48, 1), np.float32)
    blurred = blur(steps, 2.0)
    assert blurred.shape == steps.shape
    assert abs(float(blurred.mean() - steps.mean())) < 0.02
    assert blurred.std() < 0.6 * steps.std()
    np.testing.assert_allclose(blur(np.full((9, 9), 0.3, np.float32), 1.3), 0.3, atol=1e-6)


def test_tones_bend_but_stay_in_order(ramp: NDArray[np.float32]) -> None:
    for gamma, contrast in ((0.6, -0.3), (1.0, 0.0), (1.7, 0.5)):
        bent = bend(ramp, gamma, contrast)[0]
        assert (np.diff(bent) >= -1e-6).all()
        assert (bent[0], bent[-1]) == (0, 1)
    np.testing.assert_allclose(bend(ramp, 1.0, 0.0), ramp)


def test_fading_lifts_black_and_lowers_white(ramp: NDArray[np.float32]) -> None:
    faded = fade(ramp, 0.2, 0.8, 0.0, np.random.default_rng(0))
    np.testing.assert_allclose(faded, 0.2 + 0.6 * ramp, atol=1e-6)
    uneven = fade(np.zeros((40, 40), np.float32), 0.2, 0.8, 0.25, np.random.default_rng(0))
    assert uneven.max() - uneven.min() > 0.05


def test_grain_is_strongest_in_the_middle() -> None:
    rng = np.random.default_rng(0)
    deviations = [float(add_grain(np.full((64, 64), tone, np.float32), 0.05, 0.8, rng).std()) for tone in (0.02, 0.5)]
    assert abs(deviations[1] - 0.05) < 0.005
    assert deviations[0] < 0.6 * deviations[1]


def test_scratches_touch_little(ramp: NDArray[np.float32]) -> None:
    shares = [float((scratch(ramp, np.random.default_rng(seed)) != ramp).mean()) for seed in range(20)]
    assert 0 < np.mean(shares) < 0.2


def test_jpeg_comes_back_in_its_size_and_close(ramp: NDArray[np.float32]) -> None:
    good, poor = (compress(ramp, quality) for quality in (95, 10))
    assert good.shape == ramp.shape
    assert np.abs(good - ramp).mean() < 0.01 < np.abs(poor - ramp).max()


def test_training_takes_old_prints_for_the_input_alone(color_pixels: NDArray[np.uint8]) -> None:
    photos = [np.roll(color_pixels, place, axis=1) for place in range(6)]

    def batch(share: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        sampling = Sampling(sizes={32: 1.0}, batch=24, tone=0, degrade=share, hints=False)
        made = BatchStream(Deck(photos, 1), sampling, 1).make(Position())[0]
        return made.lightness.numpy(), made.ab.numpy()

    (plain, ab), (all_old, same_ab), (some_old, _) = batch(0.0), batch(1.0), batch(0.5)
    np.testing.assert_array_equal(ab, same_ab)
    changed = np.abs(all_old - plain).reshape(24, -1).mean(1) > 0.5
    assert changed.all()
    assert 4 <= int((np.abs(some_old - plain).reshape(24, -1).mean(1) > 0.5).sum()) <= 20
