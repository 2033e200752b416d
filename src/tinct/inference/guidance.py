"""Colors chosen by hand: for the network, for its surroundings, and exactly where they were put.

Three things happen to a hint. A network that takes hints gets it as a patch of its input. What is then predicted there
is compared with what was asked, and the difference spreads to places that look alike, see
:mod:`~tinct.inference.kriging`. At full size, the hinted pixels get the asked a and b themselves, with a short slope
around.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinct.errors import HintError, OptionError
from tinct.inference.options import Hint
from tinct.inference.resolution import Fit
from tinct.media.photo import Photo

Floats = NDArray[np.float32]

MOST_HINTS = 1000
"""Hints on one photograph; the table of their crossings grows with the square."""
ASPECT_TOLERANCE = 0.01
"""How far the aspect of a mask may differ from the photograph's."""
NETWORK_SHARE = 0.25
"""How much the prediction of the network that knew of the hints counts against that of the one that didn't."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A hint in a photograph: the pixels from ``top`` to before ``bottom``, and from ``left`` to before ``right``."""

    top: int
    bottom: int
    left: int
    right: int
    ab: Floats
    """(2,), Lab units."""


def place(hints: Sequence[Hint], height: int, width: int) -> list[Placed]:
    """Put hints into a photograph of that size; those that later ones cover wholly are left out.

    Raises:
        HintError: one lies outside, or there are too many.
    """
    if len(hints) > MOST_HINTS:
        raise HintError(f"{len(hints)} hints are too many for one photograph, expected at most {MOST_HINTS}")
    placed = [Placed(*hint.place(height, width), hint.ab()) for hint in hints]
    owner = _owners(placed, height, width)[2]
    return [placed[index] for index in np.unique(owner[owner >= 0])]


def encode(placed: Sequence[Placed], height: int, width: int, fitted: Fit) -> Floats:
    """Return the network's input for hints: mask, a, b, float32 (3, H, W) of the padded size.

    Each hint covers at least one pixel of it; a later one goes over an earlier one.

    Args:
        placed: the hints.
        height: of the photograph that they are placed in.
        width: likewise.
        fitted: the size that the network sees.
    """
    planes = np.zeros((3, fitted.padded_height, fitted.padded_width), np.float32)
    for hint in placed:
        rows = _shrink(hint.top, hint.bottom, fitted.height / height, fitted.height)
        columns = _shrink(hint.left, hint.right, fitted.width / width, fitted.width)
        planes[0, rows, columns] = 1
        planes[1:, rows, columns] = hint.ab[:, np.newaxis, np.newaxis]
    return planes


def _shrink(start: int, end: int, scale: float, length: int) -> slice:
    first, last = round(start * scale), round(end * scale)
    if last <= first:
        first = min(int((start + end) / 2 * scale), length - 1)
        last = first + 1
    return slice(first, last)


def cover(
    hint: Placed, shape: tuple[int, ...], scale: tuple[float, float]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return how much of a hint lies in each row, and in each column, of cells; both sum to 1.

    Args:
        hint: in the photograph.
        shape: how many rows and columns there are.
        scale: pixels of the photograph in a cell, along y and x.
    """
    rows = _cover(hint.top / scale[0], hint.bottom / scale[0], shape[0])
    return rows, _cover(hint.left / scale[1], hint.right / scale[1], shape[1])


def _cover(start: float, end: float, length: int) -> NDArray[np.float64]:
    """Return how much of a stretch lies in each cell of a line, summing to 1."""
    edges = np.arange(length + 1)
    covered = np.minimum(edges[1:], end) - np.maximum(edges[:-1], start)
    # A stretch in the last, cut cell may lie outside by rounding.
    covered = np.maximum(covered, 1e-9)
    share: NDArray[np.float64] = covered / covered.sum()
    return share


@dataclass(frozen=True, slots=True)
class Overlay:
    """Hinted pixels at full size, as a small table of the crossings of all their borders.

    A pixel (x, y) finds its entry at ``columns[x]``, ``rows[y]``, between entries by bilinear interpolation: whole
    numbers on hinted pixels, so that these are exact, and slopes beside them.
    """

    table: Floats
    """(m, n, 3): opacity, and a and b times opacity."""
    rows: Floats
    """(H,), places in the table."""
    columns: Floats
    """(W,)."""


def overlay(placed: Sequence[Placed], height: int, width: int) -> Overlay:
    """Build the table for hints in a photograph of that size; a later hint goes over an earlier one."""
    tops, lefts, owner = _owners(placed, height, width)
    slope = max(2, min(max(hint.bottom - hint.top, hint.right - hint.left) for hint in placed) // 2)
    colors = np.array([hint.ab for hint in placed] + [np.zeros(2)], np.float32)
    opacity = (owner >= 0).astype(np.float32)[..., np.newaxis]
    # The row and column beyond the last are never reached, but an interpolation at the last asks for them.
    table = np.pad(np.concatenate([opacity, colors[owner] * opacity], axis=-1), ((0, 1), (0, 1), (0, 0)))
    return Overlay(table, _places(tops, owner, slope), _places(lefts, owner.T, slope))


def _owners(
    placed: Sequence[Placed], height: int, width: int
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Return the borders of all hints along y and x, and which hint has what lies between them: the last one, or -1."""
    tops = _borders([edge for hint in placed for edge in (hint.top, hint.bottom)], height)
    lefts = _borders([edge for hint in placed for edge in (hint.left, hint.right)], width)
    owner = np.full((len(tops) - 1, len(lefts) - 1), -1)
    for index, hint in enumerate(placed):
        rows = slice(*np.searchsorted(tops, (hint.top, hint.bottom)))
        columns = slice(*np.searchsorted(lefts, (hint.left, hint.right)))
        owner[rows, columns] = index
    return tops, lefts, owner


def _borders(edges: list[int], length: int) -> NDArray[np.intp]:
    return np.unique(np.array([0, length, *edges], np.intp))


def _places(borders: NDArray[np.intp], owner: NDArray[np.intp], slope: int) -> Floats:
    """Return for each pixel of a line its place among the stretches between borders; owner is (stretches, others)."""
    places = np.repeat(np.arange(len(borders) - 1, dtype=np.float32), np.diff(borders))
    for index in range(len(borders) - 2):
        before, after = owner[index], owner[index + 1]
        changes = before != after
        border = borders[index + 1]
        # A slope may lie only where no hinted pixel would be touched by it.
        for stretch, step, free in (
            (index, 1, not (changes & (before >= 0)).any()),
            (index + 1, -1, not (changes & (after >= 0)).any()),
        ):
            if free:
                room = min(slope, (borders[stretch + 1] - borders[stretch]) // 2)
                ramp = np.arange(room, 0, -1, dtype=np.float32) / (room + 1)
                if step > 0:
                    places[border - room : border] = index + ramp[::-1]
                else:
                    places[border : border + room] = index + 1 - ramp
    return places


def check_mask(mask: Photo, width: int, height: int) -> None:
    """Make sure that a mask has the shape of a photograph of ``width`` by ``height`` pixels.

    Raises:
        OptionError: it has another.
    """
    if abs(mask.width * height / (mask.height * width) - 1) > ASPECT_TOLERANCE:
        raise OptionError(
            f"the mask has {mask.width} x {mask.height} pixels, which is not the shape of the photograph "
            f"({width} x {height}); give one of the same size, or of the same shape"
        )
