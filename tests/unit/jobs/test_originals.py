"""Which files of a listing are results that lie beside their originals."""

from __future__ import annotations

from pathlib import Path

from tinct.jobs.originals import Originals
from tinct.jobs.places import Entry, Folder, Trouble

NAMES = ("1.color.tif", "1.jpg", "2.color.jpg", "a/1.confidence.png", "a/2.color-3.jpg", "a/2.tif")
LEFT = ["1.jpg", "2.color.jpg", "a/1.confidence.png", "a/2.tif"]


def test_in_a_folder(tmp_path: Path) -> None:
    for name in NAMES:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    originals = Originals(Folder(tmp_path).pictures())
    assert [entry.name for entry in originals] == LEFT
    assert originals.left_out == 2


def test_an_original_that_is_still_being_copied_counts() -> None:
    listing = [Entry("1.color.jpg", 1, ""), Trouble("1.jpg", ""), Entry("2.color.jpg", 1, ""), Trouble("2", "denied")]
    assert list(Originals(listing)) == listing[1:]
