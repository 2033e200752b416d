"""``tinct inspect`` and ``tinct reproduce``: what a result says of its making is enough to make it again."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tinct.media.photo import read_photo

HINTS = ("--hint", "10,10,#a03020", "--hint", "60%,40%,#2030a0,5")
COLORS = ("--vividness", "0.3", "--saturation", "1.25", "--size", "48")


@pytest.mark.parametrize(
    ("source", "result", "options"),
    [
        ("scan.jpg", "result.jpg", ()),
        ("scan.jpg", "result.jpg", ("--quality", "71", *COLORS)),
        ("scan.png", "result.png", HINTS),
        ("scan.tif", "result.tif", (*HINTS, *COLORS)),
        ("scan.tif", "result.webp", ("--mode", "faithful")),
        ("scan.png", "result.avif", ("--quality", "60")),
        ("scan.tif", "result.tif", ("--layer",)),
        ("scan.jpg", "result.png", ("--layer", "--mask", "mask.png", *HINTS)),
        ("scan.jpg", "result.jpg", ("--mask", "mask.png")),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else value,
)
def test_the_very_same_file_is_made_again(
    run: Any, picture: Any, source: str, result: str, options: tuple[str, ...], gray_pixels: Any, quick_model: Path
) -> None:
    deep = (gray_pixels.astype(np.uint16) * 257 + 19).astype(np.uint16)
    picture(source, deep if source.endswith("tif") else None)
    picture("mask.png", np.where(gray_pixels > 100, 255, 0).astype(np.uint8))
    assert run("colorize", source, "-o", result, *options).code == 0
    mask = ("--mask", "mask.png") if "--mask" in options else ()
    # An ending that says otherwise changes nothing: the format is the first one's.
    done = run("reproduce", result, "--source", source, "-o", "again.bin", "--model", quick_model, *mask)
    assert done.code == 0, done.err
    assert "is identical to" in done.err
    assert Path("again.bin").read_bytes() == Path(result).read_bytes()


def test_a_damaged_source_and_its_result(run: Any, picture: Any, quick_model: Path) -> None:
    path = picture("scan.jpg", np.tile(np.arange(256, dtype=np.uint8), (256, 1)))
    path.write_bytes(path.read_bytes()[:-300])
    assert run("colorize", path, "-o", "out.jpg", "--allow-truncated").code == 0
    assert run("reproduce", "out.jpg", "--source", path, "-o", "again.jpg", "--model", quick_model).code == 0
    assert Path("again.jpg").read_bytes() == Path("out.jpg").read_bytes()


@pytest.fixture
def colored(run: Any, picture: Any) -> Path:
    """``out.jpg``, made of ``scan.jpg`` with a mask."""
    picture("scan.jpg")
    picture("mask.png", np.full((48, 64), 200, np.uint8))
    assert run("colorize", "scan.jpg", "-o", "out.jpg", "--mode", "faithful", "--mask", "mask.png").code == 0
    return Path("out.jpg")


def test_inspect_shows_what_the_mark_says(run: Any, colored: Path, quick_model: Path) -> None:
    done = run("inspect", colored, "--source", "scan.jpg")
    assert done.code == 0
    assert re.search(r"^source matches +yes$", done.out, re.MULTILINE)
    facts = json.loads(run("inspect", colored, "--json").out)
    assert facts["marked"]
    assert facts["software"] == "Tinct"
    assert facts["model"] == "random-bins"
    assert facts["settings"]["mode"] == "faithful"
    assert facts["output"]["format"] == "jpeg"
    assert facts["output"]["quality"] == 92
    assert not facts["changed_since"]
    assert len(facts["settings"]["mask"]) == len(facts["model_sha256"]) == len(facts["source_sha256"]) == 64


def test_inspect_without_a_mark_or_with_another_source(run: Any, colored: Path, picture: Any) -> None:
    done = run("inspect", "scan.jpg", "--json")
    assert done.code == 1
    assert json.loads(done.out) == {"file": "scan.jpg", "marked": False}
    assert "no mark" in done.err
    picture("other.jpg", np.full((48, 64), 7, np.uint8))
    done = run("inspect", colored, "--source", "other.jpg", "--json")
    assert done.code == 1
    assert json.loads(done.out)["source_matches"] is False
    assert "was not made from other.jpg" in done.err
    assert run("inspect", "missing.jpg").code == 1
    Path("text.jpg").write_text("no picture")
    assert run("inspect", "text.jpg").code == 1


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--source", "other.jpg", "--mask", "mask.png"), "other.jpg isn't what out.jpg was made from"),
        (("--source", "missing.jpg", "--mask", "mask.png"), "missing.jpg can't be read"),
        (("--source", "scan.jpg"), "was made with a mask; give it"),
        (("--source", "scan.jpg", "--mask", "other.jpg"), "other.jpg isn't the mask"),
        (("--source", "scan.jpg", "--mask", "mask.png", "--model", "default"), "isn't the one that made"),
        (("--source", "scan.jpg", "--mask", "mask.png"), "not at hand; give it (--model)"),
    ],
    ids=["source", "missing", "no mask", "mask", "model", "name"],
)
def test_anything_else_is_refused(
    run: Any, colored: Path, picture: Any, options: tuple[str, ...], says: str, quick_model: Path
) -> None:
    picture("other.jpg", np.full((48, 64), 7, np.uint8))
    given = () if "--model" in options or "at hand" in says else ("--model", quick_model)
    done = run("reproduce", colored, *options, "-o", "again.jpg", *given)
    assert done.code == 1
    assert says in done.err
    assert not Path("again.jpg").exists()


@pytest.mark.parametrize("output", ["out.jpg", "scan.jpg", "mask.png", "link.jpg"])
def test_the_files_that_it_needs_are_not_replaced(
    run: Any, colored: Path, contents: Any, quick_model: Path, output: str
) -> None:
    Path("link.jpg").symlink_to("scan.jpg")
    before = contents()
    options = ("--source", "scan.jpg", "--mask", "mask.png", "--model", quick_model)
    done = run("reproduce", colored, *options, "-o", output, "--overwrite")
    assert done.code == 2
    assert "which is needed" in done.err
    assert contents() == before


def test_a_result_without_a_mark_is_refused(run: Any, picture: Any) -> None:
    picture("scan.jpg")
    assert run("colorize", "scan.jpg", "-o", "out.jpg", "--no-mark").code == 0
    done = run("reproduce", "out.jpg", "--source", "scan.jpg", "-o", "again.jpg")
    assert done.code == 1
    assert "doesn't say how it was made" in done.err


def test_a_file_changed_since_and_another_version_are_said(
    run: Any, colored: Path, quick_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = colored.read_bytes()
    where = data.index(b"xmp.iid:") + 8
    colored.write_bytes(data[:where] + b"0" * 32 + data[where + 32 :])
    assert json.loads(run("inspect", colored, "--json").out)["changed_since"]
    monkeypatch.setattr("tinct.__version__", "9.9.9")
    options = ("--mask", "mask.png", "--model", quick_model)
    done = run("reproduce", colored, "--source", "scan.jpg", "-o", "again.jpg", *options)
    assert done.code == 1
    assert "another program wrote the file" in done.err
    assert "this is Tinct 9.9.9" in done.err
    assert "not identical" in done.err
    assert read_photo("again.jpg").to_numpy().shape == (48, 64, 3)
