"""Protocols, the original as a colorizer gets it, and the manifest."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tinct.color.lab import gray_to_lightness
from tinct.data.source import Source
from tinct.errors import DataError, DataOutOfReach, OptionError
from tinct.evaluation.protocol import Original, eight_bits, fit, manifest_hash, open_dataset, read_original

Pixels = NDArray[np.uint8]


def test_center256_is_the_usual_crop(scene: Callable[..., Pixels]) -> None:
    for height, width in ((300, 411), (411, 300), (256, 256)):
        picture = scene(0, height, width)
        long = int(256 * max(height, width) / min(height, width))
        size = (long, 256) if width >= height else (256, long)
        whole = np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BICUBIC))
        start = round((long - 256) / 2)
        crop = whole[:, start : start + 256] if width >= height else whole[start : start + 256]
        np.testing.assert_array_equal(fit(picture, "center256"), crop)


def test_native_leaves_a_picture_alone(scene: Callable[..., Pixels]) -> None:
    picture = scene(0, 31, 57)
    assert fit(picture, "native") is picture
    assert fit(picture, "stretch256").shape == (256, 256, 3)


def test_gray_levels_are_lightness(scene: Callable[..., Pixels]) -> None:
    original = Original(scene(0))
    lightness = gray_to_lightness(original.levels.astype(np.float32) / 255)
    assert np.abs(lightness - original.lab[..., 0]).max() < 0.35
    gray = np.repeat(original.levels[..., None], 3, axis=-1)
    np.testing.assert_array_equal(Original(gray).levels, original.levels)
    assert Original(gray).near_gray
    assert not original.near_gray


def test_every_kind_of_file_becomes_8_bit_rgb() -> None:
    deep = np.array([[0, 257, 65535]], np.uint16)
    np.testing.assert_array_equal(eight_bits(deep)[..., 2], [[0, 1, 255]])
    clear = np.full((2, 2, 4), 9, np.uint8)
    assert eight_bits(clear).shape == (2, 2, 3)


def test_orientation_is_applied(tmp_path: Path, scene: Callable[..., Pixels]) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    picture = Image.fromarray(scene(0, 40, 60))
    picture.save(tmp_path / "turned.png", exif=exif)
    found = read_original(Source("turned.png", tmp_path / "turned.png"), "native")
    np.testing.assert_array_equal(found.rgb, np.rot90(np.asarray(picture), -1))


def test_a_file_that_vanishes_is_out_of_reach(tmp_path: Path) -> None:
    """It isn't an unreadable photograph, which would be left out."""
    with pytest.raises(DataOutOfReach, match=r"gone\.png can't be read any more \(No such file"):
        read_original(Source("gone.png", tmp_path / "gone.png"), "native")


def test_count_draws_the_same_ones(photographs: Path) -> None:
    few, more = open_dataset(photographs, 3), open_dataset(photographs, 5)
    assert {item.sha256 for item in few.items} < {item.sha256 for item in more.items}
    assert [item.source.name for item in more.items] == sorted(item.source.name for item in more.items)
    assert len(open_dataset(photographs, 99).items) == 7


def test_only_what_training_never_sees(tmp_path: Path, scene: Callable[..., Pixels]) -> None:
    for part in ("train", "val"):
        (tmp_path / part / "things").mkdir(parents=True)
        Image.fromarray(scene(len(part))).save(tmp_path / part / "things" / f"{part}.png")
    assert [item.source.name for item in open_dataset(tmp_path).items] == ["val/things/val.png"]


def test_bad_sets(tmp_path: Path, photographs: Path) -> None:
    with pytest.raises(DataError, match="no photo"):
        open_dataset(tmp_path)
    with pytest.raises(OptionError, match="--count is 0"):
        open_dataset(photographs, 0)


def test_manifest_is_of_the_set() -> None:
    assert manifest_hash(["b", "a"]) == manifest_hash(["a", "b"]) != manifest_hash(["a"])
    assert len(manifest_hash([])) == 64
