from __future__ import annotations

import io
import logging
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import pyvips
from numpy.typing import NDArray
from PIL import Image, ImageOps

from tinct.data.inventory import take_inventory
from tinct.data.photos import PhotoSet
from tinct.data.source import Source, decode
from tinct.data.split import divide, hold_back, split_by_hash
from tinct.errors import DataError
from tinct.media.photo import read_photo


@pytest.fixture
def folder(tmp_path: Path, color_pixels: NDArray[np.uint8]) -> Path:
    photos = tmp_path / "photos"
    for index in range(6):
        path = photos / f"source{index % 2}" / f"{index}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.roll(color_pixels, index, axis=1)).save(path)
    return photos


def pack(folder: Path, target: Path) -> None:
    with tarfile.open(target, "w", format=tarfile.USTAR_FORMAT) as tar:
        for path in sorted(folder.rglob("*.png")):
            tar.add(path, path.relative_to(folder).as_posix())


def test_a_folder_and_a_tar_of_it_give_the_same_photos(folder: Path, tmp_path: Path) -> None:
    pack(folder, tmp_path / "shard.tar")
    loose, packed = (PhotoSet(take_inventory(place).sources, 40) for place in (folder, tmp_path / "shard.tar"))
    assert loose.names == packed.names == sorted(loose.names)
    assert len(loose) == 6
    for one, other in zip(loose, packed, strict=True):
        assert one.dtype == np.uint8
        np.testing.assert_array_equal(one, other)
    assert loose.identity() == packed.identity()


def test_the_validation_tar_is_no_training_shard(folder: Path, tmp_path: Path) -> None:
    shards = tmp_path / "shards"
    shards.mkdir()
    pack(folder, shards / "train-0.tar")
    pack(folder, shards / "val.tar")
    assert len(take_inventory(shards).of("train")) == 6


def test_photos_are_brought_down_but_never_up(color_pixels: NDArray[np.uint8], folder: Path) -> None:
    data = (folder / "source0" / "0.png").read_bytes()
    assert decode(data, 24).shape == (24, 32, 3)
    np.testing.assert_array_equal(decode(data, 500), color_pixels)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("short_side", [24, 500])
@pytest.mark.parametrize("orientation", [1, 3, 5, 6, 8])
def test_photos_of_a_turned_camera_are_upright(orientation: int, short_side: int, kind: str) -> None:
    """Half of the picture is red, so that one that is squeezed or turned wrongly is told."""
    turned, exif, encoded = Image.new("RGB", (400, 300), "blue"), Image.Exif(), io.BytesIO()
    turned.paste("red", (0, 0, 200, 300))
    exif[0x0112] = orientation
    turned.save(encoded, kind, exif=exif)
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(encoded.getvalue()))).convert("RGB")
    found = decode(encoded.getvalue(), short_side)
    scale = min(1, short_side / 300)
    assert found.shape == (round(upright.height * scale), round(upright.width * scale), 3)
    expected = np.asarray(upright.resize((found.shape[1], found.shape[0])), int)
    assert np.abs(found - expected).mean() < 4


