"""Which addresses name one place, and that nothing is lost in one."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path

import pytest

from tinct.errors import OptionError, OutputError
from tinct.jobs.batch import Job, opened, state_folder
from tinct.jobs.places import Folder, canonical, is_within
from tinct.jobs.recipe import Recipe

NAMES = [["s3://box/scans", "s3a://box/scans", "s3://box/scans/", "s3a://box/scans//", "s3:///box/scans"],
         ["gs://box/scans", "gcs://box/scans", "gs://box/scans/", "gcs://box/scans/"]]  # fmt: skip


@pytest.mark.parametrize("names", NAMES)
def test_a_place_by_any_of_its_names_is_one(names: list[str]) -> None:
    assert len({canonical(name) for name in names}) == len({state_folder(name) for name in names}) == 1
    for source, target in product(names, names):
        with (
            pytest.raises(OptionError, match="can't go where the photographs are"),
            opened(Job(source, target, Recipe()), None, None),  # type: ignore[arg-type]
        ):
            pass


def test_what_lies_in_a_place() -> None:
    assert is_within("s3a://box/x/y", "s3://box/x")
    assert is_within("s3://box/x/y", "s3a://box/x/")
    assert is_within("s3://box/x", "s3://box")
    for other in ("s3://box/xy", "s3://box", "gs://box/x", "s3://box//x", "box/x"):
        assert not is_within(other, "s3://box/x")
    assert not is_within("s3://box/x", "/")


def test_files_in_folders() -> None:
    assert is_within("a/b/../c", "a")
    assert is_within(Path("a/b").absolute().as_uri(), "a/")
    assert not is_within("ab", "a")


@pytest.mark.parametrize("names", [[f"{number}/x.jpg" for number in range(8)], ["x.jpg", "x-2.jpg", "x-3.jpg"]])
def test_nothing_is_lost_that_is_set_aside_at_the_same_time(tmp_path: Path, names: list[str]) -> None:
    """Files of one name; and such as the number beside another one's name would give."""
    together = threading.Barrier(len(names))
    kept: set[str] = set()

    def set_aside(name: str) -> None:
        together.wait()
        folder.set_aside(name)

    for turn in range(20):
        folder = Folder(tmp_path)
        for name in names:
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text(f"{turn} {name}")
            kept.add(f"{turn} {name}")
        with ThreadPoolExecutor(len(names)) as pool:
            list(pool.map(set_aside, names))
    found = [path for path in (tmp_path / "_tinct" / "replaced").rglob("*") if path.is_file()]
    assert {path.read_text() for path in found} == kept
    assert len(found) == len(kept)


def test_what_is_set_aside_keeps_its_folder(tmp_path: Path) -> None:
    for turn, now in enumerate(("1.jpg", "1-2.jpg", "1-3.jpg")):
        (tmp_path / "a" / "1.jpg").mkdir(parents=True)  # a folder, where somebody made one
        (tmp_path / "a" / "1.jpg" / f"{turn}").touch()
        aside = Folder(tmp_path).set_aside("a/1.jpg")
        assert Path(aside) == tmp_path / "_tinct" / "replaced" / "a" / now
        assert Path(aside, f"{turn}").exists()
    assert not (tmp_path / "a" / "1.jpg").exists()


def test_what_can_t_be_set_aside_stays(tmp_path: Path) -> None:
    (tmp_path / "1.jpg").write_text("edited")
    (tmp_path / "_tinct").write_text("in the way")
    with pytest.raises(OutputError, match="can't be written"):
        Folder(tmp_path).set_aside("1.jpg")
    assert (tmp_path / "1.jpg").read_text() == "edited"
