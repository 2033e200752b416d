from __future__ import annotations

import io

import numpy as np
import pytest
import pyvips
from PIL import Image, TiffImagePlugin

from tinct.errors import UnreadablePhoto
from tinct.media.tiff_layout import Level, TiffLayout, read_layout


def saved(**options) -> io.BytesIO:
    rows, columns = np.mgrid[0:600, 0:800]
    picture = pyvips.Image.new_from_array(((rows + columns) % 256).astype(np.uint8))
    return io.BytesIO(picture.tiffsave_buffer(**options))


def test_strips():
    assert read_layout(saved(), "x") == TiffLayout()


def test_tiles_and_compression():
    layout = read_layout(
        saved(tile=True, tile_width=128, tile_height=64, compression="lzw", predictor="horizontal"), "x"
    )
    assert layout == TiffLayout(compression=5, predictor=2, tile=(64, 128))


@pytest.mark.parametrize(("subifd", "kind"), [(False, "page"), (True, "subifd")])
@pytest.mark.parametrize("bigtiff", [False, True])
def test_pyramids(subifd, kind, bigtiff):
    layout = read_layout(saved(tile=True, pyramid=True, subifd=subifd, bigtiff=bigtiff), "x")
    assert layout is not None
    first = 0 if subifd else 1
    assert layout.levels[:2] == (Level(kind, first, 300, 400), Level(kind, first + 1, 150, 200))
    assert layout.pages == 1


def test_pages():
    file = io.BytesIO()
    pages = [Image.new("L", (40, 30), level) for level in (10, 20, 30)]
    pages[0].save(file, "TIFF", save_all=True, append_images=pages[1:])
    layout = read_layout(file, "x")
    assert layout is not None
    assert (layout.pages, layout.levels) == (3, ())


def test_raw_files_are_refused():
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[50706] = b"\1\4\0\0"
    tags.tagtype[50706] = 1
    file = io.BytesIO()
    Image.new("L", (40, 30)).save(file, "TIFF", tiffinfo=tags)
    with pytest.raises(UnreadablePhoto, match="raw file"):
        read_layout(file, "holiday.dng")


def test_damage_is_left_to_the_decoder():
    assert read_layout(io.BytesIO(b"II*\0\xff\xff\0\0"), "x") is None
    assert read_layout(io.BytesIO(b"II*\0\x08\0\0\0\0\0\0\0\0\0"), "x") is not None
