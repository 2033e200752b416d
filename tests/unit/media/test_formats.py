from __future__ import annotations

from pathlib import Path

import pytest

from tinct.errors import OptionError, UnreadablePhoto
from tinct.media import formats
from tinct.media.formats import choose_format, sniff


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"\xff\xd8\xff\xe0\0\x10JFIF", formats.JPEG),
        (b"\x89PNG\r\n\x1a\n", formats.PNG),
        (b"II*\0", formats.TIFF),
        (b"MM\0+", formats.TIFF),
        (b"RIFF\0\0\0\0WEBPVP8 ", formats.WEBP),
        (b"GIF89a", formats.GIF),
        (b"\0\0\0\x20ftypavif\0\0\0\0mif1", formats.AVIF),
        (b"\0\0\0\x1cftypheic\0\0\0\0mif1", formats.HEIC),
    ],
)
def test_formats_are_told_by_their_first_bytes(head, expected):
    assert sniff(head, "x") is expected


@pytest.mark.parametrize(
    ("head", "said"),
    [
        (b"", "empty"),
        (b"hello, this is text", "no picture"),
        (b"%PDF-1.7", "a PDF"),
        (b"<svg xmlns=", "SVG"),
        (b"<?xml version=", "SVG"),
        (b"BM6\0", "BMP"),
        (b"8BPS", "Photoshop"),
        (b"\xff\x0a", "JPEG XL"),
        (b"II*\0\x10\0\0\0CR\2\0", "raw file"),
        (b"\0\0\0\x18ftypcrx \0\0\0\1crx isom", "raw file"),
        (b"IIRO\x08\0\0\0", "raw file"),
        (b"IIRS\x08\0\0\0", "raw file"),
        (b"MMOR\0\0\0\x08", "raw file"),
        (b"IIU\0\x18\0\0\0", "raw file"),
        (b"FOVb\0\0\2\0", "raw file"),
        (b"FUJIFILMCCD-RAW", "raw file"),
        (b"push graphic-context", "no picture"),
        (b"\0\0\0\x20ftypisom", "no picture"),
    ],
)
def test_all_else_is_refused_by_name(head, said):
    with pytest.raises(UnreadablePhoto, match=said) as raised:
        sniff(head, "holiday.jpg")
    assert "holiday.jpg" in str(raised.value)


def test_the_format_to_write():
    assert choose_format("JPG", Path("a.png"), formats.TIFF) is formats.JPEG
    assert choose_format(None, Path("a.TIF"), formats.PNG) is formats.TIFF
    assert choose_format(None, Path("a"), formats.WEBP) is formats.WEBP
    assert choose_format(None, None, formats.WEBP) is formats.WEBP


@pytest.mark.parametrize(
    ("name", "path"), [("gif", None), ("heic", None), (None, "a.gif"), (None, "a.txt"), ("", None)]
)
def test_formats_that_are_not_written(name, path):
    with pytest.raises(OptionError, match="jpeg, png, tiff, webp, avif"):
        choose_format(name, Path(path) if path else None, formats.PNG)
