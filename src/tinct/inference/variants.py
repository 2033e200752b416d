"""Other ways in which a whole photograph could be colored, coherent ones: a global choice, never one a pixel.

The places that govern most (:func:`~tinct.inference.suggestions.choose_points`) each take a direction in the plane of a
and b, and everything else follows the places that it is alike. Each cell's distribution is then tilted in its direction
(exponential tilting: p times exp of the scalar product with the color) and read out as ever. So a cell of which the
model is sure stays what it is, and one that could as well be red or blue goes over. All variants of a photograph turn
the same directions by equal angles. How far they go is measured in what they cost: mean log-likelihood.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from tinct.color.gamut import read_out, reduce_chroma
from tinct.inference import kriging
from tinct.inference.confidence import TEMPERATURE, Belief
from tinct.inference.options import Variant
from tinct.inference.suggestions import choose_points
from tinct.models.registry import Knot, ModelSpec

Floats = NDArray[np.float32]

GOVERNORS = 6
"""Places that choose."""
BUDGET = 0.205
"""How much less probable a variant may be, in nats a cell, by the model's own distribution."""
FARTHEST = 6.0
"""Most of a tilt, in standard deviations of the governing places; reached where hardly anything costs anything."""
HALVINGS = 7
"""In the search for the tilt that costs the budget."""
BLUR = 5.0
"""Deviation of the Gaussian that each bin stands for, in Lab units: that of the soft encoding in training."""


def vary(belief: Belief, spec: ModelSpec, knot: Knot, ab: Floats, variant: Variant) -> Floats:
    """Return by how much a variant differs from the usual colors, (h, w, 2), in Lab units.

    Args:
        belief: of the model.
        spec: of the model.
        knot: how colors are read out.
        ab: (h, w, 2), the usual colors.
        variant: which of how many, and the seed of their directions.
    """
    tilt = _tilt(belief, ab, variant)
    # What the read-out would start from: the distribution with its rebalancing, in logarithms.
    levels = TEMPERATURE * np.log(np.maximum(belief.chances, 1e-12))
    levels += np.float32(1 - knot.division) * np.log(np.array(spec.weights, np.float32))
    even = np.ones(len(belief.bins), np.float32)

    def change(strength: float) -> Floats:
        tilted = levels + np.float32(strength) * (tilt @ belief.bins.T)
        return read_out(tilted, belief.bins, even, 0.0, knot.temperature, knot.chroma) - plain

    def worth(colors: Floats) -> float:
        """Return the likelihood of colors as sRGB can show them."""
        lab = reduce_chroma(np.concatenate([belief.lightness[..., np.newaxis], colors], axis=-1))
        return likelihood(belief, lab[..., 1:])

    plain = read_out(levels, belief.bins, even, 0.0, knot.temperature, knot.chroma)
    least = worth(ab) - BUDGET
    low, high = 0.0, FARTHEST
    if worth(ab + change(high)) >= least:
        return change(high)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if worth(ab + change(middle)) >= least:
            low = middle
        else:
            high = middle
    return change(low)


def likelihood(belief: Belief, ab: Floats) -> float:
    """Return the mean logarithm of the density that a model gives to colors, up to a constant.

    The density is a mixture of Gaussians around the bins.

    Args:
        belief: of the model.
        ab: (h, w, 2), in Lab units.
    """
    total = 0.0
    for chances, colors in zip(belief.chances, ab, strict=True):
        squares = ((colors[:, np.newaxis] - belief.bins) ** 2).sum(axis=-1)
        density = (chances * np.exp(-squares / (2 * BLUR**2))).sum(axis=-1)
        total += float(np.log(density + 1e-9).sum())
    return total / ab[..., 0].size


def _tilt(belief: Belief, ab: Floats, variant: Variant) -> Floats:
    """Return the direction of each cell, (h, w, 2), in Lab units of the inverse: natural parameters."""
    # Colors vary together where the model believes the same of them; that errors go together there doesn't matter.
    belief = dataclasses.replace(belief, likeness=None)
    points = choose_points(belief, ab, None, GOVERNORS)
    scene = kriging.Scene.of_belief(belief)
    looks, kernels = scene.looks, (*scene.kernels.near, *scene.kernels.wide)
    places = np.array([looks[row, column] for row, column, _ in points])
    alike = kriging.alike(looks.reshape(ab[..., 0].size, -1), places, kernels)
    alike /= alike.sum(axis=1, keepdims=True)
    # All variants draw the same phases, and each turns them by its share of the circle.
    phases = np.random.default_rng(variant.seed).uniform(0, 2 * np.pi, len(points))
    angles = phases + 2 * np.pi * (variant.number - 1) / variant.of
    directions = np.array(
        [
            _whiten(belief.chances[row, column], belief.bins) @ (np.cos(angle), np.sin(angle))
            for (row, column, _), angle in zip(points, angles, strict=True)
        ]
    )
    tilt: Floats = (alike @ directions).reshape(ab.shape).astype(np.float32)
    return tilt


def _whiten(chances: Floats, bins: Floats) -> NDArray[np.float64]:
    """Return the inverse root of a distribution's covariance, so that every direction costs the same."""
    shifted = bins - chances @ bins
    covariance = (chances[:, np.newaxis] * shifted).T @ shifted + BLUR**2 * np.eye(2)
    lengths, axes = np.linalg.eigh(covariance)
    inverse: NDArray[np.float64] = (axes / np.sqrt(lengths)) @ axes.T
    return inverse
