"""The figures of one photograph: NumPy functions of two pictures, one a figure.

Pictures are uint8 sRGB (H, W, 3); Lab arrays are float32 (H, W, 3) as :func:`tinct.color.lab.srgb_to_lab` gives them.
MSE, PSNR and colorfulness are in :mod:`tinct.color.figures`, SSIM and MS-SSIM in :mod:`tinct.color.similarity`, the
area under the curve in :mod:`tinct.evaluation.auc`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tinct.color.similarity import (
    ssim,  # noqa: F401 - one of the figures of a photograph
    structure,  # noqa: F401
)

Floats = NDArray[np.float32]

FLAT = 1.0
"""Slope a pixel, in Lab units, under which a plane counts as having no edge."""


def ciede2000(first: NDArray[np.floating], second: NDArray[np.floating]) -> float:
    """Return the mean color difference dE00 of two Lab pictures (..., 3), about 1 being just noticeable.

    Source: Sharma, Wu, Dalal, "The CIEDE2000 color-difference formula" (2005), equations 2 to 22; all factors k are 1.
    """
    one, two = first.reshape(-1, 3), second.reshape(-1, 3)
    total = 0.0
    # In pieces whose temporaries stay in the processor's cache.
    for start in range(0, len(one), _PIECE):
        total += float(_delta(one[start : start + _PIECE], two[start : start + _PIECE]).sum(dtype=np.float64))
    return total / len(one)


_PIECE = 1 << 13
_TURN = np.float32(2 * np.pi)


def _delta(one: NDArray[np.floating], two: NDArray[np.floating]) -> NDArray[np.floating]:
    (l1, a1, b1), (l2, a2, b2) = one.T, two.T
    chroma = (np.hypot(a1, b1) + np.hypot(a2, b2)) / 2
    stretch = (3 - np.sqrt(_seventh(chroma))) / 2
    a1, a2 = a1 * stretch, a2 * stretch
    c1, c2 = np.hypot(a1, b1), np.hypot(a2, b2)
    h1, h2 = np.arctan2(b1, a1) % _TURN, np.arctan2(b2, a2) % _TURN
    gray = c1 * c2 == 0
    turn = h2 - h1
    turn = np.where(turn > np.pi, turn - _TURN, np.where(turn < -np.pi, turn + _TURN, turn))
    turn[gray] = 0
    hue = (h1 + h2) / 2
    apart = np.abs(h1 - h2) > np.pi
    hue = np.where(apart, np.where(h1 + h2 < _TURN, hue + np.float32(np.pi), hue - np.float32(np.pi)), hue)
    hue = np.where(gray, h1 + h2, hue)
    c, below = (c1 + c2) / 2, np.square((l1 + l2) / 2 - 50)
    t = (
        1
        - 0.17 * np.cos(hue - np.float32(np.pi / 6))
        + 0.24 * np.cos(2 * hue)
        + 0.32 * np.cos(3 * hue + np.float32(np.pi / 30))
        - 0.20 * np.cos(4 * hue - np.float32(np.pi * 63 / 180))
    )
    turned = np.float32(np.pi / 3) * np.exp(-np.square((hue * np.float32(180 / np.pi) - 275) / 25))
    by_lightness = (l2 - l1) / (1 + 0.015 * below / np.sqrt(20 + below))
    by_chroma = (c2 - c1) / (1 + 0.045 * c)
    by_hue = 2 * np.sqrt(c1 * c2) * np.sin(turn / 2) / (1 + 0.015 * c * t)
    rotation = -np.sin(turned) * 2 * np.sqrt(_seventh(c))
    squared = by_lightness**2 + by_chroma**2 + by_hue**2 + rotation * by_chroma * by_hue
    found: NDArray[np.floating] = np.sqrt(np.maximum(squared, 0))
    return found


def _seventh(chroma: NDArray[np.floating]) -> NDArray[np.floating]:
    power = chroma * chroma * chroma
    power = power * power * chroma
    share: NDArray[np.floating] = power / (power + 25.0**7)
    return share


def lightness_error(first: Floats, second: Floats) -> float:
    """Return the mean absolute difference of L of two Lab pictures, in 0..100."""
    return float(np.abs(first[..., 0] - second[..., 0]).mean(dtype=np.float64))


def bleeding(lab: Floats, lightness_slope: Floats) -> float:
    """Return the mean slope of the color (a and b) where lightness has no edge, in Lab units a pixel.

    Colors that run over a border, and blotches on plain surfaces, raise it; the original photograph has some of its
    own, which is the figure to compare with.

    Args:
        lab: of the result.
        lightness_slope: (H, W) of the original, see :func:`slope`; flat is below :data:`FLAT`.

    Returns:
        0 where lightness has edges everywhere.
    """
    return _mean_where(slope(lab[..., 1], lab[..., 2]), lightness_slope < FLAT)


def bleeding_reverse(lab: Floats, lightness_slope: Floats) -> float:
    """Return the mean slope of the original's lightness where the result's color has no edge, in Lab units a pixel.

    High where borders that a colored photograph would show are left without a change of color; gray is the worst.
    """
    return _mean_where(lightness_slope, slope(lab[..., 1], lab[..., 2]) < FLAT)


def slope(*planes: Floats) -> Floats:
    """Return the length of the gradient, (H, W), of planes (H, W) taken together, by Sobel's operator, a pixel."""
    total: Floats = np.zeros(planes[0].shape, np.float32)
    for plane in planes:
        edged = np.pad(plane, 1, mode="edge")
        down = edged[:-2] + 2 * edged[1:-1] + edged[2:]
        across = edged[:, :-2] + 2 * edged[:, 1:-1] + edged[:, 2:]
        total += np.square(down[:, 2:] - down[:, :-2]) + np.square(across[2:] - across[:-2])
    steep: Floats = np.sqrt(total, out=total) / np.float32(8)
    return steep


def _mean_where(values: Floats, chosen: NDArray[np.bool_]) -> float:
    return float(values[chosen].mean(dtype=np.float64)) if chosen.any() else 0.0
