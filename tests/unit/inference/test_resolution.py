"""Fitting a photograph to a network, and its colors to lines over lightness."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tinct.inference.resolution import MOST_AREA, MOST_PIXELS, RADIUS, Fit, fit, guide, pool, pooling, steady

SIDES = st.integers(1, 100_000)


@given(height=SIDES, width=SIDES, size=st.integers(16, 512), multiple=st.sampled_from([1, 8, 32]))
def test_every_shape_fits(height: int, width: int, size: int, multiple: int) -> None:
    fitted = fit(height, width, size, multiple)
    assert 1 <= fitted.height <= fitted.padded_height < fitted.height + multiple
    assert 1 <= fitted.width <= fitted.padded_width < fitted.width + multiple
    assert fitted.padded_height % multiple == fitted.padded_width % multiple == 0
    assert fitted.height * fitted.width <= MOST_AREA * size * size * 1.05 + max(fitted.height, fitted.width)
    if max(height, width) <= min(MOST_AREA, max(2, MOST_PIXELS / size**2)) * min(height, width):
        assert min(fitted.height, fitted.width) == size
        # The aspect is kept to within the rounding of the long side.
        long = max(fitted.height, fitted.width)
        assert long == pytest.approx(size * max(height, width) / min(height, width), abs=0.5)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 100_000), (100_000, 1), (7, 3)])
def test_a_copy_is_mirrored_beyond_its_borders(height: int, width: int) -> None:
    fitted = fit(height, width, 32, 32)
    copy = np.arange(fitted.height * fitted.width, dtype=np.float32).reshape(fitted.height, fitted.width)
    padded = fitted.pad(copy)
    assert padded.shape == (fitted.padded_height, fitted.padded_width)
    assert (padded[: fitted.height, : fitted.width] == copy).all()
    if fitted.padded_height > fitted.height:
        assert (padded[fitted.height, : fitted.width] == copy[-1]).all()


@pytest.mark.parametrize(("height", "width"), [(100, 100), (100, 161), (331, 120)])
def test_two_sizes_are_averaged_place_by_place(height: int, width: int) -> None:
    def ramps(fitted: Fit) -> NDArray[np.float32]:
        rows, columns = -(-fitted.height // 4), -(-fitted.width // 4)
        down = (np.arange(rows, dtype=np.float32) + 0.5)[:, np.newaxis] * 4 / fitted.height + np.zeros(columns)
        across = (np.arange(columns, dtype=np.float32) + 0.5) * 4 / fitted.width + np.zeros((rows, 1))
        return np.stack([down, across]).astype(np.float32)

    small, large = fit(height, width, 64, 32), fit(height, width, 200, 32)
    found = steady(np.zeros_like(ramps(large)), large, ramps(small), small)
    assert found.dtype == np.float32
    # Half of the ramp, but for the outermost cells, beyond whose middles nothing is known.
    inner = (slice(None), slice(3, -3), slice(3, -3))
    np.testing.assert_allclose(found[inner], ramps(large)[inner] / 2, atol=0.004)


def test_the_crop_keeps_every_cell_that_shows_something() -> None:
    fitted = fit(100, 151, 41, 32)
    assert (fitted.height, fitted.width, fitted.padded_height, fitted.padded_width) == (41, 62, 64, 64)
    assert fitted.crop(np.zeros((5, 16, 16), np.float32), 4).shape == (5, 11, 16)


def test_fine_outputs_are_pooled_and_small_ones_are_not() -> None:
    assert pooling(fit(300, 400, 176, 32), 4) == 1
    assert pooling(fit(300, 400, 176, 32), 1) == 4
    assert pooling(fit(300, 400, 176, 32), 2) == 2
    assert pooling(fit(32, 32, 32, 1), 1) == 1


def test_the_last_cells_are_averaged_over_what_there_is() -> None:
    planes = np.arange(15, dtype=np.float32).reshape(3, 5)
    assert pool(planes, 2).tolist() == [[3, 5, 6.5], [10.5, 12.5, 14]]
    assert pool(planes[..., np.newaxis], 2).shape == (2, 3, 1)


def test_colors_on_a_line_are_found() -> None:
    lightness = np.random.default_rng(0).uniform(0, 100, (20, 30)).astype(np.float32)
    slope, offset = np.array([0.3, -0.1], np.float32), np.array([5, 10], np.float32)
    lines = guide(lightness, lightness[..., np.newaxis] * slope + offset)
    # A variance of about 833 against a damping of 20 leaves 98 % of the slope.
    assert lines.slope == pytest.approx(np.broadcast_to(slope, (20, 30, 2)), rel=0.1)
    found = lines.slope * 50 + lines.offset
    assert found == pytest.approx(np.broadcast_to(50 * slope + offset, (20, 30, 2)), abs=0.6)
    assert lines.low == pytest.approx(offset + np.minimum(lightness.min() * slope, lightness.max() * slope), abs=1e-3)


def test_even_lightness_leaves_the_mean_color() -> None:
    ab = np.random.default_rng(0).normal(0, 10, (9, 9, 2)).astype(np.float32)
    lines = guide(np.full((9, 9), 50, np.float32), ab)
    assert np.abs(lines.slope).max() < 1e-6
    # A mean of means of windows.
    side = 2 * RADIUS + 1
    corners = range(4 - 2 * RADIUS, 5)
    windows = [ab[y : y + side, x : x + side].mean((0, 1)) for y in corners for x in corners]
    assert lines.offset[4, 4] == pytest.approx(np.mean(windows, axis=0), abs=1e-4)


def test_a_single_cell_has_its_color() -> None:
    lines = guide(np.full((1, 1), 50, np.float32), np.full((1, 1, 2), 7, np.float32))
    assert lines.offset[0, 0].tolist() == [7, 7]
