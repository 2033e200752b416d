from __future__ import annotations

import io
import os

import numpy as np
import pytest
import pyvips
from PIL import Image, ImageOps

from tinct.color import lab
from tinct.errors import OptionError, UnreadablePhoto
from tinct.media import formats
from tinct.media.marking import Marking
from tinct.media.photo import Photo, read_photo


def encoded(pixels, form: str, **options: object) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, form, **options)
    return file.getvalue()


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("form", ["JPEG", "TIFF"])
def test_pixels_are_upright(orientation, form, gray_pixels):
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(gray_pixels, form, exif=exif, quality=98)
    expected = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))))
    photo = read_photo(data)
    assert photo.metadata.orientation == orientation
    assert (photo.height, photo.width) == expected.shape
    np.testing.assert_allclose(photo.to_numpy(), expected, atol=2)
    small = photo.small_lightness(expected.shape[0] // 4, expected.shape[1] // 4)
    reference = read_photo(expected).small_lightness(expected.shape[0] // 4, expected.shape[1] // 4)
    np.testing.assert_allclose(small, reference, atol=1)
    np.testing.assert_allclose(photo.lightness().numpy(), read_photo(expected).lightness().numpy(), atol=1)


def test_pixels_can_be_read_again_and_again(gray_pixels):
    photo = read_photo(encoded(gray_pixels, "PNG"))
    for _ in range(2):
        np.testing.assert_array_equal(photo.open().numpy(), gray_pixels)
        np.testing.assert_allclose(photo.lightness().numpy(), lab.gray_to_lightness(gray_pixels / 255), atol=1e-4)


def large() -> np.ndarray:
    rows, columns = np.mgrid[0:1200, 0:1600]
    waves = np.sin(rows / 90) + np.cos(columns / 120)
    grain = np.random.default_rng(0).normal(0, 0.1, waves.shape)
    return ((waves + grain).clip(-2, 2) * 55 + 127).astype(np.uint8)


def options(form: str) -> dict[str, object]:
    return {"pyramid": True, "tile": True, "compression": "deflate"} if form == "tiff" else {}


@pytest.mark.parametrize("form", ["jpeg", "webp", "tiff", "png"])
@pytest.mark.parametrize("size", [(150, 200), (96, 130), (37, 500)])
def test_small_lightness_is_that_of_an_averaged_picture(form, size):
    pixels = large()
    save = getattr(pyvips.Image.new_from_array(pixels), f"{form}save_buffer")
    photo = read_photo(save(**options(form)))
    small = photo.small_lightness(*size)
    assert small.shape == size
    assert small.dtype == np.float32
    resized = np.asarray(Image.fromarray(pixels).resize(size[::-1], Image.Resampling.LANCZOS))
    difference = small - lab.gray_to_lightness(resized / 255)
    assert np.abs(difference).mean() < 0.6
    assert abs(difference.mean()) < 0.2


def test_small_lightness_enlarges_too(gray_pixels):
    small = read_photo(gray_pixels).small_lightness(96, 128)
    assert small.shape == (96, 128)
    assert small.mean() == pytest.approx(lab.gray_to_lightness(gray_pixels / 255).mean(), abs=0.3)


def test_small_copies_of_a_pyramid_are_used():
    # The small copy is black here, so its use can be seen.
    picture = pyvips.Image.black(800, 600) + 200
    data = bytearray(picture.cast("uchar").tiffsave_buffer(tile=True, pyramid=True))
    photo = read_photo(bytes(data))
    assert photo.source.layout is not None  # type: ignore[attr-defined]
    level = photo.source.layout.levels[0]  # type: ignore[attr-defined]
    assert photo.source.load_small(2).width == level.width == 400
    assert photo.source.load_small(1.9).width == 800
    assert photo.source.load_small(100).width < 200


def test_notes_on_tone(gray_pixels, color_pixels):
    assert read_photo(gray_pixels).notes == ()
    sepia = np.stack([gray_pixels, gray_pixels * 0.85, gray_pixels * 0.65], axis=-1).astype(np.uint8)
    photo = read_photo(sepia)
    assert not photo.color
    assert "tint" in photo.notes[0]
    photo = read_photo(color_pixels)
    assert photo.color
    assert photo.notes == ("a color photograph: recolorized from its lightness",)


def test_lightness_of_a_toned_print_is_how_light_it_looks(gray_pixels):
    sepia = np.stack([gray_pixels, gray_pixels * 0.85, gray_pixels * 0.65], axis=-1).astype(np.uint8)
    np.testing.assert_allclose(read_photo(sepia).lightness().numpy(), lab.lightness(sepia / 255), atol=0.01)


def test_hashes_are_of_the_bytes(gray_pixels, tmp_path):
    import hashlib

    data = encoded(gray_pixels, "PNG")
    (tmp_path / "a.png").write_bytes(data)
    expected = hashlib.sha256(data).hexdigest()
    assert read_photo(data).source_hash == read_photo(tmp_path / "a.png").source_hash == expected
    assert read_photo(gray_pixels).source_hash == read_photo(gray_pixels.copy()).source_hash
    assert read_photo(gray_pixels).source_hash != read_photo(gray_pixels.T).source_hash


def test_pillow_images_come_out(gray_pixels, color_pixels):
    assert read_photo(gray_pixels).to_pil().mode == "L"
    np.testing.assert_array_equal(np.asarray(read_photo(color_pixels).to_pil()), color_pixels)
    deep = read_photo(color_pixels.astype(np.uint16) * 257)
    np.testing.assert_array_equal(np.asarray(deep.to_pil()), color_pixels)
    assert read_photo(gray_pixels.astype(np.uint16)).to_pil().mode == "I;16"


@pytest.mark.parametrize(
    ("form", "expected"), [("JPEG", "jpeg"), ("PNG", "png"), ("TIFF", "tiff"), ("WEBP", "webp"), ("GIF", "png")]
)
def test_what_is_made_of_it_has_its_format(form, expected, gray_pixels):
    assert read_photo(encoded(gray_pixels, form)).output_format.name == expected


def test_arrays_become_png(gray_pixels):
    assert read_photo(gray_pixels).output_format is formats.PNG


MARK = Marking("Tinct", "0.1.0", "tinct", "ab" * 32, "cd" * 32)


def test_a_result_is_a_photograph_again(color_pixels, gray_pixels):
    exif = Image.Exif()
    exif[0x0112] = 6
    transparent = np.dstack([gray_pixels, gray_pixels, gray_pixels, gray_pixels])
    like = read_photo(encoded(transparent, "PNG", exif=exif))
    upright = np.ascontiguousarray(np.rot90(color_pixels, -1))

    def build() -> pyvips.Image:
        return pyvips.Image.new_from_array(upright, interpretation="srgb")

    result = Photo.from_image(build, like=like, mark=MARK, notes=("done",))
    assert (result.height, result.width, result.has_alpha, result.depth) == (64, 48, True, 8)
    np.testing.assert_array_equal(result.to_numpy()[..., :3], upright)
    np.testing.assert_array_equal(result.to_numpy()[..., 3], np.rot90(gray_pixels, -1))
    np.testing.assert_allclose(result.lightness().numpy(), lab.lightness(upright / 255), atol=0.01)
    assert result.small_lightness(8, 6).shape == (8, 6)
    assert result.source_hash == like.source_hash
    assert result.notes == ("done",)
    assert result.output_format is formats.PNG
    with pytest.raises(OptionError, match="64 x 48"):
        Photo.from_image(lambda: pyvips.Image.new_from_array(color_pixels), like=like)


@pytest.mark.parametrize("how", ["written to", "replaced", "deleted", "as long and as old"])
def test_a_file_that_changed_gives_no_pixels(how, gray_pixels, tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(encoded(gray_pixels, "PNG"))
    photo = read_photo(path)
    result = Photo.from_image(photo.open, like=photo, mark=MARK)
    result.save(tmp_path / "before.png")
    other, status = encoded(gray_pixels[::-1], "PNG"), path.stat()
    if how == "written to":
        path.write_bytes(other)
    elif how == "deleted":
        path.unlink()
    else:
        (tmp_path / "new.png").write_bytes(other)
        if how == "as long and as old":
            (tmp_path / "new.png").write_bytes(path.read_bytes()[:-1] + b"\0")
            os.utime(tmp_path / "new.png", ns=(status.st_atime_ns, status.st_mtime_ns))
        (tmp_path / "new.png").replace(path)
    for read in (lambda: result.save(tmp_path / "out.png"), photo.to_numpy, result.lightness, photo.source.digest):
        with pytest.raises(UnreadablePhoto, match="can't be read" if how == "deleted" else "has changed"):
            read()
    assert not (tmp_path / "out.png").exists()


def test_a_file_that_changes_while_it_is_read_gives_no_result(gray_pixels, tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(encoded(gray_pixels, "PNG"))
    photo = read_photo(path)

    def build() -> pyvips.Image:
        image = photo.open().copy_memory()
        if build.spoils:
            path.write_bytes(encoded(gray_pixels[::-1], "PNG"))
        return image

    build.spoils = False
    result = Photo.from_image(build, like=photo)
    build.spoils = True
    with pytest.raises(UnreadablePhoto, match="has changed"):
        result.save(tmp_path / "out.png")
    assert not (tmp_path / "out.png").exists()


def test_the_working_directory_may_change(gray_pixels, tmp_path, monkeypatch):
    (tmp_path / "a.png").write_bytes(encoded(gray_pixels, "PNG"))
    monkeypatch.chdir(tmp_path)
    photo = read_photo("a.png")
    assert photo.name == "a.png"
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    np.testing.assert_array_equal(photo.to_numpy(), gray_pixels)


def test_it_is_shown_in_a_few_words(color_pixels, tmp_path):
    path = tmp_path / "photo.tif"
    read_photo(np.tile(color_pixels, (40, 40, 1))).save(path)
    assert repr(read_photo(path)) == "<Photo 2560 x 1920, 8 bits, photo.tif>"
    photo = read_photo(path.read_bytes())
    assert repr(photo) == "<Photo 2560 x 1920, 8 bits, the data>"
    assert max(len(repr(part)) for part in (photo.source, photo.metadata, read_photo(color_pixels).source)) < 2000


def test_a_notebook_shows_a_small_copy(color_pixels):
    photo = read_photo(np.tile(color_pixels, (40, 40, 1)))
    shown = Image.open(io.BytesIO(photo._repr_jpeg_()))
    assert (shown.format, shown.size) == ("JPEG", (640, 480))
