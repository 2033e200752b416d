"""Colors that a person gave for frames, carried through their shot.

A hint or a reference changes the colors of one frame. The difference to the frame's own colors goes along the flow,
to both ends of the shot; a place that comes into sight takes the difference of those that are near and equally light.
Between two frames with references, one fades into the other; hints are added to them, each by itself. So a shot is
looked through once before it is colorized.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tinct.color.lab import lightness_to_gray, srgb_to_lab
from tinct.errors import OptionError
from tinct.inference.backends import Backend
from tinct.inference.options import ColorizeOptions
from tinct.inference.pipeline import Colorizer
from tinct.inference.reference import read_colors
from tinct.media.atomic import atomic_path
from tinct.media.photo import read_photo
from tinct.video.flow import Linker, Way
from tinct.video.options import TimedHint, TimedReference
from tinct.video.tones import Frame

Floats = NDArray[np.float32]
Given = tuple[Floats | None, Floats | None]
"""Changes of one frame, (h, w, 2) in Lab units: by its reference, and by its hints beside that; None for none."""

SAME = 0.85
"""Correlation of lightness above which a reference shows the frame itself, and is followed place by place."""
ALIKE, NEAR = 8.0, 0.15
"""Differences of L, and distances as a share of the short side, at which a place's color says little of another's."""
STRONG = 20.0
"""Change of a color, in Lab units, that is a strong one."""
SPOTS = 300
"""Places that others are compared with."""
PRIOR = 0.05
"""Weight of no difference at all, where nothing is like a place."""


@dataclasses.dataclass(frozen=True, slots=True)
class Anchor:
    """What is given for one frame."""

    number: int
    hints: tuple[TimedHint, ...] = ()
    reference: TimedReference | None = None
    beneath: TimedReference | None = None
    """The shot's reference that is nearest in time, whose colors the hints change."""


def frame_at(time: float, times: NDArray[np.float64]) -> int:
    """Return the number of the frame that is shown at a time, both in seconds from the first."""
    return max(0, int(np.searchsorted(times, time + 1e-6, side="right")) - 1)


def check_references(references: Sequence[TimedReference], times: NDArray[np.float64]) -> None:
    """Make sure that no two references are for one frame.

    Raises:
        OptionError: two are.
    """
    found: dict[int, TimedReference] = {}
    for reference in references:
        if reference.time is not None:
            other = found.setdefault(frame_at(reference.time, times), reference)
            if other is not reference:
                raise OptionError(
                    f"{other.path} and {reference.path} are references for the same frame, at {reference.time:g} "
                    "seconds; leave one out, or give it another time"
                )


