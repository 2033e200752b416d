"""``tinct evaluate`` on data that a run learned from: it says so, and can measure what the run held back."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tinct.training.held import read_held
from tinct.training.run import train
from tinct.training.runs import read_record

Run = Callable[..., Any]
SETTINGS = ("options.widths=[4, 4, 4]", "data.sizes={32: 1}", "data.batch=4", "precision=fp32")
VALIDATION = "validation={photos: 2, size: 32, share: 0.3, published: %s}"


def pictures(folder: Path, scene: Callable[..., NDArray[np.uint8]], names: list[str]) -> Path:
    for seed, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(scene(seed, 64, 64)).save(folder / name)
    return folder


def measured(path: str = "o.json") -> set[str]:
    return {entry["name"] for entry in json.loads(Path(path).read_text("utf-8"))["manifest"]}


def test_what_a_run_learned_from_is_told_apart(
    run: Run, workspace: Path, scene: Callable[..., NDArray[np.uint8]], caplog: pytest.LogCaptureFixture
) -> None:
    data = pictures(workspace / "photos", scene, [f"a/{number}.png" for number in range(12)])
    train("encdec-rgb", Path("photos"), Path("mine"), budget="1steps", settings=[*SETTINGS, VALIDATION % "true"])
    held = read_held(Path("mine")).names
    assert read_record(Path("mine"))["data"]["published"] is False
    assert 0 < len(held) < 12
    words = ("evaluate", "--model", "mine", "--metrics", "psnr", "--json", "o.json", "-q")
    assert run(*words, "--data", data).code == 0
    assert len(measured()) == 12
    said = f"mine was trained on {12 - len(held)} of these 12 photographs of photos"
    assert said in caplog.text
    (warning,) = json.loads(Path("o.json").read_text("utf-8"))["warnings"]
    assert warning.startswith(said)
    caplog.clear()
    for options in (("--held-of", "mine"), ("--held-of", "mine/checkpoint")):
        assert run(*words, *options, "--data", "photos").code == 0
        assert measured() == held
    assert caplog.text == ""
    other = pictures(workspace / "other", scene, ["b/1.png"])
    done = run(*words, "--held-of", "mine", "--data", other)
    assert (done.code, f"none of the {len(held)} that the run held back; it holds train (1)" in done.err) == (1, True)


@pytest.mark.parametrize("published", ["true", "false"])
def test_parts_of_a_divided_data_set(
    published: str, run: Run, workspace: Path, scene: Callable[..., NDArray[np.uint8]], caplog: pytest.LogCaptureFixture
) -> None:
    parts = [f"{part}/{number}.png" for part in ("train", "val", "test") for number in range(4)]
    pictures(workspace / "parts", scene, parts)
    train("encdec-rgb", Path("parts"), Path("mine"), budget="1steps", settings=[*SETTINGS, VALIDATION % published])
    held = read_held(Path("mine")).names
    words = ("evaluate", "--data", "parts", "--model", "mine/checkpoint", "--metrics", "psnr", "--json", "o.json", "-q")
    for part, options in (("val", ()), ("val", ("--part", "val")), ("test", ("--part", "test"))):
        caplog.clear()
        assert run(*words, *options).code == 0
        assert measured() == {name for name in parts if name.startswith(part)}
        # The recipe may have divided otherwise than the data set does itself.
        assert ("was trained on" in caplog.text) == (published == "false" and not measured() <= held)
    assert run(*words, "--held-of", "mine").code == 0
    assert measured() == held
    assert (held == {name for name in parts if name.startswith("val")}) == (published == "true")


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (["--part", "train"], 2, "part is 'train'; choose one of val, test"),
        (["--part", "val", "--held-of", "x"], 2, "contradict"),
        (["--part", "test"], 1, "none of the part test; it holds train (7)"),
        (["--held-of", "nowhere"], 1, "doesn't say what it held back: it has no held.json"),
    ],
)
def test_wrong_choices_are_told(options: list[str], code: int, said: str, run: Run, photographs: Path) -> None:
    done = run("evaluate", "--data", photographs, "--metrics", "psnr", *options)
    assert (done.code, said in " ".join(done.err.split())) == (code, True), done.err


def test_a_damaged_note_is_named(run: Run, photographs: Path) -> None:
    Path("mine").mkdir()
    for text in ("{", "[]", '{"data": "x"}'):
        Path("mine/held.json").write_text(text)
        done = run("evaluate", "--data", photographs, "--held-of", "mine")
        assert (done.code, "held.json can't be read" in " ".join(done.err.split())) == (1, True), done.err
