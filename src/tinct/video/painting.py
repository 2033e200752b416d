"""Colors of cells put onto a frame's own lightness, at full size.

The same guided lines over L as for photographs (:mod:`tinct.inference.resolution`), and the same kind of table from L,
a and b to sRGB (:mod:`tinct.inference.atlas`). A photograph gets a table of its own colors; for the many small frames
of a film, one of all colors is made once and looked up with OpenCV, which costs a fifth of a pipeline for each frame.
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


@functools.cache
def _all_colors() -> Atlas:
    """Return the table of all colors of sRGB; it takes half a second to make."""
    box = make_box(np.array([[-REACH] * 2, [REACH] * 2], np.float32))
    return make_atlas(np.linspace(0, 100, LEVELS, dtype=np.float32), box)


class Painter:
    """Puts colors onto frames.

    Args:
        deep: for 16 bits a channel, rather than 8.
    """

    def __init__(self, *, deep: bool) -> None:
        self._atlas = _all_colors()
        self._box = self._atlas.box
        self._top = 65535 if deep else 255
        self._kind: Any = np.uint16 if deep else np.uint8

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
        lines = guide(lightness, ab)
        light = frame.lightness()
        low = np.maximum(lines.low - np.float32(MARGIN), np.float32(-REACH))
        high = np.minimum(lines.high + np.float32(MARGIN), np.float32(REACH))
        slope = self._enlarge(lines.slope, light.shape, cell)
        place = self._enlarge(lines.offset, light.shape, cell)
        slope *= light[..., np.newaxis]
        place += slope
        np.clip(place, low, high, out=place)
        place -= np.array(self._box.low, np.float32)
        place /= np.array(self._box.step, np.float32)
        level = light * np.float32((LEVELS - 1) / 100)
        below = np.minimum(level.astype(np.intp), LEVELS - 2)
        share = (level - below)[..., np.newaxis]
        colors = self._look_up(place, below)
        colors += share * (self._look_up(place, below + 1) - colors)
        colors *= np.float32(self._top)
        painted: NDArray[Any] = np.rint(colors).astype(self._kind)
        return painted

    def _enlarge(self, cells: Floats, shape: tuple[int, ...], cell: tuple[float, float]) -> Floats:
        # The middles of the cells, not their corners, keep their places; the last cell may be cut by the border.
        matrix = np.array([[1 / cell[1], 0, 0.5 / cell[1] - 0.5], [0, 1 / cell[0], 0.5 / cell[0] - 0.5]], np.float32)
        kind = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        large: Floats = cv2.warpAffine(cells, matrix, shape[::-1], flags=kind, borderMode=cv2.BORDER_REPLICATE)
        return large

    def _look_up(self, place: Floats, level: NDArray[np.intp]) -> Floats:
        across, down = self._atlas.corner(level)
        found: Floats = cv2.remap(
            self._atlas.nodes,
            place[..., 0] + across.astype(np.float32),
            place[..., 1] + down.astype(np.float32),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        return found
