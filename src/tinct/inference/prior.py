"""Colors that several photographs share, so that a series of one place looks like one place.

What a network guesses for one photograph differs from what it guesses for the next of the same wall, mostly by a cast
that changes slowly with lightness. A :class:`Signature` is what a photograph would get by itself, averaged over bands
of lightness; a :class:`Prior` the middle of many, or what a reference picture has. Each photograph is shifted towards
it, band by band, smoothly between bands; what varies within a band, so nearly all that the network saw, stays. The
shift is that of Reinhard et al., "Color transfer between images" (2001), by lightness, with a middle that outliers
don't move and a limit for photographs that show something else.
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
Pair = tuple[float, float]

BANDS = 12
"""Of lightness; a third dimension, from top to bottom, was measured to win nothing."""
REACH = 20.0
"""Distance from the prior, in Lab units, of which a photograph goes half: what is far off shows something else."""
LITTLE = 0.003
"""Share of a picture's area that a band needs for its mean to count half."""
SIDE = 256
"""Longest side at which a reference picture is looked at, in pixels."""


@dataclass(frozen=True, slots=True)
class Signature:
    """Mean colors of one picture by lightness."""

    weight: tuple[float, ...]
    """Share of the picture that is near each band, dark to light."""
    ab: tuple[Pair, ...]
    """Mean a and b there, in Lab units; 0 where there is nothing."""

    @classmethod
    def of_cells(cls, lightness: Floats, ab: Floats) -> Signature:
        """Average colors.

        Args:
            lightness: (h, w), L in 0..100.
            ab: (h, w, 2), Lab units.
        """
        share = _shares(lightness).reshape(-1, BANDS)
        weight = share.mean(axis=0)
        mean = share.T @ ab.reshape(-1, 2) / len(share) / np.maximum(weight, 1e-9)[:, np.newaxis]
        return cls(*_rounded(weight, mean))

    def to_json(self) -> str:
        """Return it as JSON."""
        return _to_json(self.weight, self.ab)

    @classmethod
    def from_json(cls, text: str) -> Signature:
        """Read what :meth:`to_json` gave.

        Raises:
            ValueError: it is something else.
        """
        return cls(*_from_json(text))


@dataclass(frozen=True, slots=True)
class Prior:
    """Colors to share, by lightness."""

    weight: tuple[float, ...]
    """How much is known of each band, 0..1."""
    ab: tuple[Pair, ...]
    """a and b there, in Lab units."""

    @classmethod
    def of_series(cls, signatures: Sequence[Signature]) -> Prior:
        """Find the middle of several pictures: for each band the weighted median, of a and of b."""
        weights = np.array([signature.weight for signature in signatures])
        colors = np.array([signature.ab for signature in signatures])
        known = weights / (weights + LITTLE)
        middle = np.stack([_median(colors[..., channel], known) for channel in (0, 1)], axis=-1)
        return cls(*_rounded(known.max(axis=0), middle))

    @classmethod
    def of_picture(cls, path: Path) -> Prior:
        """Take the colors of a reference picture.

        Raises:
            PhotoError: it can't be read.
        """
        small = read_photo(path).small(SIDE, SIDE).numpy()
        lab = srgb_to_lab(small.astype(np.float32) / np.float32(255))
        signature = Signature.of_cells(lab[..., 0], lab[..., 1:])
        weight = np.array(signature.weight)
        return cls(*_rounded(weight / (weight + LITTLE), np.array(signature.ab)))

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
        shifted: Floats = (ab + _shares(lightness) @ (trust[:, np.newaxis] * missing)).astype(np.float32)
        return shifted

    def to_json(self) -> str:
        """Return it as JSON; equal priors give equal text."""
        return _to_json(self.weight, self.ab)

    @classmethod
    def from_json(cls, text: str) -> Prior:
        """Read what :meth:`to_json` gave.

        Raises:
            ValueError: it is something else.
        """
        return cls(*_from_json(text))


def _shares(lightness: Floats) -> NDArray[np.float64]:
    """Return how much each place belongs to each band, (..., BANDS), linear between the bands' middles."""
    place = np.clip(lightness.astype(np.float64) / 100 * BANDS - 0.5, 0, BANDS - 1)
    shares: NDArray[np.float64] = np.maximum(0.0, 1 - np.abs(place[..., np.newaxis] - np.arange(BANDS)))
    return shares


def _median(values: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the weighted median over the first axis; between two values where the half falls between them."""
    order = values.argsort(axis=0, kind="stable")
    values, weights = (np.take_along_axis(array, order, 0) for array in (values, weights))
    sums = weights.cumsum(axis=0)
    half = sums[-1] / 2
    last = len(values) - 1
    places = [(sums < half - 1e-12).sum(axis=0), (sums <= half + 1e-12).sum(axis=0)]
    low, high = (np.take_along_axis(values, place.clip(max=last)[np.newaxis], 0)[0] for place in places)
    middle: NDArray[np.float64] = (low + high) / 2
    return middle


def _rounded(weight: NDArray[np.float64], ab: NDArray[np.float64]) -> tuple[tuple[float, ...], tuple[Pair, ...]]:
    pairs = tuple((round(float(a), 2) + 0.0, round(float(b), 2) + 0.0) for a, b in ab)
    return tuple(round(float(share), 4) for share in weight), pairs


def _to_json(weight: tuple[float, ...], ab: tuple[Pair, ...]) -> str:
    return json.dumps({"weight": weight, "ab": ab}, separators=(",", ":"))


def _from_json(text: str) -> tuple[tuple[float, ...], tuple[Pair, ...]]:
    try:
        found = json.loads(text)
        weight, ab = tuple(map(float, found["weight"])), tuple((float(a), float(b)) for a, b in found["ab"])
    except (KeyError, TypeError) as error:
        raise ValueError(f"no shared colors ({error})") from error
    if not len(weight) == len(ab) == BANDS:
        raise ValueError(f"shared colors of {len(ab)} bands, expected {BANDS}")
    return weight, ab
