"""Tar shards, whole and damaged; the tars are written by :mod:`tarfile`."""

from __future__ import annotations

import io
import json
import logging
import tarfile
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tinct.data import shards
from tinct.data.inventory import take_inventory
from tinct.data.photos import PhotoSet
from tinct.data.source import Source
from tinct.errors import DataError


@pytest.fixture(scope="module")
def png(color_pixels: NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(color_pixels).save(buffer, "PNG")
    return buffer.getvalue()


def tar_of(members: dict[str, bytes], kind: int = tarfile.USTAR_FORMAT) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=kind) as tar:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


@pytest.fixture
def photos(png: bytes) -> dict[str, bytes]:
    return {f"place/{number:03}.png": png for number in range(12)}


def names(path: Path) -> list[str]:
    return [source.name for source in take_inventory(path).sources]


@pytest.mark.parametrize("kind", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_members_are_those_that_tarfile_finds(tmp_path: Path, png: bytes, kind: int) -> None:
    members = {
        "short.png": png,
        "folder/" + 8 * "very-long-name" + "/é.png": b"",
        "note.txt": b"x",
        "last.png": png[:700],
    }
    path = tmp_path / "shard.tar"
    path.write_bytes(tar_of(members, kind))
    faults: list[str] = []
    with tarfile.open(path) as tar:
        expected = [(member.name, member.offset_data, member.size) for member in tar]
    found = [(member.name, member.offset, member.size) for member in shards.walk(path.read_bytes(), faults.append)]
    assert found == expected
    assert faults == []


@pytest.mark.parametrize("ending", ["w:gz", "w:bz2", "w:xz"])
def test_compressed_tars_are_read(tmp_path: Path, photos: dict[str, bytes], png: bytes, ending: str) -> None:
    path = tmp_path / f"shard.tar.{ending[2:]}"
    with tarfile.open(path, ending) as tar:  # type: ignore[call-overload]
        for name, content in photos.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    sources = take_inventory(path).sources
    assert [source.name for source in sources] == list(photos)
    assert sources[3].read() == png


@pytest.mark.parametrize("wipe", ["header", "zeros", "noise"])
def test_what_lies_beyond_a_damaged_place_is_found(
    tmp_path: Path, photos: dict[str, bytes], wipe: str, caplog: pytest.LogCaptureFixture
) -> None:
    content = bytearray(tar_of(photos))
    header = next(m.offset for m in shards.walk(bytes(content), print) if m.name == "place/004.png") - 512
    if wipe == "header":
        content[header + 10] ^= 0xFF
    elif wipe == "zeros":
        content[header : header + 600] = bytes(600)
    else:
        noise = np.random.default_rng(1).integers(0, 256, 700).astype(np.uint8).tobytes()
        content[header : header + 700] = noise
    folder = tmp_path / "shards"
    folder.mkdir()
    (folder / "b.tar").write_bytes(bytes(content))
    (folder / "a.tar").write_bytes(tar_of({"whole.png": photos["place/000.png"]}))
    with caplog.at_level(logging.WARNING):
        inventory = take_inventory(folder)
    assert [s.name for s in inventory.sources] == [*(n for n in photos if n != "place/004.png"), "whole.png"]
    assert list(inventory.damaged) == ["b.tar"]
    assert f"damaged from byte {header}" in inventory.damaged["b.tar"]
    assert "b.tar" in caplog.text
    assert len(PhotoSet(inventory.sources, 40)) == 12


def test_bytes_lost_or_too_many_move_all_that_follows(tmp_path: Path, photos: dict[str, bytes]) -> None:
    whole = tar_of(photos)
    middle = next(m.offset for m in shards.walk(whole, print) if m.name == "place/006.png") + 20
    for broken in (whole[:middle] + whole[middle + 777 :], whole[:middle] + b"?" * 333 + whole[middle:]):
        path = tmp_path / "shard.tar"
        path.write_bytes(broken)
        found = names(path)
        # The photo that was hit is told by its pixels, not by the tar.
        assert set(photos) - {"place/006.png", "place/007.png"} <= set(found)
        decoded = PhotoSet(take_inventory(path).sources, 40)
        assert set(decoded.names) >= set(photos) - {"place/006.png", "place/007.png"}


@pytest.mark.parametrize("share", [0.02, 0.3, 0.5, 0.77, 0.95])
def test_a_cut_shard_gives_the_photos_that_are_whole(tmp_path: Path, photos: dict[str, bytes], share: float) -> None:
    whole = tar_of(photos)
    end = next(m.offset + m.size for m in shards.walk(whole, print) if m.name == "place/011.png")
    cut = int(share * end)
    path = tmp_path / "cut.tar"
    path.write_bytes(whole[:cut])
    expected = [m.name for m in shards.walk(whole, print) if m.offset + m.size <= cut]
    if not expected:
        with pytest.raises(DataError, match="no readable tar: it is cut short"):
            take_inventory(path)
        return
    inventory = take_inventory(path)
    assert [source.name for source in inventory.sources] == expected
    assert "is cut short" in inventory.damaged["cut.tar"]


@pytest.mark.parametrize("content", [b"", b"\0" * 10240, b"no tar at all" * 100, b"PK\x03\x04" + bytes(2000)])
def test_what_is_no_tar_is_an_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "shard.tar"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"no photo in it|no readable tar"):
        take_inventory(path)


