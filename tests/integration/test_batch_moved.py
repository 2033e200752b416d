"""``tinct batch`` where the photographs have another address than before."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest


@pytest.fixture
def album(picture: Any, gray_pixels: Any) -> Path:
    """Five photographs below ``in``, each another one."""
    for number, name in enumerate(("1.png", "2.png", "3.png", "sub/1.png", "sub/2.png")):
        picture(f"in/{name}", np.roll(gray_pixels, number * 5, axis=1))
    return Path("in")


def test_a_batch_goes_on_where_its_photographs_are_now(run: Any, album: Path) -> None:
    assert run("batch", "in", "out").code == 0
    Path("in").rename("disk")
    before = Path("out/1.png").stat().st_mtime_ns
    done = run("batch", "disk", "out", "--dry-run")
    assert (done.code, done.out) == (0, ""), done.err
    Path("disk/1.png").unlink()  # some may have gone or changed, and others come
    shutil.copy("disk/3.png", "disk/2.png")
    shutil.copy("disk/3.png", "disk/4.png")
    done = run("batch", "disk", "out")
    assert done.code == 0, done.err
    assert "in are now in" in done.err
    assert "3 done before" in done.err
    assert "2 done" in done.err
    assert Path("out/1.png").stat().st_mtime_ns == before
    assert "are now in" not in run("batch", "disk", "out").err


def test_a_batch_goes_on_after_a_look_at_an_empty_folder(run: Any, album: Path) -> None:
    assert run("batch", "in", "out", "--sidecar").code == 0
    Path("in").rename("disk")
    Path("in").mkdir()  # as a mount point has it
    assert "5 gone from the source" in run("batch", "in", "out", "--sidecar").err
    Path("disk/1.png.xmp").write_text("no XMP")
    done = run("batch", "disk", "out", "--sidecar")
    assert "4 found to be right, 1 failed" in done.err


def test_other_photographs_by_the_same_names_are_refused(run: Any, album: Path, picture: Any, gray_pixels: Any) -> None:
    assert run("batch", "in", "out").code == 0
    before = {path: path.read_bytes() for path in Path("out").rglob("*.png")}
    for number, name in enumerate(("1.png", "2.png", "3.png", "sub/1.png", "sub/2.png")):
        picture(f"other/{name}", np.roll(gray_pixels, 3 + number * 5, axis=1))
    shutil.copy("in/1.png", "other/1.png")
    for options in ((), ("--overwrite",), ("--dry-run",)):
        done = run("batch", "other", "out", *options)
        assert (done.code, "holds the results of" in done.err) == (2, True)
    assert before == {path: path.read_bytes() for path in Path("out").rglob("*.png")}
