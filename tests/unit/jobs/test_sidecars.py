"""Photographs listed together with their sidecars: as one by one, and with no request more."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tinct.jobs.places import Entry, open_place
from tinct.jobs.remote import Bucket
from tinct.jobs.sidecars import WithSidecars

fsspec = pytest.importorskip("fsspec", reason="needs fsspec")

NAMES = ("1.tif", "1.tif.xmp", "1.xmp", "2.jpg", "2.png", "2.XMP", "3.jpg", "4.xmp", "deep/1.jpg", "deep/er/3.jpg.XMP",
         "deep/er/3.jpg", "notes.txt")  # fmt: skip
BESIDE = {"1.tif": "1.tif.xmp", "2.jpg": "2.XMP", "2.png": "2.XMP", "3.jpg": None, "deep/1.jpg": None,
          "deep/er/3.jpg": "deep/er/3.jpg.XMP"}  # fmt: skip


@pytest.fixture(params=["folder", "bucket"])
def address(request: Any, tmp_path: Path) -> Iterator[str]:
    if request.param == "folder":
        for name in NAMES:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(name)
        yield str(tmp_path)
        return
    files = fsspec.filesystem("memory")
    files.pipe({f"/box/{name}": name.encode() for name in NAMES})
    yield "memory://box"
    files.rm("/box", recursive=True)


def test_a_listing_gives_each_photograph_with_its_sidecar(address: str) -> None:
    place = open_place(address, sidecars=True)
    assert isinstance(place, WithSidecars)
    alone = {entry.name: entry for entry in place._place.pictures() if isinstance(entry, Entry)}
    expected = []
    for name, beside in BESIDE.items():
        stamps = [alone[each].stamp for each in (name, beside) if each is not None]
        expected.append(Entry(name, alone[name].size, " ".join(stamps)))
    assert list(place.pictures()) == expected
    if "://" not in address:  # the stand-in for a bucket gives other stamps for one file than in a listing
        assert [place.stat(name) for name in BESIDE] == expected


def test_a_bucket_is_asked_for_each_folder_alone(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[None] = []
    ask = Bucket._try

    def count(self: Bucket, *arguments: Any, **options: Any) -> Any:
        asked.append(None)
        return ask(self, *arguments, **options)

    monkeypatch.setattr(Bucket, "_try", count)
    list(open_place(address, sidecars=True).pictures())
    assert len(asked) == (3 if address.startswith("memory:") else 0)
