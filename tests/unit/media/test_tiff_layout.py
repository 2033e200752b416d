from __future__ import annotations

import io

import numpy as np
import pytest
import pyvips
from PIL import Image, TiffImagePlugin

from tinct.errors import UnreadablePhoto
from tinct.media.containers.tiff_pages import append_page
from tinct.media.photo import read_photo
from tinct.media.tiff_layout import Level, TiffLayout, read_layouts


def saved(**options) -> io.BytesIO:
    rows, columns = np.mgrid[0:600, 0:800]
    picture = pyvips.Image.new_from_array(((rows + columns) % 256).astype(np.uint8))
    return io.BytesIO(picture.tiffsave_buffer(**options))


def test_strips():
    assert read_layouts(saved(), "x") == [TiffLayout()]


def test_tiles_and_compression():
    (layout,) = read_layouts(
        saved(tile=True, tile_width=128, tile_height=64, compression="lzw", predictor="horizontal"), "x"
    )
    assert layout == TiffLayout(compression=5, predictor=2, tile=(64, 128))


@pytest.mark.parametrize(("subifd", "kind"), [(False, "page"), (True, "subifd")])
@pytest.mark.parametrize("bigtiff", [False, True])
def test_pyramids(subifd, kind, bigtiff):
    (layout,) = read_layouts(saved(tile=True, pyramid=True, subifd=subifd, bigtiff=bigtiff), "x")
    first = 0 if subifd else 1
    assert layout.levels[:2] == (Level(kind, first, 300, 400), Level(kind, first + 1, 150, 200))
    assert (layout.pages, layout.big) == (1, bigtiff)


def test_pages():
    file = io.BytesIO()
    pages = [Image.new("L", (40, 30), level) for level in (10, 20, 30)]
    pages[0].save(file, "TIFF", save_all=True, append_images=pages[1:])
    layouts = read_layouts(file, "x")
    assert [(layout.page, layout.pages, layout.index, layout.levels) for layout in layouts] == [
        (number, 3, number - 1, ()) for number in (1, 2, 3)
    ]
    assert layouts[0].document == 3 * 40 * 30


def test_a_thumbnail_that_comes_first_is_no_page(tmp_path):
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[254] = 1
    Image.new("L", (16, 12), 200).save(tmp_path / "scan.tif", tiffinfo=tags)
    assert read_photo(tmp_path / "scan.tif").width == 16  # nothing else is there
    Image.new("L", (160, 120), 90).save(tmp_path / "full.tif")
    append_page(tmp_path / "scan.tif", tmp_path / "full.tif")
    photo = read_photo(tmp_path / "scan.tif")
    assert (photo.to_numpy() == np.full((120, 160), 90)).all()
    assert (photo.notes, photo.metadata.tiff.pages) == ((), 1)


def test_raw_files_are_refused():
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[50706] = b"\1\4\0\0"
    tags.tagtype[50706] = 1
    file = io.BytesIO()
    Image.new("L", (40, 30)).save(file, "TIFF", tiffinfo=tags)
    with pytest.raises(UnreadablePhoto, match="raw file"):
        read_layouts(file, "holiday.dng")


def test_damage_is_left_to_the_decoder():
    assert read_layouts(io.BytesIO(b"II*\0\xff\xff\0\0"), "x") == []
    assert len(read_layouts(io.BytesIO(b"II*\0\x08\0\0\0\0\0\0\0\0\0"), "x")) == 1
