"""Which field of interlaced frames comes first: told of a decoded frame, and said to an encoder."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import av
import av.error

TOP, BOTTOM = "tff", "bff"
"""FFmpeg's words for frames whose first, third, ... line is of the earlier field, and for the others."""


def field_order(frame: Any) -> str:
    """Return :data:`TOP` or :data:`BOTTOM`; empty for a frame that isn't interlaced."""
    if not frame.interlaced_frame:
        return ""
    chosen = _Filter(frame.width, frame.height, frame.format.name, Fraction(1), "select", "eq(interlace_type,TOPFIRST)")
    return BOTTOM if chosen.apply(frame) is None else TOP


class FieldMarker:
    """Says of frames that they are interlaced.

    Args:
        width, height: of the frames, in pixels.
        pixel_format: FFmpeg's name.
        time_base: seconds of one tick of their timestamps.
        order: :data:`TOP` or :data:`BOTTOM`.
    """

    def __init__(self, width: int, height: int, pixel_format: str, time_base: Fraction, order: str) -> None:
        self._filter = _Filter(width, height, pixel_format, time_base, "setfield", order)

    def mark(self, frame: Any) -> Any:
        """Return the frame, marked."""
        return self._filter.apply(frame)


class _Filter:
    """One of FFmpeg's filters: of a frame's fields, PyAV shows only whether there are any, and sets nothing."""

    def __init__(
        self, width: int, height: int, pixel_format: str, time_base: Fraction, name: str, arguments: str
    ) -> None:
        self._graph = av.filter.Graph()
        form = av.VideoFormat(pixel_format)
        source = self._graph.add_buffer(width=width, height=height, format=form, time_base=time_base)
        chosen, sink = self._graph.add(name, arguments), self._graph.add("buffersink")
        source.link_to(chosen)
        chosen.link_to(sink)
        self._graph.configure()

    def apply(self, frame: Any) -> Any | None:
        """Return what comes out; None where nothing does."""
        self._graph.push(frame)
        try:
            return self._graph.pull()
        except av.error.BlockingIOError:
            return None
