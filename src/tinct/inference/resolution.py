"""From a photograph to the size that a network sees, and from its colors to coefficients that any size can use.

The second half is the *fast guided filter* (He and Sun, "Fast Guided Filter", 2015): in windows of the small picture,
a and b are fitted as straight lines over L; slope and offset are smooth, so they alone are enlarged, and applied to the
L of the photograph (:mod:`tinct.inference.join`). Edges of the photograph become edges of color.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

MOST_AREA = 16
"""A picture's fitted area is at most this many squares of the short side asked for; longer ones are fitted smaller."""
MOST_PIXELS = 1_500_000
"""Nor is it larger than this, or than two squares, against networks that fill the memory."""
CELL = 4
"""Colors are kept at a quarter of the network's size; outputs that are finer are averaged, as color needs no more."""
LEAST_CELLS = 32
"""Short side below which that isn't done."""
RADIUS = 1
"""Of the filter's windows, in cells: 3x3 of them."""
EPSILON = 20.0
"""Variance of L, in its squared units, below which a window counts as flat and its color as even."""


@dataclass(frozen=True, slots=True)
class Fit:
    """The size at which a network sees a photograph."""

    height: int
    """Of the photograph's copy, in pixels."""
    width: int
    padded_height: int
    """With the padding below, a multiple of what the network asks for."""
    padded_width: int
    """With the padding at the right."""

    def pad(self, lightness: Floats) -> Floats:
        """Mirror a copy (height, width) beyond its lower and right border, to the padded size."""
        below, right = self.padded_height - self.height, self.padded_width - self.width
        return np.pad(lightness, ((0, below), (0, right)), mode="symmetric")

    def crop(self, output: Floats, stride: int) -> Floats:
        """Cut a network's output (C, h, w) to the cells that show the photograph, at least in part."""
        return output[:, : -(-self.height // stride), : -(-self.width // stride)]


def fit(height: int, width: int, size: int, multiple: int) -> Fit:
    """Choose the size at which a network sees a photograph: aspect kept, ``size`` pixels on the short side.

    Very long pictures get a shorter short side, so that the area stays within :data:`MOST_AREA` squares of ``size``,
    and within :data:`MOST_PIXELS`.

    Args:
        height: of the photograph, in pixels.
        width: likewise.
        size: short side asked for.
        multiple: height and width that the network sees are multiples of this.
    """
    area = min(MOST_AREA * size * size, max(MOST_PIXELS, 2 * size * size))
    scale = min(size / min(height, width), math.sqrt(area / (height * width)))
    # A line of 1 x 100,000 pixels can't shrink below 1, so its length alone obeys.
    longest = MOST_AREA * size
    rows, columns = (min(longest, max(1, round(side * scale))) for side in (height, width))
    return Fit(rows, columns, -(-rows // multiple) * multiple, -(-columns // multiple) * multiple)


def steady(output: Floats, fitted: Fit, usual: Floats, usual_fitted: Fit) -> Floats:
    """Average what a network says of a photograph at a large size with what it says at its own, of which it is surer.

    So results of all sizes agree, and a large one keeps the view of the whole that the network was trained with.

    Args:
        output: (C, h, w), at the large size.
        fitted: that size.
        usual: (C, h', w'), at the network's own size.
        usual_fitted: that size.
    """
    scales = (usual_fitted.height / fitted.height, usual_fitted.width / fitted.width)
    for axis, scale in zip((1, 2), scales, strict=True):
        last = usual.shape[axis] - 1
        at = ((np.arange(output.shape[axis]) + 0.5) * scale - 0.5).clip(0, last)
        low = at.astype(np.intp)
        before, after = usual.take(low, axis), usual.take(np.minimum(low + 1, last), axis)
        share: Floats = (at - low).astype(np.float32).reshape((-1, 1) if axis == 1 else (-1,))
        usual = before + share * (after - before)
    mean: Floats = (output + usual) * np.float32(0.5)
    return mean


def pooling(fitted: Fit, stride: int) -> int:
    """Return how many output cells a side are averaged into one; 1 for outputs that are coarse already."""
    factor = max(1, CELL // stride)
    return factor if min(fitted.height, fitted.width) // (stride * factor) >= LEAST_CELLS else 1


def pool(planes: Floats, factor: int) -> Floats:
    """Average squares of (h, w) or (h, w, C), the last ones over what there is of them."""
    if factor == 1:
        return planes
    for axis in (0, 1):
        starts = np.arange(0, planes.shape[axis], factor)
        counts = np.diff(np.append(starts, planes.shape[axis])).astype(np.float32)
        shape = [-1 if dimension == axis else 1 for dimension in range(planes.ndim)]
        planes = (np.add.reduceat(planes, starts, axis=axis) / counts.reshape(shape)).astype(np.float32)
    return planes


@dataclass(frozen=True, slots=True)
class Lines:
    """a and b as straight lines over L, for each cell of a small grid over the photograph."""

    slope: Floats
    """(h, w, 2), change of a and b for one unit of L."""
    offset: Floats
    """(h, w, 2), a and b at L = 0."""
    low: Floats
    """(2,), smallest a and b that were fitted."""
    high: Floats
    """(2,), largest."""


def guide(lightness: Floats, ab: Floats) -> Lines:
    """Fit colors as straight lines over lightness, in windows.

    Args:
        lightness: (h, w), L in 0..100.
        ab: (h, w, 2), Lab units.
    """
    light = lightness.astype(np.float64)
    color = ab.astype(np.float64)
    mean_light, mean_color = window_mean(light, RADIUS), window_mean(color, RADIUS)
    variance = window_mean(light * light, RADIUS) - mean_light**2
    covariance = window_mean(light[..., np.newaxis] * color, RADIUS) - mean_light[..., np.newaxis] * mean_color
    slope = covariance / (np.maximum(variance, 0) + EPSILON)[..., np.newaxis]
    offset = mean_color - slope * mean_light[..., np.newaxis]
    low, high = ab.min(axis=(0, 1)), ab.max(axis=(0, 1))
    smooth_slope, smooth_offset = window_mean(slope, RADIUS), window_mean(offset, RADIUS)
    return Lines(smooth_slope.astype(np.float32), smooth_offset.astype(np.float32), low, high)


def window_mean(planes: NDArray[np.float64], radius: int) -> NDArray[np.float64]:
    """Average (h, w) or (h, w, C) over squares of ``2 * radius + 1`` a side, which are cut at the borders."""
    for axis in (0, 1):
        length = planes.shape[axis]
        sums = np.cumsum(planes, axis=axis)
        sums = np.concatenate([np.zeros_like(sums.take([0], axis)), sums], axis)
        ends = np.minimum(np.arange(length) + radius + 1, length)
        starts = np.maximum(np.arange(length) - radius, 0)
        shape = [-1 if dimension == axis else 1 for dimension in range(planes.ndim)]
        planes = (sums.take(ends, axis) - sums.take(starts, axis)) / (ends - starts).reshape(shape)
    return planes
