"""Opening photographs of every kind, good and bad."""

from __future__ import annotations

import base64
import io
import os
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
from PIL import Image

from tinct.errors import PhotoTooLarge, TruncatedPhoto, UnreadablePhoto
from tinct.media.photo import read_photo

# 64x64, HEVC, made with pillow-heif.
HEIC = base64.b64decode(
    "AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAVZtZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAA"
    "ACJpbG9jAAAAAERAAAEAAQAAAAABegABAAAAAAAAABsAAAAjaWluZgAAAAAAAQAAABVpbmZlAgAAAAABAABodmMxAAAAAA5waXRt"
    "AAAAAAABAAAA1mlwcnAAAAC3aXBjbwAAAHhodmNDAQNwAAAAkAAAAAAAHvAA/P34+AAADwNgAAEAGEABDAH//wNwAAADAJAAAAMA"
    "AAMAHroCQGEAAQArQgEBA3AAAAMAkAAAAwAAAwAeoCCBBZbqSSmubgIaDAgAAAMAyAAAAwAIQGIAAQAHRAHBcrAiQAAAABNjb2xy"
    "bmNseAABAA0ABoAAAAAUaXNwZQAAAAAAAABAAAAAQAAAABBwaXhpAAAAAAMICAgAAAAXaXBtYQAAAAAAAAABAAEEgQIDBAAAACNt"
    "ZGF0AAAAFygBrwtg+llypag6QZRM6Y+r9MNwHLx+"
)


def encoded(picture: Image.Image, form: str, **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, form, **options)
    return file.getvalue()


@pytest.mark.parametrize("form", ["JPEG", "PNG", "TIFF", "WEBP", "AVIF", "GIF"])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_formats(form, mode, gray_pixels):
    photo = read_photo(encoded(Image.fromarray(gray_pixels).convert(mode), form, quality=95))
    assert (photo.height, photo.width, photo.depth, photo.has_alpha) == (48, 64, 8, False)
    pixels = photo.to_numpy()
    pixels = pixels if pixels.ndim == 2 else pixels[..., 1]
    assert np.abs(pixels.astype(int) - gray_pixels).mean() < 2
    assert photo.tone == "gray"
    assert photo.notes == ()


@pytest.mark.parametrize("form", ["PNG", "TIFF"])
def test_sixteen_bits(form, gray_pixels):
    deep = gray_pixels.astype(np.uint16) * 250 + 3
    photo = read_photo(encoded(Image.fromarray(deep), form))
    assert photo.depth == 16
    np.testing.assert_array_equal(photo.to_numpy(), deep)


def test_one_bit_palette_and_alpha(gray_pixels, color_pixels):
    bilevel = Image.fromarray(gray_pixels).convert("1")
    assert set(np.unique(read_photo(encoded(bilevel, "PNG")).to_numpy())) == {0, 255}
    palette = Image.fromarray(color_pixels).quantize(200)
    np.testing.assert_array_equal(read_photo(encoded(palette, "PNG")).to_numpy(), np.asarray(palette.convert("RGB")))
    transparent = Image.fromarray(gray_pixels).convert("LA")
    transparent.putalpha(77)
    photo = read_photo(encoded(transparent, "PNG"))
    assert photo.has_alpha
    assert photo.open().bands == 1
    assert photo.to_numpy().shape == (48, 64, 4)
    assert (photo.to_numpy()[..., 3] == 77).all()


@pytest.mark.parametrize("shape", [(1, 1), (1, 90), (90, 1), (1, 1, 3), (2, 1, 4)])
@pytest.mark.parametrize("level", [0, 255])
def test_smallest_pictures_all_black_or_white(shape, level):
    photo = read_photo(np.full(shape, level, np.uint8))
    assert (photo.height, photo.width) == shape[:2]
    expected = level / 255 * 100
    np.testing.assert_allclose(photo.small_lightness(3, 5), expected, atol=1e-3)
    np.testing.assert_array_equal(photo.to_numpy(), level)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "TIFF", "WEBP", "AVIF"])
