"""One look through a whole film: timestamps, cuts, damage, colors; everything that working shot by shot must know."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av
import av.error
import numpy as np
from numpy.typing import NDArray
from scenedetect import AdaptiveDetector, FrameTimecode

from tinct.errors import UnreadableVideo
from tinct.video.film import Film, decode, main_stream, opened
from tinct.video.tones import COLORED, chroma

LOOK = (160, 90)
"""Width and height at which frames are compared."""
RATIO, LEAST, SHORTEST = 3.0, 9.0, 5
"""A cut differs from the frame before by this many times what its neighbors do, by so much of 255 at least, and this
many frames after the last one."""
COLOR_LOOKS = 25
"""Every so many frames, one is looked at for color."""
TOGETHER = 1
"""Damage less than so many seconds apart is named as one."""
GAP, MOST_GAPS = 2.5, 20
"""Usual distances of frames that make a gap, and how many are named."""
EVEN = 0.9
"""Share of the frames that follow each other at the usual distance in a film whose gaps are named."""
CUT_SHORT = 0.6
"""Seconds by which a film must end early to be named."""


LONGEST = 500
"""Frames above which a shot is worked on, and gone on with after a kill, in pieces of even length."""
WARM = 16
"""Frames before and after a piece that are looked at for the sake of its steadiness, as far as the shot goes."""


@dataclass(frozen=True, slots=True)
class Shot:
    """Frames that are worked on together: a shot, or a piece of a long one."""

    number: int
    """From 0."""
    first: int
    """Number of its first frame in the film."""
    count: int
    whole_first: int
    """First frame of the whole shot."""
    whole_count: int
    """Frames of the whole shot."""

    @property
    def seen(self) -> range:
        """The frames to look at, those before and after the piece included."""
        end, whole_end = self.first + self.count, self.whole_first + self.whole_count
        return range(max(self.whole_first, self.first - WARM), min(whole_end, end + WARM))


@dataclass(frozen=True, slots=True)
class Survey:
    """What a look through a film found."""

    ticks: NDArray[np.int64]
    """(n,), timestamp of each frame, ascending."""
    shots: tuple[Shot, ...]
    colored: bool
    """Whether it has colors already."""
    seekable: bool
    """Whether timestamps can be trusted to find a frame."""
    damage: tuple[str, ...]
    """What couldn't be decoded, a sentence each."""
    notes: tuple[str, ...]
    """What a user should know, a sentence each."""


def survey(film: Film, seconds: float | None = None, on_frame: Callable[[int], None] = lambda _number: None) -> Survey:
    """Look through a film.

    Args:
        film: the film.
        seconds: how far; None for all of it.
        on_frame: called with the number of each frame.

    Raises:
        UnreadableVideo: nothing can be decoded.
    """
    ledger = _Damage(film)
    ticks: list[int] = []
    cuts: list[int] = []
    sizes: dict[int, tuple[int, int]] = {}
    looks: list[float] = []
    detector = AdaptiveDetector(adaptive_threshold=RATIO, min_scene_len=SHORTEST, min_content_val=LEAST, luma_only=True)
    repaired, size, ended = False, (film.width, film.height), False
    step = max(1, round(1 / (film.rate * film.time_base)))
    with opened(film.path) as container:
        stream = main_stream(container, film.path)
        for number, frame in enumerate(decode(container, stream, ledger.add)):
            tick = frame.pts
            if tick is None or (ticks and tick <= ticks[-1]):
                repaired, tick = True, ticks[-1] + step if ticks else 0
            if seconds is not None and ticks and float((tick - ticks[0]) * film.time_base) >= seconds:
                ended = True
                break
            ticks.append(tick)
            if frame.is_corrupt:
                ledger.add(tick * film.time_base, "patched by the decoder")
            if (frame.width, frame.height) != size:
                size = (frame.width, frame.height)
                sizes[number] = size
            if number % COLOR_LOOKS == 0:
                looks.append(chroma(frame))
            cuts += [cut.frame_num for cut in detector.process_frame(FrameTimecode(number, 25.0), _look(frame))]
            on_frame(number)
        if not ticks:
            raise UnreadableVideo(f"{film.path} has a stream of pictures, but no frame of it can be decoded")
        gaps = _gaps(film, np.array(ticks, np.int64), damaged=bool(ledger.lines))
        if ledger.lines:
            ledger.lines += gaps
            gaps = []
        if not ended:
            ledger.add_early_end(container, stream, ticks[-1] + step)
    colored = float(np.mean(np.array(looks) > COLORED)) > 0.05
    notes = [*_notes(film, sizes, ticks, colored, repaired), *gaps]
    return Survey(
        np.array(ticks, np.int64),
        _shots(len(ticks), sorted({*cuts, *sizes})),
        colored,
        not (repaired or ledger.lines),
        tuple(ledger.lines),
        tuple(notes),
    )


