import colorsys

import numpy as np
import pytest
from skimage import data
from skimage.color import hsv2rgb, rgb2hsv

from tinct.color.enhance import scale_saturation
from tinct.errors import OptionError

# Pale, tanned and dark skin, picked by eye.
SKIN = np.array([[224, 172, 140], [176, 122, 96], [120, 78, 58]]) / 255
OTHERS = np.array([[60, 140, 70], [70, 110, 190], [190, 40, 160], [220, 210, 60]]) / 255


def random_rgb(count: int = 20_000) -> np.ndarray:
    return np.random.default_rng(12).random((count, 3))


@pytest.mark.parametrize("saturation", [0.0, 0.5, 1.3, 4.0])
def test_agrees_with_hsv(saturation: float) -> None:
    rgb = random_rgb()
    hsv = rgb2hsv(rgb)
    hsv[:, 1] = np.minimum(hsv[:, 1] * saturation, 1)
    result = scale_saturation(rgb, saturation, protect_skin=False, protect_gray=False)
    assert result.dtype == np.float32
    assert np.abs(result - hsv2rgb(hsv)).max() < 1e-5


@pytest.mark.parametrize("shift", [-0.3, 0.2])
def test_shift_of_value_agrees_with_hsv(shift: float) -> None:
    rgb = random_rgb()
    hsv = rgb2hsv(rgb)
    hsv[:, 2] = np.clip(hsv[:, 2] + shift, 0, 1)
    assert np.abs(scale_saturation(rgb, 1.0, shift) - hsv2rgb(hsv)).max() < 1e-5


def test_shift_lifts_black_to_gray() -> None:
    assert np.allclose(scale_saturation(np.zeros((1, 3)), 1.0, 0.25), 0.25)


def test_off_leaves_every_bit() -> None:
    rgb = random_rgb().astype(np.float32)
    result = scale_saturation(rgb, 1.0)
    assert np.array_equal(result, rgb)
    assert not np.shares_memory(result, rgb)


def test_protects_skin() -> None:
    assert np.abs(scale_saturation(SKIN, 2.0) - SKIN).max() < 0.02
    assert np.abs(scale_saturation(SKIN, 2.0, protect_skin=False) - SKIN).max() > 0.15


def test_protects_a_face_and_not_the_suit_below_it() -> None:
    photo = data.astronaut() / 255
    change = np.abs(scale_saturation(photo, 1.8) - photo).max(axis=-1)
    whole = np.abs(scale_saturation(photo, 1.8, protect_skin=False) - photo).max(axis=-1)
    face, suit = (slice(85, 165), slice(195, 250)), (slice(280, 330), slice(110, 150))
    assert change[face].mean() < 0.1 * whole[face].mean()
    assert change[suit].mean() > 0.5 * whole[suit].mean()


def test_leaves_other_colors_to_the_factor() -> None:
    plain = scale_saturation(OTHERS, 1.5, protect_skin=False, protect_gray=False)
    assert np.allclose(scale_saturation(OTHERS, 1.5), plain, atol=1e-6)
    before = np.array([colorsys.rgb_to_hsv(*color)[1] for color in OTHERS])
    after = np.array([colorsys.rgb_to_hsv(*color)[1] for color in plain.tolist()])
    assert np.allclose(after, np.minimum(before * 1.5, 1), atol=1e-5)


def test_protects_gray() -> None:
    # Nearly gray, also in the shadows, where saturation says nothing: (2, 1, 0) of 255 has a saturation of 1.
    grays = np.array([[0.5, 0.5, 0.51], [0.9, 0.89, 0.9], [0, 1 / 255, 2 / 255]])
    assert np.abs(scale_saturation(grays, 3.0) - grays).max() < 1e-6
    assert np.abs(scale_saturation(grays, 3.0, protect_gray=False) - grays).max() > 0.01


def test_protection_does_not_hold_back_a_decrease() -> None:
    result = scale_saturation(SKIN, 0.0)
    assert np.allclose(result, SKIN.max(axis=1, keepdims=True), atol=1e-6)


def test_protection_leaves_no_edge() -> None:
    # Along a fine path through hue and through chroma, neighbors stay neighbors.
    hue = np.stack([np.linspace(0, 1, 5000), np.full(5000, 0.4), np.full(5000, 0.7)], axis=-1)
    chroma = np.stack([np.full(5000, 0.6), np.linspace(0, 1, 5000), np.full(5000, 0.7)], axis=-1)
    for path in (hue, chroma):
        steps = np.abs(np.diff(scale_saturation(hsv2rgb(path), 2.0), axis=0))
        assert steps.max() < 0.005


@pytest.mark.parametrize("saturation", [-0.1, float("nan"), float("inf")])
def test_refuses_saturation(saturation: float) -> None:
    with pytest.raises(OptionError, match="saturation"):
        scale_saturation(random_rgb(1), saturation)


@pytest.mark.parametrize("shift", [-1.1, 2.0, float("nan")])
def test_refuses_shift(shift: float) -> None:
    with pytest.raises(OptionError, match="shift"):
        scale_saturation(random_rgb(1), 1.0, shift)
