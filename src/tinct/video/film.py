"""A film's file: what it holds, and its frames by number, also from the middle and beyond damage."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.error
import numpy as np
from numpy.typing import NDArray

from tinct.errors import UnreadableVideo
from tinct.video.fields import field_order

USUAL_RATE = Fraction(25)
"""Frames a second of a film that doesn't say."""
PASSES = 3
"""Decodings that a film without trustworthy times has under way: shots are gone through twice where colors are carried
through them, and pieces of a shot overlap."""
LIMITED, FULL = 1, 2
"""FFmpeg's numbers for ranges of luma."""
OnDamage = Callable[[Fraction | None, str], None]
"""Called with the time of what can't be decoded, in seconds, and what the decoder says of it."""


@dataclass(frozen=True, slots=True)
class Film:
    """The picture of a film: the first stream of pictures that is no cover."""

    path: str
    index: int
    """Of the stream in the file."""
    width: int
    """Of the first frame as stored, in pixels."""
    height: int
    pixel_format: str
    """FFmpeg's name."""
    bits: int
    """Of a channel."""
    full_range: bool
    """Whether black is 0 and white all ones; else 16 and 235 of 255."""
    time_base: Fraction
    """Seconds of one tick of the timestamps."""
    rate: Fraction
    """Frames a second, on average, as the file says."""
    aspect: Fraction
    """Of a pixel, width over height."""
    matrix: tuple[int, ...] = ()
    """Display matrix, 9 integers as in ISO 14496-12; empty for none."""
    fields: str = ""
    """Of interlaced frames, which comes first, see :func:`~tinct.video.fields.field_order`; empty for whole frames."""
    transfer: int = 2
    """Transfer characteristics as in ITU-T H.273; 2 is unspecified."""


@contextmanager
def opened(path: str | Path) -> Iterator[Any]:
    """Open a film for reading.

    Raises:
        UnreadableVideo: it is missing, unreadable, or nothing that FFmpeg knows.
    """
    try:
        # Of a relative path, FFmpeg takes what stands before a colon for a protocol.
        container = av.open(str(Path(path).absolute()), metadata_errors="replace", options={"export_xmp": "1"})
    except (FileNotFoundError, PermissionError, IsADirectoryError) as error:
        raise UnreadableVideo(f"{path} can't be read ({error.strerror})") from error
    except (av.error.FFmpegError, OSError) as error:
        raise UnreadableVideo(
            f"{path} is no film that FFmpeg {av.ffmpeg_version_info} reads, or one without a frame, or damaged "
            f"from its beginning on ({reason(error)})"
        ) from error
    with container:
        yield container


def reason(error: BaseException) -> str:
    """Return what FFmpeg says, without the path that it puts there."""
    return str(getattr(error, "strerror", None) or error)


def main_stream(container: Any, path: str | Path) -> Any:
    """Return the stream to colorize.

    Raises:
        UnreadableVideo: there is none, or nothing here decodes it.
    """
    pictures = [stream for stream in container.streams.video if not is_cover(stream)]
    if not pictures:
        held = ", ".join(sorted({stream.type for stream in container.streams})) or "nothing"
        raise UnreadableVideo(f"{path} holds no moving pictures (but {held}); give a film")
    stream = pictures[0]
    if stream.codec_context is None:
        raise UnreadableVideo(
            f"{path} is of a codec that the FFmpeg {av.ffmpeg_version_info} inside the package av can't decode; "
            "install a newer av (pip install --upgrade av), or convert the film with a program that knows it"
        )
    return stream


def is_cover(stream: Any) -> bool:
    """Tell whether a stream of pictures is a single one beside the film."""
    return bool(stream.disposition & av.stream.Disposition.attached_pic)


