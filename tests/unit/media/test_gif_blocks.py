"""A GIF's comments and XMP reach the PNG that is made of it."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from tinct.media.containers.gif_blocks import read_blocks
from tinct.media.photo import encode_photo, read_photo

XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="4"/></rdf:RDF></x:xmpmeta>'
)
PACKET = b"\x21\xff\x0bXMP DataXMP" + XMP + b"\1" + bytes(range(255, -1, -1)) + b"\0"


@pytest.fixture
def gif(gray_pixels):
    file = io.BytesIO()
    frames = [Image.fromarray(gray_pixels), Image.fromarray(gray_pixels[::-1])]
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:], comment=b"by hand, " * 60)
    return file.getvalue()


def test_comments_and_xmp_are_kept(gif):
    photo = read_photo(gif[:-1] + PACKET + b"\x21\xfe\2\xf8l\0" + gif[-1:])
    assert photo.metadata.text == (("Comment", "by hand, " * 60), ("Comment", "øl"))
    assert photo.metadata.xmp == XMP
    result = read_photo(encode_photo(photo.open(), like=photo, format="png")).metadata
    assert (result.text, result.xmp) == (photo.metadata.text, XMP)


def test_a_file_that_is_cut_short_says_what_is_there(gif):
    for end in range(0, len(gif), 5):
        read_blocks(io.BytesIO(gif[:end]))
    assert read_blocks(io.BytesIO(b"GIF89a")) == ([], None)
