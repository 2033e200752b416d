from __future__ import annotations

import dataclasses
import io

import numpy as np
import pytest
import pyvips
from PIL import Image

from tinct.errors import OptionError, OutputError, OutputExists
from tinct.media.marking import Marking
from tinct.media.pages import Pages
from tinct.media.photo import Photo, encode_photo, read_pages, read_photo, write_pages, write_photo
from tinct.media.xmp import Packet

FORMATS = ("jpeg", "png", "tiff", "webp", "avif")
MARK = Marking("Tinct", "0.1.0", "tinct", "ab" * 32, "cd" * 32, {"mode": "vivid"})


def vips(pixels) -> pyvips.Image:
    kind = "rgb16" if pixels.dtype == np.uint16 else "srgb"
    return pyvips.Image.new_from_array(pixels, interpretation=kind if pixels.ndim == 3 else "b-w")


@pytest.mark.parametrize("form", FORMATS)
def test_pixels_come_back(form, color_pixels, gray_pixels):
    like = read_photo(gray_pixels)
    data = encode_photo(vips(color_pixels), like=like, format=form, quality=95)
    back = read_photo(data)
    assert back.source.format is not None
    assert back.source.format.name == form
    limit = 0 if form in ("png", "tiff") else 4
    assert np.abs(back.to_numpy().astype(int) - color_pixels).mean() <= limit
    assert encode_photo(vips(gray_pixels), like=like, format=form)


@pytest.mark.parametrize("form", FORMATS)
def test_depth(form, color_pixels, gray_pixels):
    deep = color_pixels.astype(np.uint16) * 250 + 7
    back = read_photo(encode_photo(vips(deep), like=read_photo(gray_pixels), format=form, quality=95))
    assert back.depth == (8 if form in ("jpeg", "webp") else 16)
    if form in ("png", "tiff"):
        np.testing.assert_array_equal(back.to_numpy(), deep)
    else:
        scale = 257 if back.depth == 8 else 1
        assert np.abs(back.to_numpy().astype(int) * scale - deep).mean() < 4 * 257


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_transparency(form, depth, color_pixels, gray_pixels):
    alpha = np.zeros_like(gray_pixels)
    alpha[:, 32:] = 255
    scale = np.iinfo(depth).max // 255
    like = read_photo(np.dstack([color_pixels, alpha]).astype(depth) * depth(scale))
    back = read_photo(encode_photo(vips(color_pixels.astype(depth) * depth(scale)), like=like, format=form, quality=95))
    assert back.has_alpha == (form != "jpeg")
    pixels = back.to_numpy() / (255 if back.depth == 8 else 65535) * 255
    if form == "jpeg":
        assert np.abs(pixels[:, :24] - 255).mean() < 3
    else:
        np.testing.assert_allclose(pixels[..., 3], alpha, atol=3)
    assert np.abs(pixels[:, 40:, :3] - color_pixels[:, 40:]).mean() < 4


@pytest.mark.parametrize("form", FORMATS)
def test_equal_work_gives_equal_bytes_whatever_the_path(form, color_pixels, gray_pixels, tmp_path):
    like = read_photo(gray_pixels)
    (tmp_path / "there").mkdir()
    targets = tmp_path / "a", tmp_path / "there" / "another name"
    for target in targets:
        write_photo(vips(color_pixels), target, like=like, format=form, mark=MARK)
    first, second = (target.read_bytes() for target in targets)
    assert first == second
    assert first == encode_photo(vips(color_pixels), like=like, format=form, mark=MARK)
    for word in (str(tmp_path).encode(), b"another name"):
        assert word not in first


def test_nothing_is_written_beside_the_pixels_unasked(color_pixels, gray_pixels):
    for form in FORMATS:
        picture = Image.open(io.BytesIO(encode_photo(vips(color_pixels), like=read_photo(gray_pixels), format=form)))
        picture.load()
        tags = set(picture.getexif()) - ({*range(254, 340)} if form == "tiff" else set())
        assert not tags
        assert not {"icc_profile", "xmp", "exif", "photoshop"} & {key for key, value in picture.info.items() if value}