@pytest.mark.parametrize("short_side", [24, 500])
@pytest.mark.parametrize("profile", ["p3", "cmyk"])
def test_colors_are_those_that_the_profile_says(profile: str, short_side: int, color_pixels: NDArray[np.uint8]) -> None:
    plain = pyvips.Image.new_from_array(color_pixels // 2 + 64).copy(interpretation="srgb")
    data = plain.icc_transform(profile, input_profile="srgb").tiffsave_buffer()
    expected = read_photo(data).small(short_side, 1000).numpy()
    assert np.abs(decode(data, short_side) - expected.astype(int)).mean() < 2


def test_photos_decoded_otherwise_are_not_taken_from_the_cache(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    PhotoSet(take_inventory(folder).sources, 40, cache=tmp_path / "cache")
    monkeypatch.setattr("tinct.data.source.DECODING", 0)
    monkeypatch.setattr(Source, "load", lambda self, side: np.full((40, 40, 3), (9, 99, 9), np.uint8))
    assert (PhotoSet(take_inventory(folder).sources, 40, cache=tmp_path / "cache")[0] == (9, 99, 9)).all()


def test_what_teaches_nothing_is_named_and_left_out(folder: Path, gray_pixels: NDArray[np.uint8]) -> None:
    Image.fromarray(gray_pixels).save(folder / "gray.png")
    Image.new("RGB", (8, 8), "red").save(folder / "tiny.png")
    (folder / "cut.png").write_bytes((folder / "source0" / "0.png").read_bytes()[:150])
    photos = PhotoSet(take_inventory(folder).sources, 40)
    assert len(photos) == 6
    assert set(photos.rejected) == {"gray.png", "tiny.png", "cut.png"}
    assert photos.rejected["gray.png"] == "nearly gray"


def test_muted_photos_are_kept_where_a_lower_chroma_will_do(folder: Path) -> None:
    Image.new("RGB", (40, 40), (121, 118, 115)).save(folder / "road.png")  # a chroma of 2.1
    assert PhotoSet(take_inventory(folder).sources, 40).rejected == {"road.png": "nearly gray"}
    assert "road.png" in PhotoSet(take_inventory(folder).sources, 40, least_chroma=1.0).names
    assert PhotoSet(take_inventory(folder).sources, 40, least_chroma=2.5).rejected == {"road.png": "nearly gray"}


def test_a_set_without_a_usable_photo_says_why(tmp_path: Path, gray_pixels: NDArray[np.uint8]) -> None:
    Image.fromarray(gray_pixels).save(tmp_path / "gray.png")
    with pytest.raises(DataError, match=r"none of the 1 photos is usable \(gray.png: nearly gray\)"):
        PhotoSet(take_inventory(tmp_path).sources, 40)


def test_other_photos_of_the_same_names_are_another_set(folder: Path) -> None:
    before = PhotoSet(take_inventory(folder).sources, 40).identity()
    path = folder / "source0" / "2.png"
    Image.fromarray(255 - np.asarray(Image.open(path))).save(path)
    after = PhotoSet(take_inventory(folder).sources, 40).identity()
    assert {name for name in before if before[name] != after[name]} == {"pixels"}


def test_a_shard_cut_short_gives_what_it_has(folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    whole, cut = tmp_path / "whole.tar", tmp_path / "cut.tar"
    pack(folder, whole)
    middle = take_inventory(whole).sources[3].offset - 200
    assert caplog.text == ""
    cut.write_bytes(whole.read_bytes()[:middle])
    with caplog.at_level(logging.WARNING):
        assert len(take_inventory(cut).sources) == 3
    assert "cut.tar" in caplog.text


def test_missing_and_empty_places_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file or folder"):
        take_inventory(tmp_path / "nowhere")
    with pytest.raises(DataError, match="no photo in it"):
        take_inventory(tmp_path)


@pytest.mark.parametrize(
    "chosen",
    [lambda sources: split_by_hash(sources, 0.3)[1], lambda sources: hold_back(sources, {"a": 30})],
    ids=["split_by_hash", "hold_back"],
)
def test_choices_by_hash_stay_when_photos_are_added(chosen: Callable[[list[Source]], list[Source]]) -> None:
    before = [Source(f"a/{i}.jpg", Path()) for i in range(100)] + [Source(f"b/{i}.jpg", Path()) for i in range(50)]
    after = [*before, *(Source(f"c/{i}.jpg", Path()) for i in range(100))]
    first, second = chosen(before), chosen(after)
    assert 0 < len(first) < len(before)
    assert first == [source for source in second if not source.name.startswith("c/")]


def test_a_published_division_counts_and_else_a_hash_does(folder: Path, tmp_path: Path) -> None:
    shards = tmp_path / "shards"
    shards.mkdir()
    pack(folder, shards / "train-0.tar")
    pack(folder, shards / "val.tar")
    published, hashed = (divide(shards, 0.3, published=wanted) for wanted in (True, False))
    assert [len(published.train), len(published.held)] == [6, 6]
    assert len(hashed.train) + len(hashed.held) == 12
    for seed in range(30):
        division = divide(folder, 0.001, seed=seed)
        assert [len(division.train), len(division.held)] == [5, 1]


def test_one_photo_is_too_few_to_train(folder: Path) -> None:
    for path in sorted(folder.rglob("*.png"))[1:]:
        path.unlink()
    with pytest.raises(DataError, match="holds one photo; training needs two at the very least"):
        divide(folder, 0.2)


def test_hold_back_takes_the_number_asked_for() -> None:
    sources = [Source(f"a/{i}.jpg", Path()) for i in range(100)]
    assert len(hold_back(sources, {"a": 30, "b": 5})) == 70


def test_a_set_too_large_to_keep_decodes_on_demand(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (folder / "source0" / "2.png").write_bytes(b"no picture")
    sources = take_inventory(folder).sources
    plain = PhotoSet(sources, 40)
    monkeypatch.setattr("tinct.data.photos.MOST_BYTES", 1000)
    lazy = PhotoSet(sources, 40, cache=tmp_path / "cache")
    assert len(lazy) == 6
    assert not (tmp_path / "cache").exists()
    for name, photo in zip(plain.names, plain, strict=True):
        np.testing.assert_array_equal(lazy[lazy.names.index(name)], photo)
    broken = lazy.names.index("source0/2.png")
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            np.testing.assert_array_equal(lazy[broken], lazy[broken + 1])
    assert caplog.text.count("source0/2.png is left out") == 1
    assert lazy.left_out() == {"unreadable": 1}
    assert lazy.identity() == PhotoSet(sources, 40).identity() != PhotoSet(sources[1:], 40).identity()


def test_a_set_is_kept_in_memory_only_where_that_holds_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sources = take_inventory(folder).sources
    decoded = PhotoSet(sources, 40).identity()
    size = 4 * 40 * 40 * len(sources)
    for memory, kept in ((2 * size, True), (2 * size - 2, False), (None, True)):
        monkeypatch.setattr("tinct.data.photos.memory_bytes", lambda memory=memory: (memory, None))
        assert (PhotoSet(sources, 40).identity() == decoded) == kept


def test_what_is_left_out_is_said_in_a_line(folder: Path, gray_pixels: NDArray[np.uint8]) -> None:
    assert PhotoSet(take_inventory(folder).sources, 40).says_left_out("photos") == ""
    Image.fromarray(gray_pixels).save(folder / "gray.png")
    for number in range(7):
        (folder / f"cut{number}.png").write_bytes(b"no picture")
    photos = PhotoSet(take_inventory(folder).sources, 40)
    assert photos.says_left_out("photos") == (
        "8 of 14 photos are left out: 1 nearly gray, 7 unreadable: "
        "cut0.png, cut1.png, cut2.png, cut3.png, cut4.png and 2 more"
    )
    assert list(photos.unreadable()) == [f"cut{number}.png" for number in range(7)]


def test_a_large_set_without_a_usable_photo_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gray_pixels: NDArray[np.uint8]
) -> None:
    Image.fromarray(gray_pixels).save(tmp_path / "gray.png")
    monkeypatch.setattr("tinct.data.photos.MOST_BYTES", 10)
    with pytest.raises(DataError, match=r"none of the 1 photos is usable \(gray.png: nearly gray\)"):
        PhotoSet(take_inventory(tmp_path).sources, 40)[0]