def clock(seconds: Fraction | float) -> str:
    """Return a time of a film for a reader.

    >>> clock(83.5)
    '1:23.5'
    """
    minutes, rest = divmod(max(0.0, float(seconds)), 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours}:{minutes:02}:{rest:04.1f}" if hours else f"{minutes}:{rest:04.1f}"


def _look(frame: Any) -> NDArray[np.uint8]:
    gray = frame.reformat(width=LOOK[0], height=LOOK[1], format="gray", interpolation="AREA").to_ndarray()
    return np.repeat(gray[..., np.newaxis], 3, axis=-1)


def _shots(count: int, cuts: Sequence[int]) -> tuple[Shot, ...]:
    borders = [0, *(cut for cut in cuts if 0 < cut < count), count]
    shots: list[Shot] = []
    for first, end in itertools.pairwise(borders):
        pieces = -(-(end - first) // LONGEST)
        starts = [first + (end - first) * piece // pieces for piece in range(pieces + 1)]
        for start, stop in itertools.pairwise(starts):
            shots.append(Shot(len(shots), start, stop - start, first, end - first))
    return tuple(shots)


def _notes(film: Film, sizes: dict[int, tuple[int, int]], ticks: list[int], colored: bool, repaired: bool) -> list[str]:
    notes = []
    if colored:
        notes.append("the film has colors already; they were replaced, its lightness was kept")
    if film.fields:
        notes.append("its frames are interlaced and were colorized as they are; deinterlaced first, they look better")
    if film.transfer in (16, 18):
        notes.append("it is HDR, and was taken as if it weren't; convert it to SDR first")
    if repaired:
        notes.append("timestamps were missing or out of order; those frames follow each other at the usual distance")
    for number, (width, height) in list(sizes.items())[:10]:
        when = clock((ticks[number] - ticks[0]) * film.time_base)
        notes.append(
            f"from {when} on its frames have {width} x {height} pixels; they were fitted into the "
            f"{film.width} x {film.height} of the first"
        )
    return notes


def _gaps(film: Film, ticks: NDArray[np.int64], *, damaged: bool) -> list[str]:
    """Name where frames are missing: in a damaged film, and in one whose frames follow each other evenly elsewhere."""
    steps = np.diff(ticks)
    if not len(steps):
        return []
    usual = float(np.median(steps))
    even = float(np.mean(np.abs(steps - usual) <= 1)) > EVEN
    if not (damaged or even):
        return []
    places = np.flatnonzero(steps > GAP * usual)[:MOST_GAPS]
    pairs = [[clock(int(ticks[at] - ticks[0]) * film.time_base) for at in (place, place + 1)] for place in places]
    return [f"between {begin} and {end} there is no picture" for begin, end in pairs]


class _Damage:
    """Collects what can't be decoded, near things together."""

    def __init__(self, film: Film) -> None:
        self._film = film
        self.lines: list[str] = []
        self._since: Fraction | None = None
        self._until: Fraction | None = None
        self._count = 0

    def add(self, time: Fraction | None, said: str) -> None:
        """Take one thing down; see :data:`~tinct.video.film.OnDamage`."""
        if time is None:
            self.lines.append(f"what follows can't be read ({said})")
            return
        if self._since is not None and self._until is not None and abs(time - self._until) <= TOGETHER:
            self.lines.pop()
            self._count += 1
        else:
            self._since, self._count = time, 1
        self._until = max(time, self._until or time) if self._count > 1 else time
        where, until = clock(min(self._since, self._until)), clock(self._until)
        if until != where:
            where = f"{where} to {until}"
        self.lines.append(f"at {where}, {self._count} damaged piece{'s' * (self._count > 1)} ({said})")

    def add_early_end(self, container: Any, stream: Any, end: int) -> None:
        """Say so where the film is shorter than its header promises."""
        there = end * self._film.time_base
        if stream.duration is not None and stream.start_time is not None:
            whole = (stream.duration + stream.start_time) * stream.time_base
        elif container.duration is not None:
            whole = Fraction(container.duration + (container.start_time or 0), av.time_base)
            if float(whole - there) > CUT_SHORT:  # but sound may be longer than the pictures
                there = max(there, _last_time(self._film.path))
        else:
            return
        if float(whole - there) > CUT_SHORT:
            self.lines.append(f"it ends at {clock(there)} of the {clock(whole)} that it promises")


def _last_time(path: str) -> Fraction:
    """Return when the last packet of any stream ends, in seconds."""
    last = Fraction(0)
    with opened(path) as container, suppress(av.error.FFmpegError, OSError):
        for packet in container.demux():
            if packet.pts is not None:
                last = max(last, (packet.pts + (packet.duration or 0)) * packet.time_base)
    return last
