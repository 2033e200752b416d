"""Colors taken over from another picture, where it shows what the photograph shows.

Cells of both pictures are compared by what the model believes of them (so grass finds grass), by how light they and
their surroundings are, and a little by place. A cell whose best matches in the reference agree on a color, and whose
best match would choose a place like it, too, gets that color as a hint: one that steers, and is not exact.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tinct.color.lab import srgb_to_lab
from tinct.errors import OptionError
from tinct.inference.confidence import Belief
from tinct.inference.guidance import Placed
from tinct.inference.resolution import window_mean
from tinct.media.photo import Photo

Floats = NDArray[np.float32]

CANDIDATES = 1500
"""Cells of each picture that are compared, evenly spread."""
MATCHES = 5
"""Best matches whose colors must agree."""
BELIEF, LIGHT, PLACE = 0.35, 12.0, 0.4
"""Differences that weigh the same: Hellinger's distance of the beliefs, L, and place as a share of the short side."""
SURROUNDINGS = (1, 3, 7)
"""Half sides of the squares over which L and its deviation are compared, in cells."""
FARTHEST = 0.9
"""A match that differs more, in those units, is none: a good half of the best ones between frames of one place a few
seconds apart lie nearer, of those between photographs of different things one in eight."""
LEAST = 0.25
"""Share of the photograph's cells that must have a match; with fewer, it shows something else, and they are chance."""
DISAGREEMENT = 12.0
"""Deviation of the matches' colors, in Lab units, above which they say nothing."""
SIDE = 48
"""Size, in cells, at which a reference is usually looked at."""
GRAY = 2
"""Most that the channels of a gray picture differ by, of 255."""
ACROSS = 14
"""Hints along the short side, at most."""


def find_hints(own: Belief, other: Belief, colors: Floats, scale: tuple[float, float]) -> list[Placed]:
    """Return colors of a reference as hints for a photograph.

    Args:
        own: what the model believes of the photograph.
        other: of the reference.
        colors: (h, w, 2), a and b of the reference's cells.
        scale: pixels of the photograph in a cell, along y and x.
    """
    rows, columns = _sample(own.lightness.shape)
    others = _sample(other.lightness.shape)
    features, theirs = _describe(own, rows, columns), _describe(other, *others)
    palette = colors[np.ix_(*others)].reshape(-1, 2)
    distances = _distances(features, theirs)
    count = min(MATCHES, len(theirs))
    best = np.argpartition(distances, count - 1, axis=1)[:, :count]
    squares = np.take_along_axis(distances, best, axis=1)
    weights = np.exp(-0.5 * (squares - squares.min(axis=1, keepdims=True)))
    weights /= weights.sum(axis=1, keepdims=True)
    mean = np.einsum("nk,nkc->nc", weights, palette[best])
    disagreement = np.einsum("nk,nk->n", weights, ((palette[best] - mean[:, np.newaxis]) ** 2).sum(axis=-1))
    # There and back again: the place that the best match would choose must look like this one.
    back = distances.argmin(axis=0)[distances.argmin(axis=1)]
    detour = ((features - features[back]) ** 2).sum(axis=1)
    quality = squares.min(axis=1) + detour
    sound = (quality < FARTHEST**2) & (disagreement < DISAGREEMENT**2)
    if sound.mean() < LEAST:
        return []
    chosen = _thin(quality, sound, len(rows), len(columns))
    return [_place(rows[n // len(columns)], columns[n % len(columns)], scale, mean[n]) for n in chosen]


def read_colors(reference: Photo, height: int, width: int) -> Floats:
    """Return a and b of a reference at a small size, (height, width, 2), in Lab units.

    Raises:
        OptionError: it is gray.
        PhotoError: it can't be read.
    """
    small = reference.small(height, width)
    small = small.resize(width / small.width, vscale=height / small.height).numpy()
    if np.ptp(small.astype(np.int16), axis=-1).max() <= GRAY:
        raise OptionError(f"the reference {reference.name} is gray; give a color picture")
    return srgb_to_lab(small.astype(np.float32) / np.float32(255))[..., 1:]


def _sample(shape: tuple[int, ...]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return rows and columns of evenly spread cells."""
    step = int(np.ceil(np.sqrt(shape[0] * shape[1] / CANDIDATES)))
    rows, columns = (np.arange(min(step // 2, length - 1), length, step) for length in shape)
    return rows, columns


def _describe(belief: Belief, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return features of cells, (n, Q + ...), whose squared distances are what :data:`FARTHEST` limits."""
    chosen = np.ix_(rows, columns)
    light = belief.lightness.astype(np.float64)
    # Exposures differ; how light a place is within its picture counts.
    light = (light - light.mean()) / max(light.std(), 1.0) * 20.0
    parts = [np.sqrt(belief.chances[chosen]) / (np.sqrt(2) * BELIEF)]
    per = LIGHT * np.sqrt(2 * len(SURROUNDINGS))
    for radius in SURROUNDINGS:
        mean = window_mean(light, radius)
        deviation = np.sqrt(np.maximum(window_mean(light**2, radius) - mean**2, 0))
        parts.append(np.stack([mean[chosen], deviation[chosen]], axis=-1) / per)
    place = np.stack(np.meshgrid(rows, columns, indexing="ij"), axis=-1) / min(light.shape)
    parts.append(place / PLACE)
    return np.concatenate(parts, axis=-1).reshape(len(rows) * len(columns), -1)


def _distances(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return squared distances of rows."""
    squares = (first**2).sum(axis=1)[:, np.newaxis] + (second**2).sum(axis=1) - 2 * first @ second.T
    found: NDArray[np.float64] = np.maximum(squares, 0)
    return found


def _thin(quality: NDArray[np.float64], sound: NDArray[np.bool_], height: int, width: int) -> Sequence[int]:
    """Keep the best sound match of each square of the picture."""
    side = max(1.0, min(height, width) / ACROSS)
    kept: dict[tuple[int, int], int] = {}
    for index in np.argsort(quality, kind="stable"):
        if sound[index]:
            kept.setdefault((int(index // width / side), int(index % width / side)), int(index))
    return sorted(kept.values())


def _place(row: int, column: int, scale: tuple[float, float], ab: NDArray[np.float64]) -> Placed:
    """Return a hint over one cell."""
    top, left = int(row * scale[0]), int(column * scale[1])
    bottom, right = max(top + 1, int((row + 1) * scale[0])), max(left + 1, int((column + 1) * scale[1]))
    return Placed(top, bottom, left, right, ab.astype(np.float32))
