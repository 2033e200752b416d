"""The shift of HSV's value, the one option that changes the photograph's lightness."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from skimage.color import rgb2hsv

from tinct.errors import OptionError
from tinct.inference.options import ColorizeOptions
from tinct.inference.pipeline import Colorizer
from tinct.inference.provenance import from_settings, to_settings

MakeModel = Callable[..., Path]


@pytest.mark.parametrize("output", ["bins", "ab", "rgb"])
@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_the_value_shifts_at_constant_hue_and_saturation(output: str, depth: type, make_model: MakeModel) -> None:
    """Oracle: skimage.color.rgb2hsv."""
    top = np.iinfo(depth).max
    gray = (np.linspace(0.3, 0.6, 64)[None, :] * np.ones((48, 1)) * top).astype(depth)
    colorizer = Colorizer(make_model(output))
    plain, shifted = (
        rgb2hsv(colorizer.colorize(gray, ColorizeOptions(value_shift=shift)).photo.to_numpy() / top)
        for shift in (0.0, 0.1)
    )
    assert np.abs(shifted[..., 2] - np.minimum(plain[..., 2] + 0.1, 1)).max() < 0.012
    assert np.abs(shifted[..., 1] - plain[..., 1]).max() < 0.03


def test_no_shift_changes_no_bit(make_model: MakeModel, gray_pixels: NDArray[np.uint8]) -> None:
    colorizer = Colorizer(make_model("ab"))
    plain = colorizer.colorize(gray_pixels).photo.to_numpy()
    assert np.array_equal(colorizer.colorize(gray_pixels, ColorizeOptions(value_shift=0.0)).photo.to_numpy(), plain)
    assert (
        colorizer.colorize(gray_pixels, ColorizeOptions(value_shift=-0.2)).photo.to_numpy().mean() < plain.mean() - 20
    )


def test_it_is_written_into_the_mark() -> None:
    options = ColorizeOptions(value_shift=0.25)
    assert to_settings(options) == {"value_shift": 0.25}
    assert from_settings(to_settings(options)) == options


@pytest.mark.parametrize("shift", [1.5, -2.0, float("nan")])
def test_what_is_out_of_range_is_refused(shift: float) -> None:
    with pytest.raises(OptionError, match="shift of the value"):
        ColorizeOptions(value_shift=shift)


def test_a_layer_has_no_value() -> None:
    with pytest.raises(OptionError, match="layer"):
        ColorizeOptions(value_shift=0.1, layer=True)
