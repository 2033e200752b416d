"""The figures of one photograph: NumPy functions of two pictures, one a figure.

Pictures are uint8 sRGB (H, W, 3); Lab arrays are float32 (H, W, 3) as :func:`tinct.color.lab.srgb_to_lab` gives them.
MSE, PSNR and colorfulness are in :mod:`tinct.color.figures`, SSIM and MS-SSIM in :mod:`tinct.color.similarity`, the
area under the curve in :mod:`tinct.evaluation.auc`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

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
_LEAST = np.float32(1e-20)
_COS, _SIN = (np.array(part(np.radians((30, 6, 63))), np.float32) for part in (np.cos, np.sin))


def _delta(one: NDArray[np.floating], two: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return the differences of colors (n, 3), with the sines and cosines of the hue from its direction."""
    (l1, a1, b1), (l2, a2, b2) = one.T, two.T
    stretch = (3 - np.sqrt(_seventh((_length(a1, b1) + _length(a2, b2)) / 2))) / 2
    a1, a2 = a1 * stretch, a2 * stretch
    c1, c2 = _length(a1, b1), _length(a2, b2)
    # The mean hue halves the smaller angle between the two; gray has none, and the other's counts.
    n1, n2 = 1 / np.maximum(c1, _LEAST), 1 / np.maximum(c2, _LEAST)
    x, y = a1 * n1 + a2 * n2, b1 * n1 + b2 * n2
    length = np.maximum(_length(x, y), _LEAST)
    cos1, sin1 = x / length, y / length
    cos2, sin2 = 2 * cos1 * cos1 - 1, 2 * sin1 * cos1
    cos3, sin3 = cos1 * (2 * cos2 - 1), sin1 * (2 * cos2 + 1)
    cos4, sin4 = 2 * cos2 * cos2 - 1, 2 * sin2 * cos2
    t = (
        1
        - 0.17 * (cos1 * _COS[0] + sin1 * _SIN[0])
        + 0.24 * cos2
        + 0.32 * (cos3 * _COS[1] - sin3 * _SIN[1])
        - 0.20 * (cos4 * _COS[2] + sin4 * _SIN[2])
    )
    hue = np.arctan2(y, x) * np.float32(180 / np.pi) % 360
    turned = np.float32(np.pi / 3) * np.exp(-np.square((hue - 275) / 25))
    c, below = (c1 + c2) / 2, np.square((l1 + l2) / 2 - 50)
    more = c2 - c1
    # From the distance in the plane: the sine of a small angle would lose its digits.
    squared = np.square(a2 - a1) + np.square(b2 - b1) - more * more
    across = np.copysign(np.sqrt(np.maximum(squared, 0)), a1 * b2 - a2 * b1)
    across[c1 * c2 == 0] = 0
    by_lightness = (l2 - l1) / (1 + 0.015 * below / np.sqrt(20 + below))
    by_chroma = more / (1 + 0.045 * c)
    by_hue = across / (1 + 0.015 * c * t)
    rotation = -2 * np.sin(turned) * np.sqrt(_seventh(c))
    total = by_lightness * by_lightness + by_chroma * by_chroma + by_hue * by_hue + rotation * by_chroma * by_hue
    found: NDArray[np.floating] = np.sqrt(np.maximum(total, 0))
    return found


def _length(a: NDArray[np.floating], b: NDArray[np.floating]) -> NDArray[np.floating]:
    length: NDArray[np.floating] = np.sqrt(a * a + b * b)
    return length


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
