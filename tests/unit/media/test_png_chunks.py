"""A PNG says as much behind its pixels as before them."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from tinct.media.containers.png_chunks import read_chunks
from tinct.media.photo import read_photo

IPTC = b"\x1c\x02\x78" + struct.pack(">H", 7) + b"Grandma"
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"/>'


def exif(orientation: int = 6) -> bytes:
    found = Image.Exif()
    found[0x0112], found[0x013B] = orientation, "Bob"
    return found.tobytes()


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def profile(name: bytes, data: bytes) -> bytes:
    text = b"\n%s\n%8d\n%s\n" % (name, len(data), data.hex().encode())
    return chunk(b"zTXt", b"Raw profile type " + name + b"\0\0" + zlib.compress(text))


ALL = (
    chunk(b"tEXt", b"Title\0My Title")
    + chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP)
    + chunk(b"iTXt", b"Place\0\1\0de\0Ort\0" + zlib.compress("Bjørvika".encode()))
    + chunk(b"eXIf", exif())
    + chunk(b"pHYs", struct.pack(">IIB", 11811, 5906, 1))
    + profile(b"iptc", IPTC)
)


@pytest.fixture
def png(gray_pixels):
    """Returns a function that puts chunks into a PNG, before its pixels or behind them."""
    file = io.BytesIO()
    Image.fromarray(gray_pixels).save(file, "PNG")

    def write(chunks: bytes, *, late: bool = True) -> bytes:
        data = file.getvalue()
        at = data.rindex(b"IEND") - 4 if late else 33
        return data[:at] + chunks + data[at:]

    return write


def test_what_stands_behind_the_pixels_counts_as_much(png):
    early, late = read_photo(png(ALL, late=False)), read_photo(png(ALL))
    assert early.metadata == late.metadata
    np.testing.assert_array_equal(early.to_numpy(), late.to_numpy())
    assert (late.height, late.width) == (64, 48)
    metadata = late.metadata
    assert (metadata.exif, metadata.xmp, metadata.iptc) == (exif().removeprefix(b"Exif\0\0"), XMP, IPTC)
    assert metadata.text == (("Title", "My Title"), ("Place", "Bjørvika"))
    assert (metadata.orientation, metadata.dpi) == (6, (150, 300))


@pytest.mark.parametrize(
    "chunks", [profile(b"exif", exif()), profile(b"APP1", exif()), profile(b"exif", exif(3)) + chunk(b"eXIf", exif())]
)
def test_exif_in_a_raw_profile_counts_where_there_is_no_other(chunks, png):
    metadata = read_photo(png(chunks)).metadata
    assert metadata.exif == exif().removeprefix(b"Exif\0\0")
    assert metadata.orientation == 6
    assert metadata.text == ()


@pytest.mark.parametrize(("name", "before"), [(b"xmp", b""), (b"APP1", b"http://ns.adobe.com/xap/1.0/\0")])
def test_xmp_in_a_raw_profile(name, before, png):
    metadata = read_photo(png(profile(name, before + XMP))).metadata
    assert (metadata.xmp, metadata.exif) == (XMP, None)


@pytest.mark.parametrize("value", [b"Bj\xf8rvika", "Bjørvika".encode()])
def test_plain_text_is_latin_1_unless_it_is_utf_8(value, png):
    assert read_photo(png(chunk(b"tEXt", b"Title\0" + value))).metadata.text == (("Title", "Bjørvika"),)


@pytest.mark.parametrize(
    "broken",
    [
        chunk(b"zTXt", b"Title\0\0rubbish"),
        chunk(b"zTXt", b"Title\0\0" + zlib.compress(b"word")[:-3]),
        chunk(b"zTXt", b"Title\0\0" + zlib.compress(bytes(1 << 27), 9)),  # a bomb
        chunk(b"tEXt", bytes(1 << 26)),
        chunk(b"pHYs", b"\0"),
        chunk(b"pHYs", bytes(8) + b"\1"),
        profile(b"iptc", b"")[:-4] + bytes(4),
        chunk(b"tEXt", b"Raw profile type iptc\0\niptc\n 4\nwxyz"),
    ],
)
def test_what_is_damaged_or_too_long_is_left_out(broken, png):
    metadata = read_photo(png(broken + chunk(b"tEXt", b"Title\0kept"))).metadata
    assert metadata.text == (("Title", "kept"),)
    assert (metadata.iptc, metadata.dpi) == (None, None)


def test_a_file_that_is_cut_short_says_what_is_there(png):
    data = png(ALL, late=False)
    for end in range(0, len(data), 7):
        read_chunks(io.BytesIO(data[:end]))
