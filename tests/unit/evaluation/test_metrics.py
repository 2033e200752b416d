"""Figures of one photograph, against the libraries that others measure with."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from skimage.color import deltaE_ciede2000, rgb2lab
from skimage.metrics import mean_squared_error, peak_signal_noise_ratio, structural_similarity
from torchmetrics.functional.image import multiscale_structural_similarity_index_measure

from tinct.color.figures import colorfulness, mse, psnr
from tinct.color.similarity import ssim, structure
from tinct.evaluation import metrics
from tinct.evaluation.protocol import to_lab

Pixels = NDArray[np.uint8]


@pytest.fixture
def pair(scene: Callable[..., Pixels]) -> tuple[Pixels, Pixels]:
    first = scene(0)
    noise = np.random.default_rng(1).normal(0, 12, first.shape)
    return first, np.clip(first + noise + [12, -9, 3], 0, 255).astype(np.uint8)


def test_mse_and_psnr(pair: tuple[Pixels, Pixels]) -> None:
    assert mse(*pair) == pytest.approx(mean_squared_error(*pair), rel=1e-6)
    assert psnr(*pair) == pytest.approx(peak_signal_noise_ratio(*pair, data_range=255), abs=1e-6)


def test_psnr_is_capped(scene: Callable[..., Pixels]) -> None:
    first = scene(0)
    second = first.copy()
    second[0, 0, 0] ^= 1
    assert psnr(first, first) == psnr(first, second) == 50


def test_ssim_is_scikit_images(pair: tuple[Pixels, Pixels]) -> None:
    theirs = structural_similarity(
        *pair, channel_axis=-1, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255
    )
    assert ssim(*pair) == pytest.approx(theirs, abs=1e-5)
    assert structure(*pair)[0] == ssim(*pair)


def test_ms_ssim_is_torchmetrics(pair: tuple[Pixels, Pixels]) -> None:
    planes = (torch.from_numpy(picture).permute(2, 0, 1)[None].double() for picture in pair)
    theirs = multiscale_structural_similarity_index_measure(*planes, data_range=255.0)
    # Its mean of the coarsest scale takes in windows that reach over the border, filled by mirroring; ours doesn't.
    assert structure(*pair)[1] == pytest.approx(float(theirs), abs=1e-4)


@pytest.mark.parametrize(("side", "has"), [(10, (False, False)), (175, (True, False)), (176, (True, True))])
def test_small_pictures_have_no_structure(scene: Callable[..., Pixels], side: int, has: tuple[bool, bool]) -> None:
    picture = scene(0, side, side)
    assert tuple(value is not None for value in structure(picture, picture)) == has


def test_ciede2000_is_scikit_images(pair: tuple[Pixels, Pixels]) -> None:
    theirs = deltaE_ciede2000(rgb2lab(pair[0]), rgb2lab(pair[1])).mean()
    assert metrics.ciede2000(to_lab(pair[0]), to_lab(pair[1])) == pytest.approx(theirs, abs=1e-4)


# Pairs 1 to 8, 13 and 17 of the test data of Sharma, Wu and Dalal (2005), table 1: hues on both sides of a half turn.
SHARMA = [
    ((50.0, 2.6772, -79.7751), (50.0, 0.0, -82.7485), 2.0425),
    ((50.0, 3.1571, -77.2803), (50.0, 0.0, -82.7485), 2.8615),
    ((50.0, 2.8361, -74.02), (50.0, 0.0, -82.7485), 3.4412),
    ((50.0, -1.3802, -84.2814), (50.0, 0.0, -82.7485), 1.0),
    ((50.0, 0.0, 0.0), (50.0, -1.0, 2.0), 2.3669),
    ((50.0, -1.0, 2.0), (50.0, 0.0, 0.0), 2.3669),
    ((50.0, 2.49, -0.001), (50.0, -2.49, 0.0009), 7.1792),
    ((50.0, 2.49, -0.001), (50.0, -2.49, 0.0011), 7.2195),
    ((50.0, -0.001, 2.49), (50.0, 0.0009, -2.49), 4.8045),
    ((50.0, 2.5, 0.0), (73.0, 25.0, -18.0), 27.1492),
]


@pytest.mark.parametrize(("first", "second", "distance"), SHARMA)
def test_ciede2000_has_the_published_values(
    first: tuple[float, ...], second: tuple[float, ...], distance: float
) -> None:
    assert metrics.ciede2000(np.array([first]), np.array([second])) == pytest.approx(distance, abs=1e-4)


def test_colorfulness_is_the_published_formula(scene: Callable[..., Pixels]) -> None:
    picture = scene(3)
    red, green, blue = (picture[..., channel].astype(float).ravel() for channel in range(3))
    for absolute in (False, True):
        rg, yb = red - green, 0.5 * (red + green) - blue
        if absolute:
            rg, yb = abs(rg), abs(yb)
        spread = np.sqrt(np.var(rg) + np.var(yb))
        wanted = spread + 0.3 * np.sqrt(np.mean(rg) ** 2 + np.mean(yb) ** 2)
        assert colorfulness(picture, absolute=absolute) == pytest.approx(wanted, rel=1e-5)
    assert colorfulness(np.repeat(picture[..., :1], 3, axis=-1)) == 0


def test_slope_is_that_of_a_ramp() -> None:
    across = np.tile(np.arange(20, dtype=np.float32) * 3, (20, 1))
    assert metrics.slope(across)[5:-5, 5:-5] == pytest.approx(3)
    assert metrics.slope(across, across.T * 4 / 3)[5:-5, 5:-5] == pytest.approx(5)


def test_bleeding_both_ways() -> None:
    lab = np.full((40, 40, 3), 50, np.float32)
    lab[:, 20:, 0] = 80
    slope = metrics.slope(lab[..., 0])
    lab[..., 1:] = 0
    none, edges = metrics.bleeding(lab, slope)
    assert none == 0
    assert edges > 0
    aligned = lab.copy()
    aligned[:, 20:, 1] = 40
    shifted = lab.copy()
    shifted[:, 26:, 1] = 40
    assert metrics.bleeding(aligned, slope) == (0, 0)
    assert metrics.bleeding(shifted, slope)[0] > 1
    assert metrics.bleeding(shifted, slope)[1] > 0


def test_lightness_error(scene: Callable[..., Pixels]) -> None:
    lab = to_lab(scene(0))
    other = lab + np.float32([2, 30, -30])
    assert metrics.lightness_error(lab, other) == pytest.approx(2, abs=1e-4)