@pytest.mark.parametrize("said", ["dc:format='image/jpeg'", "dc:title='x'"])
@pytest.mark.parametrize("form", FORMATS)
def test_xmp_names_the_format_of_the_result(form, said, gray_pixels):
    rdf = "xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns:dc='http://purl.org/dc/elements/1.1/'"
    xmp = f"<rdf:RDF {rdf}><rdf:Description rdf:about='' {said}/></rdf:RDF>".encode()
    like = read_photo(gray_pixels)
    like = dataclasses.replace(like, metadata=dataclasses.replace(like.metadata, xmp=xmp))
    written = read_photo(encode_photo(like.open(), like=like, format=form)).metadata.xmp
    assert Packet(written).text("dc:format") == (f"image/{form}" if "format" in said else None)


def test_what_the_pipeline_brings_along_is_not_written(color_pixels, gray_pixels):
    image = vips(color_pixels).copy(xres=5, yres=5)
    image.set_type(pyvips.GValue.blob_type, "xmp-data", b"from elsewhere")
    image.set_type(pyvips.GValue.gint_type, "orientation", 6)
    data = encode_photo(image, like=read_photo(gray_pixels), format="tiff")
    assert b"from elsewhere" not in data
    assert read_photo(data).metadata.orientation == 1
    assert read_photo(data).metadata.dpi is None


def test_quality(color_pixels, gray_pixels):
    like = read_photo(gray_pixels)
    sizes = [
        len(encode_photo(vips(color_pixels), like=like, format="jpeg", quality=quality)) for quality in (1, 50, 100)
    ]
    assert sizes == sorted(sizes)
    for quality in (0, 101, -3):
        with pytest.raises(OptionError, match=r"1\.\.100"):
            encode_photo(vips(color_pixels), like=like, quality=quality)


def test_the_format_goes_by_name_then_by_ending_then_by_the_source(color_pixels, gray_pixels, tmp_path):
    file = io.BytesIO()
    Image.fromarray(gray_pixels).save(file, "WEBP")
    like = read_photo(file.getvalue())
    for target, form, expected in (("a.png", "jpeg", "JPEG"), ("b.png", None, "PNG"), ("c", None, "WEBP")):
        write_photo(vips(color_pixels), tmp_path / target, like=like, format=form)
        with Image.open(tmp_path / target) as picture:
            assert picture.format == expected
    with pytest.raises(OptionError, match=r"a\.gif"):
        write_photo(vips(color_pixels), tmp_path / "a.gif", like=like)
    assert not (tmp_path / "a.gif").exists()


def test_sides_longer_than_a_format_holds():
    long = read_photo(np.zeros((1, 70_000), np.uint8))
    for form in ("jpeg", "webp", "avif"):
        with pytest.raises(OutputError, match="pixels a side"):
            encode_photo(long.open(), like=long, format=form)
    assert read_photo(encode_photo(long.open(), like=long, format="png")).width == 70_000


def test_existing_files(color_pixels, gray_pixels, tmp_path):
    target = tmp_path / "a.png"
    target.write_bytes(b"old")
    with pytest.raises(OutputExists):
        write_photo(vips(color_pixels), target, like=read_photo(gray_pixels))
    assert target.read_bytes() == b"old"
    read_photo(gray_pixels).save(target, overwrite=True)
    np.testing.assert_array_equal(read_photo(target).to_numpy(), gray_pixels)


def test_a_photograph_may_replace_itself(gray_pixels, tmp_path):
    for form in FORMATS:
        target = tmp_path / f"a.{form}"
        read_photo(gray_pixels).save(target, quality=95)
        read_photo(target).save(target, overwrite=True, quality=95)
        pixels = np.asarray(read_photo(target).to_pil().convert("L"))
        assert np.abs(pixels.astype(int) - gray_pixels).mean() < 3


