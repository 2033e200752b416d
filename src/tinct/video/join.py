"""Shots joined to a film without encoding again, with true timestamps, sound, subtitles, chapters and the mark."""

from __future__ import annotations

import heapq
import io
import shlex
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.error
import numpy as np
from numpy.typing import NDArray

from tinct.errors import OptionError, OutputError
from tinct.media.atomic import atomic_path
from tinct.media.marking import Marking
from tinct.video.codecs import CODECS, CONTAINERS, Encoding
from tinct.video.encode import HEAD, TICK, add_picture
from tinct.video.film import Film, is_cover, opened, reason
from tinct.video.marks import TAG, append_box, marked
from tinct.video.shots import Shot
from tinct.video.tags import kept, lost

COPIED = ("audio", "subtitle", "attachment")
MUXING = {
    "mp4": {"movflags": "faststart"},
    "mov": {"movflags": "faststart"},
    # Else files hold random numbers, and no two are the same.
    "matroska": {"fflags": "+bitexact"},
    "webm": {"fflags": "+bitexact"},
}
"""Options by FFmpeg's name of the format."""

LAYOUTS = {"1 channels": "mono", "2 channels": "stereo", "6 channels": "5.1", "8 channels": "7.1"}
"""The usual layouts of channels that a source, like PCM in Matroska, gives no layout; MP4 needs one."""


def check_target(film: Film, encoding: Encoding) -> tuple[str, ...]:
    """Try whether everything of a film fits into the container, before any work.

    Returns:
        What is left out, a sentence each.

    Raises:
        OptionError: a sound or subtitle doesn't fit; the message says what does.
    """
    with opened(film.path) as source:
        refused = _refusal(source, film, encoding)
        if refused is not None:
            fitting = [
                ending
                for ending, (name, codecs) in CONTAINERS.items()
                if encoding.codec in codecs and _refusal(source, film, replace(encoding, container=name)) is None
            ]
            raise OptionError(f"{refused}; {_advice(film, refused, fitting)}")
        return tuple(_left_out(source, film, encoding))


def _left_out(source: Any, film: Film, encoding: Encoding) -> Iterator[str]:
    for stream in source.streams:
        if stream.index == film.index or stream.type in COPIED:
            continue
        if stream.type == "data" and (
            "timecode" in stream.metadata or (stream.name == "bin_data" and source.chapters())
        ):
            continue  # what QuickTime has as streams of their own comes anew from the metadata, and from the chapters
        what = "cover picture" if stream.type == "video" and is_cover(stream) else f"{stream.type} stream"
        yield f"the {what} {stream.index} was left out; sound and subtitles are copied"
    tags = lost(source.metadata, encoding.container)
    if tags:
        yield f"what the film says as {', '.join(tags)} was left out; .mkv has a place for it"
    alpha = any(component.is_alpha for component in av.VideoFormat(film.pixel_format, 16, 16).components)
    if alpha or "alpha_mode" in (key.lower() for key in source.streams[film.index].metadata):
        yield "its transparency was left out"
    if film.fields and not encoding.keeps_fields(film.height):
        able = [name for name, codec in CODECS.items() if codec.interlaced]
        yield f"that its frames are interlaced was left out; {', '.join(able)} can say it of most films"
    if film.bits > encoding.depth:
        most = max(CODECS["ffv1"].formats)
        yield f"its {film.bits} bits a channel were reduced to {encoding.depth}; ffv1 (.mkv) keeps up to {most}"


def _refusal(source: Any, film: Film, encoding: Encoding) -> str | None:
    """Say what of a film doesn't fit into a container; None if all does."""
    container = av.open(io.BytesIO(), "w", format=encoding.container)
    try:
        add_picture(container, film, encoding)
        for stream in _copied(source, film, encoding):
            _add_copy(container, stream, encoding)
        container.start_encoding()
    except OutputError as error:
        return str(error)
    except (av.error.FFmpegError, ValueError) as error:
        return f"{film.path} doesn't fit into {encoding.container} ({reason(error)})"
    finally:
        _abandon(container)
    return None


def _advice(film: Film, refused: str, fitting: list[str]) -> str:
    if fitting:
        return f"name the output {' or '.join(fitting)}, which can hold all of this film"
    into, option = ("-c:s srt", "--no-subtitles") if "subtitle" in refused else ("-c:a flac", "--no-sound")
    return (
        f"leave it out ({option}), or convert it first: ffmpeg -i {shlex.quote(film.path)} -map 0 -dn -c copy {into} "
        "converted.mkv, and colorize that into .mkv"
    )


def join_shots(
    film: Film,
    encoding: Encoding,
    ticks: NDArray[np.int64],
    pieces: Sequence[tuple[Shot, Path]],
    target: Path,
    *,
    mark: Marking | None,
    whole: bool,
    overwrite: bool = False,
    on_file: Callable[[Path], None] = lambda _file: None,
) -> None:
    """Write a film.

    Args:
        film: the source.
        encoding: how its shots were encoded.
        ticks: (n,), timestamps of all frames.
        pieces: the shots in order, with their files.
        target: the film to write.
        mark: what it says of its making; None for nothing.
        whole: whether sound goes on to its own end; else it ends with the pictures.
        overwrite: whether the target may be replaced.
        on_file: called with the temporary file that becomes the target.

    Raises:
        OutputExists: the target is there and may not be replaced.
        OutputError: it can't be written, or the shots don't belong together.
    """
    with atomic_path(target, overwrite=overwrite) as temporary, opened(film.path) as source:
        on_file(temporary)
        metadata, packet = _metadata(source, mark, encoding)
        try:
            options = MUXING[encoding.container]
            with av.open(str(temporary), "w", format=encoding.container, container_options=options) as container:
                _fill(container, source, film, encoding, ticks, pieces, metadata, whole)
        except (av.error.FFmpegError, OSError, ValueError) as error:
            raise OutputError(f"{target} can't be written ({reason(error)})") from error
        if packet is not None and encoding.container in ("mp4", "mov"):
            append_box(temporary, packet)


