"""The distribution of colors in a training set, counted once and kept."""

from __future__ import annotations

import io
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinct.color.gamut import REACH, soft_encode_table
from tinct.color.lab import srgb_to_lab
from tinct.data.photos import PhotoSet
from tinct.data.source import Source, fingerprint
from tinct.data.split import pick
from tinct.errors import OutputError
from tinct.media.atomic import atomic_path

ENOUGH = 6000
"""Photos to count; more change the distribution by less than its smoothing does."""
SIDE = 2 * REACH + 1
"""Of a histogram: whole-numbered a and b from -110 to 110."""


def sample(sources: Iterable[Source]) -> list[Source]:
    """Return the photos of a training set whose colors are counted: :data:`ENOUGH` of them, chosen by hash."""
    return pick(sources, ENOUGH)


def color_histogram(photos: PhotoSet, cache: Path | None = None) -> NDArray[np.int64]:
    """Count how often each color occurs in a training set.

    Of the :func:`sample` of its sources that are usable, every fourth pixel of rows and columns is counted.

    Args:
        photos: the training set, or just the sample of it.
        cache: a folder to keep the counts in; they are read from there where they are. None keeps nothing.

    Returns:
        (221, 221), the count of color (a, b) in whole Lab units at ``[a + 110, b + 110]``.
    """
    chosen = sample(photos.sources)
    key = fingerprint(chosen, *photos.settings)
    if (kept := load_histogram(cache, key)) is not None:
        return kept
    names = {source.name for source in chosen}
    # By their places, so that no other photo of a set that decodes on demand is decoded.
    histogram = count_colors(photos[place] for place, name in enumerate(photos.names) if name in names)
    if cache is not None:
        # A cache that can't be written costs the counting again next time, no more.
        with suppress(OSError, OutputError):
            target = _place(cache, key)
            target.parent.mkdir(parents=True, exist_ok=True)
            buffer = io.BytesIO()
            np.save(buffer, histogram, allow_pickle=False)
            with atomic_path(target, overwrite=True) as path:
                path.write_bytes(buffer.getvalue())
    return histogram


def _place(cache: Path, key: str) -> Path:
    return cache / "statistics" / f"{key}.npy"


def load_histogram(cache: Path | None, key: str) -> NDArray[np.int64] | None:
    """Return the histogram that is kept under a key; None where there is none, or it is damaged."""
    if cache is None:
        return None
    try:
        histogram = np.load(_place(cache, key), allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    whole = histogram.shape == (SIDE, SIDE) and histogram.dtype == np.int64 and histogram.any()
    return histogram if whole else None


def count_colors(photos: Iterable[NDArray[np.uint8]]) -> NDArray[np.int64]:
    """Count the colors of every fourth pixel of rows and columns; see :func:`color_histogram`.

    Args:
        photos: (H, W, 3) uint8 each.
    """
    counts = np.zeros(SIDE * SIDE, np.int64)
    for photo in photos:
        lab = srgb_to_lab(photo[::4, ::4].astype(np.float32) / 255)
        ab = np.rint(lab[..., 1:]).astype(np.int64).clip(-REACH, REACH) + REACH
        counts += np.bincount((ab[..., 0] * SIDE + ab[..., 1]).ravel(), minlength=SIDE * SIDE)
    return counts.reshape(SIDE, SIDE)


def bin_counts(histogram: NDArray[np.int64], bins: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return how many of the counted pixels fall into each bin: each color into its nearest.

    Args:
        histogram: see :func:`color_histogram`.
        bins: (Q, 2) centers.

    Returns:
        (Q,) counts.
    """
    nearest = soft_encode_table(bins, 1, 5.0)[0][..., 0]
    counts = np.zeros(len(bins))
    np.add.at(counts, nearest.ravel(), histogram.ravel())
    return counts
