"""Steady colors within a shot: a running average of chroma along the flow, from both sides; lightness isn't touched.

Each cell's color is averaged with what it was in the frames before, and will be in the frames after, as far as the
flow can be trusted; a place that comes into sight begins anew. Both averages are recursive, so each costs one step of
the flow a frame; the one of the frames after is begun a few frames ahead.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinct.video.flow import Link, Linker, Way
from tinct.video.tones import Frame

Floats = NDArray[np.float32]

MEMORY = 9.0
"""Most frames, on each side, that the average counts for."""
AHEAD = 16
"""Frames after a frame that are looked at for it."""
TOGETHER = 4
"""Frames that are averaged with one look ahead; the last of them sees :data:`AHEAD` frames."""


@dataclass(frozen=True, slots=True)
class Colored:
    """A frame with the colors of its cells."""

    frame: Frame
    small: Floats
    """(h', w'), L of the copy that the network saw."""
    lightness: Floats
    """(h, w), L of each cell."""
    ab: Floats
    """(h, w, 2), in Lab units."""


@dataclass(frozen=True, slots=True)
class _Average:
    """Colors of a frame's cells, and for how many frames each counts."""

    ab: Floats
    weight: Floats

    def bring(self, way: Way) -> _Average:
        """Bring it to the next frame, in either direction."""
        weight = np.minimum(way.bring(self.weight), np.float32(MEMORY - 1)) * way.trust
        return _Average(way.bring(self.ab, smooth=True), weight)

    def add(self, ab: Floats, weight: Floats) -> _Average:
        """Add colors."""
        total = self.weight + weight
        mixed = self.ab * self.weight[..., np.newaxis] + ab * weight[..., np.newaxis]
        return _Average(mixed / np.maximum(total, np.float32(1e-6))[..., np.newaxis], total)


@dataclass(slots=True)
class _Entry:
    colored: Colored
    before: _Average
    """Of this frame and those before."""
    link: Link | None
    """To the frame before; None for the first."""


def steady(frames: Iterable[Colored], linker: Linker) -> Iterator[tuple[Colored, Floats]]:
    """Yield each frame with its steadied colors, (h, w, 2).

    Args:
        frames: of one shot, in order.
        linker: finds the ways between them.
    """
    window: deque[_Entry] = deque()
    for colored in frames:
        one = np.ones(colored.lightness.shape, np.float32)
        if window:
            link = linker.link(window[-1].colored.small, colored.small)
            before = window[-1].before.bring(link.back).add(colored.ab, one)
        else:
            link, before = None, _Average(colored.ab, one)
        window.append(_Entry(colored, before, link))
        if len(window) == AHEAD + TOGETHER:
            yield from _release(window, TOGETHER)
    yield from _release(window, len(window))


def _release(window: deque[_Entry], count: int) -> Iterator[tuple[Colored, Floats]]:
    """Take the first frames out, each with its average of before and after."""
    found: list[Floats] = []
    after: _Average | None = None
    for place in range(len(window) - 1, -1, -1):
        entry = window[place]
        if place < count:
            total = entry.before if after is None else entry.before.add(after.ab, after.weight)
            found.append(total.ab)
        one = np.ones(entry.colored.lightness.shape, np.float32)
        own = _Average(entry.colored.ab, one) if after is None else after.add(entry.colored.ab, one)
        after = None if entry.link is None else own.bring(entry.link.on)
    for ab in reversed(found):
        yield window.popleft().colored, ab