def _metadata(source: Any, mark: Marking | None, encoding: Encoding) -> tuple[dict[str, str], bytes | None]:
    found = kept(source.metadata)
    if mark is None:
        return found, None
    found, packet = marked(found, mark)
    if encoding.container in ("matroska", "webm"):
        found[TAG] = packet.decode()
    return found, packet


def _fill(
    container: Any,
    source: Any,
    film: Film,
    encoding: Encoding,
    ticks: NDArray[np.int64],
    pieces: Sequence[tuple[Shot, Path]],
    metadata: dict[str, str],
    whole: bool,
) -> None:
    container.metadata.update(metadata)
    picture = source.streams[film.index]
    with opened(pieces[0][1]) as first:
        stream = container.add_stream_from_template(first.streams.video[0], opaque=True)
        head = bytes(first.streams.video[0].codec_context.extradata or b"")
    stream.time_base = film.time_base
    stream.metadata.update(kept(picture.metadata))
    stream.disposition = picture.disposition
    if encoding.codec == "h265" and encoding.container in ("mp4", "mov"):
        stream.codec_context.codec_tag = "hvc1"  # the one that Apple's players look for
    if film.matrix:
        stream.set_display_matrix(film.matrix)
    copies = {found.index: _add_copy(container, found, encoding) for found in _copied(source, film, encoding)}
    chapters = source.chapters()
    if chapters and whole:
        container.set_chapters(chapters)
    end = None if whole else int(ticks[-1]) * film.time_base + 1 / film.rate
    pictures = _pictures(film, ticks, pieces, stream, head)
    for _, packet in heapq.merge(pictures, _others(source, copies, end, encoding), key=lambda pair: pair[0]):
        container.mux(packet)


def _copied(source: Any, film: Film, encoding: Encoding) -> list[Any]:
    kinds = [kind for kind in COPIED if kind not in encoding.without]
    return [stream for stream in source.streams if stream.type in kinds and stream.index != film.index]


def _add_copy(container: Any, stream: Any, encoding: Encoding) -> Any:
    named = "unknown" if stream.codec_context is None else stream.codec_context.name
    try:
        copy = container.add_stream_from_template(stream, opaque=True)
    except ValueError as error:
        raise OutputError(
            f"stream {stream.index}, {stream.type} of the codec {named}, can't be copied into {encoding.container}"
        ) from error
    if stream.type == "audio" and copy.codec_context.layout.name in LAYOUTS:
        copy.codec_context.layout = LAYOUTS[copy.codec_context.layout.name]
    copy.metadata.update(kept(stream.metadata))
    copy.disposition = stream.disposition
    return copy


def _pictures(
    film: Film, ticks: NDArray[np.int64], pieces: Sequence[tuple[Shot, Path]], stream: Any, head: bytes
) -> Iterator[tuple[Fraction, Any]]:
    """Yield the packets of all shots with their true times, by the time of decoding."""
    delay = max(_delay(path) for _, path in pieces)
    usual = max(1, round(1 / (film.rate * film.time_base)))
    written = 0
    for shot, path in pieces:
        with opened(path) as container:
            own = container.streams.video[0]
            if bytes(own.codec_context.extradata or b"") != head:
                raise OutputError(
                    f"the shots of {film.path} were encoded by different versions of {own.codec_context.name}; "
                    "delete the folder of finished shots and begin anew"
                )
            for packet in container.demux(own):
                if packet.pts is None:
                    continue
                place = round(packet.pts * packet.time_base * 1000 / TICK) - HEAD
                # Packets come in the order of decoding, and wait for as long as any frame has to.
                decoded = written - delay
                time = int(ticks[decoded]) if decoded >= 0 else int(ticks[0]) + decoded * usual
                number = shot.first + place
                follows = ticks[number + 1] if number + 1 < len(ticks) else ticks[number] + usual
                packet.pts, packet.dts = int(ticks[number]), time
                packet.duration = int(follows - ticks[number])
                packet.time_base = film.time_base
                packet.stream = stream
                written += 1
                yield time * film.time_base, packet


def _delay(path: Path) -> int:
    """Return how many packets of a shot come before one that is shown earlier."""
    with opened(path) as container:
        places = [
            round(packet.pts * packet.time_base * 1000 / TICK) - HEAD
            for packet in container.demux(container.streams.video[0])
            if packet.pts is not None
        ]
    return max((number - place for number, place in enumerate(places)), default=0)


def _others(
    source: Any, copies: dict[int, Any], end: Fraction | None, encoding: Encoding
) -> Iterator[tuple[Fraction, Any]]:
    """Yield the packets of the other streams as they are in the source, as far as it can be read."""
    if not copies:
        return
    packets = source.demux([source.streams[index] for index in copies])
    time = Fraction(-(2**40))
    while True:
        try:
            packet = next(packets, None)
        except (av.error.FFmpegError, OSError):
            return  # the survey has named it
        if packet is None:
            return
        if packet.dts is None or packet.size == 0:
            continue
        if packet.is_discard and encoding.container in ("matroska", "webm"):
            continue  # cut away by a list of edits, which only MP4 and QuickTime have
        begins = packet.dts * packet.time_base
        if end is not None and begins >= end:
            continue
        time = max(time, begins)
        packet.stream = copies[packet.stream.index]
        yield time, packet


def _abandon(container: Any) -> None:
    # Nothing was written, which some formats complain about.
    with suppress(av.error.FFmpegError, ValueError, OSError):
        container.close()
