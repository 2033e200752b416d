"""How sure the colors are: the chances, what hints do to them, and the map."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tinct.color.gamut import ab_bins
from tinct.errors import OptionError, OutputExists
from tinct.inference import confidence
from tinct.inference.confidence import NEARBY, Belief, believe, chance
from tinct.inference.options import ColorizeOptions, Hint
from tinct.inference.pipeline import Colorizer
from tinct.models.registry import ModelSpec

MakeModel = Callable[..., Path]
BINS = ab_bins(10)


def certain(*colors: tuple[float, float]) -> Belief:
    """A row of cells, each sure of one color."""
    chances = np.stack([(color == BINS).all(axis=1) for color in colors]).astype(np.float32)
    return Belief(np.full((1, len(colors)), 50, np.float32), chances[np.newaxis], BINS)


def test_mass_near_the_shown_color_is_what_counts() -> None:
    belief = certain((0, 0), (0, 0), (0, 0), (0, 0))
    shown = np.array([[(0, 0), (12, 0), (NEARBY, 0), (40, 0)]], np.float32)
    found = chance(belief, shown, shown, None)[0]
    assert found[:2] == pytest.approx([1, 1], abs=0.02)
    assert found[2] == pytest.approx(0.5, abs=0.02)  # half of the bin's square lies within
    assert found[3] < 0.001


def test_half_of_the_mass_is_half_of_the_chance() -> None:
    mixed = certain((-30, 30), (50, 0))
    both = Belief(mixed.lightness[:, :1], mixed.chances.mean(axis=1, keepdims=True), BINS)
    shown = np.array([[(50, 0)]], np.float32)
    assert chance(both, shown, shown, None)[0, 0] == pytest.approx(0.5, abs=0.01)
    assert both.variance(shown)[0, 0] == pytest.approx((80**2 + 30**2) / 2, rel=1e-4)


def test_rebalancing_is_divided_out_and_temperature_sharpens(monkeypatch: pytest.MonkeyPatch) -> None:
    prior, weights = np.array([0.7, 0.2, 0.1]), np.array([0.5, 1.5, 4.0])
    spec = ModelSpec("x", "x", "bins", bins=((0, 0), (10, 0), (20, 0)), weights=tuple(weights))
    output = np.log(prior * weights).astype(np.float32).reshape(3, 1, 1) + 7
    light = np.zeros((1, 1), np.float32)
    monkeypatch.setattr(confidence, "TEMPERATURE", 1.0)
    assert believe(output, spec, light, 1).chances[0, 0] == pytest.approx(prior, abs=1e-6)
    monkeypatch.setattr(confidence, "TEMPERATURE", 0.5)
    assert believe(output, spec, light, 1).chances[0, 0] == pytest.approx(prior**2 / (prior**2).sum(), abs=1e-6)


def test_a_hint_makes_sure_where_it_reaches(make_model: MakeModel, gray_pixels: NDArray[np.uint8]) -> None:
    colorizer = Colorizer(make_model("bins", takes_hints=True))
    before = colorizer.colorize(gray_pixels).confidence(full=True)
    hint = Hint(10, 10, "#a03020", 6)
    after = colorizer.colorize(gray_pixels, ColorizeOptions(hints=(hint,))).confidence(full=True)
    assert after[8:12, 8:12].min() > 0.6
    assert after[8:12, 8:12].mean() > before[8:12, 8:12].mean()
    change = np.abs(after - before)
    assert change[20:28, 28:40].mean() < change[8:12, 8:12].mean()  # a plateau that looks different


def test_a_color_that_is_shown_though_unlikely_is_doubted(
    make_model: MakeModel, gray_pixels: NDArray[np.uint8]
) -> None:
    colorizer = Colorizer(make_model("bins"))
    plain = colorizer.colorize(gray_pixels, ColorizeOptions(mode="faithful")).confidence()
    garish = colorizer.colorize(gray_pixels, ColorizeOptions(mode="faithful", saturation=6)).confidence()
    assert garish.mean() < plain.mean()
    assert plain.dtype == np.float32
    assert 0 <= garish.min() <= plain.max() <= 1


@pytest.mark.parametrize("shape", [(48, 64), (1, 1), (200, 3), (700, 500)])
def test_the_map_is_a_gray_png_of_the_photograph_s_size(
    shape: tuple[int, int], make_model: MakeModel, tmp_path: Path
) -> None:
    gray = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    result = Colorizer(make_model("bins")).colorize(gray)
    path = tmp_path / "map.png"
    result.save_confidence(path)
    with Image.open(path) as picture:
        assert (picture.format, picture.mode, picture.size) == ("PNG", "L", shape[::-1])
        assert np.abs(np.asarray(picture) / 255 - result.confidence(full=True)).max() <= 0.5 / 255 + 1e-5
    with pytest.raises(OutputExists):
        result.save_confidence(path)
    result.save_confidence(path, overwrite=True)
    with pytest.raises(OptionError, match="is a PNG"):
        result.save_confidence(path.with_suffix(".jpg"))


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere names are Unicode")
def test_a_folder_whose_name_is_no_unicode(make_model: MakeModel, tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    folder.mkdir()
    Colorizer(make_model("bins")).colorize(np.zeros((30, 40), np.uint8)).save_confidence(folder / "map.png")
    assert (folder / "map.png").stat().st_size > 0


@pytest.mark.parametrize("output", ["ab", "rgb"])
def test_a_model_of_single_colors_says_that_it_can_t(
    output: str, make_model: MakeModel, gray_pixels: NDArray[np.uint8], tmp_path: Path
) -> None:
    result = Colorizer(make_model(output)).colorize(gray_pixels)
    with pytest.raises(OptionError, match="choose one that does"):
        result.confidence()
    with pytest.raises(OptionError):
        result.save_confidence(tmp_path / "map.png")
    assert list(tmp_path.glob("*.png")) == []
