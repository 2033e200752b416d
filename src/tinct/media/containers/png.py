"""Writing PNG.

libvips would hand EXIF through libexif and make up a resolution where none is known; so the chunks before the pixels
are put together here.
Source: PNG specification, third edition; the raw profile is ImageMagick's, and ExifTool reads it too.
"""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

from tinct.media.containers.splice import save_spliced
from tinct.media.outgoing import Outgoing
from tinct.media.photoshop import join_iptc

_BEGIN = 8 + 25  # the signature, and the header's chunk
_RESOLUTION = 21  # the resolution's chunk, which libvips always writes next


def write_png(image: Any, path: Path, outgoing: Outgoing) -> None:
    """Write a PNG, 8 or 16 bits a channel."""
    chunks = png_chunks(outgoing)

    def splice(begin: bytes) -> bytes:
        rest = begin[_BEGIN:]
        return begin[:_BEGIN] + chunks + (rest[_RESOLUTION:] if rest[4:8] == b"pHYs" else rest)

    # Measured on photographs: level 6 takes more than twice the time of level 3 and saves 4 %; choosing the filter row
    # by row takes half as long again as Paeth's alone and saves nothing.
    save_spliced(
        image,
        path,
        "pngsave_target",
        head=_BEGIN + _RESOLUTION,
        splice=splice,
        keep="none",
        compression=3,
        filter="paeth",
    )


def png_chunks(outgoing: Outgoing) -> bytes:
    """Return the chunks between the header and the pixels."""
    chunks = b""
    if outgoing.icc:
        chunks += _chunk(b"iCCP", b"icc\0\0" + zlib.compress(outgoing.icc, 9))
    if outgoing.dpi:
        chunks += _chunk(b"pHYs", struct.pack(">IIB", *(round(value / 0.0254) for value in outgoing.dpi), 1))
    if outgoing.exif is not None:
        chunks += _chunk(b"eXIf", outgoing.exif.to_blob())
    if outgoing.xmp:
        chunks += _chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + outgoing.xmp)
    resources = join_iptc(outgoing.iptc, outgoing.photoshop)
    if resources:
        digits = resources.hex()
        lines = "\n".join(digits[at : at + 72] for at in range(0, len(digits), 72))
        text = f"\niptc\n{len(resources):8}\n{lines}\n"
        chunks += _chunk(b"zTXt", b"Raw profile type iptc\0\0" + zlib.compress(text.encode(), 9))
    for keyword, value in outgoing.text:
        key = keyword.encode("latin-1", "replace")[:79] or b"Comment"
        chunks += _chunk(b"iTXt", key + b"\0\0\0\0\0" + value.encode())
    return chunks


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
