"""Where the next hint helps most, and which colors a place may have."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tinct.color.gamut import ab_bins
from tinct.color.lab import srgb_to_lab
from tinct.errors import HintError, OptionError
from tinct.inference.confidence import Belief
from tinct.inference.options import ColorizeOptions, Hint
from tinct.inference.pipeline import Colorizer
from tinct.inference.suggestions import LEAST, MOST_COLORS, MOST_POINTS, choose_colors, choose_points

MakeModel = Callable[..., Path]
BINS = ab_bins(10)


def mass(**colors: float) -> NDArray[np.float32]:
    """A distribution by ``a0b0=share``, such as ``a60b40``; m stands for minus."""
    chances = np.zeros(len(BINS), np.float32)
    for name, share in colors.items():
        a, b = name.replace("m", "-").removeprefix("a").split("b")
        chances[((float(a), float(b)) == BINS).all(axis=1)] = share
    return chances


def scene(unsure: tuple[slice, slice]) -> Belief:
    """A dark picture that is sure of itself, with a light patch that may be red or blue."""
    light = np.full((40, 60), 20, np.float32)
    chances = np.tile(mass(a0b0=1.0), (40, 60, 1))
    light[unsure], chances[unsure] = 80, mass(a60b40=0.5, a0bm40=0.5)
    return Belief(light, chances, BINS)


def test_the_first_point_lies_where_the_doubt_is() -> None:
    patch = (slice(5, 20), slice(35, 55))
    belief = scene(patch)
    ab = belief.chances @ BINS
    (row, column, score), *others = choose_points(belief, ab, None, 5)
    assert 5 <= row < 20
    assert 35 <= column < 55
    assert 0.3 < score <= 1
    scores = [score, *(point[2] for point in others)]
    assert scores == sorted(scores, reverse=True)
    assert sum(scores) <= 1.0001
    assert len({point[:2] for point in others} | {(row, column)}) == 5


def test_of_two_doubtful_patches_the_larger_comes_first_and_then_the_other() -> None:
    belief = scene((slice(2, 22), slice(2, 30)))
    other = (slice(28, 38), slice(44, 58))
    belief.lightness[other], belief.chances[other] = 50, mass(a30bm40=0.5, am40b40=0.5)
    points = choose_points(belief, belief.chances @ BINS, None, 4)
    assert points[0][0] < 22
    assert points[0][1] < 30
    assert any(28 <= row < 38 and 44 <= column < 58 for row, column, _ in points[1:])


def test_known_hints_count(make_model: MakeModel, gray_pixels: NDArray[np.uint8]) -> None:
    colorizer = Colorizer(make_model("bins"))
    first = colorizer.suggest_points(gray_pixels, 1)[0]
    hint = Hint(first.x, first.y, "#808080")
    after = colorizer.suggest_points(gray_pixels, 3, ColorizeOptions(hints=(hint,)))
    assert (first.x, first.y) not in {(point.x, point.y) for point in after}


@pytest.mark.parametrize("shape", [(1, 1), (1, 900), (300, 7), (640, 480)])
def test_points_lie_in_the_picture(shape: tuple[int, int], make_model: MakeModel) -> None:
    gray = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    points = Colorizer(make_model("bins")).suggest_points(gray, 12)
    assert points
    assert all(0 <= point.x < shape[1] and 0 <= point.y < shape[0] for point in points)
    assert len({(point.x, point.y) for point in points}) == len(points)


def test_colors_are_distinct_as_light_as_the_place_and_probable() -> None:
    found = choose_colors(mass(a60b40=0.55, a50b40=0.1, a0bm40=0.3, a0b0=0.04, am40b40=0.01), BINS, 50.0, 5)
    assert [round(swatch.probability, 2) for swatch in found] == [0.65, 0.3, 0.04]
    lab = np.array(
        [srgb_to_lab(np.array(list(bytes.fromhex(s.color[1:])), np.float32) / np.float32(255)) for s in found]
    )
    assert np.abs(lab[:, 0] - 50).max() < 0.6
    assert np.abs(lab[:, 1:] - [(58.5, 40), (0, -40), (0, 0)]).max() < 2
    assert all(swatch.probability >= LEAST for swatch in found)


def test_in_the_dark_there_is_one_color() -> None:
    found = choose_colors(mass(a60b40=0.5, a0bm40=0.5), BINS, 1.0, 5)
    assert len(found) == 1
    assert found[0].probability == pytest.approx(1)


def test_a_place_has_colors(make_model: MakeModel, gray_pixels: NDArray[np.uint8]) -> None:
    colorizer = Colorizer(make_model("bins"))
    found = colorizer.suggest_colors(gray_pixels, 30, "50%", 4)
    assert 1 <= len(found) <= 4
    assert sum(swatch.probability for swatch in found) <= 1.001
    with pytest.raises(HintError, match="outside"):
        colorizer.suggest_colors(gray_pixels, 64, 0)


@pytest.mark.parametrize("count", [0, -1, 1000, 2.5, "x"])
def test_numbers_out_of_range(count: int, make_model: MakeModel, gray_pixels: NDArray[np.uint8]) -> None:
    colorizer = Colorizer(make_model("bins"))
    with pytest.raises(OptionError, match=f"1 to {MOST_POINTS}"):
        colorizer.suggest_points(gray_pixels, count)
    with pytest.raises(OptionError, match=f"1 to {MOST_COLORS}"):
        colorizer.suggest_colors(gray_pixels, 1, 1, count)


def test_points_are_those_of_the_restored_photograph(make_model: MakeModel, gray_pixels: NDArray[np.uint8]) -> None:
    colorizer, faint = Colorizer(make_model("bins")), (gray_pixels // 4 + 90).astype(np.uint8)
    clear = colorizer.prepare(faint).restored(("contrast",)).photo.to_numpy()
    found = colorizer.suggest_points(faint, 5, ColorizeOptions(restore="contrast"))
    assert found == colorizer.suggest_points(clear, 5) != colorizer.suggest_points(faint, 5)
