"""Colors of cells put onto a frame's own lightness, at full size.

The same guided lines over L as for photographs (:mod:`tinct.inference.resolution`), and the same kind of table from L,
a and b to sRGB (:mod:`tinct.inference.atlas`). A photograph gets a table of its own colors; for the many small frames
of a film, one of all colors is made once and looked up with OpenCV, which costs a fraction of a pipeline a frame.
"""

from __future__ import annotations

import functools
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tinct.color.gamut import REACH
from tinct.inference.atlas import Atlas, make_atlas, make_box
from tinct.inference.join import LEVELS, MARGIN
from tinct.inference.resolution import guide
from tinct.video.tones import Frame

Floats = NDArray[np.float32]

STRIP = 48
"""Rows that are worked on at once, so that they stay in the processor's cache."""


@functools.lru_cache(maxsize=2)
def _all_colors(levels: bytes) -> Atlas:
    """Return the table of all colors of sRGB at some L, float32; it takes half a second to make."""
    box = make_box(np.array([[-REACH] * 2, [REACH] * 2], np.float32))
    return make_atlas(np.frombuffer(levels, np.float32), box)


class Painter:
    """Puts colors onto frames.

    Args:
        table: L of the codes of most frames.
        deep: for 16 bits a channel, rather than 8.
    """

    def __init__(self, table: Floats, *, deep: bool) -> None:
        self._exact = table if len(table) == LEVELS else None
        levels = np.linspace(0, 100, LEVELS, dtype=np.float32) if self._exact is None else table
        self._levels = levels.astype(np.float64)
        self._atlas = _all_colors(levels.tobytes())
        self._kind: Any = np.uint16 if deep else np.uint8
        # With the half that makes cutting into rounding.
        self._nodes = self._atlas.nodes * np.float32(np.iinfo(self._kind).max) + np.float32(0.5)

    def paint(self, frame: Frame, lightness: Floats, ab: Floats, cell: tuple[float, float]) -> NDArray[Any]:
        """Return a frame in color.

        Args:
            frame: with its L.
            lightness: (h, w), L of each cell.
            ab: (h, w, 2), in Lab units.
            cell: pixels of the frame in a cell, along y and x.

        Returns:
            (H, W, 3), sRGB, uint8 or uint16.
        """
        lines, box = guide(lightness, ab), self._atlas.box
        start, step = np.array(box.low, np.float32), np.array(box.step, np.float32)
        planes = np.concatenate([lines.slope / step, (lines.offset - start) / step], axis=-1)
        low = (np.maximum(lines.low - np.float32(MARGIN), np.float32(-REACH)) - start) / step
        high = (np.minimum(lines.high + np.float32(MARGIN), np.float32(REACH)) - start) / step
        tiles, share = self._find_tiles(frame.table)
        painted = np.empty((*frame.codes.shape, 3), self._kind)
        for top in range(0, len(painted), STRIP):
            codes = frame.codes[top : top + STRIP]
            light = frame.table[codes]
            slopes = cv2.split(_enlarge(planes, top, codes.shape, cell))
            place = [np.clip(slopes[i] * light + slopes[i + 2], low[i], high[i]) for i in (0, 1)]
            colors = self._look_up(place, codes, tiles[0])
            if share is not None:
                colors += share[codes][..., np.newaxis] * (self._look_up(place, codes, tiles[1]) - colors)
            painted[top : top + STRIP] = colors
        return painted

    def _find_tiles(self, table: Floats) -> tuple[list[tuple[Floats, Floats]], Floats | None]:
        """Return the corner of each code's tile; or of those below and above it, and how far it lies between them."""
        if table is self._exact:
            return [self._corner(np.arange(LEVELS))], None
        position = np.interp(table, self._levels, np.arange(LEVELS))
        below = np.minimum(position.astype(np.intp), LEVELS - 2)
        share: Floats = (position - below).astype(np.float32)
        return [self._corner(below), self._corner(below + 1)], share

    def _corner(self, levels: NDArray[np.intp]) -> tuple[Floats, Floats]:
        across, down = self._atlas.corner(levels)
        return across.astype(np.float32), down.astype(np.float32)

    def _look_up(self, place: list[Floats], codes: NDArray[Any], tile: tuple[Floats, Floats]) -> Floats:
        across, down = (near + corner[codes] for near, corner in zip(place, tile, strict=True))
        found: Floats = cv2.remap(self._nodes, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return found


def _enlarge(cells: Floats, top: int, shape: tuple[int, ...], cell: tuple[float, float]) -> Floats:
    """Return rows of cells (h, w, C) at the size of a frame, from row ``top`` on."""
    # The middles of the cells, not their corners, keep their places; the last cell may be cut by the border.
    matrix = np.array([[1 / cell[1], 0, 0.5 / cell[1] - 0.5], [0, 1 / cell[0], (top + 0.5) / cell[0] - 0.5]])
    kind = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    large: Floats = cv2.warpAffine(cells, matrix, shape[::-1], flags=kind, borderMode=cv2.BORDER_REPLICATE)
    return large
