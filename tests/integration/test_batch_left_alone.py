"""What ``tinct batch`` says of photographs that it leaves alone, in a single run and in a hot folder."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tinct.jobs.places import Entry, Folder, Trouble

TAKEN = "one.png: its result's name is taken by a file that this batch didn't make; --overwrite replaces it"
LEFT = "1 left alone, as files that this batch didn't make have their results' names; --overwrite replaces those files"


@pytest.fixture
def album(picture: Any, gray_pixels: Any) -> Path:
    """Two photographs below ``in``; the name of one result is taken."""
    for number, name in enumerate(("one.png", "two.png")):
        picture(f"in/{name}", np.roll(gray_pixels, 9 * number, axis=1))
    Path("out").mkdir()
    Path("out/one.png").write_text("mine")
    return Path("in")


def test_taken_names_are_no_failures_of_before(run: Any, album: Path) -> None:
    for more in ((), ("--retry-failed",), ("--dry-run",)):
        done = run("batch", album, "out", *more)
        assert done.code == 1
        assert (done.err.count(TAKEN), done.err.count(LEFT)) == (1, 1)
        assert "failed before" not in done.err
        assert "--retry-failed" not in done.err
    Path("in/bad.jpg").write_text("no picture")
    assert "failed before" not in run("batch", album, "out").err
    done = run("batch", album, "out")
    assert "1 failed before and were left alone; --retry-failed tries them again" in done.err
    assert LEFT in done.err
    assert "failed before" not in run("batch", album, "out", "--retry-failed").err
    assert run("batch", album, "out", "--overwrite").code == 1
    assert "left alone, as" not in run("batch", album, "out").err


def ends_after(monkeypatch: pytest.MonkeyPatch, looks: int, locked: range) -> None:
    """Let a watch of ``in`` end by SIGTERM, and a folder of it be out of reach at some of its looks."""
    pictures, count = Folder.pictures, 0

    def listed(self: Folder) -> Iterator[Entry | Trouble]:
        nonlocal count
        yield from pictures(self)
        if self.path.name == "in":
            count += 1
            if count in locked:
                yield Trouble("locked", "Permission denied")
            if count == looks:
                signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(Folder, "pictures", listed)


def test_a_hot_folder_names_them_once(run: Any, album: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with monkeypatch.context() as patch:
        ends_after(patch, 9, range(3, 9))
        done = run("batch", album, "out", "--watch", "--interval", "0.1", "-q")
    assert done.code == 1
    assert (done.err.count(TAKEN), done.err.count(LEFT)) == (1, 1)
    assert done.err.count("locked: Permission denied") == 1
    assert "failed before" not in done.err
    assert Path("out/two.png").exists()
    assert "two.png" in Path("out/_tinct/index.html").read_text("utf-8")
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_hot_folder_and_what_failed_before_it(run: Any, album: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("in/bad.jpg").write_text("no picture")
    assert run("batch", album, "out").code == 1
    Path("in/worse.jpg").write_text("no picture either")
    ends_after(monkeypatch, 5, range(0))
    done = run("batch", album, "out", "--watch", "--interval", "0.1")
    assert "worse.jpg is no picture" in done.err
    assert done.err.count("1 failed before and were left alone") == 1
