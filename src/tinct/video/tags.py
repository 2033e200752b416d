"""Metadata of a film: what goes along with it, and what a container has no place for."""

from __future__ import annotations

import io
from collections.abc import Mapping

import av
import numpy as np

OF_THE_FILE = (
    *("encoder", "major_brand", "minor_version", "compatible_brands", "duration", "rotate", "handler_name"),
    *("alpha_mode", "bps", "number_of_frames", "number_of_bytes"),
)
STATISTICS = "_statistics_"
"""How names of Matroska's begin that say how a file's statistics were made."""


def kept(metadata: Mapping[str, str]) -> dict[str, str]:
    """Return the metadata without those that belong to the source's file, not to the film."""
    return {
        key: value
        for key, value in metadata.items()
        if _plain(key) not in OF_THE_FILE and not key.lower().startswith(STATISTICS)
    }


def lost(metadata: Mapping[str, str], container: str) -> list[str]:
    """Return the names of the metadata that a container doesn't hold, found out by writing a film of one frame.

    Args:
        metadata: of a film's file.
        container: FFmpeg's name of the format.
    """
    if container in ("matroska", "webm"):
        return []  # they hold all
    file = io.BytesIO()
    with av.open(file, "w", format=container) as written:
        written.metadata.update(kept(metadata))
        stream = written.add_stream("mpeg4", rate=25, width=16, height=16, pix_fmt="yuv420p")
        frame = av.VideoFrame.from_ndarray(np.zeros((24, 16), np.uint8), format="yuv420p")
        written.mux(stream.encode(frame))
        written.mux(stream.encode(None))
    file.seek(0)
    with av.open(file) as read:
        held = {_plain(key) for holder in (read, *read.streams) for key in holder.metadata}
    # XMP has a box of its own.
    return [key for key in kept(metadata) if _plain(key) not in {*held, "xmp"}]


def _plain(key: str) -> str:
    """Return a name in small letters, without the language that may follow it."""
    return key.lower().partition("-")[0]