@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1)])
def test_smallest_files(form, size):
    photo = read_photo(encoded(Image.new("L", size, 200), form))
    assert (photo.width, photo.height) == size
    assert photo.small_lightness(4, 4).mean() == pytest.approx(80.6, abs=1.5)
    assert photo.tone == "gray"


def test_arrays(gray_pixels, color_pixels):
    assert read_photo(gray_pixels).depth == 8
    np.testing.assert_array_equal(read_photo(gray_pixels[::-1, ::2]).to_numpy(), gray_pixels[::-1, ::2])
    floats = read_photo(gray_pixels.astype(np.float32) / 255)
    assert floats.depth == 16
    np.testing.assert_array_equal(floats.to_numpy() // 257, gray_pixels)
    swapped = (gray_pixels.astype(np.uint16) * 257).astype(">u2")
    np.testing.assert_array_equal(read_photo(swapped).to_numpy(), swapped)
    assert read_photo(np.dstack([color_pixels, gray_pixels])).has_alpha


def test_arrays_are_copied(gray_pixels):
    mine = gray_pixels.copy()
    photo = read_photo(mine)
    before = photo.source_hash
    mine[:] = 0
    np.testing.assert_array_equal(photo.to_numpy(), gray_pixels)
    assert photo.source_hash == before


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.full((4, 4), np.nan), "NaN"),
        (np.full((4, 4), np.inf, np.float32), "NaN or infinity"),
        (np.full((4, 4), 200.0), r"expected 0\.\.1"),
        (np.full((4, 4), -0.5), r"expected 0\.\.1"),
        (np.zeros((4, 4), np.int64), "int64"),
        (np.zeros((4, 4), bool), "bool"),
        (np.zeros((0, 4), np.uint8), "shape"),
        (np.zeros(4, np.uint8), "shape"),
        (np.zeros((4, 4, 2), np.uint8), "shape"),
        (np.zeros((2, 4, 4, 3), np.uint8), "shape"),
    ],
)
def test_arrays_that_are_no_photographs(array, said):
    with pytest.raises(UnreadablePhoto, match=said):
        read_photo(array)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "I;16", "I", "F", "HSV", "LAB"])
def test_pillow_images(mode, gray_pixels):
    source = Image.fromarray(gray_pixels)
    if mode == "I;16":
        source = Image.fromarray(gray_pixels.astype(np.uint16) * 257)
    elif mode == "F":
        source = Image.fromarray(gray_pixels.astype(np.float32) / 255)
    elif mode == "LAB":
        source = Image.new("LAB", (64, 48))
    else:
        source = source.convert("RGB").convert(mode) if mode in ("HSV", "CMYK") else source.convert(mode)
    photo = read_photo(source)
    assert (photo.height, photo.width) == (48, 64)
    assert photo.has_alpha == (mode in ("LA", "RGBA"))
    if mode not in ("1", "LAB"):
        expected = read_photo(gray_pixels).small_lightness(12, 16)
        np.testing.assert_allclose(photo.small_lightness(12, 16), expected, atol=1.2)


def test_pillow_images_bring_their_metadata(gray_pixels, profile):
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = "Harbor"
    data = encoded(
        Image.fromarray(gray_pixels), "JPEG", exif=exif, dpi=(300, 300), icc_profile=profile("GRAY", 1.8), quality=95
    )
    from_pillow, from_bytes = read_photo(Image.open(io.BytesIO(data))), read_photo(data)
    assert (from_pillow.height, from_pillow.width) == (from_bytes.height, from_bytes.width) == (64, 48)
    assert from_pillow.metadata.icc == from_bytes.metadata.icc
    assert from_pillow.metadata.dpi == from_bytes.metadata.dpi == (300, 300)
    np.testing.assert_allclose(from_pillow.to_numpy(), from_bytes.to_numpy(), atol=2)


