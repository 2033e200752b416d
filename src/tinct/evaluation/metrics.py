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


def bleeding(lab: Floats, lightness_slope: Floats) -> tuple[float, float]:
    """Return how much color runs where lightness has no edge, and how much lightness where color has none.

    The first is the mean slope of a and b over all pixels where lightness is flat, in Lab units a pixel: colors that
    run over a border, and blotches on plain surfaces, raise it. The second is the mean slope of lightness where the
    color is flat: it is high where borders are left without a change of color, highest for gray. The original
    photograph has some of both, and that is what to compare with.

    Args:
        lab: (H, W, 3), of the result.
        lightness_slope: (H, W), of the original, see :func:`slope`; flat is below :data:`FLAT`.

    Returns:
        0 for either where nothing is flat.
    """
    color_slope = slope(lab[..., 1], lab[..., 2])
    return _mean_where(color_slope, lightness_slope < FLAT), _mean_where(lightness_slope, color_slope < FLAT)


def slope(*planes: Floats) -> Floats:
    """Return the length of the gradient, (H, W), of planes (H, W) taken together, by Sobel's operator, a pixel."""
    squares: list[Floats] = []
    for plane in planes:
        edged = np.pad(plane, 1, mode="edge")
        down = edged[:-2] + 2 * edged[1:-1] + edged[2:]
        across = edged[:, :-2] + 2 * edged[:, 1:-1] + edged[:, 2:]
        squares.append(np.square(down[:, 2:] - down[:, :-2]) + np.square(across[2:] - across[:-2]))
    steep: Floats = np.sqrt(np.sum(squares, axis=0)) / np.float32(8)
    return steep


def _mean_where(values: Floats, chosen: NDArray[np.bool_]) -> float:
    return float(values[chosen].mean(dtype=np.float64)) if chosen.any() else 0.0
