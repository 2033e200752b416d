"""A result keeps the photograph's lightness whatever profile its numbers are of."""

from __future__ import annotations

import io

import numpy as np
import pytest
import pyvips
from PIL import Image

from tinct.media.photo import Photo, read_photo
from tinct.media.picture import Kept


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


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_what_a_mask_keeps_are_the_file_s_own_numbers(dtype, profile, tmp_path):
    top = np.iinfo(dtype).max
    pixels = np.zeros((24, 60, 3), dtype)
    pixels[..., 1] = top  # a green that sRGB lacks
    icc = profile("RGB ", 2.2)
    tagged = pyvips.Image.new_from_array(pixels, interpretation="srgb" if dtype is np.uint8 else "rgb16")
    tagged.set_type(pyvips.GValue.blob_type, "icc-profile-data", icc)
    photo = read_photo(tagged.pngsave_buffer(keep="icc"))
    painted = np.full((24, 60, 3), top // 2, dtype)
    share = np.zeros((24, 60), np.uint8)
    share[:, 20:40], share[:, 40:] = 128, 255

    def colored() -> pyvips.Image:
        return pyvips.Image.new_from_array(painted, interpretation=tagged.interpretation)

    def mask() -> pyvips.Image:
        return pyvips.Image.new_from_array(share, interpretation="b-w")

    def build() -> pyvips.Image:
        return mask().ifthenelse(colored(), photo.open(), blend=True)

    Photo.from_image(build, like=photo, kept=Kept(colored, mask, photo)).save(tmp_path / "masked.png")
    Photo.from_image(colored, like=photo).save(tmp_path / "whole.png")
    found, whole = (pyvips.Image.new_from_file(str(tmp_path / name)) for name in ("masked.png", "whole.png"))
    assert found.get("icc-profile-data") == icc
    np.testing.assert_array_equal(found.numpy()[:, :20], pixels[:, :20])
    np.testing.assert_array_equal(found.numpy()[:, 40:], whole.numpy()[:, 40:])
    between = (pixels[:, 20:40].astype(float) + whole.numpy()[:, 20:40]) / 2
    assert np.abs(found.numpy()[:, 20:40] - between).max() <= 1.5 * (top // 255)
