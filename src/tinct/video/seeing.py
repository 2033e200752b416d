"""From a frame to the colors of its cells: the part that the network has."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from tinct.inference import readout, resolution
from tinct.inference.backends import Backend
from tinct.inference.options import ColorizeOptions
from tinct.video.steady import Colored
from tinct.video.tones import Frame

Floats = NDArray[np.float32]
Item = TypeVar("Item")
Done = TypeVar("Done")


class Seer:
    """Colorizes small copies of frames; several threads may share it.

    Args:
        backend: the model.
        options: mode, vividness and size.
        height: of upright frames, in pixels.
        width: likewise.
        aspect: of an upright pixel, width over height; the network sees things in their true shape.
    """

    def __init__(self, backend: Backend, options: ColorizeOptions, height: int, width: int, aspect: float) -> None:
        self._backend, spec = backend, backend.spec
        self._choice = readout.choose(spec, options.mode, options.vividness)
        shape = (height, max(1, round(width * aspect)))
        size = options.size or spec.size
        self._fit = resolution.fit(*shape, size, spec.multiple)
        self._usual = resolution.fit(*shape, spec.size, spec.multiple) if size > spec.size else None
        self._pooling = resolution.pooling(self._fit, spec.stride)
        self.side = spec.stride * self._pooling
        """Pixels of the copy in a cell."""
        self.cells = (-(-self._fit.height // self.side), -(-self._fit.width // self.side))
        """Rows and columns of the grid of cells."""
        self.cell = (height * self.side / self._fit.height, width * self.side / self._fit.width)
        """Pixels of the frame in a cell, along y and x."""

    @property
    def note(self) -> str | None:
        """What to tell the user of the read-out."""
        return self._choice.note

    def look(self, frame: Frame) -> Colored:
        """Colorize a frame's copy."""
        spec, fitted = self._backend.spec, self._fit
        lightness = frame.lightness()
        small = _shrunk(lightness, fitted)
        output = self._run(small, fitted)
        if self._usual is not None:
            usual = _shrunk(lightness, self._usual)
            output = resolution.steady(output, fitted, self._run(usual, self._usual), self._usual)
        ab = resolution.pool(readout.read_colors(output, spec, self._choice.knot), self._pooling)
        return Colored(frame, small, resolution.pool(small, self.side), ab)

    def shrink(self, frame: Frame) -> tuple[Floats, Floats]:
        """Return L of a frame's copy, and of its cells."""
        small = _shrunk(frame.lightness(), self._fit)
        return small, resolution.pool(small, self.side)

    def _run(self, small: Floats, fitted: resolution.Fit) -> Floats:
        return fitted.crop(self._backend.run(fitted.pad(small), None), self._backend.spec.stride)


def _shrunk(lightness: Floats, fitted: resolution.Fit) -> Floats:
    small: Floats = cv2.resize(lightness, (fitted.width, fitted.height), interpolation=cv2.INTER_AREA)
    return small


def in_order(
    pool: ThreadPoolExecutor, items: Iterable[Item], work: Callable[[Item], Done], ahead: int
) -> Iterator[Done]:
    """Do the work for items on a pool's threads, and yield the results in their order.

    Args:
        pool: the threads.
        items: taken as they are needed.
        work: what to do.
        ahead: how many items may be under way or wait to be taken.
    """
    waiting: deque[Future[Done]] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) >= ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()
