"""What moved where from one frame to the next, and which places can be trusted to be the same.

Flow by DIS (Kroeger et al., "Fast Optical Flow using Dense Inverse Search", 2016). Places where the flow there and the
flow back disagree are hidden in one of the frames (Sundaram et al., "Dense Point Trajectories by GPU-accelerated Large
Displacement Optical Flow", 2010, equation 5); places that look different are no match either.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

DETOUR, LEAST_DETOUR = 0.01, 0.5
"""Squared detour of the way there and back, in pixels, as a share of the squared ways, and at least: more is hidden."""
LIGHT = 6.0
"""Difference in L at which a match counts for a good half."""


@dataclass(frozen=True, slots=True)
class Way:
    """Where each cell of one frame was in another."""

    shift: Floats
    """(h, w, 2), x and y to add, in cells."""
    trust: Floats
    """(h, w), 0..1."""

    def bring(self, planes: Floats, *, smooth: bool = False) -> Floats:
        """Bring planes (h, w) or (h, w, C) of the other frame to this one; ``smooth`` keeps more of their detail."""
        height, width = self.trust.shape
        across = self.shift[..., 0] + np.arange(width, dtype=np.float32)
        down = self.shift[..., 1] + np.arange(height, dtype=np.float32)[:, np.newaxis]
        kind = cv2.INTER_CUBIC if smooth else cv2.INTER_LINEAR
        moved: Floats = cv2.remap(planes, across, down, kind, borderMode=cv2.BORDER_REPLICATE)
        return moved


@dataclass(frozen=True, slots=True)
class Link:
    """Two frames that follow each other."""

    back: Way
    """Where the cells of the later one were in the earlier."""
    on: Way
    """Where the cells of the earlier one are in the later."""


class Linker:
    """Finds the ways between frames.

    Args:
        cells: rows and columns of the grid of the ways.
        cell: pixels of a frame's copy in a cell.
    """

    def __init__(self, cells: tuple[int, int], cell: int) -> None:
        self._cells, self._cell = cells, cell
        self._dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)

    def link(self, earlier: Floats, later: Floats) -> Link:
        """Find the ways between two frames' copies, (h, w), L in 0..100."""
        first, second = (np.rint(light * np.float32(2.55)).astype(np.uint8) for light in (earlier, later))
        there, back = self._dis.calc(first, second, None), self._dis.calc(second, first, None)
        # Films flicker: only what is left once the whole is equally light speaks against a match.
        brighter = np.float32(later.mean() - earlier.mean())
        return Link(
            back=self._way(back, there, later - brighter, earlier),
            on=self._way(there, back, earlier + brighter, later),
        )

    def _way(self, own: Floats, other: Floats, light: Floats, target: Floats) -> Way:
        height, width = light.shape
        across = own[..., 0] + np.arange(width, dtype=np.float32)
        down = own[..., 1] + np.arange(height, dtype=np.float32)[:, np.newaxis]
        returned = cv2.remap(other, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        detour = ((own + returned) ** 2).sum(axis=-1)
        allowed = DETOUR * ((own**2).sum(axis=-1) + (returned**2).sum(axis=-1)) + LEAST_DETOUR
        seen = cv2.remap(target, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        trust = np.exp(-0.5 * ((light - seen) / np.float32(LIGHT)) ** 2) * (detour < allowed)
        trust *= (across >= 0) & (across <= width - 1) & (down >= 0) & (down <= height - 1)
        return Way(self._pool(own) / np.float32(self._cell), self._pool(trust.astype(np.float32)))

    def _pool(self, planes: Floats) -> Floats:
        rows, columns = (count * self._cell for count in self._cells)
        below, right = rows - planes.shape[0], columns - planes.shape[1]
        padded = cv2.copyMakeBorder(planes, 0, below, 0, right, cv2.BORDER_REPLICATE)
        pooled: Floats = cv2.resize(padded, self._cells[::-1], interpolation=cv2.INTER_AREA)
        return pooled


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep OpenCV to one thread: its flow depends on their number, and frames are worked on side by side anyway."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)
