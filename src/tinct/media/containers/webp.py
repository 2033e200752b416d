"""Writing WebP.

libvips hands EXIF through libexif and marks it in a way that WebP doesn't have, so that chunk is put together here; it
lies after the pixels, and is replaced in place. Source: RFC 9649 (WebP container).
"""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

from tinct.media.ifd import Structure
from tinct.media.outgoing import Outgoing
from tinct.media.vips import file_name, set_blob, vips


def write_webp(image: Any, path: Path, outgoing: Outgoing, quality: int) -> None:
    """Write a WebP; its metadata is EXIF, XMP and the profile."""
    image = image.copy()
    keep = []
    for field, data, flag in (("icc-profile-data", outgoing.icc, "icc"), ("xmp-data", outgoing.xmp, "xmp")):
        if data:
            set_blob(image, field, data)
            keep.append(flag)
    if outgoing.exif is not None:
        keep.append("exif")  # libvips' own EXIF holds the place
    vips().Operation.call(
        "webpsave", image, file_name(path), Q=quality, keep="|".join(keep) or "none", smart_subsample=True
    )
    if outgoing.exif is not None:
        _replace_exif(path, outgoing.exif)


def _replace_exif(path: Path, exif: Structure) -> None:
    blob = exif.to_blob()
    with path.open("r+b") as file:
        at = 12
        while True:
            file.seek(at)
            kind, size = struct.unpack("<4sI", file.read(8))
            after = at + 8 + size + size % 2
            if kind == b"EXIF":
                break
            at = after
        file.seek(after)
        rest = file.read()
        file.seek(at)
        file.write(struct.pack("<4sI", b"EXIF", len(blob)) + blob + b"\0" * (len(blob) % 2) + rest)
        file.truncate()
        whole = file.seek(0, io.SEEK_END)
        file.seek(4)
        file.write(struct.pack("<I", whole - 8))
