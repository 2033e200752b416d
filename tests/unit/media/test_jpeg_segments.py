"""What lies before the picture of a JPEG, however it is laid out."""

from __future__ import annotations

import io
import struct

import pytest
from PIL import Image

from tinct.media.containers.jpeg_segments import read_segments
from tinct.media.photo import encode_photo, read_photo
from tinct.media.photoshop import IPTC, PREFIX, write_resources

RECORDS = b"\x1c\x02\x78" + struct.pack(">H", 7) + b"Grandma"
CAPTION = (IPTC, b"", RECORDS)
PATHS = (2000, b"", (b"\0\6" + bytes(24)) * 4000)  # longer than a segment


def segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def cut(block: bytes) -> bytes:
    """Segments as Photoshop makes them of a long block."""
    return b"".join(segment(0xED, PREFIX + block[at : at + 65519]) for at in range(0, len(block), 65519))


@pytest.fixture
def jpeg(gray_pixels):
    file = io.BytesIO()
    Image.fromarray(gray_pixels).save(file, "JPEG")
    return file.getvalue()


def test_a_marker_may_have_any_number_of_bytes_before_it(jpeg):
    data = jpeg[:2] + b"\xff\xff" + segment(0xFE, b"by hand") + b"\xff" + segment(0xFE, b"again") + jpeg[2:]
    assert read_photo(data).metadata.text == (("Comment", "by hand"), ("Comment", "again"))


@pytest.mark.parametrize("data", [b"", b"\xff\xd8", b"\xff\xd8\xff", b"\xff\xd8\xff\xff\xff", b"\xff\xd8\xff\xfe\0"])
def test_what_is_cut_short_ends_the_list(data):
    assert not any(content for _, content in read_segments(io.BytesIO(data)))


@pytest.mark.parametrize(
    "segments",
    [
        cut(write_resources([CAPTION, PATHS])),
        cut(write_resources([PATHS, CAPTION])),
        segment(0xED, b"Adobe_CM\0") + cut(write_resources([PATHS])) + cut(write_resources([CAPTION])),
    ],
    ids=["caption first", "caption last", "resources of two programs"],
)
def test_captions_and_paths_are_found_in_every_segment(segments, jpeg):
    metadata = read_photo(jpeg[:2] + segments + jpeg[2:]).metadata
    assert metadata.iptc == RECORDS
    assert metadata.photoshop == write_resources([PATHS])


def test_long_paths_survive_every_format(jpeg):
    data = jpeg[:2] + cut(write_resources([PATHS, CAPTION])) + jpeg[2:]
    for form in ("tiff", "jpeg", "png", "jpeg"):
        photo = read_photo(data)
        data = encode_photo(photo.open(), like=photo, format=form)
        metadata = read_photo(data).metadata
        assert (metadata.iptc, metadata.photoshop) == (RECORDS, write_resources([PATHS]))
