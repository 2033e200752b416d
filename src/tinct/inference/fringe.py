"""What a table of colors holds just outside the gamut, so that reading between its nodes is right just inside.

A node outside holds a color brought into the gamut along its ray. Where the gamut is a narrow spike (light yellow and
cyan, dark blue), that may be far from all colors of the spike, which lie between nodes on both sides. So nodes at the
border hold their own color, or come as near to it as lightness allows, with what sRGB lacks of the channels cut.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tinct.color.gamut import in_gamut
from tinct.color.lab import EPSILON, KAPPA, RGB_TO_XYZ, linear_planes

Floats = NDArray[np.float32]

LEAST_CHANGE = 6.0
"""Nodes that reduction moves by less, in Lab units, stay reduced: they are beside no spike. A cell's diagonal."""
MOST_SHIFT = 0.2
"""How far cutting channels may move the L of a node."""
LEAST_YELLOW_CHANGE, MOST_YELLOW_SHIFT = 2.0, 0.35
"""The same for light yellows, where the spike is narrowest."""
HALVINGS = 5
"""In the search for the color that is nearest to a node's own."""
SPIKES = (((92, 100), (-40, 8), (8, 110)), ((0, 35), (8, 110), (-110, -24)))
"""Where a spike may pass between nodes that are all outside: L, a and b, from and to."""
YELLOW = (92, 20)
"""Least L and b of light yellows."""
PARTS = 4
"""Of a cell's side, at which spikes are looked for."""


def extend(lab: Floats, reduced: Floats) -> Floats:
    """Return the colors that the nodes of a table shall hold, L unchanged.

    Args:
        lab: (K, n, n, 3), colors of the nodes of K levels; b grows along the second axis, a along the third, evenly.
        reduced: the same colors brought into the gamut.

    Returns:
        ``reduced``, where it matters nearer to ``lab``; those are outside of the gamut.
    """
    change = np.hypot(*np.moveaxis(lab[..., 1:] - reduced[..., 1:], -1, 0))
    yellow = (lab[..., 0] > YELLOW[0]) & (lab[..., 2] > YELLOW[1])
    used = _at_border(lab, change == 0) & (change > np.where(yellow, LEAST_YELLOW_CHANGE, LEAST_CHANGE))
    own, within = lab[used], reduced[used]
    way = own - within
    most = np.where(yellow[used], MOST_YELLOW_SHIFT, MOST_SHIFT)
    share = np.zeros((len(own), 1), np.float32)
    for power in range(1, HALVINGS + 1):
        further = share + np.float32(0.5**power)
        share = np.where((_shift(within + further * way) <= most)[:, np.newaxis], further, share)
    share[_shift(own) <= most] = 1
    result = reduced.copy()
    result[used] = within + share * way
    return result


def _at_border(lab: Floats, inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Tell which nodes are corners of a cell that has colors of sRGB at its level, or at one beside it."""
    cells = inside[:, :-1, :-1] | inside[:, 1:, :-1] | inside[:, :-1, 1:] | inside[:, 1:, 1:]
    a, b = lab[0, 0, :, 1], lab[0, :, 0, 2]
    for bounds in SPIKES:
        # A cell belongs where its upper end lies above the lower bound, and its lower end below the upper one.
        levels, columns, rows = (
            np.flatnonzero((line[at:] >= low) & (line[: len(line) - at] <= high))
            for line, at, (low, high) in zip((lab[:, 0, 0, 0], a, b), (0, 1, 1), bounds, strict=True)
        )
        block = np.ix_(levels, rows, columns)
        found = cells[block]
        for part in np.ndindex(PARTS, PARTS):
            points = lab[block].copy()
            points[..., 1] += np.float32((a[1] - a[0]) * part[1] / PARTS)
            points[..., 2] += np.float32((b[1] - b[0]) * part[0] / PARTS)
            found |= in_gamut(points)
        cells[block] = found
    beside = cells.copy()
    beside[1:] |= cells[:-1]
    beside[:-1] |= cells[1:]
    border = np.zeros_like(inside)
    for rows, columns in np.ndindex(2, 2):
        border[:, rows : rows + beside.shape[1], columns : columns + beside.shape[2]] |= beside
    return border


def _shift(lab: Floats) -> Floats:
    """Return by how much L of colors (N, 3) may move at most where channels outside 0..1 are cut."""
    light = (lab[:, 0] + 16) / 116
    slope = np.where(light**3 > EPSILON, 116 / 3 / np.maximum(light, 0.1) ** 2, KAPPA)
    planes = np.stack(linear_planes(lab[:, 0], lab[:, 1], lab[:, 2]), axis=-1)
    moved: Floats = (np.abs(planes - planes.clip(0, 1)) @ np.array(RGB_TO_XYZ[1], np.float32)) * slope
    return moved