def find_anchors(
    hints: Sequence[TimedHint],
    references: Sequence[TimedReference],
    first: int,
    count: int,
    times: NDArray[np.float64],
) -> list[Anchor]:
    """Return the anchors of one shot, in order.

    Args:
        hints: of the whole film.
        references: likewise; one for the very frame goes before one for every shot.
        first: number of the shot's first frame.
        count: frames of it.
        times: (n,), when each frame of the film is shown, in seconds from the first.
    """
    shot = range(first, first + count)
    given: dict[int, list[TimedHint]] = {}
    shown: dict[int, TimedReference] = {}
    for hint in hints:
        given.setdefault(frame_at(hint.time, times), []).append(hint)
    for reference in references:
        if reference.time is None:
            shown.setdefault(first + count // 2, reference)
        else:
            shown[frame_at(reference.time, times)] = reference
    shown = {place: reference for place, reference in shown.items() if place in shot}

    def beneath(place: int) -> TimedReference | None:
        nearest = min(shown, key=lambda other: abs(other - place), default=None)
        return None if nearest is None else shown[nearest]

    return [
        Anchor(place, tuple(given.get(place, ())), shown.get(place), beneath(place))
        for place in sorted({*given, *shown})
        if place in shot
    ]


def carry(
    frames: Iterator[Frame],
    count: int,
    anchors: Sequence[Anchor],
    difference: Callable[[Anchor, Frame], Given],
    shrink: Callable[[Frame], tuple[Floats, Floats]],
    linker: Linker,
    file: Path,
) -> None:
    """Work out by how much the colors of each frame of a shot change, into a file that :func:`load` reads.

    Args:
        frames: all of the shot.
        count: how many there are.
        anchors: of the shot, in order.
        difference: gives the changes of an anchor's frame.
        shrink: gives a frame's copy for the flow, and L of its cells.
        linker: finds the ways between frames.
        file: what to write, whole or not at all.

    Raises:
        OutputError: it can't be written.
    """
    by_number = {anchor.number: anchor for anchor in anchors}
    given: dict[int, Given] = {}
    lights: Any = None
    ways: Any = None
    changes: Any = None
    before: Floats | None = None
    with atomic_path(file, overwrite=True) as temporary:
        scratch = temporary.with_suffix(".ways")
        try:
            for place, frame in enumerate(frames):
                small, light = shrink(frame)
                if lights is None:
                    shape = (count, *light.shape)
                    ways = np.memmap(scratch, np.float16, "w+", shape=(*shape, 8))
                    lights = ways[..., 6]
                    changes = np.lib.format.open_memmap(temporary, "w+", np.float16, (*shape, 2))
                    _reserve(scratch)
                    _reserve(temporary)
                lights[place] = light
                if before is not None:
                    link = linker.link(before, small)
                    ways[place, ..., :2], ways[place, ..., 2] = link.back.shift, link.back.trust
                    ways[place, ..., 3:5], ways[place, ..., 5] = link.on.shift, link.on.trust
                before = small
                if frame.number in by_number:
                    given[place] = difference(by_number[frame.number], frame)
            _sweep(changes, ways, given)
            changes.flush()
        finally:
            del ways, lights
            scratch.unlink(missing_ok=True)


def load(file: Path) -> NDArray[np.float16]:
    """Open what :func:`carry` wrote: (n, h, w, 2), Lab units; frames are read when they are asked for."""
    found: NDArray[np.float16] = np.load(file, mmap_mode="r")
    return found


def _reserve(file: Path) -> None:
    """Have the disk keep room for a file that is mapped; where it has none, writing there would kill the process."""
    if hasattr(os, "posix_fallocate"):
        with file.open("r+b") as opened:
            os.posix_fallocate(opened.fileno(), 0, file.stat().st_size)


def _sweep(changes: Any, ways: Any, given: dict[int, Given]) -> None:
    weights = ways[..., 7:]
    for at, (_, hinted) in given.items():
        for place, change in () if hinted is None else _spread(hinted, at, range(len(changes)), ways):
            # Where several change a place, they aren't added up: it is left to the strongest, or the nearest in time.
            weight = np.square(np.square(change / STRONG).sum(axis=-1, keepdims=True)) / (1 + abs(place - at))
            weights[place] += weight
            changes[place] += (change - changes[place]) * weight / np.maximum(weights[place], 1e-7)
    shown = {at: likened for at, (likened, _) in given.items() if likened is not None}
    marks = [0, *sorted(shown), len(changes) - 1]
    for number, at in enumerate(sorted(shown)):
        fading = np.eye(len(shown))[number]
        for place, change in _spread(shown[at], at, range(marks[number], marks[number + 2] + 1), ways):
            changes[place] += np.float32(np.interp(place, marks[1:-1], fading)) * change


def _spread(change: Floats, at: int, where: range, ways: Any) -> Iterator[tuple[int, Floats]]:
    """Yield the change of one frame as it arrives at each of those around it, with their numbers."""
    yield at, change
    brought = change
    for place in range(at + 1, where.stop):
        way = Way(ways[place, ..., :2].astype(np.float32), ways[place, ..., 2].astype(np.float32))
        brought = _bring(brought, way, ways[place, ..., 6])
        yield place, brought
    brought = change
    for place in range(at - 1, where.start - 1, -1):
        way = Way(ways[place + 1, ..., 3:5].astype(np.float32), ways[place + 1, ..., 5].astype(np.float32))
        brought = _bring(brought, way, ways[place, ..., 6])
        yield place, brought


def _bring(change: Floats, way: Way, light: NDArray[np.float16]) -> Floats:
    brought = way.bring(change, smooth=True)
    doubtful = way.trust < 0.9
    if doubtful.any():
        trust = way.trust[doubtful][:, np.newaxis]
        brought[doubtful] = trust * brought[doubtful] + (1 - trust) * _fill(brought, way.trust, light, doubtful)
    return brought


def _fill(change: Floats, trust: Floats, light: NDArray[np.float16], where: NDArray[np.bool_]) -> Floats:
    """Return the mean change of places that are near and equally light, for those cells (n, 2)."""
    height, width = trust.shape
    step = max(1, round((height * width / SPOTS) ** 0.5))
    rows, columns = np.mgrid[step // 2 : height : step, step // 2 : width : step].reshape(2, -1)
    y, x = np.nonzero(where)
    short = min(height, width)
    apart = ((y[:, np.newaxis] - rows) ** 2 + (x[:, np.newaxis] - columns) ** 2) / (NEAR * short) ** 2
    lighter = light.astype(np.float32)[y, x][:, np.newaxis] - light.astype(np.float32)[rows, columns]
    weight = np.exp(-0.5 * (apart + (lighter / ALIKE) ** 2)) * trust[rows, columns]
    filled: Floats = ((weight @ change[rows, columns]) / (weight.sum(axis=1, keepdims=True) + PRIOR)).astype(np.float32)
    return filled


class Differ:
    """Finds by how much what is given changes the colors of a frame.

    Args:
        backend: the model.
        options: mode, vividness and size.
        cells: rows and columns of the result.
    """

    def __init__(self, backend: Backend, options: ColorizeOptions, cells: tuple[int, int]) -> None:
        self._colorizer, self._options, self._cells = Colorizer(backend), options, cells
        self.notes: list[str] = []
        """What a user should know."""

    def __call__(self, anchor: Anchor, frame: Frame) -> Given:
        """Return the changes.

        Raises:
            TinctError: a reference can't be read or is gray, or a hint lies outside the frame.
        """
        gray = np.rint(lightness_to_gray(frame.lightness()) * np.float32(255)).astype(np.uint8)
        prepared = self._colorizer.prepare(gray)
        likened = hinted = None
        own = self._read(prepared.colorize(self._options).photo.to_numpy())
        options = self._options
        if anchor.beneath is not None:
            options = dataclasses.replace(options, reference=anchor.beneath.path)
        result = prepared.colorize(options)
        base = self._read(result.photo.to_numpy())
        if anchor.reference is not None:
            shown = read_photo(anchor.reference.path)
            if self._is_same(shown.to_numpy(), gray):
                likened = read_colors(shown, *self._cells) - own
            else:
                likened = base - own
                self.notes += [note for note in result.notes if "reference" in note]
        if anchor.hints:
            options = dataclasses.replace(options, hints=tuple(timed.hint for timed in anchor.hints))
            hinted = self._read(prepared.colorize(options).photo.to_numpy()) - base
        return likened, hinted

    def _read(self, rgb: NDArray[Any]) -> Floats:
        small = cv2.resize(rgb, self._cells[::-1], interpolation=cv2.INTER_AREA)
        return srgb_to_lab(small.astype(np.float32) / np.float32(np.iinfo(rgb.dtype).max))[..., 1:]

    def _is_same(self, picture: NDArray[Any], gray: NDArray[np.uint8]) -> bool:
        if picture.ndim != 3 or picture.shape[2] < 3:
            raise OptionError("a reference for a film is a color picture")
        light = srgb_to_lab(
            cv2.resize(picture[..., :3], self._cells[::-1], interpolation=cv2.INTER_AREA)
            / np.float32(np.iinfo(picture.dtype).max)
        )
        own = cv2.resize(gray, self._cells[::-1], interpolation=cv2.INTER_AREA)
        return bool(np.corrcoef(light[..., 0].ravel(), own.ravel())[0, 1] > SAME)
