"""What counts as a photo of a place, and as a part of a data set."""

from __future__ import annotations

import io
import logging
import os
import sys
import tarfile
from pathlib import Path

import pytest

from tinct.data.inventory import take_inventory
from tinct.data.split import divide
from tinct.errors import DataError

linking = pytest.mark.skipif(sys.platform == "win32", reason="links need a right that users don't have")


def put(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"not decoded here")
    return folder


def names(folder: Path) -> list[str]:
    return [source.name for source in take_inventory(folder).sources]


PARTS = ("train/cat/1.png", "train/dog/2.png", "val/cat/3.png", "test/cat/4.png")


@pytest.mark.parametrize("stray", [(), ("preview.png",), ("extra/5.png", "extra/6.png", "preview.png")])
def test_what_lies_beside_the_parts_is_left_out_and_named(
    stray: tuple[str, ...], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    put(tmp_path, *PARTS, *stray)
    with caplog.at_level(logging.WARNING):
        found = {source.name: (source.part, source.label) for source in take_inventory(tmp_path).sources}
    assert found == {
        "train/cat/1.png": ("train", "cat"),
        "train/dog/2.png": ("train", "dog"),
        "val/cat/3.png": ("val", "cat"),
        "test/cat/4.png": ("test", "cat"),
    }
    assert ("preview.png (1)" in caplog.text) == bool(stray)
    assert ("extra (2)" in caplog.text) == (len(stray) > 1)


def test_parts_may_be_written_in_capital_letters(tmp_path: Path) -> None:
    put(tmp_path, "Train/1.png", "TRAIN/2.png", "Val/3.png")
    division = divide(tmp_path, 0.5)
    assert division.published
    assert [source.name for source in division.held] == ["Val/3.png"]


@pytest.mark.parametrize("folders", [("train", "cats"), ("val", "test"), ("training", "train")])
def test_what_is_no_division_is_used_whole(folders: tuple[str, str], tmp_path: Path) -> None:
    put(tmp_path, *(f"{folder}/1.png" for folder in folders), "2.png")
    assert {source.part for source in take_inventory(tmp_path).sources} == {"train"}
    assert len(names(tmp_path)) == 3


def test_tars_that_name_their_part_keep_it_beside_folders(tmp_path: Path) -> None:
    put(tmp_path, "train/1.png", "val/2.png")
    for tar in ("train-0.tar", "test.tar", "more.tar"):
        with tarfile.open(tmp_path / tar, "w") as file:
            member = tarfile.TarInfo(f"{tar}/x.png")
            member.size = 3
            file.addfile(member, io.BytesIO(b"abc"))
    found = {source.name: source.part for source in take_inventory(tmp_path).sources}
    assert found == {"train/1.png": "train", "val/2.png": "val", "train-0.tar/x.png": "train", "test.tar/x.png": "test"}


@linking
def test_linked_folders_are_entered_once(tmp_path: Path) -> None:
    photos, data = put(tmp_path / "photos", "1.png", "below/2.png"), put(tmp_path / "data", "0.png", "own/3.png")
    os.symlink(photos, data / "linked")
    os.symlink(photos, data / "twice")
    os.symlink(data / "own", data / "mine")
    os.symlink(data, photos / "round")
    os.symlink(photos / "1.png", data / "one.png")
    os.symlink(tmp_path / "gone", data / "gone.png")
    assert names(data) == ["0.png", "linked/1.png", "linked/below/2.png", "one.png", "own/3.png"]


def test_pictures_of_kinds_that_are_not_read_are_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    put(tmp_path, "a/1.bmp", "a/2.BMP", "3.gif", ".hidden.gif")
    with pytest.raises(DataError, match=r"there are pictures of others: \.bmp \(2\), \.gif \(1\)"):
        take_inventory(tmp_path)
    put(tmp_path, "4.png")
    with caplog.at_level(logging.WARNING):
        assert names(tmp_path) == ["4.png"]
    assert "not read: .bmp (2), .gif (1)" in caplog.text


def test_pictures_that_a_run_made_are_no_photos(tmp_path: Path) -> None:
    mine = ("runs/mine/run.json", "runs/mine/validation.csv", "runs/mine/curves.png", "runs/mine/sheets/last.png")
    put(tmp_path, "1.png", *mine, "other/run.json", "other/curves.png", "other/sheets/2.png")
    assert names(tmp_path) == ["1.png", "other/curves.png", "other/sheets/2.png"]
    assert names(put(tmp_path / "runs" / "mine", "3.png")) == ["3.png"]