def test_file_objects(gray_pixels, tmp_path):
    data = encoded(Image.fromarray(gray_pixels), "PNG")
    np.testing.assert_array_equal(read_photo(io.BytesIO(data)).to_numpy(), gray_pixels)
    (tmp_path / "a.png").write_bytes(data)
    with (tmp_path / "a.png").open("rb") as file:
        assert read_photo(file).name.endswith("a.png")
    with pytest.raises(UnreadablePhoto, match="binary mode"):
        read_photo(io.StringIO("text"))
    with pytest.raises(UnreadablePhoto, match="dict"):
        read_photo({})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "empty"), (b"just text, renamed", "no picture"), (b"<svg/>", "SVG"), (b"\xff", "no picture")],
)
def test_what_is_no_picture(content, said, tmp_path):
    path = tmp_path / "holiday.jpg"
    path.write_bytes(content)
    with pytest.raises(UnreadablePhoto, match=said) as raised:
        read_photo(path)
    assert "holiday.jpg" in str(raised.value)


def test_a_hair_beyond_the_range_is_rounding(gray_pixels):
    floats = gray_pixels / gray_pixels.max()
    floats[0, :2] = np.nextafter(1, 2), -1e-9
    assert read_photo(floats).to_numpy()[0, :2].tolist() == [65535, 0]
    floats[0, 0] = 1.0001
    with pytest.raises(UnreadablePhoto, match=r"floats in -1e-09\.\.1\.0001, expected 0\.\.1"):
        read_photo(floats)


@pytest.mark.parametrize("kind", [bytearray, memoryview])
def test_file_objects_may_give_any_kind_of_bytes(kind, gray_pixels):
    data = io.BytesIO()
    read_photo(gray_pixels).save(data, format="png")
    assert np.array_equal(read_photo(Mock(read=lambda: kind(data.getvalue()))).to_numpy(), gray_pixels)


def test_file_objects_that_can_t_be_read(tmp_path):
    closed = io.BytesIO(b"x")
    closed.close()
    path = tmp_path / "photo.jpg"
    path.write_bytes(b"\xff\xd8\xff")
    with path.open("ab") as written, path.open(encoding="utf-8") as text:
        for file in (closed, written, text):
            with pytest.raises(UnreadablePhoto, match=r"can't be read \(.*\); open it for reading in binary mode"):
                read_photo(file)


def test_advice_is_for_python_too(gray_pixels, tmp_path):
    path = tmp_path / "cut.jpg"
    read_photo(np.tile(gray_pixels, (4, 4))).save(path)
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(TruncatedPhoto, match=r"in Python tinct\.read_photo with allow_truncated=True"):
        read_photo(path).to_numpy()
    with pytest.raises(PhotoTooLarge, match=r"in Python max_pixels of tinct\.read_photo"):
        read_photo(path, max_pixels=10)


def test_paths_that_lead_nowhere(tmp_path):
    with pytest.raises(UnreadablePhoto, match="the path is empty"):
        read_photo("")
    with pytest.raises(UnreadablePhoto, match=r"can't be read"):
        read_photo(tmp_path / "missing.jpg")
    with pytest.raises(UnreadablePhoto, match="is a folder"):
        read_photo(tmp_path)
    with pytest.raises(UnreadablePhoto, match=r"can't be read"):
        read_photo(str(tmp_path / "zero\0byte.jpg"))
    with pytest.raises(UnreadablePhoto, match=r"can't be read"):
        read_photo(tmp_path / ("a" * 300 + ".jpg"))


@pytest.mark.skipif(os.name != "posix", reason="needs links and pipes of POSIX")
def test_loops_and_pipes(tmp_path):
    (tmp_path / "a.jpg").symlink_to(tmp_path / "b.jpg")
    (tmp_path / "b.jpg").symlink_to(tmp_path / "a.jpg")
    with pytest.raises(UnreadablePhoto, match=r"can't be read"):
        read_photo(tmp_path / "a.jpg")
    os.mkfifo(tmp_path / "pipe.jpg")
    with pytest.raises(UnreadablePhoto, match="no regular file"):
        read_photo(tmp_path / "pipe.jpg")