def test_tiffs_are_stored_as_their_source(color_pixels, gray_pixels):
    large = np.tile(gray_pixels, (12, 12))
    for options in (
        {"compression": "none"},
        {"compression": "lzw", "predictor": "horizontal"},
        {"compression": "deflate", "tile": True, "tile_width": 128, "tile_height": 64, "predictor": "horizontal"},
        {"compression": "lzw", "tile": True, "pyramid": True, "predictor": "horizontal"},
        {"compression": "deflate", "tile": True, "pyramid": True, "subifd": True, "predictor": "horizontal"},
    ):
        like = read_photo(pyvips.Image.new_from_array(large).tiffsave_buffer(**options))
        result = read_photo(encode_photo(vips(np.repeat(large[..., None], 3, -1)), like=like))
        before, after = like.metadata.tiff, result.metadata.tiff
        assert before is not None
        assert after is not None
        assert (after.compression, after.predictor, after.tile, after.levels) == (
            before.compression,
            before.predictor,
            before.tile,
            before.levels,
        )
        np.testing.assert_array_equal(result.to_numpy()[..., 1], large)


def test_large_results_become_big_tiffs_in_tiles():
    from tinct.media.containers.tiff import storage

    huge = pyvips.Image.black(40_000, 30_000, bands=3)
    assert storage(huge, None, None)["bigtiff"]
    assert storage(huge, None, None)["tile_width"] == 256
    small = pyvips.Image.black(4_000, 3_000, bands=3)
    assert storage(small, None, None) == {
        "compression": "deflate",
        "predictor": "horizontal",
        "level": 4,
        "bigtiff": False,
    }


def test_big_tiffs_carry_their_metadata(color_pixels, gray_pixels, monkeypatch):
    monkeypatch.setattr("tinct.media.containers.tiff._BIG", 0)
    exif = Image.Exif()
    exif[0x010F] = "Kodak"
    exif.get_ifd(0x8769)[0x9003] = "1931:05:06 01:02:03"
    file = io.BytesIO()
    Image.fromarray(gray_pixels).save(file, "JPEG", exif=exif)
    data = encode_photo(vips(color_pixels), like=read_photo(file.getvalue()), format="tiff", mark=MARK)
    assert data[2] == 43
    with Image.open(io.BytesIO(data)) as picture:
        np.testing.assert_array_equal(np.asarray(picture), color_pixels)
        assert picture.getexif()[0x010F] == "Kodak"
        assert picture.getexif().get_ifd(0x8769)[0x9003] == "1931:05:06 01:02:03"
    assert read_photo(data).metadata.exif is not None


@pytest.mark.parametrize("big", [False, True])
def test_no_value_lies_twice_in_a_tiff(big, color_pixels, gray_pixels, profile, tmp_path, monkeypatch):
    monkeypatch.setattr("tinct.media.containers.tiff._BIG", 0 if big else 1 << 30)
    icc, packet = profile("RGB ", 2.2), Packet()
    packet.set_text("dc:title", "Wharf " + "x" * 100_000)
    plain = read_photo(gray_pixels)
    metadata = dataclasses.replace(plain.metadata, xmp=packet.to_bytes(), icc=icc, iptc=b"\x1c\x02\x78\0\5Wharf")
    photo = dataclasses.replace(plain, metadata=metadata)
    for count in (1, 2):
        write_pages([Photo.from_image(lambda: vips(color_pixels), like=photo)] * count, tmp_path / f"{count}.tif")
        data = (tmp_path / f"{count}.tif").read_bytes()
        assert (data[2] == 43) == big
        assert [data.count(value) for value in (b"Wharf xxx", icc, b"\x05Wharf")] == [count] * 3
        for page in read_pages(tmp_path / f"{count}.tif", Pages()):
            found = page.metadata
            assert (found.xmp, found.icc, found.iptc) == (metadata.xmp, icc, metadata.iptc)


def test_file_objects_are_written_to(color_pixels, tmp_path):
    photo, buffer = read_photo(color_pixels), io.BytesIO()
    photo.save(buffer, format="webp")
    assert Image.open(io.BytesIO(buffer.getvalue())).format == "WEBP"
    unnamed = io.BytesIO()
    photo.save(unnamed)
    assert np.array_equal(read_photo(unnamed.getvalue()).to_numpy(), color_pixels)
    with pytest.raises(OptionError, match="a NoneType can't be written to; give a path, or a file object"):
        photo.save(None)
    buffer.close()
    for target in (io.StringIO(), buffer):
        with pytest.raises(OutputError, match=r"takes no bytes .* open it in binary mode"):
            photo.save(target)
