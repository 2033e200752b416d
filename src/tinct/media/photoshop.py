"""Photoshop's image resources, in which JPEG and TIFF files carry IPTC.

Source: Adobe Photoshop File Formats Specification, "Image Resources Section".
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator

IPTC = 0x0404
PREFIX = b"Photoshop 3.0\0"
"""What a JPEG's segment begins with."""
# Pictures in small, and copies of what files carry elsewhere: both would speak of the uncolored picture.
STALE = frozenset({0x0409, 0x040C, 0x040F, 0x0422, 0x0423, 0x0424})


def read_resources(block: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Yield number, name and data of each resource; stops where the block is damaged."""
    at = len(PREFIX) if block.startswith(PREFIX) else 0
    while block[at : at + 4] == b"8BIM" and at + 12 <= len(block):
        number = struct.unpack_from(">H", block, at + 4)[0]
        name_end = at + 7 + block[at + 6]
        name = block[at + 7 : name_end]
        data_at = name_end + (name_end - at) % 2 + 4
        size = struct.unpack_from(">I", block.ljust(data_at, b"\0"), data_at - 4)[0]
        if data_at + size > len(block):
            return
        yield number, name, block[data_at : data_at + size]
        at = data_at + size + size % 2


def write_resources(resources: Iterable[tuple[int, bytes, bytes]]) -> bytes:
    """Return the block of resources (number, name, data), without :data:`PREFIX`."""
    block = b""
    for number, name, data in resources:
        label = bytes([len(name)]) + name
        block += b"8BIM" + struct.pack(">H", number) + label + b"\0" * (len(label) % 2)
        block += struct.pack(">I", len(data)) + data + b"\0" * (len(data) % 2)
    return block


def join_block(segments: Iterable[bytes]) -> bytes:
    """Return the block that a JPEG's segments hold pieces of, or whole resources each."""
    return b"".join(segment.removeprefix(PREFIX) for segment in segments if segment.startswith(PREFIX))


def split_iptc(block: bytes) -> tuple[bytes | None, bytes | None]:
    """Return the IPTC inside a block, and the block of the other resources that stay true of a colorized picture."""
    if not block.removeprefix(PREFIX).startswith(b"8BIM"):
        return (block or None), None  # some files hold IPTC bare
    resources = list(read_resources(block))
    iptc = next((data for number, _, data in resources if number == IPTC), None)
    kept = write_resources(item for item in resources if item[0] != IPTC and item[0] not in STALE)
    return iptc or None, kept or None


def join_iptc(iptc: bytes | None, others: bytes | None) -> bytes | None:
    """Return one block of IPTC and the other resources, None where there is neither."""
    resources = [] if iptc is None else [(IPTC, b"", iptc)]
    return write_resources(resources + list(read_resources(others or b""))) or None
