"""The file formats that Tinct reads and writes, told by their first bytes.

Only these loaders of libvips are ever called: none that runs scripts or fetches files (SVG, PDF, ImageMagick) is among
them.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import PurePath

from tinct.errors import OptionError, UnreadablePhoto


@dataclass(frozen=True, slots=True)
class Format:
    """One file format."""

    name: str
    """As given to ``--format``."""
    suffixes: tuple[str, ...]
    """File name endings, the usual one first."""
    loader: str
    """Operation of libvips that reads it."""
    saver: str | None
    """Operation of libvips that writes it; None where Tinct only reads it."""
    depth: int = 8
    """Most bits a channel it holds."""
    alpha: bool = True
    """Whether it holds transparency."""
    quality: int | None = None
    """Quality, 1..100, written unless asked otherwise; None where it is lossless."""
    iptc: bool = False
    """Whether it has a place for IPTC."""
    side: int = 1 << 31
    """Most pixels a side that it holds, as libvips writes it."""

    @property
    def media_type(self) -> str:
        """What the web and catalogs call it."""
        return f"image/{self.name}"


JPEG = Format(
    "jpeg", (".jpg", ".jpeg", ".jpe", ".jfif"), "jpegload", "jpegsave", alpha=False, quality=92, iptc=True, side=65500
)
PNG = Format("png", (".png",), "pngload", "pngsave", depth=16, iptc=True)
TIFF = Format("tiff", (".tif", ".tiff"), "tiffload", "tiffsave", depth=16, iptc=True)
WEBP = Format("webp", (".webp",), "webpload", "webpsave", quality=90, side=16383)
AVIF = Format("avif", (".avif",), "heifload", "heifsave", depth=12, quality=75, side=16384)
HEIC = Format("heic", (".heic", ".heif", ".hif"), "heifload", None, depth=12)
GIF = Format("gif", (".gif",), "gifload", None)

JP2 = Format("jp2", (".jp2", ".jpx", ".jpf"), "jp2kload", "jp2ksave", depth=16, iptc=True)
"""Read and written by a library of its own, see :mod:`tinct.media.jpeg2000`."""

FORMATS: tuple[Format, ...] = (JPEG, PNG, TIFF, WEBP, AVIF, JP2, HEIC, GIF)
READABLE = "JPEG, PNG, TIFF, WebP, AVIF, JPEG 2000, HEIC or GIF"
HEAD = 64
"""Bytes that :func:`sniff` looks at."""

_CR2 = b"II*\0\x10\0\0\0CR"  # Canon's raw file, which begins like a TIFF
_RAW = (_CR2, b"\0\0\0\x18ftypcrx ", b"FUJIFILM", b"IIRO", b"IIRS", b"MMOR", b"IIU\0", b"FOVb")
_FOREIGN: tuple[tuple[bytes, str], ...] = (
    *((signature, "a camera's raw file") for signature in _RAW),
    (b"%PDF", "a PDF"),
    (b"BM", "a BMP picture"),
    (b"8BPS", "a Photoshop document"),
    (b"\xff\x0a", "a JPEG XL picture"),
    (b"\x00\x00\x00\x0cJXL ", "a JPEG XL picture"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"<svg", "an SVG drawing"),
    (b"<?xml", "an XML or SVG file"),
)


def sniff(head: bytes, name: str) -> Format:
    """Tell the format of a file.

    Args:
        head: its first :data:`HEAD` bytes.
        name: what to call it in messages.

    Raises:
        UnreadablePhoto: it is empty, or no picture of a format in :data:`FORMATS`.
    """
    if not head:
        raise UnreadablePhoto(f"{name} is empty (zero bytes)")
    if head.startswith(b"\xff\xd8\xff"):
        return JPEG
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return PNG
    if head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+") and not head.startswith(_CR2):
        return TIFF
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return WEBP
    if head[:8] == b"\x00\x00\x00\x0cjP  " or head[:4] == b"\xff\x4f\xff\x51":
        return JP2
    if head[:6] in (b"GIF87a", b"GIF89a"):
        return GIF
    if head[4:8] == b"ftyp":
        brands = head[8:]
        if b"avif" in brands or b"avis" in brands:
            return AVIF
        if any(brand in brands for brand in (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")):
            return HEIC
    for signature, what in _FOREIGN:
        if head.startswith(signature):
            raise UnreadablePhoto(f"{name} is {what}, which Tinct doesn't read; convert it to TIFF, PNG or JPEG")
    raise UnreadablePhoto(f"{name} is no picture that Tinct reads ({READABLE})")


def format_of_name(name: str) -> Format | None:
    """Return the format that a file's name ends like; None where that is no picture's."""
    suffix = os.path.splitext(name)[1].lower()
    return next((candidate for candidate in FORMATS if suffix in candidate.suffixes), None)


def result_format(own: Format | None, *, depth: int = 8, layer: bool = False) -> Format:
    """Return the format of what is made of a picture, unless asked otherwise: its own where Tinct writes that.

    Args:
        own: the picture's; None where it is of none.
        depth: its bits a channel.
        layer: whether a layer is made, which needs 16 bits a channel and transparency.
    """
    if own is not None and own.saver is not None and (own.depth == 16 or not layer):
        return own
    return JPEG if own is HEIC and depth == 8 and not layer else PNG


def choose_format(name: str | None, target: PurePath | None, default: Format) -> Format:
    """Return the format to write: the one named, else the one of the target's ending, else ``default``.

    Raises:
        OptionError: the name or the ending is none that Tinct writes.
    """
    writable = [candidate for candidate in FORMATS if candidate.saver]
    choices = ", ".join(candidate.name for candidate in writable)
    if name is not None:
        wanted = name.lower().removeprefix(".")
        for candidate in writable:
            if wanted == candidate.name or f".{wanted}" in candidate.suffixes:
                return candidate
        raise OptionError(f"can't write the format {name!r}; choose one of {choices}")
    suffix = target.suffix.lower() if target is not None else ""
    if not suffix:
        return default
    for candidate in writable:
        if suffix in candidate.suffixes:
            return candidate
    raise OptionError(f"{target}: can't write files that end in {suffix!r}; choose a format of {choices}")
