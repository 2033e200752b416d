"""Livelier colors by the saturation of HSV, with skin and near-gray left in peace."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinct.color.lab import Floats, blocks, pixels
from tinct.errors import OptionError

# Where protection sets in and is whole. Skin: hue in degrees, saturation and value of faces from pale to dark, in
# daylight and indoors. Near-gray goes by chroma (largest less smallest of R, G, B): saturation is noise in the shadows.
SKIN_HUE = (-15.0, 5.0, 40.0, 55.0)
SKIN_SATURATION = (0.10, 0.20, 0.55, 0.80)
SKIN_VALUE = (0.15, 0.30)
GRAY_CHROMA = (0.02, 0.08)


def scale_saturation(
    rgb: NDArray[Any],
    saturation: float,
    value_shift: float = 0.0,
    protect_skin: bool = True,
    protect_gray: bool = True,
) -> Floats:
    """Multiply the saturation of HSV at constant hue, and shift the value where asked.

    With ``saturation`` 1 and ``value_shift`` 0 the stage is off: every pixel stays as it is. A saturation that would
    exceed 1 stops there. Protection holds back an increase only, never a decrease, and fades in smoothly, so that it
    leaves no edge.

    Lightness changes with saturation: who wants to keep it puts the original L back afterwards.

    Args:
        rgb: float (..., 3), sRGB in 0..1; what lies outside is clipped.
        saturation: factor, 0 (gray) or more.
        value_shift: added to the value, -1..1; the result is kept within 0..1 at constant saturation.
        protect_skin: leave colors of skin as they are.
        protect_gray: leave nearly gray pixels as they are, so that no cast is blown up.

    Returns:
        float32 (..., 3), a new array in 0..1.

    Raises:
        OptionError: a setting is out of range, or the array is no float (..., 3).

    >>> scale_saturation(np.array([0.2, 0.5, 0.4]), 1.5).round(2).tolist()
    [0.05000000074505806, 0.5, 0.3499999940395355]
    """
    if not (math.isfinite(saturation) and saturation >= 0):
        raise OptionError(f"saturation is {saturation}, expected 0 or more (1 leaves colors as they are)")
    if not -1 <= value_shift <= 1:
        raise OptionError(f"the shift of the value is {value_shift}, expected -1 to 1")
    result = np.clip(pixels(rgb, "rgb"), 0, 1)
    if saturation != 1 or value_shift != 0:
        for part in blocks(len(result)):
            block = result[part]
            value = block.max(axis=1)
            chroma = value - block.min(axis=1)
            gain = np.full(len(block), saturation, np.float32)
            if saturation > 1:
                gain -= 1
                if protect_skin:
                    gain *= 1 - _skin(block, value, chroma)
                if protect_gray:
                    gain *= _ramp(chroma, *GRAY_CHROMA)
                gain += 1
            # Distances from the value grow with saturation, at constant hue; none may exceed the value itself.
            gain = np.minimum(gain, _divide(value, chroma))
            block -= value[:, np.newaxis]
            block *= gain[:, np.newaxis]
            block += value[:, np.newaxis]
            if value_shift:
                _shift(block, value, value_shift)
            np.clip(block, 0, 1, out=block)
    return result.reshape(rgb.shape)


def _skin(rgb: Floats, value: Floats, chroma: Floats) -> Floats:
    """Return how surely each pixel (N, 3) is skin, 0..1."""
    red, green, blue = rgb[:, 0], rgb[:, 1], rgb[:, 2]
    # Hue within 60 degrees of red; skin has no other.
    hue = 60 * _divide(green - blue, chroma)
    saturation = _divide(chroma, value)
    surely = _ramp(hue, *SKIN_HUE[:2]) * (1 - _ramp(hue, *SKIN_HUE[2:]))
    surely *= _ramp(saturation, *SKIN_SATURATION[:2]) * (1 - _ramp(saturation, *SKIN_SATURATION[2:]))
    surely *= _ramp(value, *SKIN_VALUE)
    return np.where(red == value, surely, np.float32(0))


def _shift(rgb: Floats, value: Floats, value_shift: float) -> None:
    shifted = np.clip(value + np.float32(value_shift), 0, 1)
    # The quotient of a smaller value would overflow; it has no visible hue.
    black = value < np.finfo(np.float32).tiny
    rgb[black] = 1
    rgb *= (shifted / np.where(black, np.float32(1), value))[:, np.newaxis]


def _divide(numerator: Floats, denominator: Floats) -> Floats:
    """Return the quotient, and 1 where the denominator is 0."""
    return np.divide(numerator, denominator, out=np.ones_like(numerator), where=denominator != 0)


def _ramp(x: Floats, start: float, end: float) -> Floats:
    """Return a smooth step from 0 at ``start`` to 1 at ``end``."""
    share = np.clip((x - np.float32(start)) / np.float32(end - start), 0, 1)
    smooth: Floats = share * share * (3 - 2 * share)
    return smooth
