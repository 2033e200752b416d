"""Colors that several photographs share, so that a series of one place looks like one place.

What a network guesses for one photograph differs from what it guesses for the next of the same wall: mostly by a cast
that changes slowly with lightness and from top to bottom. A :class:`Signature` is what a photograph would get by
itself, averaged over coarse cells of lightness and height; a :class:`Prior` the middle of many, or what a reference
picture has. Each photograph is shifted towards it, cell by cell, smoothly between cells; what varies within a cell, so
nearly all that the network saw, stays. The shift is that of Reinhard et al., "Color transfer between images" (2001), by
lightness, with a middle that outliers don't move and a limit for photographs that show something else.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinct.color.lab import srgb_to_lab
from tinct.media.photo import read_photo

Floats = NDArray[np.float32]

LIGHT, HEIGHT = 8, 3
"""Cells along lightness, and from top to bottom."""
STRENGTH = 0.8
"""Share of the way to the prior that a photograph goes where it agrees with it."""
REACH = 15.0
"""Distance from the prior, in Lab units, at which half of that is left: what is far off shows something else."""
LITTLE = 0.01
"""Share of a picture's area that a cell needs for its mean to count half."""
SIDE = 128
"""Short side at which a reference picture is looked at, in pixels."""


@dataclass(frozen=True, slots=True)
class Signature:
    """Mean colors of one picture by lightness and height."""

    weight: tuple[float, ...]
    """Share of the picture that is near each cell, rows from top to bottom, dark to light in each."""
    ab: tuple[tuple[float, float], ...]
    """Mean a and b there, in Lab units; 0 where there is nothing."""

    @classmethod
    def of_cells(cls, lightness: Floats, ab: Floats) -> Signature:
        """Average colors.

        Args:
            lightness: (h, w), L in 0..100.
            ab: (h, w, 2), Lab units.
        """
        share = _shares(lightness)
        weight = share.mean(axis=(0, 1))
        mean = np.einsum("hwc,hwk->ck", share, ab) / share.shape[0] / share.shape[1]
        mean = mean / np.maximum(weight, 1e-9)[:, np.newaxis]
        return cls(*_rounded(weight, mean))

    def to_json(self) -> str:
        """Return it as JSON."""
        return _to_json(self.weight, self.ab)

    @classmethod
    def from_json(cls, text: str) -> Signature:
        """Read what :meth:`to_json` gave."""
        return cls(*_from_json(text))


@dataclass(frozen=True, slots=True)
class Prior:
    """Colors to share, by lightness and height."""

    weight: tuple[float, ...]
    """How much is known of each cell, 0..1."""
    ab: tuple[tuple[float, float], ...]
    """a and b there, in Lab units."""

    @classmethod
    def of_series(cls, signatures: Sequence[Signature]) -> Prior:
        """Find the middle of several pictures: for each cell the weighted median, of a and of b."""
        weights = np.array([signature.weight for signature in signatures])
        colors = np.array([signature.ab for signature in signatures])
        known = weights / (weights + LITTLE)
        middle = np.stack([_median(colors[..., channel], known) for channel in (0, 1)], axis=-1)
        return cls(*_rounded(known.max(axis=0), middle))

    @classmethod
    def of_picture(cls, path: Path) -> Prior:
        """Take the colors of a reference picture, by lightness alone: what it has above may be below elsewhere.

        Raises:
            PhotoError: it can't be read.
        """
        small = read_photo(path).small(SIDE, SIDE).numpy()
        lab = srgb_to_lab(small.astype(np.float32) / np.float32(255))
        signature = Signature.of_cells(lab[..., 0], lab[..., 1:])
        weight = np.array(signature.weight).reshape(HEIGHT, LIGHT)
        colors = np.array(signature.ab).reshape(HEIGHT, LIGHT, 2)
        whole = weight.sum(axis=0)
        mean = (weight[..., np.newaxis] * colors).sum(axis=0) / np.maximum(whole, 1e-9)[:, np.newaxis]
        return cls(*_rounded(np.tile(whole / (whole + LITTLE), HEIGHT), np.tile(mean, (HEIGHT, 1))))

    def shift(self, lightness: Floats, ab: Floats) -> Floats:
        """Return colors moved towards the shared ones.

        Args:
            lightness: (h, w), L in 0..100.
            ab: (h, w, 2), Lab units.
        """
        own = Signature.of_cells(lightness, ab)
        weight = np.array(own.weight)
        missing = np.array(self.ab) - np.array(own.ab)
        trust = np.array(self.weight) * weight / (weight + LITTLE) / (1 + (missing**2).sum(axis=1) / REACH**2)
        change = STRENGTH * trust[:, np.newaxis] * missing
        return (ab + _shares(lightness) @ change).astype(np.float32)

    def to_json(self) -> str:
        """Return it as JSON; equal priors give equal text."""
        return _to_json(self.weight, self.ab)

    @classmethod
    def from_json(cls, text: str) -> Prior:
        """Read what :meth:`to_json` gave."""
        return cls(*_from_json(text))


def _shares(lightness: Floats) -> NDArray[np.float64]:
    """Return how much each place belongs to each cell, (h, w, HEIGHT * LIGHT), linear between the cells' middles."""
    along = _hats(lightness / 100 * LIGHT - 0.5, LIGHT)
    rows = (np.arange(len(lightness)) + 0.5) / len(lightness)
    down = _hats(rows * HEIGHT - 0.5, HEIGHT)
    shares = down[:, np.newaxis, :, np.newaxis] * along[:, :, np.newaxis, :]
    return shares.reshape(*lightness.shape, HEIGHT * LIGHT)


def _hats(place: NDArray[np.floating], count: int) -> NDArray[np.float64]:
    """Return how near places are to whole numbers 0..count-1: 1 at it, 0 from the next one on; ends go on flat."""
    place = np.clip(place.astype(np.float64), 0, count - 1)
    return np.maximum(0.0, 1 - np.abs(place[..., np.newaxis] - np.arange(count)))


def _median(values: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the weighted median over the first axis."""
    order = values.argsort(axis=0, kind="stable")
    values, weights = (np.take_along_axis(array, order, 0) for array in (values, weights))
    sums = weights.cumsum(axis=0)
    # Between the two values around the half where it falls between them, as medians do.
    half = sums[-1] / 2
    low = (sums < half - 1e-12).sum(axis=0)
    high = (sums <= half + 1e-12).sum(axis=0).clip(max=len(values) - 1)
    picked = [np.take_along_axis(values, index[np.newaxis], 0)[0] for index in (low.clip(max=len(values) - 1), high)]
    middle: NDArray[np.float64] = (picked[0] + picked[1]) / 2
    return middle


def _rounded(
    weight: NDArray[np.float64], ab: NDArray[np.float64]
) -> tuple[tuple[float, ...], tuple[tuple[float, float], ...]]:
    pairs = tuple((round(float(a), 2) + 0.0, round(float(b), 2) + 0.0) for a, b in ab)
    return tuple(round(float(share), 4) for share in weight), pairs


def _to_json(weight: tuple[float, ...], ab: tuple[tuple[float, float], ...]) -> str:
    return json.dumps({"weight": weight, "ab": ab}, separators=(",", ":"))


def _from_json(text: str) -> tuple[tuple[float, ...], tuple[tuple[float, float], ...]]:
    found = json.loads(text)
    if not len(found["weight"]) == len(found["ab"]) == HEIGHT * LIGHT:
        raise ValueError(f"shared colors of {len(found['ab'])} cells, expected {HEIGHT * LIGHT}")
    return tuple(map(float, found["weight"])), tuple((float(a), float(b)) for a, b in found["ab"])
