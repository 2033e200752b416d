"""Reading what a GIF says beside its pixels, which libvips passes over.

Sources: GIF 89a specification; XMP part 3, 1.1.2 (GIF).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

_EXTENSION, _IMAGE = b"\x21", b"\x2c"
_COMMENT, _APPLICATION = b"\xfe", b"\xff"
_XMP = b"XMP DataXMP"
_AFTER_XMP = b"\x01\xff\xfe"  # begins what leads readers to the end of the packet, which has no lengths of its own


def read_blocks(file: BinaryIO) -> tuple[list[bytes], bytes | None]:
    """Return the comments of a GIF, and its XMP packet, None where there is none."""
    comments, xmp = [], None
    file.seek(0)
    _skip_table(file, file.read(13)[10:11])
    while (kind := file.read(1)) in (_EXTENSION, _IMAGE):
        if kind == _IMAGE:
            _skip_table(file, file.read(9)[8:])
        label = file.read(1)  # of an image, the size of its codes
        parts = list(_parts(file))
        if kind == _EXTENSION and label == _COMMENT:
            comments.append(b"".join(parts))
        elif kind == _EXTENSION and label == _APPLICATION and parts[:1] == [_XMP]:
            packet = b"".join(bytes([len(part)]) + part for part in parts[1:])
            xmp = xmp or packet.partition(_AFTER_XMP)[0] or None
    return comments, xmp


def _skip_table(file: BinaryIO, flags: bytes) -> None:
    """Pass over the color table that the flags before it tell of."""
    if flags and flags[0] & 0x80:
        file.seek(3 << (flags[0] & 7) + 1, 1)


def _parts(file: BinaryIO) -> Iterator[bytes]:
    while size := int.from_bytes(file.read(1)):
        yield file.read(size)
