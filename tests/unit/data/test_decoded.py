"""Decoded photos that are kept between runs."""

from __future__ import annotations

import logging
import os
import time
import weakref
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tinct.data import decoded
from tinct.data.inventory import take_inventory
from tinct.data.photos import PhotoSet
from tinct.data.source import LEAST_CHROMA, Source, fingerprint


@pytest.fixture
def folder(tmp_path: Path, color_pixels: NDArray[np.uint8], gray_pixels: NDArray[np.uint8]) -> Path:
    place = tmp_path / "photos"
    for index in range(5):
        path = place / ("train" if index else "val") / "cat" / f"{index}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.roll(color_pixels, index, axis=1)[: 48 - index]).save(path)
    Image.fromarray(gray_pixels).save(place / "train" / "cat" / "gray.png")
    return place


@pytest.fixture
def no_decoding(monkeypatch: pytest.MonkeyPatch) -> None:
    """Decoding fails the test."""

    def load(self: Source, short_side: int) -> None:
        pytest.fail("decoded again")

    monkeypatch.setattr(Source, "load", load)


def make(folder: Path, cache: Path | None, short_side: int = 40) -> PhotoSet:
    return PhotoSet(take_inventory(folder).of("train"), short_side, cache=cache)


def test_the_second_set_is_the_first_without_decoding(
    folder: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    plain, first = make(folder, None), make(folder, tmp_path / "cache")
    request.getfixturevalue("no_decoding")
    second = make(folder, tmp_path / "cache")
    for kept in (first, second):
        assert (kept.names, kept.labels, kept.rejected) == (plain.names, plain.labels, plain.rejected)
        assert kept.identity() == plain.identity()
        assert kept.left_out() == {"nearly gray": 1}
        for one, other in zip(kept, plain, strict=True):
            np.testing.assert_array_equal(one, other)
            assert type(one) is np.ndarray
            assert not one.flags.writeable


@pytest.mark.parametrize("change", ["content", "another photo", "size", "filter"])
def test_what_changes_the_photos_decodes_anew(folder: Path, tmp_path: Path, change: str) -> None:
    cache = tmp_path / "cache"
    before = make(folder, cache)
    short_side = 36 if change == "size" else 40
    if change == "content":
        path = folder / "train" / "cat" / "1.png"
        Image.open(path).transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(path)
        os.utime(path, ns=(1, 1))
    elif change == "another photo":
        (folder / "train" / "cat" / "1.png").rename(folder / "train" / "cat" / "new.png")
    elif change == "filter":
        kept = PhotoSet(take_inventory(folder).of("train"), 40, least_chroma=0, cache=cache)
        assert len(kept) == len(before) + 1
        return
    after = make(folder, cache, short_side)
    assert after.names != before.names or any(
        one.shape != other.shape or (one != other).any() for one, other in zip(after, before, strict=True)
    )


@pytest.mark.parametrize("damage", ["cut pixels", "no pixels", "broken list", "empty list", "other list"])
def test_a_damaged_cache_is_made_anew(folder: Path, tmp_path: Path, damage: str) -> None:
    plain = make(folder, tmp_path / "cache")
    (pixels,) = (tmp_path / "cache" / "photos").glob("*.pixels")
    (listing,) = (tmp_path / "cache" / "photos").glob("*.json")
    if damage == "cut pixels":
        content = pixels.read_bytes()
        pixels.unlink()  # the file is still mapped
        pixels.write_bytes(content[:-1])
    elif damage == "no pixels":
        pixels.unlink()
    else:
        listing.write_text({"broken list": '{"format": 1', "empty list": "[]", "other list": '{"shapes": []}'}[damage])
    again = make(folder, tmp_path / "cache")
    assert again.names == plain.names
    for one, other in zip(again, plain, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_cache_that_cant_be_written_is_done_without(
    folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "cache").write_text("a file in its place")
    with caplog.at_level(logging.WARNING):
        assert len(make(folder, tmp_path / "cache")) == 4
    assert "can't be kept" in caplog.text


def test_too_little_room_keeps_nothing(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoded.shutil, "disk_usage", lambda path: type("Usage", (), {"free": 100})())
    assert len(make(folder, tmp_path / "cache")) == 4
    assert list((tmp_path / "cache" / "photos").iterdir()) == []


def test_what_was_used_longest_ago_goes_first(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = tmp_path / "cache"
    keys = {side: fingerprint(take_inventory(folder).of("train"), side, LEAST_CHROMA) for side in (40, 39, 38)}
    size = sum(photo.nbytes for photo in make(folder, cache, 40))
    make(folder, cache, 39)
    for side, age in ((40, 2000), (39, 1000)):
        os.utime(cache / "photos" / f"{keys[side]}.json", (age, age))
    monkeypatch.setattr(decoded, "MOST_BYTES", int(2.2 * size))
    make(folder, cache, 38)
    assert {path.stem for path in (cache / "photos").iterdir()} == {keys[40], keys[38]}


def test_a_set_that_another_user_keeps_is_used(
    folder: Path, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = make(folder, tmp_path / "cache")

    def refuse(*given: object, **named: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(decoded.os, "utime", refuse)
    request.getfixturevalue("no_decoding")
    assert make(folder, tmp_path / "cache").names == first.names


def test_what_a_killed_process_left_is_removed_after_a_day(folder: Path, tmp_path: Path) -> None:
    kept = tmp_path / "cache" / "photos"
    kept.mkdir(parents=True)
    for name, hours in (("old.pixels", 30), (".tinct-old.tmp", 30), ("new.pixels", 1), (".tinct-new.tmp", 1)):
        (kept / name).write_bytes(b"some")
        then = time.time() - hours * 3600
        os.utime(kept / name, (then, then))
    make(folder, tmp_path / "cache")
    assert {path.name for path in kept.iterdir() if path.read_bytes() == b"some"} == {"new.pixels", ".tinct-new.tmp"}


def test_photos_are_written_while_others_are_decoded(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 400 photos of 40x40 no more than a few are in memory at a time."""
    alive, most = set(), 0

    def load(self: Source, short_side: int) -> NDArray[np.uint8]:
        nonlocal most
        photo = np.full((40, 40, 3), (9, 99, 9), np.uint8)
        alive.add(id(photo))
        most = max(most, len(alive))
        weakref.finalize(photo, alive.discard, id(photo))
        return photo

    monkeypatch.setattr(Source, "load", load)
    monkeypatch.setattr("tinct.data.photos._AHEAD", 16)
    sources = [Source(f"{number}.png", folder / "val" / "cat" / "0.png") for number in range(400)]
    photos = PhotoSet(sources, 40, cache=tmp_path / "cache")
    assert len(photos) == 400
    assert most <= 40


def test_a_disk_that_gets_full_keeps_nothing(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(array: NDArray[np.uint8]) -> NDArray[np.uint8]:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(decoded.np, "ascontiguousarray", full)
    monkeypatch.setattr(Source, "load", lambda self, side: np.full((40, 40, 3), (9, 99, 9), np.uint8))
    assert len(make(folder, tmp_path / "cache")) == 5
    assert list((tmp_path / "cache" / "photos").iterdir()) == []
