"""XMP that is longer than a segment of a JPEG: a packet of what is looked for first, and the rest in pieces.

Source: XMP part 3, 1.1.3.1 (extended XMP in JPEG).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from tinct.media.xmp import Packet

PREFIX = b"http://ns.adobe.com/xap/1.0/\0"
EXTENSION = b"http://ns.adobe.com/xmp/extension/\0"
_NOTE = "xmpNote:HasExtendedXMP"
_DIGITS = 32  # of an MD5 in hex
_PIECE = 65400  # bytes of the rest in a segment
# What stays in the packet: the note that there is more, and the part of the mark that others read.
_STAYING = (
    _NOTE,
    "Iptc4xmpExt:DigitalSourceType",
    "Iptc4xmpExt:AISystemUsed",
    "Iptc4xmpExt:AISystemVersionUsed",
)


def split_xmp(xmp: bytes, most: int) -> list[bytes]:
    """Return the contents of the segments that hold a packet, each of at most ``most`` bytes."""
    if len(PREFIX) + len(xmp) <= most:
        return [PREFIX + xmp]
    packet = Packet(xmp)
    packet.set_attribute(_NOTE, "0" * _DIGITS)
    rest = packet.split(most - len(PREFIX), _STAYING).body()
    digest = _digest(rest)
    packet.set_attribute(_NOTE, digest.decode())
    return [PREFIX + packet.to_bytes()] + [
        EXTENSION + digest + len(rest).to_bytes(4) + start.to_bytes(4) + rest[start : start + _PIECE]
        for start in range(0, len(rest), _PIECE)
    ]


def join_xmp(xmp: bytes | None, segments: Iterable[bytes]) -> bytes | None:
    """Return a packet with the rest that it says there is; pieces that are damaged or of another count as none.

    Args:
        xmp: the packet of a JPEG.
        segments: contents of its segments.
    """
    if xmp is None or b"HasExtendedXMP" not in xmp:  # most aren't worth being parsed here
        return xmp
    packet = Packet(xmp)
    digest = (packet.text(_NOTE) or "").encode()
    packet.remove(_NOTE)
    begin = EXTENSION + digest
    found = (segment[len(begin) + 4 :] for segment in segments if segment.startswith(begin))
    rest = b"".join(piece[4:] for piece in sorted(found, key=lambda piece: piece[:4]))
    if _digest(rest) == digest:
        packet.merge(Packet(rest))
    return packet.to_bytes()


def _digest(rest: bytes) -> bytes:
    return hashlib.md5(rest, usedforsecurity=False).hexdigest().upper().encode()