def examine(path: str | Path) -> Film:
    """Look at a film's first frame.

    Raises:
        UnreadableVideo: no frame can be decoded.
    """
    with opened(path) as container:
        stream = main_stream(container, path)
        frame = next(decode(container, stream, lambda _time, _said: None), None)
        if frame is None:
            raise UnreadableVideo(f"{path} has a stream of pictures, but no frame of it can be decoded")
        matrix: tuple[int, ...] = ()
        with_matrix = frame.side_data.get("DISPLAYMATRIX")
        if with_matrix is not None:
            matrix = tuple(np.frombuffer(with_matrix, np.int32).tolist())
        aspect = stream.sample_aspect_ratio or stream.codec_context.sample_aspect_ratio
        return Film(
            path=str(path),
            index=stream.index,
            width=frame.width,
            height=frame.height,
            pixel_format=frame.format.name,
            bits=max(component.bits for component in frame.format.components),
            full_range=is_full_range(frame),
            time_base=stream.time_base,
            rate=stream.average_rate or stream.guessed_rate or USUAL_RATE,
            aspect=aspect or Fraction(1),
            matrix=matrix,
            fields=field_order(frame),
            transfer=int(frame.color_trc),
        )


def is_full_range(frame: Any) -> bool:
    """Tell whether luma uses all codes: as the film says; formats for JPEG always do, gray alone if nothing is said."""
    name, said = frame.format.name, int(frame.color_range)
    return said == FULL or name.startswith("yuvj") or (said != LIMITED and name.startswith(("gray", "ya")))


def decode(container: Any, stream: Any, on_damage: OnDamage) -> Iterator[Any]:
    """Yield the frames that can be decoded, and name what can't."""
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
        except (av.error.FFmpegError, OSError) as error:
            # What follows can't be told from noise.
            on_damage(None, reason(error))
            packet = None
        time = None
        try:
            if packet is None:
                yield from stream.decode(None)
                return
            time = None if packet.pts is None else packet.pts * stream.time_base
            if packet.size == 0 and packet.pts is None:
                continue  # the signal to flush, which comes above
            if packet.is_corrupt:
                on_damage(time, "cut short")
            yield from packet.decode()
        except (av.error.FFmpegError, OSError) as error:
            on_damage(time, reason(error))
            if packet is None:
                return


@dataclass(slots=True)
class _Pass:
    """One decoding of a film, somewhere on its way."""

    frames: Iterator[Any]
    next: int
    """Number of the frame that comes next."""


class Reader:
    """The frames of a film by number, in any order; going on where the last call stopped costs nothing.

    Args:
        film: the film.
        ticks: (n,) timestamps of all frames, ascending.
        seekable: whether they can be trusted to find a frame; else all before it are decoded, or those from where one
            of the last calls stopped.
    """

    def __init__(self, film: Film, ticks: NDArray[np.int64], *, seekable: bool) -> None:
        self._film, self._ticks, self._seekable = film, ticks, seekable
        self._passes: list[_Pass] = []

    def frames(self, first: int, count: int) -> Iterator[Any]:
        """Yield ``count`` frames from number ``first`` on; fewer where they can't be decoded any more."""
        found = self._choose(first)
        for _ in itertools.islice(found.frames, first - found.next):
            found.next += 1
        for frame in itertools.islice(found.frames, count):
            found.next += 1
            yield frame

    def _choose(self, first: int) -> _Pass:
        """Return the pass that comes to a frame soonest, and remember it as the last that was used."""
        near = [found for found in self._passes if (found.next == first if self._seekable else found.next <= first)]
        found = max(near, key=lambda found: found.next) if near else _Pass(self._from(first), first)
        others = [other for other in self._passes if other is not found]
        self._passes = [*others, found][-(1 if self._seekable else PASSES) :]
        return found

    def _from(self, first: int) -> Iterator[Any]:
        if self._seekable and first:
            wanted = int(self._ticks[first])
            with opened(self._film.path) as container:
                stream = container.streams[self._film.index]
                container.seek(wanted, stream=stream, backward=True)
                frames = decode(container, stream, lambda _time, _said: None)
                found = next((frame for frame in frames if frame.pts is not None and frame.pts >= wanted), None)
                if found is not None and found.pts == wanted:
                    yield found
                    yield from frames
                    return
        with opened(self._film.path) as container:
            stream = container.streams[self._film.index]
            frames = decode(container, stream, lambda _time, _said: None)
            yield from itertools.islice(frames, first, None)
