"""Bicubic resampling of 8-bit pictures, to the bit as ``Image.resize(size, Image.Resampling.BICUBIC)`` of Pillow 13.

Written out here so that figures don't depend on which library, or which of its releases, is at hand: Keys' kernel with
a = -0.5, widened where the picture shrinks; one axis after the other, with a rounding to 8 bits after each and kernel
weights in fixed point of 22 bits. Columns come first, except where the height shrinks much more, as in Pillow since 13.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_BITS = 22
_PIECE = 16


def resize(pixels: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """Return a picture, uint8 (H, W, C), at another size, (height, width, C)."""
    shrunk, narrowed = pixels.shape[0] - height, pixels.shape[1] - width
    rows_first = shrunk > 0 and shrunk > 2 * narrowed
    for axis in (0, 1) if rows_first else (1, 0):
        length = (height, width)[axis]
        if pixels.shape[axis] != length:
            pixels = _rows(pixels.swapaxes(0, axis), length).swapaxes(0, axis)
    return np.ascontiguousarray(pixels)


def _rows(pixels: NDArray[np.uint8], length: int) -> NDArray[np.uint8]:
    """Resample the first axis."""
    size = pixels.shape[0]
    flat = np.ascontiguousarray(pixels).reshape(size, -1)
    result = np.empty((length, flat.shape[1]), np.uint8)
    for start in range(0, length, _PIECE):
        # Whole numbers far below 2 ** 53: sums in double precision are exact.
        first, weights = _weights(size, length, start, min(start + _PIECE, length))
        sums = weights @ flat[first : first + weights.shape[1]].astype(np.float64)
        sums += 2 ** (_BITS - 1)
        sums *= 0.5**_BITS
        result[start : start + len(weights)] = np.clip(np.floor(sums, out=sums), 0, 255, out=sums)
    return result.reshape(length, *pixels.shape[1:])


def _weights(size: int, length: int, start: int, stop: int) -> tuple[int, NDArray[np.float64]]:
    """Return the first input row that output rows see, and their weights over it and the next, as whole numbers."""
    scale = size / length
    spread = max(scale, 1.0)
    support = 2.0 * spread
    centers = [(row + 0.5) * scale for row in range(start, stop)]
    ranges = [(max(0, int(c - support + 0.5)), min(size, int(c + support + 0.5))) for c in centers]
    first = ranges[0][0]
    weights = np.zeros((stop - start, ranges[-1][1] - first))
    for line, center, (low, high) in zip(weights, centers, ranges, strict=True):
        kernel = _keys((np.arange(low, high, dtype=np.float64) - center + 0.5) / spread)
        kernel /= kernel.sum()
        scaled = kernel * 2**_BITS
        line[low - first : high - first] = np.trunc(scaled + np.copysign(0.5, kernel))
    return first, weights


def _keys(distance: NDArray[np.float64]) -> NDArray[np.float64]:
    x = np.abs(distance)
    near = (1.5 * x - 2.5) * x * x + 1
    far = ((-0.5 * x + 2.5) * x - 4) * x + 2
    return np.where(x < 1, near, np.where(x < 2, far, 0.0))
