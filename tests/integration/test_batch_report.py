"""The report and the review of ``tinct batch``: of the results that are there, wherever those lie by now."""

from __future__ import annotations

import csv
import errno
import html
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tinct.errors import StoreError
from tinct.jobs.batch import opened_manifest
from tinct.jobs.reviewing import Review
from tinct.media.photo import read_photo

OWN = Path("out/_tinct")


@pytest.fixture
def album(picture: Any, gray_pixels: Any) -> Path:
    """Three photographs below ``in``, the middle ones of the alphabet, each another one."""
    for number, name in enumerate("kmp"):
        picture(f"in/{name}.png", np.roll(gray_pixels, 9 * number, axis=1))
    return Path("in")


@contextmanager
def review(target: str = "out", state: Path | None = None) -> Iterator[tuple[Review, dict[str, int]]]:
    """Open a review; gives it with the numbers of the photographs by their names."""
    with opened_manifest(target, state) as (manifest, folder):
        found = Review(manifest, folder, target)
        yield found, {item["source"]: item["id"] for item in found.page("all", 0)["items"]}


def chroma(data: bytes) -> float:
    """Return how colorful the right half of a small picture is: the mean distance of its channels."""
    after = np.hsplit(read_photo(data).to_numpy().astype(int), 2)[1]
    return float(np.ptp(after, axis=-1).mean())


def shown(page: str = "index.html") -> list[str]:
    """Return the addresses of the pictures of a page."""
    return [html.unescape(found) for found in re.findall(r'<img src="([^"]*)"', (OWN / page).read_text("utf-8"))]


def test_no_picture_of_a_result_that_was_replaced(run: Any, album: Path) -> None:
    assert run("batch", "in", "out").code == 0
    with review() as (found, ids):
        assert chroma(found.picture(ids["k.png"], "thumb")) > 10
    assert "3 done" in run("batch", "in", "out", "--no-thumbnails", "--saturation", "0").err
    assert shown() == []
    assert list((OWN / "thumbs").rglob("*.jpg")) == []
    with review() as (found, ids):
        assert chroma(found.picture(ids["k.png"], "thumb")) < 4
    assert run("batch", "in", "out").code == 0
    assert len(shown()) == len(list((OWN / "thumbs").rglob("*.jpg"))) == 3


def test_no_picture_of_another_photograph_after_a_list_was_lost(run: Any, album: Path, picture: Any) -> None:
    assert run("batch", "in", "out").code == 0
    (OWN / "manifest.sqlite").unlink()
    picture("in/a.png", np.full((48, 64), 200, np.uint8))  # takes the number that another one had
    assert run("batch", "in", "out", "--overwrite", "--no-thumbnails").code == 0
    assert shown() == []
    with review() as (found, ids):
        half = np.hsplit(read_photo(found.picture(ids["a.png"], "thumb")).lightness().numpy(), 2)[0]
    assert half.std() < 1


def test_what_was_found_to_be_right_keeps_its_picture(run: Any, album: Path) -> None:
    assert run("batch", "in", "out").code == 0
    before = shown()
    assert "3 found to be right" in run("batch", "in", "out", "--verify", "--no-thumbnails").err
    assert shown() == before
    assert len(before) == 3


@pytest.mark.parametrize("copied", [False, True])
def test_results_that_were_moved_are_reviewed_where_they_are(
    run: Any, album: Path, workspace: Path, copied: bool
) -> None:
    assert run("batch", "in", workspace / "out").code == 0
    Path("out").rename("moved")
    if copied:
        assert run("batch", "in", workspace / "out").code == 0
    before = {path: path.read_bytes() for path in Path("out").glob("*.png")}
    first = Path("moved/k.png").read_bytes()
    with review("moved") as (found, ids):
        for kind in ("thumb", "before", "after"):
            assert read_photo(found.picture(ids["k.png"], kind)).height == 48
        assert found.redo(ids["k.png"], {"mode": "faithful"})["said"] == "colorized again"
        assert found.page("all", 0)["target"] == "moved"
    assert Path("moved/k.png").read_bytes() != first
    assert {path: path.read_bytes() for path in Path("out").glob("*.png")} == before
    assert run("batch", "report", "moved").code == 0
    page = Path("moved/_tinct/index.html").read_text("utf-8")
    assert page.count('<a href="../') == 3
    assert f"to {workspace / 'moved'}" in page
    done = run("batch", "in", "moved")
    assert "nothing to do" in done.err
    assert "somebody" not in done.err


def test_a_review_of_results_that_are_not_there(run: Any, album: Path) -> None:
    assert run("batch", "in", "out", "--state", "state").code == 0
    with pytest.raises(StoreError, match="the folder uot can't be used"), review("uot", Path("state")):
        pass
    assert not Path("uot").exists()


def test_the_report_leaves_other_files_alone(run: Any, album: Path) -> None:
    assert run("batch", "in", "out").code == 0
    others = ["index-copy.html", "index-2 (1).html", "index-9.html", "index-laptop.sync-conflict-20261122.html"]
    for name in (*others, "index-2.html", "index-3.html", "failures-2.html"):
        (OWN / name).write_text("other")
    done = run("batch", "in", "out")
    assert done.code == 0, done.err
    assert run("batch", "report", "out").code == 0
    left = {path.name for path in OWN.glob("*-*.html")}
    assert left == set(others)  # the pages after the first are those of a longer report


def test_the_table_is_for_spreadsheets(run: Any, picture: Any) -> None:
    names = ["Übung é.png", '=HYPERLINK("x").png', "+1.png", "-1.png", "@a.png", "plain.png"]
    for name in names:
        picture(f"in/{name}")
    assert run("batch", "in", "out").code == 0
    path = OWN / "report.csv"
    assert path.read_bytes().startswith(b"\xef\xbb\xbfsource,")
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    for column in ("source", "target"):
        assert {row[column] for row in rows} == {names[0], names[-1], *(f"'{name}" for name in names[1:-1])}


class Full:
    """A file on a disk that is full in the middle of a text."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def __enter__(self) -> Full:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def write(self, text: str) -> None:
        self._file.write(text[: len(text) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("whole", [0, 1, 2], ids=["the table", "the failures", "a page"])
def test_a_full_disk_keeps_the_report_of_before(run: Any, album: Path, monkeypatch: Any, whole: int) -> None:
    def report() -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in OWN.iterdir() if "sqlite" not in path.name and path.is_file()}

    assert run("batch", "in", "out").code == 0
    before = report()
    opened, written = Path.open, list[Path]()

    def fills_up(self: Path, mode: str = "r", *rest: Any, **more: Any) -> Any:
        file = opened(self, mode, *rest, **more)
        if mode != "w":
            return file
        written.append(self)
        return file if len(written) <= whole else Full(file)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", fills_up)
        done = run("batch", "report", "out")
    assert (done.code, "no space is left" in done.err) == (1, True)
    assert len(written) == whole + 1
    assert report() == before
