"""The two figures that training and evaluation share, on 8-bit sRGB pictures."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]

CAP = 50.0
"""No photograph counts for more dB."""


def mse(first: Pixels, second: Pixels) -> float:
    """Return the mean squared difference of two pictures, uint8 of one shape, in squared 8-bit levels (0..65025)."""
    difference = first.astype(np.float32) - second
    return float(np.mean(difference * difference, dtype=np.float64))


def psnr(first: Pixels, second: Pixels) -> float:
    """Return the peak signal-to-noise ratio of two pictures, uint8 of one shape, in dB, at most :data:`CAP`."""
    error = mse(first, second)
    return CAP if error == 0 else min(CAP, float(10 * np.log10(255**2 / error)))


def colorfulness(rgb: Pixels, *, absolute: bool = False) -> float:
    """Return the colorfulness M3 of a picture, uint8 (H, W, 3): 0 for gray, about 40 for a usual photograph.

    Args:
        rgb: the picture.
        absolute: take the absolute values of the opponent colors first, as the code of several papers does; the
            original definition keeps their sign.

    Source: Hasler and Suesstrunk, "Measuring colourfulness in natural images" (2003), equation 9.
    """
    red, green, blue = (rgb[..., channel].astype(np.float32) for channel in range(3))
    rg, yb = red - green, (red + green) / 2 - blue
    if absolute:
        rg, yb = np.abs(rg), np.abs(yb)
    spread = np.hypot(rg.std(dtype=np.float64), yb.std(dtype=np.float64))
    return float(spread + 0.3 * np.hypot(rg.mean(dtype=np.float64), yb.mean(dtype=np.float64)))
