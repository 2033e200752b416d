"""``tinct batch`` with ``--allow-truncated``: it concerns damaged photographs, and no others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tinct.jobs.batch import opened_manifest
from tinct.jobs.reviewing import Review

DAMAGED = "cut.jpg"


@pytest.fixture
def album(picture: Any, gray_pixels: Any) -> Path:
    """Two whole photographs, and one that ends early, below ``in``."""
    for number, name in enumerate(("one.jpg", "two.png", DAMAGED)):
        picture(f"in/{name}", np.roll(gray_pixels, 9 * number, axis=1))
    path = Path("in", DAMAGED)
    path.write_bytes(path.read_bytes()[:-300])
    return Path("in")


def accept_all() -> dict[str, str]:
    """Accept what is there, and return the verdicts."""
    with opened_manifest("out", None) as (manifest, folder):
        review = Review(manifest, folder, "out")
        for item in review.page("all", 0)["items"]:
            if item["state"] == "done":
                review.judge(item["id"], "accepted")
    return verdicts()


def verdicts() -> dict[str, str]:
    with opened_manifest("out", None) as (manifest, folder):
        return {item["source"]: item["review"] for item in Review(manifest, folder, "out").page("all", 0)["items"]}


def test_only_the_damaged_ones_are_done_again(run: Any, album: Path) -> None:
    assert "2 done, 1 failed" in run("batch", album, "out").err
    assert accept_all() == {"one.jpg": "accepted", "two.png": "accepted", DAMAGED: ""}
    allowed = ("batch", album, "out", "--allow-truncated")
    assert run(*allowed, "--dry-run").out == f"{DAMAGED} -> {DAMAGED} (failed before)\n"
    assert "2 done before" in (done := run(*allowed)).err
    assert (done.code, "1 done" in done.err) == (0, True), done.err
    assert set(accept_all().values()) == {"accepted"}
    assert "nothing to do" in run(*allowed).err
    # And back: the damaged one fails again, and its result stays.
    result = Path("out", DAMAGED).read_bytes()
    assert run("batch", album, "out", "--dry-run").out == f"{DAMAGED} -> {DAMAGED} (settings changed)\n"
    done = run("batch", album, "out")
    assert (done.code, f"{DAMAGED} is cut short" in done.err) == (1, True)
    assert Path("out", DAMAGED).read_bytes() == result
    assert "1 failed before" in run("batch", album, "out").err
    assert "1 found to be right" in run(*allowed).err
    assert set(verdicts().values()) == {"accepted"}


def test_what_was_damaged_and_is_whole_now(run: Any, album: Path) -> None:
    allowed = ("batch", album, "out", "--allow-truncated")
    assert "3 done" in run(*allowed).err
    Path("in", DAMAGED).write_bytes(Path("in/one.jpg").read_bytes())
    assert "1 done" in run(*allowed).err
    assert run("batch", album, "out", "--dry-run").out == ""
    assert run(*allowed, "--dry-run").out == ""
    assert "3 done" in run(*allowed, "--mode", "faithful").err


def test_colors_of_a_series_with_a_damaged_one(run: Any, album: Path) -> None:
    plain = ("--consistent", "--no-thumbnails", "--jobs", 1)
    allowed = (*plain, "--allow-truncated")
    assert run("batch", album, "out", *plain).code == 1
    assert run("batch", album, "out", *allowed).code == 0
    assert run("batch", album, "at-once", *allowed).code == 0
    for name in ("one.jpg", "two.png", DAMAGED):
        assert Path("out", name).read_bytes() == Path("at-once", name).read_bytes()
