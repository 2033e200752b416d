"""A photograph as a network sees it: fitted, looked at, and what was said of it remembered."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinct.inference import guidance, resolution
from tinct.inference.backends import Backend
from tinct.media.photo import Photo

Floats = NDArray[np.float32]

KEPT = 4
"""Outputs that are remembered, one for each set of hints and size."""


@dataclass(frozen=True, slots=True)
class View:
    """What the network said of a photograph."""

    output: Floats
    """(C, h, w), raw, cut to the photograph."""
    pooling: int
    """How many of its cells a side are averaged into one."""
    lightness: Floats
    """(h', w'), L of each of the resulting cells."""
    cells: tuple[float, float]
    """How many cells cover the photograph's height and width."""


class Views:
    """Shows one photograph to one network; several threads may share it."""

    def __init__(self, photo: Photo, backend: Backend) -> None:
        self._photo = photo
        self._backend = backend
        self._kept: OrderedDict[tuple[Any, ...], View] = OrderedDict()
        self._lock = threading.Lock()

    def look(self, size: int | None = None, placed: Sequence[guidance.Placed] = ()) -> View:
        """Run the network, or remember what it said.

        Args:
            size: short side that it sees, in pixels; None for its own.
            placed: the hints that it is told.
        """
        spec = self._backend.spec
        size = size or spec.size
        key = (size, *((hint.top, hint.bottom, hint.left, hint.right, *hint.ab.tolist()) for hint in placed))
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        view = self._run(size, placed)
        with self._lock:
            self._kept[key] = view
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return view

    def _run(self, size: int, placed: Sequence[guidance.Placed]) -> View:
        photo, spec = self._photo, self._backend.spec
        fitted = resolution.fit(photo.height, photo.width, size, spec.multiple)
        lightness = photo.small_lightness(fitted.height, fitted.width)
        encoded = guidance.encode(placed, photo.height, photo.width, fitted) if placed else None
        output = fitted.crop(self._backend.run(fitted.pad(lightness), encoded), spec.stride)
        if size > spec.size:
            usual = resolution.fit(photo.height, photo.width, spec.size, spec.multiple)
            output = resolution.steady(output, fitted, self.look(spec.size, placed).output, usual)
        pooling = resolution.pooling(fitted, spec.stride)
        cell = spec.stride * pooling
        return View(
            np.ascontiguousarray(output),
            pooling,
            resolution.pool(lightness, cell),
            (fitted.height / cell, fitted.width / cell),
        )
