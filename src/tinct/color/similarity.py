"""Structural similarity of two pictures, shared by training and evaluation."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tinct.color.figures import Pixels

Floats = NDArray[np.float32]

SIGMA = 1.5
"""Of the Gaussian window of SSIM, in pixels."""
RADIUS = 5
"""Of that window: 11x11 pixels."""
SCALES = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Exponents of the scales of MS-SSIM, the finest first (Wang 2003, section 3.2)."""

_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
_WINDOW = np.exp(-(np.arange(RADIUS + 1) ** 2) / (2 * SIGMA**2))
_WINDOW = (_WINDOW / (2 * _WINDOW.sum() - _WINDOW[0])).astype(np.float32)


def ssim(first: Pixels, second: Pixels) -> float:
    """Return the structural similarity with a Gaussian window: the mean over the three channels and all windows.

    Windows lie wholly inside the picture; variances are those of the window, not of a sample. Pictures have at least
    11 pixels a side.

    Source: Wang, Bovik, Sheikh, Simoncelli, "Image quality assessment" (2004), equations 13 to 17.
    """
    return _similarity(_planes(first), _planes(second))[0]


def structure(first: Pixels, second: Pixels) -> tuple[float | None, float | None]:
    """Return SSIM and MS-SSIM together, each None where a picture is too small for it.

    MS-SSIM needs 176 pixels a side: after four halvings still a whole window. Contrasts below 0 count as 0.

    Source: Wang, Simoncelli, Bovik, "Multi-scale structural similarity" (2003), equation 7.
    """
    side = min(first.shape[:2])
    if side <= 2 * RADIUS:
        return None, None
    one, two = _planes(first), _planes(second)
    finest, contrast = _similarity(one, two)
    if side >> (len(SCALES) - 1) <= 2 * RADIUS:
        return finest, None
    product = 1.0
    whole = finest
    for index, exponent in enumerate(SCALES):
        if index:
            one, two = [_halved(plane) for plane in one], [_halved(plane) for plane in two]
            whole, contrast = _similarity(one, two)
        part = whole if index == len(SCALES) - 1 else contrast
        product *= max(part, 0.0) ** exponent
    return finest, product


def _planes(picture: Pixels) -> list[Floats]:
    return [picture[..., channel].astype(np.float32) for channel in range(picture.shape[-1])]


def _halved(plane: Floats) -> Floats:
    rows, columns = plane.shape[0] // 2 * 2, plane.shape[1] // 2 * 2
    even = plane[:rows, :columns]
    return (even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]) * np.float32(0.25)


def _similarity(first: list[Floats], second: list[Floats]) -> tuple[float, float]:
    """Return SSIM and its part without luminance, each the mean over channels and windows."""
    whole = contrast = 0.0
    # Around mid-gray the squares are smaller, and single precision is enough.
    middle = np.float32(128)
    for x, y in zip(first, second, strict=True):
        x, y = x - middle, y - middle  # noqa: PLW2901
        mean_x, mean_y = _blur(x), _blur(y)
        variances = _blur(x * x + y * y) - (mean_x * mean_x + mean_y * mean_y)
        covariance = _blur(x * y) - mean_x * mean_y
        part = (2 * covariance + np.float32(_C2)) / (variances + np.float32(_C2))
        mean_x += middle
        mean_y += middle
        luminance = (2 * mean_x * mean_y + np.float32(_C1)) / (mean_x * mean_x + mean_y * mean_y + np.float32(_C1))
        contrast += float(part.mean(dtype=np.float64))
        whole += float((part * luminance).mean(dtype=np.float64))
    return whole / len(first), contrast / len(first)


def _blur(plane: Floats) -> Floats:
    """Return the means under the window wherever it lies wholly inside, (H - 10, W - 10)."""
    rows = plane.shape[0] - 2 * RADIUS
    down = _WINDOW[0] * plane[RADIUS : RADIUS + rows]
    for step in range(1, RADIUS + 1):
        down += _WINDOW[step] * (plane[RADIUS - step :][:rows] + plane[RADIUS + step :][:rows])
    columns = plane.shape[1] - 2 * RADIUS
    across: Floats = _WINDOW[0] * down[:, RADIUS : RADIUS + columns]
    for step in range(1, RADIUS + 1):
        across += _WINDOW[step] * (down[:, RADIUS - step :][:, :columns] + down[:, RADIUS + step :][:, :columns])
    return across
