"""Reading what a PNG says beside its pixels, which may stand before or behind them: libvips stops at the pixels.

Sources: PNG specification, third edition; the raw profiles are ImageMagick's, and ExifTool reads and writes them too.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

_MOST = 1 << 26  # bytes of all chunks together, unpacked; what is longer is no text about a picture
_TEXTS = (b"tEXt", b"zTXt", b"iTXt")
_XMP = "XML:com.adobe.xmp"
_RAW_PROFILE = "raw profile type "
_APP1_XMP = b"http://ns.adobe.com/xap/1.0/\0"


@dataclass(slots=True)
class Chunks:
    """What a PNG says beside its pixels."""

    exif: bytes | None = None
    xmp: bytes | None = None
    resources: bytes = b""
    """Photoshop's image resources, or IPTC alone."""
    texts: list[tuple[str, bytes]] = field(default_factory=list)
    """Other texts by keyword."""
    dpi: tuple[float, float] | None = None
    """Dots an inch, across and down as stored."""


def walk_chunks(file: BinaryIO) -> Iterator[tuple[bytes, int]]:
    """Yield the kind and the length of each chunk of a PNG, with the file at what the chunk holds."""
    at = 8
    while True:
        file.seek(at)
        head = file.read(8)
        if len(head) < 8:
            return
        size, kind = struct.unpack(">I4s", head)
        yield kind, size
        at += 12 + size


def read_chunks(file: BinaryIO) -> Chunks:
    """Read the chunks of a PNG other than its pixels; those that are damaged or too long are left out."""
    found, room = Chunks(), _MOST
    profiles: dict[str, bytes] = {}
    for kind, size in walk_chunks(file):
        if kind not in (*_TEXTS, b"eXIf", b"pHYs") or size >= room:
            continue
        data = file.read(size)
        room -= size
        if kind == b"eXIf":
            found.exif = found.exif or data
        elif kind == b"pHYs":
            found.dpi = found.dpi or _resolution(data)
        elif (text := _text(kind, data, room)) is not None:
            keyword, value = text
            room -= len(value)
            if keyword == _XMP:
                found.xmp = found.xmp or value
            elif keyword.lower().startswith(_RAW_PROFILE):
                profiles.setdefault(keyword.lower().removeprefix(_RAW_PROFILE), _raw_profile(value))
            else:
                found.texts.append((keyword, value))
    _add_profiles(found, profiles)
    return found


def _text(kind: bytes, data: bytes, most: int) -> tuple[str, bytes] | None:
    """Return keyword and text of a chunk; None where it is damaged, or unpacked longer than ``most``."""
    keyword, _, value = data.partition(b"\0")
    packed = kind == b"zTXt"
    if packed:
        value = value[1:]
    elif kind == b"iTXt":
        packed = value[:1] == b"\1"
        value = value[2:].partition(b"\0")[2].partition(b"\0")[2]  # a language, and the keyword in it
    if packed:
        unpacker = zlib.decompressobj()
        try:
            value = unpacker.decompress(value, max(most, 1))
        except zlib.error:
            return None
        if not unpacker.eof:
            return None
    return keyword.decode("latin-1"), value


def _resolution(data: bytes) -> tuple[float, float] | None:
    if len(data) != 9:
        return None
    across, down, unit = struct.unpack(">IIB", data)
    return (across * 0.0254, down * 0.0254) if unit == 1 else None


def _raw_profile(value: bytes) -> bytes:
    """Read what ImageMagick and ExifTool put into a text: a name, a length, then hexadecimal digits."""
    try:
        return bytes.fromhex(b"".join(value.strip().splitlines()[2:]).decode("ascii"))
    except ValueError:
        return b""


def _add_profiles(found: Chunks, profiles: dict[str, bytes]) -> None:
    """Take from raw profiles what no chunk of its own says."""
    app1 = profiles.get("app1", b"")  # a segment of a JPEG: EXIF or XMP
    in_app1 = app1.removeprefix(_APP1_XMP) if app1.startswith(_APP1_XMP) else None
    found.exif = found.exif or profiles.get("exif") or (app1 if in_app1 is None else None) or None
    found.xmp = found.xmp or profiles.get("xmp") or in_app1
    found.resources = profiles.get("iptc") or profiles.get("8bim") or b""
