"""One shot written as a file of its own, encoded as the finished film will be.

Encoding begins anew with each shot, with the same settings, so that shots are joined without encoding again. There,
frames follow each other evenly; true timestamps come from the survey when shots are joined.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.error
import numpy as np
from av.codec.context import Flags
from numpy.typing import NDArray

from tinct.errors import OutputError
from tinct.video.codecs import Encoding
from tinct.video.fields import BOTTOM, TOP, FieldMarker
from tinct.video.film import Film, reason
from tinct.video.priority import kept_priority
from tinct.video.tones import PRECISE

TICK = 40
"""Milliseconds from one frame to the next in a shot's file."""
HEAD = 64
"""Frames by which times are put off there, so that none lies before the packet's own place."""
THREADS = 2
"""Of the encoder; their number changes what comes out, so it is the same everywhere."""
MATRIX, RANGE, PRIMARIES, TRANSFER = 1, 1, 1, 1
"""BT.709 throughout, limited range; as in ITU-T H.273."""


def add_picture(container: Any, film: Film, encoding: Encoding) -> Any:
    """Add the stream of pictures to a container, its encoder opened."""
    os.environ.setdefault("SVT_LOG", "1")  # else SVT-AV1 says much on standard error; 1 leaves errors
    options = encoding.options()
    fields = film.fields if encoding.keeps_fields(film.height) else ""
    if fields:
        options["field_order"] = {TOP: "tt", BOTTOM: "bb"}[fields]
    stream = container.add_stream(
        encoding.encoder,
        rate=film.rate,
        options=options,
        width=film.width,
        height=film.height,
        time_base=1 / film.rate,
        pix_fmt=encoding.pixel_format,
    )
    context = stream.codec_context
    context.thread_count = THREADS
    if fields:
        context.flags |= Flags.interlaced_dct | Flags.interlaced_me
    context.sample_aspect_ratio = film.aspect
    context.colorspace, context.color_range = MATRIX, RANGE
    context.color_primaries, context.color_trc = PRIMARIES, TRANSFER
    with kept_priority():
        context.open()
    return stream


def write_shot(path: Path, film: Film, encoding: Encoding, frames: Iterable[Any]) -> int:
    """Encode a shot.

    Args:
        path: the file to write.
        film: the source.
        encoding: how.
        frames: (H, W, 3) sRGB each, as stored, uint8 or uint16.

    Returns:
        How many there were.

    Raises:
        OutputError: it can't be written.
    """
    count, marker = 0, None
    if film.fields and encoding.keeps_fields(film.height):
        marker = FieldMarker(film.width, film.height, encoding.pixel_format, 1 / film.rate, film.fields)
    try:
        with av.open(str(path), "w", format="matroska") as container:
            stream = add_picture(container, film, encoding)
            written = 0

            def write(packets: Iterable[Any]) -> None:
                nonlocal written
                for packet in packets:
                    place = round(packet.pts * packet.time_base * film.rate)
                    packet.pts, packet.dts = (place + HEAD) * TICK, written * TICK
                    packet.duration, packet.time_base = TICK, Fraction(1, 1000)
                    written += 1
                    container.mux(packet)

            for pixels in frames:
                frame = _picture(pixels, film, encoding, count)
                write(stream.encode(frame if marker is None else marker.mark(frame)))
                count += 1
            if count:
                write(stream.encode(None))
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise OutputError(f"a shot can't be encoded with {encoding.encoder} into {path} ({reason(error)})") from error
    return count


def _picture(pixels: NDArray[Any], film: Film, encoding: Encoding, place: int) -> Any:
    kind = "rgb24" if pixels.dtype == np.uint8 else "rgb48le"
    frame = av.VideoFrame.from_ndarray(pixels, format=kind).reformat(
        format=encoding.pixel_format,
        dst_colorspace=av.video.reformatter.Colorspace.ITU709,
        src_color_range=av.video.reformatter.ColorRange.JPEG,
        dst_color_range=av.video.reformatter.ColorRange.MPEG,
        interpolation=PRECISE,
    )
    frame.pts, frame.time_base = place, 1 / film.rate
    return frame
