"""Reading what lies before the picture in a JPEG: libvips passes over comments and the rest of long XMP, and gives out
the first of several segments of Photoshop's alone.

Sources: ITU T.81 annex B, ITU T.871 (JFIF).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import BinaryIO

APP0, APP1, APP13, COMMENT = 0xE0, 0xE1, 0xED, 0xFE
_SCAN = 0xDA
_INCHES = {1: 1.0, 2: 2.54}  # units in an inch, by their numbers in JFIF


def read_segments(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Yield the marker and the content of each segment before the picture."""
    file.seek(2)
    while file.read(1) == b"\xff":
        while (marker := file.read(1)) == b"\xff":  # any number of them may come before a marker
            pass
        if not marker or marker[0] == _SCAN:
            return
        yield marker[0], file.read(max(int.from_bytes(file.read(2)) - 2, 0))


def density(segments: Iterable[bytes]) -> tuple[float, float] | None:
    """Return the resolution that JFIF gives, in dots an inch across and down; None where it gives none.

    Args:
        segments: contents of those with the marker :data:`APP0`.
    """
    for segment in segments:
        if segment.startswith(b"JFIF\0") and len(segment) >= 12:
            unit, across, down = struct.unpack_from(">BHH", segment, 7)
            return (across * _INCHES[unit], down * _INCHES[unit]) if unit in _INCHES else None
    return None
