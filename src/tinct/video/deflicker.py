"""Even lightness: frames of a shot get the lightness that those around them have on average.

Each frame's L is mapped so that its quantiles become the weighted means of its neighbors' (Delon, "Movie and video
scale-time equalization application to flicker reduction", 2006). One curve a frame: what moves keeps its contrast.
"""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from tinct.video.tones import Frame

REACH = 8
"""Frames before and after that count."""
SPREAD = 4.0
"""Deviation of their weights, in frames."""
QUANTILES = 65
SAMPLE = 40_000
"""About so many pixels of a frame are counted."""


def deflicker(frames: Iterable[Frame]) -> Iterator[Frame]:
    """Yield the frames of one shot, each with another table from codes to L."""
    window: deque[tuple[Frame, NDArray[np.float64]]] = deque()
    ready = 0  # place in the window of the next frame to yield
    for frame in frames:
        window.append((frame, _quantiles(frame)))
        if len(window) - ready > REACH:
            yield _even(window, ready)
            ready += 1
        if ready > REACH:
            window.popleft()
            ready -= 1
    for place in range(ready, len(window)):
        yield _even(window, place)


def _quantiles(frame: Frame) -> NDArray[np.float64]:
    step = max(1, round((frame.codes.size / SAMPLE) ** 0.5))
    light = frame.table[frame.codes[::step, ::step]]
    return np.quantile(light, np.linspace(0, 1, QUANTILES)).astype(np.float64)


def _even(window: deque[tuple[Frame, NDArray[np.float64]]], place: int) -> Frame:
    frame, own = window[place]
    near = range(max(0, place - REACH), min(len(window), place + REACH + 1))
    weights = np.exp(-0.5 * ((np.array(near) - place) / SPREAD) ** 2)
    wanted = np.average([window[other][1] for other in near], axis=0, weights=weights)
    # Many pixels of one L make quantiles equal; a curve needs them apart.
    ramp = np.linspace(0, 1e-3, QUANTILES)
    change = np.interp(frame.table, own + ramp, wanted - own)
    table = np.clip(np.maximum.accumulate(frame.table + change), 0, 100).astype(np.float32)
    return dataclasses.replace(frame, table=table)
