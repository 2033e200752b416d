"""Pages of a TIFF: which ones are meant, read one by one, and written as one file."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import pyvips
from PIL import Image, TiffImagePlugin

from tinct.errors import OptionError, OutputError, TruncatedPhoto, UnreadablePhoto
from tinct.media.containers.tiff_pages import append_page
from tinct.media.exif import read_exif
from tinct.media.marking import Marking, read_mark
from tinct.media.pages import Pages, join_notes
from tinct.media.photo import read_pages, read_photo, write_pages
from tinct.media.tiff_layout import read_layouts


@pytest.mark.parametrize(
    ("text", "count", "expected"),
    [
        ("all", 3, [1, 2, 3]),
        ("2", 3, [2]),
        ("1,3-5", 6, [1, 3, 4, 5]),
        ("4-", 6, [4, 5, 6]),
        (" 3 , 1-3 ", 3, [3, 1, 2]),
        ("ALL", 1, [1]),
    ],
)
def test_pages_are_chosen(text, count, expected):
    assert Pages.parse(text).choose(count, "x") == expected
    assert Pages.parse(str(Pages.parse(text))) == Pages.parse(text)


@pytest.mark.parametrize("text", ["", "0", "3-1", "a", "1;2", "-3", "1-2-3", "1,,2", "0-2"])
def test_other_texts_are_refused(text):
    with pytest.raises(OptionError, match="1,3-5"):
        Pages.parse(text)


def test_a_page_that_isn_t_there_is_said():
    with pytest.raises(UnreadablePhoto, match=r"x has 3 pages; there is no page 7"):
        Pages.parse("2-7").choose(3, "x")
    with pytest.raises(UnreadablePhoto, match="one page"):
        Pages.parse("2").choose(1, "x")
    assert Pages.parse("5").one == 5
    assert Pages.parse("5-6").one is None


def album() -> bytes:
    """Four pages of several sizes and depths, each with a name and a resolution of its own, and a thumbnail."""
    rng = np.random.default_rng(2)
    pages = [
        Image.fromarray(rng.integers(0, 255, (40, 60), dtype=np.uint8)),
        Image.fromarray(rng.integers(0, 65535, (70, 30), dtype=np.uint16)),
        Image.fromarray(rng.integers(0, 255, (20, 90, 3), dtype=np.uint8)),
        Image.fromarray(rng.integers(0, 255, (50, 50), dtype=np.uint8)),
    ]
    file = io.BytesIO()
    with TiffImagePlugin.AppendingTiffWriter(file) as writer:
        for number, page in enumerate(pages, start=1):
            tags = TiffImagePlugin.ImageFileDirectory_v2()
            tags[270] = f"page {number}"
            if number == 4:
                tags[254] = 1  # a smaller copy of the third
            page.save(writer, "TIFF", tiffinfo=tags, dpi=(100 * number, 100 * number), compression="tiff_lzw")
            writer.newFrame()
    return file.getvalue()


def described(photo) -> str | None:
    return read_exif(photo.metadata.exif).text(270)


def test_each_page_is_read_with_what_is_its_own():
    photos = list(read_pages(album(), Pages()))
    assert [(photo.height, photo.width, photo.depth) for photo in photos] == [(40, 60, 8), (70, 30, 16), (20, 90, 8)]
    assert [described(photo) for photo in photos] == ["page 1", "page 2", "page 3"]
    assert [photo.metadata.dpi for photo in photos] == [(100, 100), (200, 200), (300, 300)]
    assert len({photo.source_hash for photo in photos}) == 1
    assert all(not photo.remarks for photo in photos)
    with Image.open(io.BytesIO(album())) as picture:
        for number, photo in enumerate(photos):
            picture.seek(number)
            np.testing.assert_array_equal(photo.to_numpy(), np.asarray(picture))
    with pytest.raises(UnreadablePhoto, match="no page 9"):
        next(read_pages(album(), Pages.parse("9")))


def test_a_file_of_another_format_has_one_page(gray_pixels):
    file = io.BytesIO()
    Image.fromarray(gray_pixels).save(file, "PNG")
    (photo,) = read_pages(file.getvalue(), Pages())
    np.testing.assert_array_equal(photo.to_numpy(), gray_pixels)


@pytest.mark.parametrize("big", [False, True])
def test_pages_become_one_file_that_others_read(tmp_path, big):
    source = tmp_path / "album.tif"
    source.write_bytes(album())
    if big:
        pages = [pyvips.Image.new_from_file(str(source), page=0)] * 2
        pyvips.Image.arrayjoin(pages, across=1).copy().tiffsave(str(source), bigtiff=True, page_height=40)
    target = tmp_path / "out.tif"
    photos = list(read_pages(source, Pages()))
    write_pages(iter(photos), target)
    with target.open("rb") as file:
        layouts = read_layouts(file, "x")
    assert [layout.page for layout in layouts] == list(range(1, len(photos) + 1))
    assert {layout.big for layout in layouts} == {big}
    with Image.open(target) as picture:
        assert picture.n_frames == len(photos)
        for number, photo in enumerate(photos):
            picture.seek(number)
            np.testing.assert_array_equal(np.asarray(picture), photo.to_numpy())
            again = pyvips.Image.new_from_file(str(target), page=number, fail_on="warning")
            np.testing.assert_array_equal(again.numpy().squeeze(), photo.to_numpy().squeeze())
    assert [described(photo) for photo in read_pages(target, Pages())] == [described(photo) for photo in photos]
    assert not list(tmp_path.glob(".tinct-*"))


def test_each_page_has_its_own_mark(tmp_path):
    def marked():
        for number, photo in enumerate(read_pages(album(), Pages()), start=1):
            mark = Marking("Tinct", "1", "m", "ab" * 32, photo.source_hash, {"page": number})
            yield type(photo).from_image(photo.open, like=photo, mark=mark)

    write_pages(marked(), tmp_path / "a.tif")
    found = [read_mark(photo.metadata.xmp) for photo in read_pages(tmp_path / "a.tif", Pages())]
    assert [None if one is None else one.mark.settings["page"] for one in found] == [1, 2, 3]
    write_pages(marked(), tmp_path / "b.tif")
    assert (tmp_path / "a.tif").read_bytes() == (tmp_path / "b.tif").read_bytes()


def test_pyramids_stay_pyramids_among_pages(tmp_path):
    rows, columns = np.mgrid[0:600, 0:800]
    large = pyvips.Image.new_from_array(((rows + columns) % 256).astype(np.uint8))
    first, second = tmp_path / "1.tif", tmp_path / "2.tif"
    for path in (first, second):
        large.tiffsave(str(path), tile=True, pyramid=True, subifd=True, compression="deflate")
    append_page(first, second)
    photos = list(read_pages(first, Pages()))
    assert [len(photo.metadata.tiff.levels) for photo in photos] == [len(photos[0].metadata.tiff.levels)] * 2
    assert photos[0].metadata.tiff.levels
    for photo in photos:
        np.testing.assert_array_equal(photo.to_numpy(), large.numpy())
        np.testing.assert_allclose(photo.small_lightness(75, 100), read_photo(second).small_lightness(75, 100))
    write_pages(iter(photos), tmp_path / "out.tif")
    again = list(read_pages(tmp_path / "out.tif", Pages()))
    assert [photo.metadata.tiff.levels for photo in again] == [photo.metadata.tiff.levels for photo in photos]


def test_formats_of_one_page_and_files_too_large_refuse(tmp_path, monkeypatch):
    with pytest.raises(OptionError, match="jpeg holds one page"):
        write_pages(read_pages(album(), Pages()), tmp_path / "a.jpg")
    assert list(tmp_path.iterdir()) == []
    write_pages(read_pages(album(), Pages.parse("3")), tmp_path / "a.jpg")
    assert read_photo(tmp_path / "a.jpg").width == 90
    monkeypatch.setattr("tinct.media.containers.tiff_pages._MOST", 4000)
    with pytest.raises(OutputError, match="too large"):
        write_pages(read_pages(album(), Pages()), tmp_path / "a.tif")
    assert [path.name for path in tmp_path.iterdir()] == ["a.jpg"]


def test_a_damaged_page_leaves_nothing(tmp_path):
    source = Path(tmp_path / "album.tif")
    source.write_bytes(album()[:-4000])
    with pytest.raises((TruncatedPhoto, UnreadablePhoto)):
        write_pages(read_pages(source, Pages.parse("1-3")), tmp_path / "out.tif")
    assert not (tmp_path / "out.tif").exists()


def test_notes_of_pages_are_said_once():
    assert join_notes([("a",), ("a", "b"), ("a", "b")]) == ("a", "pages 2, 3: b")
    assert join_notes([("a",)]) == ("a",)
