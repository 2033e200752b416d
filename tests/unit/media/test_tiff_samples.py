"""What the samples of TIFFs mean: transparency, other channels, and ways to store colors beside RGB."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from tinct.color.lab import lab_to_srgb
from tinct.errors import UnreadablePhoto
from tinct.media.photo import Photo, read_photo

SELECTION = np.full((48, 64), 77, np.uint8)


def written(pixels: NDArray[Any], **options: Any) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, pixels, **({"planarconfig": "contig"} | options))
    return file.getvalue()


@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize(
    ("photometric", "extra", "alpha", "left_out"),
    [
        ("minisblack", ["unspecified"], False, 1),
        ("minisblack", ["unassalpha"], True, 0),
        ("minisblack", ["unspecified", "unassalpha"], True, 1),
        ("minisblack", ["unspecified", "unspecified"], False, 2),
        ("rgb", ["unspecified"], False, 1),
        ("rgb", ["unassalpha"], True, 0),
        ("rgb", ["unassalpha", "unspecified"], True, 1),
        ("rgb", ["unspecified", "unspecified", "unassalpha"], True, 2),
        ("separated", ["unspecified"], False, 1),
        ("separated", ["unspecified", "unassalpha"], True, 1),
    ],
)
def test_extra_channels(photometric, extra, alpha, left_out, planar, deep, gray_pixels):
    count = {"minisblack": 1, "rgb": 3, "separated": 4}[photometric]
    channels = [gray_pixels] * count + [SELECTION if kind == "unassalpha" else gray_pixels for kind in extra]
    stacked = np.stack(channels, axis=-1 if planar == "contig" else 0)
    stacked = stacked.astype(np.uint16) * 257 if deep else stacked
    data = written(stacked, photometric=photometric, extrasamples=extra, planarconfig=planar)
    if (count, planar) == (1, "separate"):  # libvips reads it wrongly
        with pytest.raises(UnreadablePhoto, match="one after the other"):
            read_photo(data)
        return
    photo = read_photo(data)
    assert (photo.has_alpha, photo.depth) == (alpha, 16 if deep else 8)
    assert len(photo.remarks) == bool(left_out)
    assert not left_out or photo.remarks[0].startswith(f"{left_out} extra channel")
    factor = 257 if deep else 1
    stacked_gray = gray_pixels[..., np.newaxis].astype(np.uint16) * factor
    if count < 4:
        colors = photo.to_numpy()[..., :3] if alpha or count == 3 else photo.to_numpy()[..., np.newaxis]
        np.testing.assert_array_equal(colors, np.repeat(stacked_gray, colors.shape[-1], -1))
    if alpha:
        assert (photo.to_numpy()[..., -1] == 77 * factor).all()


def test_premultiplied_colors_come_out_plain(gray_pixels):
    premultiplied = np.dstack([gray_pixels // 2] * 3 + [np.full_like(gray_pixels, 128)])
    photo = read_photo(written(premultiplied, photometric="rgb", extrasamples=["assocalpha"]))
    assert np.abs(photo.to_numpy()[..., 0].astype(int) - gray_pixels).max() <= 2
    assert (photo.to_numpy()[..., 3] == 128).all()


def test_what_a_tag_leaves_open_is_no_transparency(gray_pixels):
    data = bytearray(written(np.dstack([gray_pixels] * 4), photometric="rgb", extrasamples=["unassalpha"]))
    at = data.index((338).to_bytes(2, "little"))
    data[at : at + 2] = (339).to_bytes(2, "little")  # the kind of a sample's number: a second one, which is passed over
    photo = read_photo(bytes(data))
    assert not photo.has_alpha
    assert photo.remarks


def test_a_result_has_no_transparency_that_its_source_had_not(gray_pixels, tmp_path):
    scan = read_photo(
        written(np.dstack([gray_pixels] * 3 + [SELECTION]), photometric="rgb", extrasamples=["unspecified"])
    )
    Photo.from_image(scan.open, like=scan).save(tmp_path / "out.tif")
    with tifffile.TiffFile(tmp_path / "out.tif") as file:
        assert file.pages[0].samplesperpixel == 3
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "out.tif")[..., 0], gray_pixels)


@pytest.mark.parametrize("compression", [None, "tiff_lzw"])
def test_ycbcr_that_is_not_jpeg(compression, color_pixels, tmp_path):
    Image.fromarray(color_pixels).convert("YCbCr").save(tmp_path / "y.tif", compression=compression)
    photo = read_photo(tmp_path / "y.tif")
    assert np.abs(photo.to_numpy().astype(int) - color_pixels).max() <= 3
    assert photo.depth == 8


def test_ycbcr_inside_jpeg_is_left_to_its_decoder(color_pixels, tmp_path):
    Image.fromarray(color_pixels).save(tmp_path / "y.tif", compression="jpeg", quality=98)
    assert np.abs(read_photo(tmp_path / "y.tif").to_numpy().astype(int) - color_pixels).mean() < 4


LAB = np.stack(np.meshgrid([40, 55, 70], [-12, 0, 15], [-18, 0, 25]), axis=-1).reshape(3, 9, 3)
STORED = {
    ("icclab", 8): (lambda lab: lab * [2.55, 1, 1] + [0, 128, 128], np.uint8),
    ("icclab", 16): (lambda lab: lab * [652.8, 256, 256] + [0, 32768, 32768], np.uint16),
    ("cielab", 16): (lambda lab: (lab * [655.35, 256, 256]).round().astype(int) & 0xFFFF, np.uint16),
}


@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize(("kind", "bits"), STORED)
def test_lab(kind, bits, alpha):
    encode, dtype = STORED[kind, bits]
    pixels, more = np.rint(encode(LAB)).astype(dtype), {}
    if alpha:
        pixels, more = (
            np.dstack([pixels, np.full(LAB.shape[:2], 200 if bits == 8 else 51400, dtype)]),
            {"extrasamples": ["unassalpha"]},
        )
    photo = read_photo(written(pixels, photometric=kind, **more))
    assert (photo.depth, photo.has_alpha) == (16, alpha)
    found = photo.to_numpy()
    expected = lab_to_srgb(LAB.astype(np.float32)).clip(0, 1)
    assert np.abs(found[..., :3] / 65535 - expected).max() < 0.006
    np.testing.assert_allclose(photo.lightness().numpy(), LAB[..., 0], atol=0.3)
    assert not alpha or (np.abs(found[..., 3].astype(int) - 51400) <= 200).all()


@pytest.mark.parametrize(
    ("photometric", "dtype", "said"),
    [
        ("cielab", np.uint8, "Lab of 8 bits.*convert it to RGB"),
        ("itulab", np.uint8, "photometric interpretation 10.*convert it to RGB"),
        ("ycbcr", np.uint16, "YCbCr of a kind.*convert it to RGB"),
    ],
)
def test_what_is_refused_names_a_remedy(photometric, dtype, said, color_pixels):
    data = written(color_pixels.astype(dtype), photometric=photometric)
    with pytest.raises(UnreadablePhoto, match=said):
        read_photo(data)


def test_other_inks_are_refused(gray_pixels):
    data = bytearray(written(np.dstack([gray_pixels] * 6), photometric="separated", extrasamples=["unspecified"] * 2))
    at = data.index((338).to_bytes(2, "little"))
    data[at : at + 2] = (339).to_bytes(2, "little")
    with pytest.raises(UnreadablePhoto, match=r"6 inks.*convert it to RGB"):
        read_photo(bytes(data))


def test_pages_that_are_refused_leave_the_others_alone(gray_pixels, tmp_path: Path):
    with tifffile.TiffWriter(tmp_path / "two.tif") as file:
        file.write(gray_pixels, photometric="minisblack")
        file.write(np.dstack([gray_pixels] * 3), photometric="itulab")
    assert read_photo(tmp_path / "two.tif").height == 48
