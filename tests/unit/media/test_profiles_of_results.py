"""A result keeps the photograph's lightness whatever profile its numbers are of."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from tinct.media.photo import Photo, read_photo


@pytest.mark.parametrize("gamma", [1.0, 1.8, 2.2])
def test_pixels_of_a_result_are_converted_once(gamma, profile, gray_pixels, tmp_path):
    file = io.BytesIO()
    Image.fromarray(gray_pixels).convert("RGB").save(file, "TIFF", icc_profile=profile("RGB ", gamma))
    source = read_photo(file.getvalue())
    result = Photo.from_image(source.open, like=source)
    lightness = source.small_lightness(48, 64)
    np.testing.assert_allclose(result.small_lightness(48, 64), lightness, atol=0.6)
    assert result.metadata.icc == source.metadata.icc
    result.save(tmp_path / "out.tif")
    again = read_photo(tmp_path / "out.tif")
    assert again.metadata.icc == source.metadata.icc
    np.testing.assert_allclose(again.small_lightness(48, 64), lightness, atol=0.8)
    np.testing.assert_allclose(again.small(48, 64).numpy(), source.small(48, 64).numpy(), atol=3)


@pytest.mark.parametrize("deep", [False, True])
def test_gray_scans_are_read_in_their_own_space(deep, profile, gray_pixels):
    """Lightness of a gray level under a gamma curve: L of level ** gamma, from the definition of CIE Lab."""
    levels = gray_pixels.astype(np.uint16) * 257 if deep else gray_pixels
    file = io.BytesIO()
    Image.fromarray(levels).save(file, "TIFF", icc_profile=profile("GRAY", 1.5))
    photo = read_photo(file.getvalue())
    luminance = (gray_pixels / 255.0) ** 1.5
    expected = 116 * np.cbrt(luminance) - 16  # all levels here lie above the straight part
    np.testing.assert_allclose(photo.small_lightness(48, 64), expected, atol=0.15)
    assert len(np.unique(photo.small_lightness(48, 64))) == len(np.unique(levels))
