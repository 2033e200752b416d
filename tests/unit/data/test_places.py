"""Places365 as published, in small: the archives' own folders and names, and the lists' own format."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tinct.data.inventory import take_inventory
from tinct.data.split import divide
from tinct.errors import DataError

CATEGORIES = "/a/airfield 0\n/a/apartment_building/outdoor 8\n/b/beach 48\n"
TRAIN = "/a/airfield/00000001.jpg 0\n/a/apartment_building/outdoor/00000002.jpg 8\n/b/beach/00000001.jpg 48\n"
VAL = "Places365_val_00000001.jpg 48\nPlaces365_val_00000002.jpg 0\n"


@pytest.fixture
def jpeg(color_pixels: NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(color_pixels).save(buffer, "JPEG")
    return buffer.getvalue()


Pack = Callable[[Path, dict[str, bytes]], None]


@pytest.fixture
def pack() -> Pack:
    def write(path: Path, members: dict[str, bytes]) -> None:
        with tarfile.open(path, "w") as tar:
            for name, content in members.items():
                member = tarfile.TarInfo(name)
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))

    return write


@pytest.fixture
def places(tmp_path: Path, jpeg: bytes, pack: Pack) -> Path:
    folder = tmp_path / "places365"
    folder.mkdir()
    train = {f"data_256{line.split()[0]}": jpeg for line in TRAIN.splitlines()}
    pack(folder / "train_256_places365standard.tar", train | {"data_256/z/unlisted/00000009.jpg": jpeg})
    pack(folder / "val_256.tar", {f"val_256/{line.split()[0]}": jpeg for line in VAL.splitlines()})
    pack(folder / "test_256.tar", {"test_256/Places365_test_00000001.jpg": jpeg})
    lists = {"categories_places365.txt": CATEGORIES, "places365_train_standard.txt": TRAIN, "places365_val.txt": VAL}
    pack(folder / "filelist_places365-standard.tar", {name: text.encode() for name, text in lists.items()})
    return folder


def facts(folder: Path) -> dict[str, tuple[str, str | None]]:
    return {source.name: (source.part, source.label) for source in take_inventory(folder).sources}


EXPECTED = {
    "data_256/a/airfield/00000001.jpg": ("train", "airfield"),
    "data_256/a/apartment_building/outdoor/00000002.jpg": ("train", "apartment_building/outdoor"),
    "data_256/b/beach/00000001.jpg": ("train", "beach"),
    "test_256/Places365_test_00000001.jpg": ("test", None),
    "val_256/Places365_val_00000001.jpg": ("val", "beach"),
    "val_256/Places365_val_00000002.jpg": ("val", "airfield"),
}


def test_archives_and_lists(places: Path) -> None:
    assert facts(places) == EXPECTED
    assert take_inventory(places).damaged == {}
    division = divide(places, 0.2)
    assert [len(division.train), len(division.held)] == [3, 2]


def test_unpacked_is_the_same_and_nothing_counts_twice(places: Path) -> None:
    for name in ("val_256.tar", "filelist_places365-standard.tar", "train_256_places365standard.tar"):
        with tarfile.open(places / name) as tar:
            tar.extractall(places, filter="data")
    assert facts(places) == EXPECTED
    for tar_file in places.glob("*.tar"):
        tar_file.unlink()
    assert facts(places) == {name: fact for name, fact in EXPECTED.items() if fact[0] != "test"}


def test_a_lone_validation_archive_serves_for_training(places: Path) -> None:
    (places / "train_256_places365standard.tar").unlink()
    (places / "test_256.tar").unlink()
    assert {s.part for s in take_inventory(places).sources} == {"val"}
    division = divide(places, 0.2)
    assert [len(division.train), len(division.held)] == [1, 1]


def test_what_a_list_has_more_than_the_archive_is_counted(places: Path, jpeg: bytes, pack: Pack) -> None:
    pack(places / "val_256.tar", {"val_256/Places365_val_00000002.jpg": jpeg})
    assert take_inventory(places).damaged == {"val_256.tar": "lacks 1 of the 2 photos of its list"}


def test_a_damaged_list_is_an_error(places: Path) -> None:
    (places / "places365_val.txt").write_text("Places365_val_00000001.jpg\n")
    with pytest.raises(DataError, match="line 1 of a list of Places365"):
        take_inventory(places)
