"""The boxes of a JPEG 2000 file: what it says of its pixels, and metadata before and after them.

The codec packs and unpacks pixels alone, so the boxes are put together here. Sources: ISO/IEC 15444-1 annex I (JP2) and
A.5 (SIZ); ExifTool's tables for the UUIDs of EXIF, IPTC and Photoshop's resources; XMP part 3.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from tinct.errors import MissingExtra, OutputError, UnreadablePhoto
from tinct.media.outgoing import Outgoing

EXTRA = "jp2"
MOST_SAMPLES = 400_000_000
"""Most samples (pixels times channels) of a picture: the codec has all of it in memory, at 4 to 6 bytes a sample."""
XMP = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
EXIF = b"JpgTiffExif->JP2"
IPTC = bytes.fromhex("33c7a4d2b81d4723a0baf1a3e097ad38")
PHOTOSHOP = bytes.fromhex("2c4c0100850440b9a03e562148d6dfeb")
_SIGNATURE = struct.pack(">I4s4s", 12, b"jP  ", b"\r\n\x87\n")
_CODESTREAM = b"\xff\x4f\xff\x51"
_SPACES = {12: "cmyk", 16: "rgb", 17: "gray"}
_LARGEST = 1 << 26  # no box of metadata is larger


@dataclass(frozen=True, slots=True)
class Header:
    """What a JPEG 2000 file says before its pixels are decoded."""

    height: int
    width: int
    channels: int
    bits: int
    """Of each channel, 1 to 16."""
    alpha: bool
    """Whether the last channel is transparency."""
    cmyk: bool
    icc: bytes | None
    dpi: tuple[float, float] | None
    boxes: dict[bytes, bytes]
    """Metadata by its UUID."""
    start: int
    """Where what is to be decoded begins: the codestream, or the file where that has a palette."""


def codec(name: str) -> Any:
    """Return the library that packs and unpacks JPEG 2000.

    Raises:
        MissingExtra: it isn't installed.
    """
    try:
        import imagecodecs
    except ImportError as error:
        raise MissingExtra(f"{name}: JPEG 2000", EXTRA) from error
    return imagecodecs


def read_header(file: BinaryIO, name: str) -> Header:
    """Read the boxes of a file, or the beginning of a bare codestream.

    Raises:
        UnreadablePhoto: it holds no photograph, or is damaged.
    """
    file.seek(0)
    bare = file.read(4) == _CODESTREAM
    boxes: dict[bytes, bytes] = {}
    inner: dict[bytes, bytes] = {}
    start: int | None = 0 if bare else None
    try:
        for kind, at, size in () if bare else _walk(file):
            if kind == b"jp2c":
                start = at if start is None else start
            elif kind in (b"jp2h", b"uuid") and size <= _LARGEST:
                file.seek(at)
                data = file.read(size)
                if kind == b"uuid":
                    boxes.setdefault(data[:16], data[16:])
                else:
                    for part, begin, end in _inside(data):
                        inner.setdefault(part, data[begin:end])
        if start is None:
            raise UnreadablePhoto(f"{name} is a JPEG 2000 file without a picture")
        file.seek(start)
        siz = file.read(4 + 38 + 3)
        right, bottom, left, top = struct.unpack_from(">4I", siz, 8)
        channels = int.from_bytes(siz[40:42], "big")
        file.seek(start + 42)
        parts = file.read(3 * channels)
        return _header(name, (bottom - top, right - left), channels, parts, inner, boxes, start)
    except (struct.error, IndexError) as error:
        raise UnreadablePhoto(f"{name} is a damaged JPEG 2000 file; get the whole file") from error


def _header(
    name: str,
    size: tuple[int, int],
    channels: int,
    parts: bytes,
    inner: dict[bytes, bytes],
    boxes: dict[bytes, bytes],
    start: int,
) -> Header:
    precisions, steps = set(parts[::3]), set(parts[1::3]) | set(parts[2::3])
    if len(precisions) != 1 or steps != {1}:
        raise UnreadablePhoto(f"{name} has channels of several sizes or depths; convert it to TIFF")
    bits = next(iter(precisions)) + 1
    if bits > 16:
        raise UnreadablePhoto(
            f"{name} has samples of {bits - 128 if bits > 128 else bits} bits"
            f"{' with signs' if bits > 128 else ''}; convert it to 8 or 16 bits a channel"
        )
    color = inner.get(b"colr", b"")
    method = color[0] if color else 0
    space = int.from_bytes(color[3:7], "big") if method == 1 else None
    if space is not None and space not in _SPACES:
        raise UnreadablePhoto(
            f"{name} has its colors in a way (space {space}) that Tinct doesn't read; convert it to TIFF"
        )
    if b"pclr" in inner:
        if method != 1:
            raise UnreadablePhoto(f"{name} has a palette with a profile, which Tinct doesn't read; convert it to TIFF")
        channels, start = inner[b"pclr"][2], 0
    opaque = space == 12 or channels in (1, 3)
    return Header(
        height=size[0],
        width=size[1],
        channels=channels,
        bits=bits,
        alpha=not opaque,
        cmyk=space == 12,
        icc=color[3:] if method in (2, 3) else None,
        dpi=_resolution(inner.get(b"res ", b"")),
        boxes=boxes,
        start=start,
    )


def write_jp2(image: Any, path: Path, outgoing: Outgoing) -> None:
    """Write a JPEG 2000 file without loss, 8 or 16 bits a channel.

    Raises:
        MissingExtra: the codec isn't installed.
        OutputError: it is larger than the codec should be given.
    """
    if image.width * image.height * image.bands > MOST_SAMPLES:
        raise OutputError(
            f"JPEG 2000 is packed in memory, so at most {MOST_SAMPLES:,} samples; the picture has {image.width} x "
            f"{image.height} x {image.bands}; write tiff"
        )
    pixels = image.numpy()
    pixels = pixels.reshape(image.height, image.width, image.bands)
    deep = pixels.dtype == np.uint16
    packed = codec("writing").jpeg2k_encode(
        np.ascontiguousarray(pixels[..., 0] if image.bands == 1 else pixels), 0, codecformat="j2k", reversible=True
    )
    with path.open("wb") as file:
        file.write(_SIGNATURE + _box(b"ftyp", b"jp2 \0\0\0\0jp2 "))
        file.write(_box(b"jp2h", _describe(image, 16 if deep else 8, outgoing)))
        if outgoing.exif is not None:
            file.write(_box(b"uuid", EXIF + outgoing.exif.to_blob()))
        for kind, data in ((XMP, outgoing.xmp), (IPTC, outgoing.iptc), (PHOTOSHOP, outgoing.photoshop)):
            if data:
                file.write(_box(b"uuid", kind + data))
        file.write(struct.pack(">I4s", 0, b"jp2c"))  # up to the file's end
        file.write(packed)


def _describe(image: Any, bits: int, outgoing: Outgoing) -> bytes:
    """Return the inner boxes of the header."""
    gray = image.bands < 3
    parts = _box(b"ihdr", struct.pack(">IIHBBBB", image.height, image.width, image.bands, bits - 1, 7, 0, 0))
    if outgoing.icc:
        parts += _box(b"colr", b"\2\0\0" + outgoing.icc)
    else:
        parts += _box(b"colr", b"\1\0\0" + struct.pack(">I", 17 if gray else 16))
    if image.bands in (2, 4):
        colors = [(number, 0, number + 1) for number in range(image.bands - 1)]
        rows = [*colors, (image.bands - 1, 1, 0)]  # opacity of the whole picture
        parts += _box(b"cdef", struct.pack(">H", len(rows)) + b"".join(struct.pack(">3H", *row) for row in rows))
    if outgoing.dpi is not None:
        across, down = (round(value / 0.0254 * 100) for value in outgoing.dpi)
        # Dots a meter as fractions: numerator and denominator of 16 bits, and a power of ten.
        parts += _box(
            b"res ",
            _box(b"resc", _fraction(down)[:4] + _fraction(across)[:4] + _fraction(down)[4:] + _fraction(across)[4:]),
        )
    return parts


def _fraction(hundredths: int) -> bytes:
    """Return a number of hundredths as numerator, denominator, power of ten."""
    power = 0
    value = float(hundredths)
    while value > 65535:
        value, power = value / 10, power + 1
    return struct.pack(">HHb", round(value), 100, power)


def _resolution(data: bytes) -> tuple[float, float] | None:
    found = {kind: data[begin:end] for kind, begin, end in _inside(data)}
    values = found.get(b"resc") or found.get(b"resd")
    if values is None or len(values) < 10:
        return None
    down_top, down_bottom, across_top, across_bottom, down_power, across_power = struct.unpack(">4H2b", values[:10])
    if 0 in (down_top, down_bottom, across_top, across_bottom):
        return None
    return (
        across_top / across_bottom * 10.0**across_power * 0.0254,
        down_top / down_bottom * 10.0**down_power * 0.0254,
    )


def _walk(file: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    """Yield the kind of each box of a file, where its content begins, and how long that is."""
    end = file.seek(0, 2)
    at = 0
    while at + 8 <= end:
        file.seek(at)
        size, kind = struct.unpack(">I4s", file.read(8))
        head = 8
        if size == 1:
            size, head = struct.unpack(">Q", file.read(8))[0], 16
        size = size or end - at
        if size < head:
            return
        yield kind, at + head, size - head
        at += size


def _inside(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield the kind of each box inside another, and where its content begins and ends."""
    at = 0
    while at + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        size = size or len(data) - at
        if size < 8:
            return
        yield kind, at + 8, at + size
        at += size


def _box(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I4s", len(data) + 8, kind) + data
