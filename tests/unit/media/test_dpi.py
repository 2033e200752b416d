"""One rule for the resolution, whatever says it."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from tinct.media.dpi import upright_dpi
from tinct.media.exif import X_RESOLUTION, read_exif
from tinct.media.photo import encode_photo, read_photo


@pytest.mark.parametrize("wild", [(0, 300), (300, 2e8), (float("nan"), 1), (float("inf"), 1), (-1, -1), (0.01, 1)])
def test_what_is_out_of_this_world_counts_as_nothing(wild):
    assert upright_dpi([wild], 1) is None
    assert upright_dpi([wild, (72, 72)], 1) == (72, 72)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_pillow_image_has_that_of_its_file(orientation, gray_pixels):
    image, file = Image.fromarray(gray_pixels), io.BytesIO()
    exif = image.getexif()
    exif[0x0112] = orientation
    image.save(file, "JPEG", exif=exif, dpi=(300, 150))
    told, opened = read_photo(file.getvalue()).metadata, read_photo(Image.open(file)).metadata
    assert told.dpi == opened.dpi == ((300, 150) if orientation < 5 else (150, 300))
    assert told.orientation == opened.orientation == orientation


@pytest.mark.parametrize(("unit", "expected"), [(0, None), (1, (40, 20)), (2, (101.6, 50.8)), (7, None)])
def test_the_units_of_jfif(unit, expected, gray_pixels):
    file = io.BytesIO()
    Image.fromarray(gray_pixels).save(file, "JPEG", dpi=(40, 20))
    data = file.getvalue()
    at = data.index(b"JFIF") + 7
    assert read_photo(data[:at] + bytes([unit]) + data[at + 1 :]).metadata.dpi == pytest.approx(expected)


@pytest.mark.parametrize("form", ["jpeg", "png", "tiff", "webp", "avif", "jp2"])
@pytest.mark.parametrize("dpi", [2e8, 0.0001])
def test_a_wild_one_stops_no_format(dpi, form, gray_pixels, capfd):
    if form == "jp2":
        pytest.importorskip("imagecodecs")
    file = io.BytesIO()
    Image.fromarray(gray_pixels).save(file, "TIFF", dpi=(dpi, dpi))
    photo = read_photo(file.getvalue())
    assert photo.metadata.dpi is None
    result = read_photo(encode_photo(photo.open(), like=photo, format=form))
    assert result.metadata.dpi is None
    assert form == "tiff" or X_RESOLUTION not in read_exif(result.metadata.exif).main
    assert capfd.readouterr().err == ""  # of libvips' own libraries
