"""Which colors sRGB has, and distributions over them.

Reduction of chroma to the gamut; the color bins of classification models, the soft encoding of a color over them, the
read-out of a distribution, and the weights that make rare colors count. Colors are (a, b) in Lab units, or Lab with L
in 0..100, as in :mod:`tinct.color.lab`; everything is float32.

Source of the second part: Zhang, Isola, Efros, "Colorful Image Colorization" (ECCV 2016), sections 2.1 to 2.3.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinct.color.lab import Floats, blocks, decode, linear_planes, pixels
from tinct.errors import OptionError

TOLERANCE = 1e-4
"""How far an sRGB value may leave 0..1 and still count as inside: rounding in float32, a fortieth of an 8-bit step."""
REACH = 110
"""Colors of :func:`soft_encode_table` lie within -REACH..REACH in a and in b; all of sRGB does. Training
measures errors as shares of it."""

# Halvings in the search for the gamut's border along a ray, of the whole ray: a and b to a few thousandths.
HALVINGS = 16
# Light yellows, where a ray of constant L and hue leaves the gamut and comes back further out: L, hue in degrees, and
# least chroma; found by sampling the gamut every 0.3 in L, 0.25 degrees and 0.1 in chroma. These are searched in steps
# first.
YELLOW_LIGHTNESS = (92.5, 98.5)
YELLOW_HUE = (98.0, 107.0)
YELLOW_CHROMA = 45.0
YELLOW_STEPS = 128


def in_gamut(lab: NDArray[Any], tolerance: float = TOLERANCE) -> NDArray[np.bool_]:
    """Tell which Lab colors (..., 3) sRGB has.

    Args:
        lab: float (..., 3), L in 0..100, a, b.
        tolerance: how far an sRGB value may lie outside 0..1, on the same scale.

    Returns:
        bool (...).
    """
    flat = pixels(lab, "lab")
    inside = np.empty(len(flat), np.bool_)
    for part in blocks(len(flat)):
        inside[part] = _inside(flat[part, 0], flat[part, 1], flat[part, 2], tolerance)
    return inside.reshape(lab.shape[:-1])


def reduce_chroma(lab: NDArray[Any]) -> Floats:
    """Bring Lab colors into the gamut of sRGB at constant lightness and hue.

    Colors inside stay as they are, to the bit. Of the others a and b are multiplied by the largest factor in 0..1 that
    leads inside (within :data:`TOLERANCE`). L never changes.

    At light yellows a ray of constant L and hue leaves the gamut and comes back further out; a stretch inside that is
    shorter than 1/128 of the ray may be overlooked there in favor of the next one inwards.

    Args:
        lab: float (..., 3), L in 0..100, a, b.

    Returns:
        float32 (..., 3), a new array.
    """
    result = pixels(lab, "lab").copy()
    for part in blocks(len(result)):
        block = result[part]
        outside = np.flatnonzero(~_inside(block[:, 0], block[:, 1], block[:, 2], TOLERANCE))
        if len(outside):
            block[outside, 1:] *= _chroma_factor(block[outside])[:, np.newaxis]
    return result.reshape(lab.shape)


def _chroma_factor(lab: Floats) -> Floats:
    lightness, a, b = (np.ascontiguousarray(lab[:, channel]) for channel in range(3))
    inner, width = _search_yellows(lightness, a, b)
    for _ in range(HALVINGS):
        width *= np.float32(0.5)
        middle = inner + width
        inner = np.where(_inside(lightness, a * middle, b * middle, TOLERANCE), middle, inner)
    return inner


def _search_yellows(lightness: Floats, a: Floats, b: Floats) -> tuple[Floats, Floats]:
    """Return the inner end and the length of the piece of each ray that has the border within."""
    inner, width = np.zeros_like(lightness), np.ones_like(lightness)
    light = (lightness > YELLOW_LIGHTNESS[0]) & (lightness < YELLOW_LIGHTNESS[1]) & (b > 0)
    slopes = [-np.tan(np.radians(hue - 90)) for hue in YELLOW_HUE]
    yellow = light & (a < b * slopes[0]) & (a > b * slopes[1]) & (np.hypot(a, b) > YELLOW_CHROMA)
    pending = np.flatnonzero(yellow)
    for step in range(YELLOW_STEPS - 1, 0, -1):
        if not len(pending):
            break
        factor = np.float32(step / YELLOW_STEPS)
        found = _inside(lightness[pending], a[pending] * factor, b[pending] * factor, TOLERANCE)
        inner[pending[found]] = factor
        width[pending[found]] = 1 / YELLOW_STEPS
        pending = pending[~found]
    return inner, width


def _inside(lightness: Floats, a: Floats, b: Floats, tolerance: float) -> NDArray[np.bool_]:
    lowest, highest = decode(np.array([-tolerance, 1 + tolerance], np.float32))
    red, green, blue = linear_planes(lightness, a, b)
    least = np.minimum(np.minimum(red, green), blue)
    most = np.maximum(np.maximum(red, green), blue)
    inside: NDArray[np.bool_] = (least >= lowest) & (most <= highest)
    return inside


def ab_bins(grid: int) -> Floats:
    """Return the centers of the color bins at a grid size, in Lab units.

    A bin belongs to them where its center is in the gamut of sRGB at some L, looked for in steps of 0.1: 229 bins at
    grid 10, 154 at grid 12.

    Args:
        grid: distance of two centers in a and in b, 1 to 110; centers are multiples of it.

    Returns:
        float32 (Q, 2), ordered by a, then by b.

    Raises:
        OptionError: the grid size is out of range.
    """
    if not 1 <= grid <= REACH:
        raise OptionError(f"grid size {grid} is out of range; choose 1 to {REACH}")
    line = np.arange(-(REACH // grid), REACH // grid + 1, dtype=np.float32) * np.float32(grid)
    a, b = (plane.ravel() for plane in np.meshgrid(line, line, indexing="ij"))
    found = np.zeros(len(a), np.bool_)
    for lightness in np.linspace(0, 100, 1001, dtype=np.float32):
        found |= _inside(np.full(len(a), lightness), a, b, tolerance=0.0)
    return np.stack((a, b), axis=-1)[found]


def soft_encode_table(bins: Floats, neighbours: int = 5, sigma: float = 5.0) -> tuple[NDArray[np.int16], Floats]:
    """Tabulate the soft encoding of every whole-numbered color, for training: a lookup in place of a search.

    Args:
        bins: (Q, 2), see :func:`ab_bins`.
        neighbours: how many bins share a color; among equally near ones the first in the list count.
        sigma: of the Gaussian of the distance that shares it, in Lab units.

    Returns:
        Indices of the bins, int16 (221, 221, neighbours), nearest first, and their weights, float32 of the same shape,
        summing to 1. The color (a, b) stands at ``[a + 110, b + 110]``, both rounded and kept within -110..110.

    Raises:
        OptionError: there are fewer bins than neighbours, there is to be none, or sigma isn't above 0.
    """
    line = np.arange(-REACH, REACH + 1, dtype=np.float32)
    ab = np.stack(np.meshgrid(line, line, indexing="ij"), axis=-1).reshape(-1, 2)
    shape = (len(line), len(line), neighbours)
    indices = np.empty((len(ab), neighbours), np.int16)
    weights = np.empty((len(ab), neighbours), np.float32)
    for part in blocks(len(ab)):
        indices[part], weights[part] = _nearest(ab[part], bins, neighbours, sigma)
    return indices.reshape(shape), weights.reshape(shape)


def _nearest(ab: Floats, bins: Floats, neighbours: int, sigma: float) -> tuple[NDArray[np.intp], Floats]:
    if not 1 <= neighbours <= len(bins):
        raise OptionError(f"{neighbours} neighbours asked for, choose 1 to the number of bins, {len(bins)}")
    if sigma <= 0:
        raise OptionError(f"sigma is {sigma}, expected more than 0")
    squares = _squared_distances(ab, bins)
    indices = np.argsort(squares, axis=1, kind="stable")[:, :neighbours]
    near = np.take_along_axis(squares, indices, axis=1)
    # Counted from the nearest bin, so that a color far outside the gamut doesn't vanish in an underflow.
    weights = np.exp((near[:, :1] - near) / np.float32(2 * sigma**2))
    return indices, weights / weights.sum(axis=1, keepdims=True)


def _squared_distances(ab: Floats, bins: Floats) -> Floats:
    squares: Floats = np.square(ab[:, :1] - bins[:, 0]) + np.square(ab[:, 1:] - bins[:, 1])
    return squares


def read_out(
    logits: NDArray[Any], bins: Floats, weights: NDArray[Any], division: float, temperature: float, chroma: float
) -> Floats:
    """Read colors from the output of a classification model.

    The distribution is p = softmax(logits) / weights ** division, normalized again; its annealed mean times ``chroma``
    is the color. Division 1 takes the rebalancing of the training out (faithful), 0 leaves it in (vivid).

    Args:
        logits: float (..., Q).
        bins: (Q, 2), see :func:`ab_bins`.
        weights: (Q,), the rebalancing weight of each bin, above 0.
        division: exponent of the weights.
        temperature: T of the annealed mean, above 0.
        chroma: factor on a and b.

    Returns:
        float32 (..., 2), a and b.

    Raises:
        OptionError: the temperature or a weight isn't above 0, or the last axis doesn't match the bins.
    """
    logits = np.asarray(logits)
    count = len(bins)
    if logits.shape[-1:] != (count,) or np.shape(weights) != (count,):
        raise OptionError(f"logits {logits.shape} and weights {np.shape(weights)} don't match the {count} bins")
    if temperature <= 0:
        raise OptionError(f"temperature is {temperature}, expected more than 0")
    if np.min(weights) <= 0:
        raise OptionError(f"the smallest rebalancing weight is {np.min(weights)}, expected more than 0")
    # Softmax of (logits - division * log weights) / T is all of it in one: both normalizations cancel.
    shift = (division * np.log(np.asarray(weights, np.float64))).astype(np.float32)
    colors = np.empty((*logits.shape[:-1], 2), np.float32)
    # Row by row: logits are often a transposed view, and a copy of them all would be the largest array in the process.
    for row in np.ndindex(logits.shape[:-2]):
        levels = np.ascontiguousarray(np.atleast_2d(logits[row]), np.float32) - shift
        levels -= levels.max(axis=-1, keepdims=True)
        levels /= np.float32(temperature)
        np.exp(levels, out=levels)
        mean = (levels @ bins) / levels.sum(axis=-1, keepdims=True)
        colors[row] = (mean * np.float32(chroma)).reshape(colors[row].shape)
    return colors


def smooth_prior(counts: NDArray[Any], bins: Floats, sigma: float = 5.0) -> Floats:
    """Return how often each color occurs, smoothed with a Gaussian in the ab plane.

    Each bin's share is spread over the bins around it, so that nothing is lost at the gamut's border.

    Args:
        counts: (Q,), how often (or how probably) each bin occurs in the training set.
        bins: (Q, 2), see :func:`ab_bins`.
        sigma: of the Gaussian, in Lab units.

    Returns:
        float32 (Q,), summing to 1.

    Raises:
        OptionError: sigma isn't above 0, or the counts don't match the bins, are negative or all 0.
    """
    shares = np.asarray(counts, np.float64)
    if shares.shape != (len(bins),):
        raise OptionError(f"counts have shape {shares.shape}, expected one for each of the {len(bins)} bins")
    if not (np.all(shares >= 0) and 0 < shares.sum() < np.inf):
        raise OptionError("counts are negative, not finite or all 0; count the colors of some photographs first")
    if sigma <= 0:
        raise OptionError(f"sigma is {sigma}, expected more than 0")
    kernel = np.exp(_squared_distances(bins, bins).astype(np.float64) / (-2 * sigma**2))
    smooth: NDArray[np.float64] = (kernel / kernel.sum(axis=0)) @ (shares / shares.sum())
    return smooth.astype(np.float32)


def rebalancing_weights(prior: NDArray[Any], mixing: float = 0.5) -> Floats:
    """Return the weight of each bin that makes rare colors count: w ~ 1 / ((1 - mixing) prior + mixing / Q).

    Args:
        prior: (Q,), the smoothed probability of each bin, see :func:`smooth_prior`.
        mixing: share of the uniform distribution, lambda, in 0..1; 1 gives every bin the weight 1.

    Returns:
        float32 (Q,), scaled so that their mean under the prior is 1.

    Raises:
        OptionError: mixing is outside 0..1, or 0 with a bin that never occurs.
    """
    if not 0 <= mixing <= 1:
        raise OptionError(f"mixing is {mixing}, expected 0 to 1")
    shares = np.asarray(prior, np.float64)
    mixture = (1 - mixing) * shares + mixing / len(shares)
    if np.min(mixture) <= 0:
        raise OptionError("mixing 0 gives a bin that never occurs an infinite weight; choose more")
    weights: NDArray[np.float64] = 1 / mixture
    return (weights / np.sum(shares * weights)).astype(np.float32)
