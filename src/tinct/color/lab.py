"""sRGB to CIE Lab and back (D65, 2 degree observer), in float32.

L is in 0..100; a and b are in Lab units, within -87..99 and -108..95 for the colors of sRGB. Arrays are worked on in
blocks that fit the processor's cache, so a conversion needs no memory beyond its result.

Sources: IEC 61966-2-1 (sRGB) and CIE 15 (Lab), with the rounded figures of ``skimage.color``, the oracle of the tests.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinct.errors import OptionError

Floats = NDArray[np.float32]

RGB_TO_XYZ: tuple[tuple[float, float, float], ...] = (
    (0.412453, 0.357580, 0.180423),
    (0.212671, 0.715160, 0.072169),
    (0.019334, 0.119193, 0.950227),
)
"""Linear sRGB in 0..1 to XYZ, with Y = 1 for white; rows X, Y, Z."""
XYZ_TO_RGB: tuple[tuple[float, float, float], ...] = (
    (3.240481343200526, -1.5371515162713183, -0.4985363261688878),
    (-0.9692549499965684, 1.8759900014898907, 0.04155592655829284),
    (0.05564663913517716, -0.2040413383665112, 1.057311069645344),
)
"""The inverse of :data:`RGB_TO_XYZ`."""
WHITE: tuple[float, float, float] = (0.95047, 1.0, 1.08883)
"""XYZ of the white point, D65."""
EPSILON = 0.008856
"""Share of the white point below which Lab's cube root becomes a straight line."""
KAPPA = 903.292
"""L per unit of Y on that straight line: L = KAPPA * Y for Y below EPSILON."""

# Slope and offset of Lab's f below EPSILON, where f(t) = SLOPE * t + OFFSET; above, f(t) is the cube root of t.
SLOPE = KAPPA / 116
OFFSET = 16 / 116

BLOCK = 1 << 15


def srgb_to_lab(rgb: NDArray[Any]) -> Floats:
    """Convert sRGB to Lab.

    Args:
        rgb: float (..., 3), red, green, blue in 0..1. Values outside are extrapolated.

    Returns:
        float32 (..., 3), L, a, b.

    Raises:
        OptionError: the array isn't of floats, or its last axis isn't 3 long.

    >>> srgb_to_lab(np.array([1.0, 0.0, 0.0])).round(2).tolist()
    [53.2400016784668, 80.08999633789062, 67.19999694824219]
    """
    flat = pixels(rgb, "rgb")
    lab = np.empty(flat.shape, np.float32)
    for part in blocks(len(flat)):
        linear = [decode(flat[part, channel]) for channel in range(3)]
        x, y, z = (
            _forward(_mix(linear, [factor / white for factor in row]))
            for row, white in zip(RGB_TO_XYZ, WHITE, strict=True)
        )
        lab[part, 0] = 116 * y - 16
        lab[part, 1] = 500 * (x - y)
        lab[part, 2] = 200 * (y - z)
    return lab.reshape(rgb.shape)


def lab_to_srgb(lab: NDArray[Any]) -> Floats:
    """Convert Lab to sRGB without clipping.

    Args:
        lab: float (..., 3), L in 0..100, a, b.

    Returns:
        float32 (..., 3), red, green, blue; outside 0..1 where sRGB has no such color
        (see :func:`tinct.color.gamut.reduce_chroma`).

    Raises:
        OptionError: the array isn't of floats, or its last axis isn't 3 long.
    """
    flat = pixels(lab, "lab")
    rgb = np.empty(flat.shape, np.float32)
    for part in blocks(len(flat)):
        for channel, linear in enumerate(linear_planes(flat[part, 0], flat[part, 1], flat[part, 2])):
            rgb[part, channel] = encode(linear)
    return rgb.reshape(lab.shape)


def lightness(rgb: NDArray[Any]) -> Floats:
    """Return L (...), in 0..100, of sRGB colors (..., 3) in 0..1: the first channel of :func:`srgb_to_lab`, for less.

    Raises:
        OptionError: the array isn't of floats, or its last axis isn't 3 long.
    """
    flat = pixels(rgb, "rgb")
    result = np.empty(len(flat), np.float32)
    for part in blocks(len(flat)):
        linear = [decode(flat[part, channel]) for channel in range(3)]
        result[part] = 116 * _forward(_mix(linear, RGB_TO_XYZ[1])) - 16
    return result.reshape(rgb.shape[:-1])


