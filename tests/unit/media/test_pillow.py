"""Pillow images give what their files give."""

from __future__ import annotations

import io

import numpy as np
import pytest
import pyvips
from PIL import Image

from tinct.media.photo import read_photo


def reopened(picture: Image.Image, form: str, **options: object) -> tuple[Image.Image, bytes]:
    """Return a picture as Pillow reads it from a file, and the file."""
    file = io.BytesIO()
    picture.save(file, form, **options)
    return Image.open(io.BytesIO(file.getvalue())), file.getvalue()


@pytest.mark.parametrize("mode", ["La", "RGBa"])
def test_premultiplied_transparency(mode, gray_pixels):
    source = Image.fromarray(gray_pixels).convert("RGBA" if mode == "RGBa" else "LA")
    source.putalpha(200)
    photo = read_photo(source.convert(mode))
    assert photo.has_alpha
    pixels = photo.to_numpy()
    assert (pixels[..., 3] == 200).all()
    assert np.abs(pixels[..., 0].astype(int) - gray_pixels).max() <= 1


@pytest.mark.parametrize("mode", ["L", "RGB", "1", "I;16"])
def test_the_transparent_color_of_a_png(mode, gray_pixels):
    levels = np.where(gray_pixels < 100, 70, gray_pixels).astype(np.uint8)
    deep = mode == "I;16"
    picture = Image.fromarray(levels.astype(np.uint16) * 257) if deep else Image.fromarray(levels).convert(mode)
    transparent = {"L": 70, "RGB": (70, 70, 70), "1": 0, "I;16": 70 * 257}[mode]
    image, data = reopened(picture, "PNG", transparency=transparent)
    found, expected = read_photo(image).to_numpy(), read_photo(data).to_numpy()
    assert 0 < (expected[..., 3] == 0).mean() < 1
    np.testing.assert_array_equal(found, expected)


def test_ink_is_converted_by_its_profile(color_pixels):
    ink = pyvips.Image.black(1, 1, bands=4).copy(interpretation="cmyk")
    icc = ink.icc_transform("cmyk", input_profile="cmyk").get("icc-profile-data")
    image, data = reopened(Image.fromarray(color_pixels).convert("CMYK"), "TIFF", icc_profile=icc)
    found, expected = read_photo(image), read_photo(data)
    np.testing.assert_array_equal(found.to_numpy(), expected.to_numpy())
    assert found.metadata.icc == expected.metadata.icc == icc
    assert np.abs(found.to_numpy().astype(int) - np.asarray(image.convert("RGB"))).max() > 6
