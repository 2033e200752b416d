"""Whether a picture is gray, toned (sepia, cyanotype, yellowed paper) or truly colored."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tinct.color.lab import srgb_to_lab

Tone = Literal["gray", "toned", "color"]

SIDE = 192
"""Long side, in pixels, at which a picture is looked at."""
LEAST_CHROMA = 2.8
"""Mean chroma below which a picture counts as gray."""
TINT_SPREAD = 1.4
"""How far a and b of a toned picture stray from a smooth curve over L, in mean Lab units, at most."""
WARM_TINT_SPREAD = 2.4
"""The same for a warm tint: paper yellows and stains unevenly."""
_WARM = (30, 110)  # hue angle of sepia and of old paper, in degrees


def tone_of(rgb: NDArray[np.uint8]) -> Tone:
    """Tell the tone of a small sRGB picture (H, W, 3), uint8.

    A toned print has one tint for each lightness; so what a smooth curve over L leaves of a and b tells it from color.
    """
    lab = srgb_to_lab(rgb.reshape(-1, 3).astype(np.float32) / 255)
    lightness, ab = lab[:, 0], lab[:, 1:]
    if np.hypot(*ab.T).mean() < LEAST_CHROMA:
        return "gray"
    x = lightness / 100
    powers = np.stack([np.ones_like(x), x, x * x], axis=-1)
    curve, *_ = np.linalg.lstsq(powers, ab, rcond=None)
    spread = float(np.hypot(*(ab - powers @ curve).T).mean())
    hue = np.degrees(np.arctan2(*ab.mean(axis=0)[::-1]))
    limit = WARM_TINT_SPREAD if _WARM[0] <= hue <= _WARM[1] else TINT_SPREAD
    return "toned" if spread < limit else "color"