def gray_to_lightness(gray: NDArray[Any]) -> Floats:
    """Return L, in 0..100, of sRGB grays in 0..1, of any shape."""
    flat = np.asarray(gray, np.float32).reshape(-1)
    result = np.empty(flat.shape, np.float32)
    for part in blocks(len(flat)):
        result[part] = 116 * _forward(decode(flat[part])) - 16
    return result.reshape(np.shape(gray))


def lightness_to_gray(lightness: NDArray[Any]) -> Floats:
    """Return the sRGB gray, in 0..1, of L in 0..100, of any shape."""
    flat = np.asarray(lightness, np.float32).reshape(-1)
    result = np.empty(flat.shape, np.float32)
    for part in blocks(len(flat)):
        result[part] = encode(_inverse((flat[part] + np.float32(16)) * np.float32(1 / 116)))
    return result.reshape(np.shape(lightness))


def decode(encoded: Floats) -> Floats:
    """Return the linear light of sRGB values; below 0 the straight part goes on."""
    encoded = np.asarray(encoded, np.float32)
    curve = ((np.maximum(encoded, np.float32(0.04045)) + np.float32(0.055)) / np.float32(1.055)) ** np.float32(2.4)
    return np.where(encoded > np.float32(0.04045), curve, encoded / np.float32(12.92))


def encode(linear: Floats) -> Floats:
    """Return the sRGB values of linear light; below 0 the straight part goes on."""
    linear = np.asarray(linear, np.float32)
    curve = np.maximum(linear, np.float32(0.0031308)) ** np.float32(1 / 2.4)
    curve = curve * np.float32(1.055) - np.float32(0.055)
    return np.where(linear > np.float32(0.0031308), curve, linear * np.float32(12.92))


def linear_planes(lightness: Floats, a: Floats, b: Floats) -> tuple[Floats, Floats, Floats]:
    """Return linear red, green and blue of Lab planes, each of the planes' shape."""
    y = (lightness + np.float32(16)) * np.float32(1 / 116)
    x = y + a * np.float32(1 / 500)
    z = y - b * np.float32(1 / 200)
    xyz = [_inverse(level) for level in (x, y, z)]
    red, green, blue = (
        _mix(xyz, [factor * white for factor, white in zip(row, WHITE, strict=True)]) for row in XYZ_TO_RGB
    )
    return red, green, blue


def pixels(array: NDArray[Any], name: str) -> Floats:
    """Return a color array (..., 3) as float32 (N, 3), without a copy where it is float32 already.

    Raises:
        OptionError: the array isn't of floats, or its last axis isn't 3 long.
    """
    if not np.issubdtype(array.dtype, np.floating):
        raise OptionError(f"{name} is of {array.dtype}, expected floats; divide integers by their largest value")
    if array.ndim == 0 or array.shape[-1] != 3:
        raise OptionError(f"{name} has shape {array.shape}, expected (..., 3)")
    return array.astype(np.float32, copy=False).reshape(-1, 3)


def blocks(length: int) -> Iterator[slice]:
    """Yield slices that cover ``length`` pixels in pieces whose temporaries stay in the processor's cache."""
    for start in range(0, length, BLOCK):
        yield slice(start, min(start + BLOCK, length))


def _mix(planes: list[Floats], factors: tuple[float, ...] | list[float]) -> Floats:
    mixed = planes[0] * np.float32(factors[0])
    for plane, factor in zip(planes[1:], factors[1:], strict=True):
        mixed += plane * np.float32(factor)
    return mixed


def _forward(share: Floats) -> NDArray[np.float64]:
    # In double precision: a and b are 500 and 200 times a difference of two of these.
    precise = share.astype(np.float64)
    return np.where(precise > EPSILON, np.cbrt(precise), precise * SLOPE + OFFSET)


def _inverse(level: Floats) -> Floats:
    line = (level - np.float32(OFFSET)) / np.float32(SLOPE)
    return np.where(level > np.float32(SLOPE * EPSILON + OFFSET), level * level * level, line)
