"""What a photograph's file says beside its pixels."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, BinaryIO

from tinct.media.containers.gif_blocks import read_blocks
from tinct.media.containers.jpeg_segments import APP0, APP1, APP13, COMMENT, density, read_segments
from tinct.media.containers.png_chunks import read_chunks
from tinct.media.dpi import upright_dpi
from tinct.media.exif import IPTC, PHOTOSHOP, read_exif, read_orientation, resolution, strip_file_tags
from tinct.media.extended import join_xmp
from tinct.media.formats import GIF, JPEG, PNG, TIFF, Format
from tinct.media.ifd import BadStructure, read_structure
from tinct.media.photoshop import join_block, split_iptc
from tinct.media.png_colors import read_profile
from tinct.media.spaces import is_sound
from tinct.media.tiff_layout import TiffLayout


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a file says beside its pixels."""

    exif: bytes | None = field(default=None, repr=False)
    """EXIF as a TIFF structure, without the prefix ``Exif\\0\\0``; for a TIFF, made of its directories."""
    icc: bytes | None = field(default=None, repr=False)
    """ICC profile of the file, or of the gamma that a PNG gives instead; None where it is damaged."""
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
    said = _collect(image, form, file, layout)
    exif = said.exif.removeprefix(b"Exif\0\0") if said.exif else None
    structure = read_exif(exif)
    if form is PNG:
        orientation = read_orientation(structure)
    else:  # libvips knows what a decoder turned by itself
        orientation = int(image.get("orientation")) if image.get_typeof("orientation") else 1
        orientation = orientation if 1 <= orientation <= 8 else 1
    icc = blob(image, "icc-profile-data") or (read_profile(file) if form is PNG else None)
    return Metadata(
        exif=exif,
        icc=icc if icc and is_sound(icc) else None,
        xmp=said.xmp,
        iptc=said.iptc,
        photoshop=said.photoshop,
        text=tuple((keyword, _decode(value)) for keyword, value in said.texts),
        orientation=orientation,
        dpi=upright_dpi((resolution(structure), said.dpi), orientation),
        tiff=layout,
    )


@dataclass(slots=True)
class _Said:
    """What a file says, as it says it."""

    exif: bytes | None
    xmp: bytes | None
    iptc: bytes | None = None
    photoshop: bytes | None = None
    texts: list[tuple[str, bytes]] = field(default_factory=list)
    dpi: tuple[float, float] | None = None
    """Beside EXIF's."""


def _collect(image: Any, form: Format, file: BinaryIO, layout: TiffLayout | None) -> _Said:
    said = _Said(blob(image, "exif-data"), blob(image, "xmp-data"))
    if form is TIFF:
        said.exif, said.iptc, said.photoshop = _of_tiff(file, layout)
    elif form is JPEG:
        segments = list(read_segments(file))
        said.iptc, said.photoshop = split_iptc(join_block(content for marker, content in segments if marker == APP13))
        said.texts = [("Comment", content) for marker, content in segments if marker == COMMENT]
        said.xmp = join_xmp(said.xmp, (content for marker, content in segments if marker == APP1))
        said.dpi = density(content for marker, content in segments if marker == APP0)
    elif form is PNG:
        chunks = read_chunks(file)
        iptc, photoshop = split_iptc(chunks.resources)
        said = _Said(chunks.exif, chunks.xmp, iptc, photoshop, chunks.texts, chunks.dpi)
    elif form is GIF:
        comments, said.xmp = read_blocks(file)
        said.texts = [("Comment", comment) for comment in comments]
    return said


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


def _decode(text: bytes) -> str:
    text = text.rstrip(b"\0")
    try:
        return text.decode()
    except UnicodeDecodeError:
        return text.decode("latin-1")
