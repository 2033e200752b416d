"""CIFAR-10 as published: pickles of Python 2, written here by their instructions as that Python wrote them."""

from __future__ import annotations

import gzip
import io
import pickle  # noqa: TID251 - to write what a newer Python writes, and what an attacker would
import struct
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tinct.data import cifar
from tinct.data.inventory import take_inventory
from tinct.data.photos import PhotoSet
from tinct.errors import DataError


def text(value: bytes) -> bytes:
    if len(value) < 256:
        return b"U" + bytes([len(value)]) + value
    return b"T" + struct.pack("<i", len(value)) + value


def published(entries: dict[bytes, Any]) -> bytes:
    """Write a dict as Python 2 wrote the batches: protocol 2, 8-bit texts, an array by its state."""
    parts = [b"\x80\x02}q\x01("]
    for key, value in entries.items():
        parts.append(text(key))
        if isinstance(value, bytes):
            parts.append(text(value))
        elif isinstance(value, list):
            items = (b"K" + bytes([item]) if isinstance(item, int) else text(item) for item in value)
            parts.append(b"]q\x02(" + b"".join(items) + b"e")
        else:
            count, width = value.shape
            shape = b"J" + struct.pack("<i", count) + b"M" + struct.pack("<H", width) + b"\x86"
            state = b"(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
            kind = b"cnumpy\ndtype\nq\x07U\x02u1K\x00K\x01\x87Rq\x08" + state
            empty = b"cnumpy.core.multiarray\n_reconstruct\nq\x03cnumpy\nndarray\nq\x04K\x00\x85q\x05U\x01b\x87Rq\x06"
            parts.append(empty + b"(K\x01" + shape + kind + b"\x89" + text(value.tobytes()) + b"tb")
    return b"".join([*parts, b"u."])


def batch(pixels: NDArray[np.uint8], labels: list[int]) -> dict[bytes, Any]:
    names = [b"picture_%d.png" % place for place in range(len(labels))]
    return {b"batch_label": b"batch", b"labels": labels, b"data": pixels, b"filenames": names}


META = published({b"num_cases_per_batch": b"3", b"label_names": [name.encode() for name in cifar.CLASSES]})


@pytest.fixture(scope="module")
def planes() -> NDArray[np.uint8]:
    """Pixels of 18 pictures as published: 1024 of red, then green, then blue."""
    return np.random.default_rng(0).integers(0, 256, (18, 3072)).astype(np.uint8)


