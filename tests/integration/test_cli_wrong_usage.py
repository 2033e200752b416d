"""``tinct colorize`` with options, hints, masks and models that can't work: why is said, and nothing is changed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

FAILED, WRONG_USAGE = 1, 2


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--vividness", "1.5"), "vividness is 1.5, expected 0 to 1"),
        (("--vividness", "-0.1"), "vividness is -0.1, expected 0 to 1"),
        (("--vividness", "nan"), "vividness"),
        (("--saturation", "-1"), "saturation is -1"),
        (("--mode", "lively"), "choose one of vivid, faithful"),
        (("--hint", "5,5,red"), "expected #RRGGBB"),
        (("--hint", "5,5,#12345"), "expected #RRGGBB"),
        (("--hint", "5,5"), "expected X,Y,#RRGGBB"),
        (("--hint", "a,5,#123456"), "expected pixels (120) or a percentage"),
        (("--hint", "5,5,#123456,0"), "radius"),
        (("--hints", "none.json"), "none.json"),
        (("--mask", "none.png"), "--mask: none.png"),
        (("--size", "3"), "size is 3"),
        (("--device", "tpu"), "choose one of auto, cpu, cuda"),
        (("--model", ""), "the model's name is empty"),
        (("--format", "xyz"), "choose one of jpeg, png, tiff, webp, avif"),
        (("-o", "result.xyz"), "'.xyz'"),
        (("--quality", "0"), "--quality is 0"),
        (("--jobs", "0"), "--jobs is 0"),
        (("--max-pixels", "0"), "--max-pixels is 0"),
        (("--overwrite", "-o", ""), "-o is empty"),
        (("--confidence", ""), "--confidence ''"),
        (("--overwrite", "--skip-existing"), "contradict"),
        (("--layer", "--format", "jpeg"), "16 bits"),
        (("--model", "nope"), "unknown model 'nope'; choose one of default"),
        (("-",), "can't stand beside other inputs"),
        (("more.jpg", "-o", "one.jpg"), "give a folder"),
        (("more.jpg", "-o", "-"), "give a folder"),
        (("-o", "-", "--json"), "both"),
        (("--sizes", "3"), "No such option"),
    ],
)
def test_wrong_usage(refused: Any, picture: Any, arguments: tuple[str, ...], says: str) -> None:
    picture("photo.jpg")
    picture("more.jpg")
    refused("photo.jpg", *arguments, code=WRONG_USAGE, says=says)


def test_nothing_given(run: Any) -> None:
    assert "Usage: tinct colorize" in run("colorize").out + run("colorize").err


def test_a_picture_isn_t_written_to_the_terminal(run: Any, picture: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    picture("photo.jpg")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    done = run("colorize", "photo.jpg", "-o", "-")
    assert done.code == WRONG_USAGE
    assert "terminal" in done.err


def test_faults_of_the_environment_are_all_named(run: Any, picture: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    picture("photo.jpg")
    monkeypatch.setenv("TINCT_JOBS", "many")
    monkeypatch.setenv("TINCT_DEVICE", "tpu")
    done = run("colorize", "photo.jpg")
    assert done.code == WRONG_USAGE
    assert "TINCT_JOBS" in done.err
    assert "TINCT_DEVICE" in done.err


def test_hint_outside_one_of_two_pictures(run: Any, contents: Any, picture: Any) -> None:
    picture("small.png")
    picture("large.png", np.full((200, 200), 90, np.uint8))
    done = run("colorize", "small.png", "large.png", "--hint", "150,20,#a03020")
    assert done.code == FAILED
    assert "outside the picture of 64 x 48 pixels" in done.err
    assert {name for name in contents() if ".color." in name} == {"large.color.png"}


def test_malformed_hints_file(refused: Any, picture: Any, workspace: Path) -> None:
    picture("photo.jpg")
    (workspace / "hints.json").write_text('[{"x": 1, "y": 2}]', encoding="utf-8")
    refused("photo.jpg", "--hints", "hints.json", code=WRONG_USAGE, says="hint 1 of hints.json")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[{"x": %s, "y": 1, "color": "#a03020"}]' % ("9" * 400), "expected pixels"),
        ("[" * 100_000, "can't be read"),
    ],
    ids=["far too large", "far too deep"],
)
def test_monstrous_hints_file(refused: Any, picture: Any, workspace: Path, text: str, says: str) -> None:
    picture("photo.jpg")
    (workspace / "hints.json").write_text(text)
    refused("photo.jpg", "--hints", "hints.json", code=WRONG_USAGE, says=says)


def test_a_byte_order_mark_is_no_fault(run: Any, picture: Any, workspace: Path) -> None:
    picture("photo.jpg")
    (workspace / "hints.json").write_text('[{"x": 1, "y": 1, "color": "#a03020"}]', "utf-8-sig")
    assert run("colorize", "photo.jpg", "--hints", "hints.json").code == 0


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")
def test_an_output_stream_that_takes_nothing(picture: Any, workspace: Path) -> None:
    picture("photo.jpg")
    command = [sys.executable, "-m", "tinct", "colorize", "photo.jpg", "-o", "-"]
    with open("/dev/full", "wb") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode != 0
    assert "the output can't be written (No space left on device)" in done.stderr
    assert "report this" not in done.stderr


def test_mask_of_another_shape(refused: Any, picture: Any) -> None:
    picture("photo.jpg")
    picture("mask.png", np.full((48, 200), 255, np.uint8))
    refused("photo.jpg", "--mask", "mask.png", code=FAILED, says="mask has 200 x 48")


@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_a_damaged_mask(refused: Any, picture: Any, workspace: Path, suffix: str) -> None:
    picture("photo.jpg")
    path = workspace / picture(f"mask.{suffix}", np.random.default_rng(0).integers(0, 256, (480, 640), np.uint8))
    path.write_bytes(path.read_bytes()[:-2000])
    said = f"--mask: mask.{suffix} is cut short or damaged; give the whole file"
    refused("photo.jpg", "--mask", path.name, "--allow-truncated", code=WRONG_USAGE, says=said)


def test_the_limit_on_pixels_holds_for_every_picture(
    refused: Any, run: Any, picture: Any, quick_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture("photo.jpg")
    picture("mask.png", np.full((96, 128), 255, np.uint8))
    picture("reference.png", np.full((96, 128, 3), (200, 90, 60), np.uint8))
    for name in ("mask", "reference"):
        asked = ("photo.jpg", f"--{name}", f"{name}.png")
        refused(*asked, "--max-pixels", 9999, code=WRONG_USAGE, says=f"--{name}: {name}.png has 128 x 96 pixels")
    monkeypatch.setattr("tinct.inference.pipeline.read_photo", None)  # each is opened once, by that limit
    asked = ("--mask", "mask.png", "--reference", "reference.png")
    assert run("colorize", "photo.jpg", "-o", "out.jpg", *asked).code == 0
    again = ("reproduce", "out.jpg", "--source", "photo.jpg", "-o", "again.jpg", "--model", quick_model, *asked)
    done = run(*again, "--max-pixels", 9999)
    assert done.code == 1
    assert "mask.png has 128 x 96 pixels" in done.err
    assert run(*again).code == 0


# Models that can't be used


def test_corrupt_model(refused: Any, picture: Any, workspace: Path, quick_model: Path) -> None:
    picture("photo.jpg")
    (workspace / "cut.onnx").write_bytes(quick_model.read_bytes()[:3000])
    (workspace / "text.onnx").write_text("no model", encoding="utf-8")
    (workspace / "empty.onnx").touch()
    for name in ("cut.onnx", "text.onnx", "empty.onnx"):
        refused("photo.jpg", "--model", name, code=FAILED, says=f"{name} can't be loaded")


def test_onnx_file_of_something_else(refused: Any, picture: Any, workspace: Path, quick_model: Path) -> None:
    import onnx

    picture("photo.jpg")
    model = onnx.load(quick_model)
    del model.metadata_props[:]
    onnx.save(model, workspace / "other.onnx")
    refused("photo.jpg", "--model", "other.onnx", code=FAILED, says="no model of Tinct")


def test_checkpoint_of_another_architecture(run: Any, contents: Any, picture: Any, workspace: Path) -> None:
    import torch
    from safetensors.torch import save_file

    from tinct.models.registry import ModelSpec

    picture("photo.jpg")
    folder = workspace / "run" / "checkpoint"
    folder.mkdir(parents=True)
    save_file({"weight": torch.zeros(3)}, folder / "model.safetensors")
    for architecture, says in (("tinct", "another architecture"), ("unheard-of", "unheard-of")):
        spec = ModelSpec(name="mine", architecture=architecture, output="ab")
        (folder / "spec.json").write_text(spec.to_json(), encoding="utf-8")
        done = run("colorize", "photo.jpg", "--model", "run")
        assert done.code in (FAILED, WRONG_USAGE)
        assert says in done.err
    assert "photo.color.jpg" not in contents()


def test_a_folder_is_no_checkpoint(refused: Any, picture: Any) -> None:
    picture("album/photo.jpg")
    refused("album", "--model", "album", code=FAILED, says="no checkpoint")


def test_standard_input_that_is_no_picture(start: Any) -> None:
    for data in (b"", b"text"):
        process = start("colorize", "-")
        out, err = process.communicate(data, timeout=60)
        assert (process.returncode, out) == (FAILED, b"")
        assert b"Traceback" not in err


def test_streams_that_are_closed(run: Any, picture: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    picture("photo.jpg")
    monkeypatch.setattr("sys.stdin", None)
    done = run("colorize", "-", "-o", "out.jpg")
    assert done.code == FAILED
    assert "standard input is closed" in done.err
    assert "report this" not in done.err


@pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX shell")
def test_no_standard_output(workspace: Path, picture: Any) -> None:
    picture("photo.jpg")
    command = [sys.executable, "-m", "tinct", "colorize", "photo.jpg", "-o", "-"]
    closed = ["sh", "-c", 'exec "$@" >&-', "sh", *command]
    done = subprocess.run(closed, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == WRONG_USAGE
    assert "standard output is closed" in done.stderr
