"""JPEG 2000 in and out; Pillow, which has a decoder of its own, is the oracle."""

from __future__ import annotations

import io
import struct
import sys

import numpy as np
import pytest
from PIL import Image

from tinct.errors import MissingExtra, OutputError, PhotoTooLarge, TruncatedPhoto, UnreadablePhoto
from tinct.media.photo import encode_photo, read_photo

imagecodecs = pytest.importorskip("imagecodecs", reason="the extra [jp2] isn't installed")


def deep(gray_pixels) -> np.ndarray:
    return (gray_pixels.astype(np.uint16) * 256 + np.arange(64, dtype=np.uint16)).astype(np.uint16)


def saved(picture: Image.Image, **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, "JPEG2000", **options)
    return file.getvalue()


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("depth", [8, 16])
def test_pixels_come_back_without_loss(channels, depth, gray_pixels):
    plane = gray_pixels if depth == 8 else deep(gray_pixels)
    pixels = plane if channels == 1 else np.dstack([plane, plane[::-1], plane[:, ::-1], plane[::-1, ::-1]][:channels])
    photo = read_photo(pixels)
    back = read_photo(encode_photo(photo.open(), like=photo, format="jp2"))
    assert (back.depth, back.has_alpha, back.height, back.width) == (depth, channels == 4, 48, 64)
    np.testing.assert_array_equal(back.to_numpy(), photo.to_numpy())
    assert len(np.unique(back.to_numpy())) == len(np.unique(pixels))


def test_other_programs_read_what_is_written_and_write_what_is_read(color_pixels, gray_pixels):
    photo = read_photo(color_pixels)
    with Image.open(io.BytesIO(encode_photo(photo.open(), like=photo, format="jp2"))) as picture:
        np.testing.assert_array_equal(np.asarray(picture), color_pixels)
    for picture in (Image.fromarray(color_pixels), Image.fromarray(gray_pixels), Image.fromarray(deep(gray_pixels))):
        found = read_photo(saved(picture))
        assert found.source.format.name == "jp2"
        np.testing.assert_array_equal(found.to_numpy(), np.asarray(picture))
    found = read_photo(saved(Image.fromarray(color_pixels), no_jp2=True))  # a bare codestream
    np.testing.assert_array_equal(found.to_numpy(), color_pixels)
    found = read_photo(saved(Image.fromarray(color_pixels), irreversible=True, tile_size=(32, 32)))
    assert np.abs(found.to_numpy().astype(int) - color_pixels).mean() < 3


def test_twelve_bits_fill_sixteen(gray_pixels):
    levels = (gray_pixels.astype(np.uint16) * 16 + 5) % 4096
    levels[0, :2] = 0, 4095
    data = imagecodecs.jpeg2k_encode(levels, 0, codecformat="jp2", bitspersample=12, reversible=True)
    found = read_photo(data)
    assert found.depth == 16
    np.testing.assert_array_equal(found.to_numpy(), np.rint(levels * (65535 / 4095)))


def test_a_gray_profile_says_what_the_levels_mean(gray_pixels, profile):
    plain = read_photo(gray_pixels)
    file = io.BytesIO()
    Image.fromarray(gray_pixels).save(file, "TIFF", icc_profile=profile("GRAY", 1.0))
    tagged = read_photo(file.getvalue())
    jp2 = read_photo(with_profile(saved(Image.fromarray(gray_pixels)), profile("GRAY", 1.0)))
    assert jp2.metadata.icc == tagged.metadata.icc
    np.testing.assert_allclose(jp2.small_lightness(48, 64), tagged.small_lightness(48, 64), atol=0.01)
    assert np.abs(jp2.small_lightness(48, 64) - plain.small_lightness(48, 64)).max() > 5


def with_profile(data: bytes, icc: bytes) -> bytes:
    """A JPEG 2000 file whose colors are said by a profile in place of a number."""
    plain = b"\0\0\0\x0fcolr\1\0\0\0\0\0\x11"
    tagged = struct.pack(">I4s3s", 11 + len(icc), b"colr", b"\2\0\0") + icc
    assert plain in data
    at = data.index(b"jp2h") - 4
    size = struct.unpack_from(">I", data, at)[0] + len(tagged) - len(plain)
    return data[:at] + struct.pack(">I", size) + data[at + 4 :].replace(plain, tagged, 1)


def test_files_that_are_cut_short_or_no_photographs(color_pixels, tmp_path):
    data = saved(Image.fromarray(color_pixels))
    for share in (0.3, 0.6, 0.95):
        cut = data[: int(len(data) * share)]
        with pytest.raises((TruncatedPhoto, UnreadablePhoto), match=r"whole file|without a picture"):
            read_photo(cut).to_numpy()
        with pytest.raises((TruncatedPhoto, UnreadablePhoto)):
            read_photo(cut, allow_truncated=True)
    with pytest.raises(UnreadablePhoto, match="without a picture"):
        read_photo(data[:32])
    with pytest.raises(UnreadablePhoto, match="damaged JPEG 2000"):
        read_photo(b"\xff\x4f\xff\x51\0\0")
    ycc = data.replace(b"colr\1\0\0\0\0\0\x10", b"colr\1\0\0\0\0\0\x12")
    assert ycc != data
    with pytest.raises(UnreadablePhoto, match="space 18"):
        read_photo(ycc)


def test_larger_ones_than_memory_should_take_are_refused(gray_pixels, monkeypatch):
    data = saved(Image.fromarray(gray_pixels))
    monkeypatch.setattr("tinct.media.jpeg2000.MOST_SAMPLES", 3000)
    with pytest.raises(PhotoTooLarge, match="at most 3,000 samples"):
        read_photo(data)
    monkeypatch.setattr("tinct.media.containers.jp2.MOST_SAMPLES", 3000)
    photo = read_photo(gray_pixels)
    with pytest.raises(OutputError, match="write tiff"):
        encode_photo(photo.open(), like=photo, format="jp2")
    with pytest.raises(PhotoTooLarge, match="limit of 99"):
        read_photo(saved(Image.new("L", (10, 10))), max_pixels=99)


def test_without_the_codec_the_extra_is_named(gray_pixels, monkeypatch):
    data = saved(Image.fromarray(gray_pixels))
    monkeypatch.setitem(sys.modules, "imagecodecs", None)
    with pytest.raises(MissingExtra, match=r"tinct\[jp2\]"):
        read_photo(data).to_numpy()
    photo = read_photo(gray_pixels)
    with pytest.raises(MissingExtra, match=r"tinct\[jp2\]"):
        encode_photo(photo.open(), like=photo, format="jp2")
