"""What a photograph's file says beside its pixels."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from tinct.media.exif import IPTC, PHOTOSHOP, read_exif, resolution, strip_file_tags
from tinct.media.extended import join_xmp
from tinct.media.formats import JPEG, PNG, TIFF, Format
from tinct.media.ifd import BadStructure, read_structure
from tinct.media.photoshop import split_iptc
from tinct.media.spaces import is_sound
from tinct.media.tiff_layout import TiffLayout

_COMMENT = re.compile(r"png-comment-\d+-(.*)", re.DOTALL)
_RAW_PROFILE = "Raw profile type "


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a file says beside its pixels."""

    exif: bytes | None = field(default=None, repr=False)
    """EXIF as a TIFF structure, without the prefix ``Exif\\0\\0``; for a TIFF, made of its directories."""
    icc: bytes | None = field(default=None, repr=False)
    """ICC profile of the file; None where it is damaged."""
    xmp: bytes | None = field(default=None, repr=False)
    """XMP packet."""
    iptc: bytes | None = field(default=None, repr=False)
    """IPTC records (IIM)."""
    photoshop: bytes | None = field(default=None, repr=False)
    """Photoshop's other image resources: paths, guides, captions."""
    text: tuple[tuple[str, str], ...] = ()
    """Comments by keyword, as PNG has them; a JPEG's has the keyword ``Comment``."""
    orientation: int = 1
    """How the stored pixels are turned, 1..8 as in EXIF; pixels given out by Tinct are upright."""
    dpi: tuple[float, float] | None = None
    """Horizontal and vertical resolution of the upright picture, in dots an inch; None where the file doesn't say."""
    tiff: TiffLayout | None = None
    """How a TIFF stores its pixels."""
    sidecar_hash: str | None = None
    """SHA-256 of the sidecar that the XMP comes from in part, in hex; None without one."""


def read_metadata(image: Any, form: Format, file: BinaryIO, layout: TiffLayout | None) -> Metadata:
    """Collect the metadata of a file.

    Args:
        image: ``pyvips.Image`` fresh from the loader.
        form: the file's format.
        file: the file, for what libvips doesn't read.
        layout: how it is stored, for a TIFF.
    """
    exif = blob(image, "exif-data")
    iptc, photoshop = split_iptc(blob(image, "iptc-data") or b"")
    text, xmp = _png_text(image), blob(image, "xmp-data")
    if form is TIFF:
        exif, iptc, photoshop = _of_tiff(file, layout)
    elif form is JPEG:
        segments = _jpeg_segments(file)
        text = [("Comment", _comment(content)) for marker, content in segments if marker == 0xFE]
        xmp = join_xmp(xmp, (content for marker, content in segments if marker == 0xE1))
    for keyword, value in text:
        if keyword.lower() in (f"{_RAW_PROFILE}iptc".lower(), f"{_RAW_PROFILE}8bim".lower()) and iptc is None:
            iptc, photoshop = split_iptc(_raw_profile(value))
    exif = exif.removeprefix(b"Exif\0\0") if exif else None
    orientation = int(image.get("orientation")) if image.get_typeof("orientation") else 1
    orientation = orientation if 1 <= orientation <= 8 else 1
    dpi = resolution(read_exif(exif))
    if dpi is None and form is PNG:
        dpi = _png_resolution(file)
    elif dpi is None and image.get_typeof("resolution-unit") and min(image.xres, image.yres) > 0:
        dpi = (image.xres * 25.4, image.yres * 25.4)
    icc = blob(image, "icc-profile-data")
    if dpi is not None:  # what was whole before some format counted dots a meter
        dpi = (_tidy(dpi[0]), _tidy(dpi[1]))
    return Metadata(
        exif=exif,
        icc=icc if icc and is_sound(icc) else None,
        xmp=xmp,
        iptc=iptc,
        photoshop=photoshop,
        text=tuple(item for item in text if not item[0].startswith(_RAW_PROFILE)),
        orientation=orientation,
        dpi=dpi if dpi is None or orientation < 5 else dpi[::-1],
        tiff=layout,
    )


def blob(image: Any, field: str) -> bytes | None:
    """Return a field of libvips' that holds bytes, None where there is none."""
    return bytes(image.get(field)) or None if image.get_typeof(field) else None


def _of_tiff(file: BinaryIO, layout: TiffLayout | None) -> tuple[bytes | None, bytes | None, bytes | None]:
    """Return EXIF, IPTC and Photoshop's resources of a TIFF's page."""
    try:
        structure = read_structure(file, None if layout is None else layout.offset)
    except BadStructure:
        return None, None, None
    bare = structure.main.get(IPTC)
    resources = structure.main.get(PHOTOSHOP)
    iptc, photoshop = split_iptc(resources.data if resources else b"")
    if bare is not None:
        inside, others = split_iptc(bare.data.rstrip(b"\0"))  # libvips puts all of a JPEG's resources there
        iptc, photoshop = inside or iptc, photoshop or others
    strip_file_tags(structure)
    return (structure.to_blob() if any(structure.directories()) else None), iptc, photoshop


def _tidy(value: float) -> float:
    return round(value) if abs(value - round(value)) < 0.02 else value


def _png_text(image: Any) -> list[tuple[str, str]]:
    matches = ((_COMMENT.fullmatch(field), field) for field in image.get_fields())
    return [(match[1], str(image.get(field))) for match, field in matches if match]


def _png_resolution(file: BinaryIO) -> tuple[float, float] | None:
    """Read the resolution, of which libvips doesn't tell whether it is the file's or its own guess."""
    file.seek(8)
    while len(head := file.read(8)) == 8 and head[4:] != b"IDAT":
        size = int.from_bytes(head[:4], "big")
        if head[4:] == b"pHYs" and size == 9:
            across, down, unit = struct.unpack(">IIB", file.read(9))
            return (across * 0.0254, down * 0.0254) if unit == 1 and min(across, down) > 0 else None
        file.seek(size + 4, 1)
    return None


def _jpeg_segments(file: BinaryIO) -> list[tuple[int, bytes]]:
    """Read the segments before the pixels, each with its marker; libvips passes over some."""
    found = []
    file.seek(2)
    while (marker := file.read(4))[:1] == b"\xff" and len(marker) == 4 and marker[1] != 0xDA:
        size = int.from_bytes(marker[2:], "big") - 2
        found.append((marker[1], file.read(max(size, 0))))
    return found


def _comment(content: bytes) -> str:
    content = content.rstrip(b"\0")
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _raw_profile(value: str) -> bytes:
    """Read what ImageMagick and ExifTool put into a PNG's text: a name, a length, then hexadecimal digits."""
    digits = "".join("".join(value.strip().splitlines()[2:]).split())
    try:
        return bytes.fromhex(digits)
    except ValueError:
        return b""