@pytest.fixture(scope="module")
def batches(planes: NDArray[np.uint8]) -> dict[str, bytes]:
    return {
        name: published(batch(planes[3 * place : 3 * place + 3], [place + place // 5, 9, 3]))
        for place, name in enumerate(cifar.BATCHES)
    } | {cifar.META: META}


@pytest.fixture
def folder(batches: dict[str, bytes], tmp_path: Path) -> Path:
    inner = tmp_path / "data" / "cifar-10-batches-py"
    inner.mkdir(parents=True)
    for name, content in batches.items():
        (inner / name).write_bytes(content)
    return tmp_path / "data"


def test_pictures_labels_and_parts_are_as_published(folder: Path, planes: NDArray[np.uint8]) -> None:
    inventory = take_inventory(folder)
    assert (len(inventory.of("train")), len(inventory.of("test")), inventory.damaged) == (15, 3, {})
    first = next(source for source in inventory.sources if source.name.endswith("data_batch_2-00000"))
    assert first.label == "automobile"
    # By the description of the data set: row by row, all of red before green.
    expected = np.stack([planes[3, 1024 * c : 1024 * (c + 1)].reshape(32, 32) for c in range(3)], axis=-1)
    np.testing.assert_array_equal(first.load(32), expected)
    assert first.shape() == (32, 32)
    assert first.load(16).shape == (16, 16, 3)
    assert {source.label for source in take_inventory(folder).of("test")} == {"frog", "truck", "cat"}


def test_the_archive_is_read_as_it_is(folder: Path, batches: dict[str, bytes], tmp_path: Path) -> None:
    archive = tmp_path / "cifar-10-python.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        for name, content in batches.items():
            member = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    packed, loose = PhotoSet(take_inventory(archive).sources, 32), PhotoSet(take_inventory(folder).sources, 32)
    assert packed.names == loose.names
    assert packed.labels == loose.labels
    assert set(packed.labels) >= {"airplane", "cat", "truck"}
    for one, other in zip(packed, loose, strict=True):
        np.testing.assert_array_equal(one, other)
    # Fetched into a folder of its own, it is found there too.
    (tmp_path / "fetched").mkdir()
    archive.rename(tmp_path / "fetched" / archive.name)
    assert len(take_inventory(tmp_path / "fetched").of("train")) == 15


@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_batches_written_by_a_newer_python_are_read(planes: NDArray[np.uint8], protocol: int) -> None:
    content = pickle.dumps({"data": planes[:2].copy(order="C"), "labels": [1, 2]}, protocol)
    sources = cifar.read_batch(content, "data_batch_1", Path("x"))
    assert [source.label for source in sources] == ["automobile", "bird"]
    np.testing.assert_array_equal(sources[1].load(32)[0, :, 2], planes[1, 2048:2080])


class Evil:
    """Runs a command where it is unpickled."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.target,)


def test_a_pickle_that_runs_something_is_refused(
    folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    mark = tmp_path / "ran"
    for protocol in range(2, 6):
        content = pickle.dumps({"data": Evil(mark), "labels": []}, protocol)
        with pytest.raises(DataError, match=r"holds the name .*not read"):
            cifar.read_batch(content, "data_batch_1", tmp_path)
    (folder / "cifar-10-batches-py" / "data_batch_1").write_bytes(pickle.dumps({"data": Evil(mark)}))
    inventory = take_inventory(folder)
    assert not mark.exists()
    assert len(inventory.of("train")) == 12
    assert "data_batch_1" in inventory.damaged
    assert "data_batch_1" in caplog.text
    pickle.loads(content)  # noqa: S301 - the test would prove nothing if it ran nothing here
    assert mark.exists()


@pytest.mark.parametrize(
    "content",
    [
        b"cos\nsystem\n(U\x04echotR.",
        b"\x80\x02cbuiltins\neval\nU\x011\x85R.",
        b"(ios\nsystem\n.",
        b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x01x\x85R.",
        b"\x80\x02cnumpy\nndarray\nK\x05\x85R.",
        b"\x80\x02cnumpy\ndtype\nU\x02O8\x85R.",
        b"\x80\x02U\x01xcnumpy\nndarray\n\x85R.",
        b"\x82\x01.",
        b"Pid\n.",
    ],
)
def test_no_other_name_or_call_gets_through(content: bytes) -> None:
    with pytest.raises(DataError):
        cifar.read_batch(content, "data_batch_1", Path("x"))


def test_arrays_of_objects_are_refused() -> None:
    content = pickle.dumps({"data": np.array([{}, {}], object), "labels": [1, 2]}, 2)
    with pytest.raises(DataError):
        cifar.read_batch(content, "data_batch_1", Path("x"))


def test_damage_at_any_place_is_an_error_of_ours(batches: dict[str, bytes]) -> None:
    whole = batches["data_batch_1"]
    rng = np.random.default_rng(0)
    head = len(whole) - 3 * 3072
    for cut in range(0, len(whole) - 1, 97):
        with pytest.raises(DataError):
            cifar.read_batch(whole[:cut], "data_batch_1", Path("x"))
    for _ in range(300):
        broken = bytearray(whole)
        broken[int(rng.integers(head))] = int(rng.integers(256))
        try:
            sources = cifar.read_batch(bytes(broken), "data_batch_1", Path("x"))
        except DataError:
            continue
        assert len(sources) == 3


@pytest.mark.parametrize(
    ("labels", "shape", "said"),
    [([1, 2], (3, 3072), "one label"), ([1, 2, 77], (3, 3072), "outside 0..9"), ([1, 2, 3], (3, 3000), "32x32")],
)
def test_batches_of_another_kind_are_refused(labels: list[int], shape: tuple[int, int], said: str) -> None:
    with pytest.raises(DataError, match=said):
        cifar.read_batch(published(batch(np.zeros(shape, np.uint8), labels)), "data_batch_1", Path("x"))


def test_a_lacking_batch_is_named(folder: Path) -> None:
    (folder / "cifar-10-batches-py" / "data_batch_4").unlink()
    assert take_inventory(folder).damaged == {"data_batch_4": "is missing"}


def test_the_folder_form_keeps_parts_and_classes(shared_data: Path) -> None:
    inventory = take_inventory(shared_data / "cifar10.tar")
    assert (len(inventory.of("train")), len(inventory.of("test"))) == (10_000, 2_000)
    assert {source.label for source in inventory.sources} == set(cifar.CLASSES)
    photos = PhotoSet(inventory.of("test")[:20], 32, least_chroma=0)
    assert {photo.shape for photo in photos} == {(32, 32, 3)}


def test_a_cut_archive_gives_what_came_before(folder: Path, batches: dict[str, bytes], tmp_path: Path) -> None:
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as tar:
        for name, content in batches.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    packed = gzip.compress(plain.getvalue())
    path = tmp_path / "cifar-10-python.tar.gz"
    path.write_bytes(packed[: len(packed) // 2])
    inventory = take_inventory(path)
    assert 3 <= len(inventory.sources) < 15
    assert "compressed data ends" in inventory.damaged[path.name]
