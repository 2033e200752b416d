"""A table from lightness and color to sRGB, with the reduction to the gamut inside, that libvips reads as a picture.

For each of some levels of L it holds a square tile with a along x and b along y. Looking a color up is one bilinear
read (``mapim``), which costs less than the formulas, and every color comes out in the gamut at constant L and hue.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinct.color.gamut import REACH, in_gamut, reduce_chroma
from tinct.color.lab import lab_to_srgb
from tinct.inference.fringe import extend

Floats = NDArray[np.float32]

STEP = 4.0
"""Largest distance of two nodes in a and in b; blending colors of equal L between them keeps L within a quarter."""
LAYER_LIGHTNESS = 65.0
"""L of a layer that holds color alone; colors that sRGB lacks there lie as near to it as they can."""


@dataclass(frozen=True, slots=True)
class Box:
    """The range of colors that a table holds."""

    low: tuple[float, float]
    """Smallest a and b."""
    step: tuple[float, float]
    """Distance of two nodes in a and in b."""
    count: int
    """Nodes a side."""


@dataclass(frozen=True, slots=True)
class Atlas:
    """Tiles of a table, arranged in a square."""

    nodes: Floats
    """(rows * count, columns * count, 3), sRGB in 0..1."""
    box: Box
    levels: int
    """How many tiles."""

    def corner(self, level: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Return x and y of a level's tile."""
        columns = self.nodes.shape[1] // self.box.count
        return level % columns * self.box.count, level // columns * self.box.count


def make_box(colors: Floats) -> Box:
    """Return the box around colors (N, 2), as far as sRGB reaches, in Lab units; gray is one of its nodes."""
    kept = np.clip(colors, -REACH, REACH)
    # Gray must stay gray where the gamut is narrower than a step, so nodes are counted from it, to both sides.
    low, high = np.minimum(kept.min(axis=0), -0.5), np.maximum(kept.max(axis=0), 0.5)
    below, above = np.ceil(-low / STEP), np.ceil(high / STEP)
    count = int((below + above).max()) + 1
    step = np.maximum(-low / below, high / above)
    low = -below * step
    return Box((float(low[0]), float(low[1])), (float(step[0]), float(step[1])), count)


def make_atlas(lightness: Floats, box: Box, convert: Callable[[Floats], Floats] = lab_to_srgb) -> Atlas:
    """Compute the table.

    Args:
        lightness: (K,), L of each level, 0..100.
        box: range of colors.
        convert: from Lab colors (..., 3) to what the table holds, which is cut to 0..1; some lie just outside the
            gamut (see :mod:`tinct.inference.fringe`).
    """
    count, columns = box.count, math.isqrt(len(lightness) - 1) + 1
    rows = -(-len(lightness) // columns)
    a, b = (np.float32(box.low[i]) + np.float32(box.step[i]) * np.arange(count, dtype=np.float32) for i in (0, 1))
    lab = np.empty((len(lightness), count, count, 3), np.float32)
    lab[..., 0] = lightness[:, np.newaxis, np.newaxis]
    lab[..., 1] = a
    lab[..., 2] = b[:, np.newaxis]
    tiles = np.zeros((rows * columns, count, count, 3), np.float32)
    tiles[: len(lightness)] = np.clip(convert(extend(lab, reduce_chroma(lab))), 0, 1)
    nodes = tiles.reshape(rows, columns, count, count, 3).swapaxes(1, 2).reshape(rows * count, columns * count, 3)
    return Atlas(nodes, box, len(lightness))


def to_layer(lab: Floats) -> Floats:
    """Convert colors (..., 3) to sRGB at :data:`LAYER_LIGHTNESS`, or as near to it as sRGB has their a and b."""
    share = np.zeros(lab.shape[:-1], np.float32)
    moved = lab.copy()
    way = np.float32(LAYER_LIGHTNESS) - lab[..., 0]
    for power in range(1, 13):
        further = share + np.float32(0.5**power)
        moved[..., 0] = lab[..., 0] + further * way
        share = np.where(in_gamut(moved), further, share)
    moved[..., 0] = lab[..., 0] + share * way
    return lab_to_srgb(moved)
