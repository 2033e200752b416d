"""Writing JPEG.

libvips would write no JFIF header, so no resolution to those who read no EXIF, and hand EXIF through libexif; so all
that comes before the picture is put together here.
Sources: ITU T.81 annex B, ITU T.871 (JFIF), EXIF 2.32, XMP part 3, ICC.1 annex B.4.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

from tinct.media.containers.splice import save_spliced
from tinct.media.extended import split_xmp
from tinct.media.ifd import Structure
from tinct.media.outgoing import Outgoing
from tinct.media.photoshop import PREFIX, join_iptc

_START = b"\xff\xd8"
_EXIF = b"Exif\0\0"
_ICC = b"ICC_PROFILE\0"
_MOST = 65533  # bytes in a segment, beside its length


def write_jpeg(image: Any, path: Path, outgoing: Outgoing, quality: int) -> None:
    """Write a JPEG; from quality 90 up, color has the same resolution as lightness."""
    head = _START + jpeg_head(outgoing)
    save_spliced(
        image,
        path,
        "jpegsave_target",
        head=len(_START),
        splice=lambda begin: head + begin[len(_START) :],
        Q=quality,
        keep="none",
    )


def jpeg_head(outgoing: Outgoing) -> bytes:
    """Return the segments before the picture."""
    parts = [_segment(0xE0, b"JFIF\0\x01\x02" + _density(outgoing.dpi) + b"\0\0")]
    if outgoing.exif is not None and (blob := fitting_exif(outgoing.exif, _MOST - len(_EXIF))):
        parts.append(_segment(0xE1, _EXIF + blob))
    if outgoing.xmp is not None:
        parts += [_segment(0xE1, content) for content in split_xmp(outgoing.xmp, _MOST)]
    resources = join_iptc(outgoing.iptc, outgoing.photoshop) or b""
    size = _MOST - len(PREFIX)
    parts += [_segment(0xED, PREFIX + resources[at : at + size]) for at in range(0, len(resources), size)]
    if outgoing.icc:
        size = _MOST - len(_ICC) - 2
        chunks = [outgoing.icc[at : at + size] for at in range(0, len(outgoing.icc), size)]
        parts += [
            _segment(0xE2, _ICC + bytes([number, len(chunks)]) + chunk) for number, chunk in enumerate(chunks, start=1)
        ]
    for keyword, value in outgoing.text:
        comment = value if keyword == "Comment" else f"{keyword}: {value}"
        parts.append(_segment(0xFE, comment.encode()[:_MOST]))
    return b"".join(parts)


def fitting_exif(structure: Structure, most: int) -> bytes:
    """Return EXIF of at most ``most`` bytes, without its largest values where it would be longer."""
    blob = structure.to_blob()
    while len(blob) > most:
        holder, tag = max(
            ((directory, tag) for directory in structure.directories() for tag in directory),
            key=lambda item: len(item[0][item[1]].data),
        )
        del holder[tag]
        blob = structure.to_blob()
    return blob


def _density(dpi: tuple[float, float] | None) -> bytes:
    """Unit, and dots per unit across and down; without a resolution, the shape of a pixel: square."""
    if dpi is None:
        return struct.pack(">BHH", 0, 1, 1)
    return struct.pack(">BHH", 1, *(min(65535, max(1, round(value))) for value in dpi))


def _segment(marker: int, data: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data