def test_a_shard_that_is_no_tar_is_named_and_the_others_are_used(tmp_path: Path, photos: dict[str, bytes]) -> None:
    (tmp_path / "a.tar").write_bytes(tar_of(photos))
    (tmp_path / "b.tar").write_bytes(b"<html>not found</html>")
    inventory = take_inventory(tmp_path)
    assert len(inventory.sources) == 12
    assert list(inventory.damaged) == ["b.tar"]


def test_pairs_of_webdataset_give_labels(tmp_path: Path, png: bytes) -> None:
    members = {
        "000.png": png,
        "000.json": json.dumps({"label": "forest", "url": "x"}).encode(),
        "001.png": png,
        "001.cls": b"7\n",
        "002.json": b"{broken",
        "002.png": png,
    }
    (tmp_path / "shard-0.tar").write_bytes(tar_of(members))
    (tmp_path / "shard-1.tar").write_bytes(tar_of({"000.png": png}))
    sources = {source.name: source.label for source in take_inventory(tmp_path).sources}
    assert sources == {"000.png": "forest", "001.png": "7", "002.png": None, "shard-1/000.png": None}


def test_parts_come_from_the_names_of_tars_and_folders(tmp_path: Path, png: bytes) -> None:
    for name in ("train-00000.tar", "val.tar", "test_1.tar", "valley.tar"):
        (tmp_path / name).write_bytes(tar_of({f"{name}/x.png": png}))
    parts = {source.name.split("/")[0]: source.part for source in take_inventory(tmp_path).sources}
    assert parts == {"train-00000.tar": "train", "val.tar": "val", "test_1.tar": "test", "valley.tar": "train"}
    folder = tmp_path / "loose"
    for name in ("train/cat/1.png", "validation/dog/2.png", "train/.cache/3.png"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(png)
    found = {source.name: (source.part, source.label) for source in take_inventory(folder).sources}
    assert found == {"train/cat/1.png": ("train", "cat"), "validation/dog/2.png": ("val", "dog")}


def test_pictures_beside_tars_count_too(tmp_path: Path, png: bytes) -> None:
    (tmp_path / "shard.tar").write_bytes(tar_of({"a.png": png, "both.png": png}))
    for name in ("both.png", "loose.png", "below/loose.png"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(png)
    assert names(tmp_path) == ["a.png", "below/loose.png", "both.png", "loose.png"]


def test_one_picture_is_a_place_too(tmp_path: Path, png: bytes) -> None:
    (tmp_path / "one.png").write_bytes(png)
    assert take_inventory(tmp_path / "one.png").sources == [Source("one.png", tmp_path / "one.png")]


def test_a_shard_of_the_corpus_with_a_hole_in_it(shared_data: Path, tmp_path: Path) -> None:
    source = shared_data / "photos" / "train-00034.tar"
    content = bytearray(source.read_bytes())
    whole = {s.name for s in take_inventory(source).sources}
    start = len(content) // 2
    content[start : start + 100_000] = bytes(100_000)
    (tmp_path / "train-00034.tar").write_bytes(bytes(content))
    inventory = take_inventory(tmp_path / "train-00034.tar")
    found = {s.name for s in inventory.sources}
    assert found < whole
    assert 5 <= len(whole - found) <= 40
    assert "is damaged from byte" in inventory.damaged["train-00034.tar"]