@pytest.mark.skipif(os.name != "posix" or not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read all")
def test_files_without_the_right_to_read(tmp_path):
    path = tmp_path / "a.jpg"
    path.write_bytes(b"\xff\xd8\xff")
    path.chmod(0)
    with pytest.raises(UnreadablePhoto, match="Permission denied"):
        read_photo(path)


@pytest.mark.parametrize("name", ["Öl 東京 ñ.png", "a[page=1].png", "x" * 250 + ".png", "100%d.png"])
def test_names(name, tmp_path, gray_pixels):
    (tmp_path / name).write_bytes(encoded(Image.fromarray(gray_pixels), "PNG"))
    np.testing.assert_array_equal(read_photo(tmp_path / name).to_numpy(), gray_pixels)


@pytest.mark.skipif(os.name != "posix", reason="only POSIX has names that are no Unicode")
def test_a_name_that_is_no_unicode(tmp_path, gray_pixels):
    path = tmp_path / os.fsdecode(b"caf\xe9.png")
    try:
        path.write_bytes(encoded(Image.fromarray(gray_pixels), "PNG"))
    except OSError:
        pytest.skip("the file system refuses such names")
    np.testing.assert_array_equal(read_photo(path).to_numpy(), gray_pixels)


def test_too_many_pixels_are_refused_before_they_are_decoded():
    # A picture of 60,000 x 60,000 pixels in 1 kB: its pixels are never looked at.
    header = bytearray(encoded(Image.new("L", (1, 1)), "PNG"))
    header[16:24] = (60_000).to_bytes(4, "big") * 2
    import zlib

    header[29:33] = zlib.crc32(header[12:29]).to_bytes(4, "big")
    with pytest.raises(PhotoTooLarge, match="60000 x 60000"):
        read_photo(bytes(header))
    assert read_photo(bytes(header), max_pixels=4_000_000_000).width == 60_000
    with pytest.raises(PhotoTooLarge):
        read_photo(np.zeros((10, 10), np.uint8), max_pixels=99)
    assert read_photo(np.zeros((10, 10), np.uint8), max_pixels=100).height == 10


def test_first_of_several_frames_and_pages():
    frames = [Image.new("L", (40, 30), level) for level in (200, 20, 90)]
    for form, what in (("GIF", "frames"), ("WEBP", "frames"), ("TIFF", "pages")):
        options = {"lossless": True} if form == "WEBP" else {}
        photo = read_photo(encoded(frames[0], form, save_all=True, append_images=frames[1:], **options))
        more = " (--pages takes others)" if form == "TIFF" else ""
        assert photo.notes == (f"it has 3 {what}; only the first is used{more}",)
        assert (photo.height, photo.width) == (30, 40)
        np.testing.assert_allclose(photo.small_lightness(3, 4), 80.6, atol=0.5)


def test_heic_without_its_decoder_says_so():
    photo = read_photo(HEIC)
    assert (photo.height, photo.width) == (64, 64)
    try:
        photo.small_lightness(8, 8)
    except UnreadablePhoto as error:
        assert "no decoder" in str(error)  # noqa: PT017 - libvips of some systems has it
        assert "convert it" in str(error)  # noqa: PT017


def test_samples_of_32_bits_are_refused(tmp_path: Path):
    path = tmp_path / "a.tif"
    Image.fromarray(np.zeros((4, 4), np.float32)).save(path)
    with pytest.raises(UnreadablePhoto, match="8 or 16 bits"):
        read_photo(path).small_lightness(4, 4)


def test_a_replaced_file_is_read_anew(tmp_path):
    path = tmp_path / "a.png"
    for level in (10, 200):
        Image.new("L", (8, 8), level).save(path)
        assert read_photo(path).to_numpy().max() == level
