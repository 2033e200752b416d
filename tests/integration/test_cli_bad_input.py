"""``tinct colorize`` on what it can't use: it says why, ends with the right code, loses nothing, leaves no halves."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tinct.media.photo import read_photo

FAILED, WRONG_USAGE = 1, 2


def noise(height: int = 200, width: int = 300) -> Any:
    return np.random.default_rng(0).integers(0, 255, (height, width), np.uint8)


def refused(run: Any, contents: Any, *arguments: object, code: int, says: str) -> str:
    """Run the command, expect that it fails and leaves every file as it was, and return what it said."""
    before = contents()
    done = run("colorize", *arguments)
    assert done.code == code, done.err
    assert says in done.err
    assert contents() == before
    return str(done.err)


@contextmanager
def unprivileged(*folders: Path) -> Iterator[None]:
    """Work as a user whom permissions bind; those of the folders, which it may look into, are kept to."""
    if os.geteuid() != 0:
        yield
        return
    for folder in folders:
        for parent in folder.parents:
            parent.chmod(parent.stat().st_mode | 0o055)
    quick = folders[-1]
    quick.chmod(quick.stat().st_mode | 0o055)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


# Files that are no photographs


def test_missing_file(run: Any, contents: Any) -> None:
    refused(run, contents, "missing.jpg", code=FAILED, says="missing.jpg: there is no such file")


def test_pattern_without_match(run: Any, contents: Any) -> None:
    refused(run, contents, "*.jpg", code=FAILED, says="*.jpg: no file matches")


def test_folder_without_pictures(run: Any, contents: Any, workspace: Path) -> None:
    (workspace / "empty").mkdir()
    (workspace / "empty" / "notes.txt").write_text("nothing", encoding="utf-8")
    refused(run, contents, "empty", code=FAILED, says="empty: the folder holds no pictures")


def test_folder_with_pictures_below_only(run: Any, contents: Any, picture: Any) -> None:
    picture("album/1921/one.jpg")
    refused(run, contents, "album", code=FAILED, says="--recursive")


def test_folder_with_earlier_results_only(run: Any, contents: Any, picture: Any) -> None:
    picture("album/one.color.jpg")
    refused(run, contents, "album", code=FAILED, says="only results of an earlier run")


def test_zero_bytes(run: Any, contents: Any, workspace: Path) -> None:
    (workspace / "empty.jpg").touch()
    refused(run, contents, "empty.jpg", code=FAILED, says="empty.jpg is empty")


def test_text_renamed(run: Any, contents: Any, workspace: Path) -> None:
    (workspace / "letter.jpg").write_text("Dear Sir or Madam", encoding="utf-8")
    refused(run, contents, "letter.jpg", code=FAILED, says="letter.jpg is no picture")


def test_unknown_format(run: Any, contents: Any, workspace: Path) -> None:
    Image.fromarray(noise()).save(workspace / "old.bmp")
    refused(run, contents, "old.bmp", code=FAILED, says="BMP")


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif"])
def test_truncated(run: Any, contents: Any, picture: Any, workspace: Path, suffix: str) -> None:
    path = workspace / picture(f"cut.{suffix}", noise())
    whole = path.read_bytes()
    # A TIFF's directory, at the end, has to stay; what is missing is in the middle there.
    path.write_bytes(whole[: len(whole) * 6 // 10])
    if suffix == "tif":
        Image.fromarray(noise()).save(path)
        path.write_bytes(path.read_bytes()[:40_000])
    refused(run, contents, f"cut.{suffix}", code=FAILED, says=f"cut.{suffix}")
    done = run("colorize", f"cut.{suffix}", "--allow-truncated")
    assert done.code == 0, done.err
    pixels = read_photo(f"cut.color.{suffix}").to_numpy()
    assert pixels.shape == (200, 300, 3)
    assert pixels[:60].std() > 30


def test_decompression_bomb(run: Any, contents: Any, workspace: Path) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0))
    rows = chunk(b"IDAT", zlib.compress(bytes(1000)))
    (workspace / "bomb.png").write_bytes(b"\x89PNG\r\n\x1a\n" + header + rows + chunk(b"IEND", b""))
    refused(run, contents, "bomb.png", code=FAILED, says="--max-pixels")


def test_limit_can_be_lowered(run: Any, contents: Any, picture: Any) -> None:
    picture("photo.jpg")
    refused(run, contents, "photo.jpg", "--max-pixels", 3071, code=FAILED, says="64 x 48 pixels")
    assert run("colorize", "photo.jpg", "--max-pixels", 3072).code == 0


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permissions")
def test_unreadable_file(run: Any, workspace: Path, picture: Any, quick_model: Path) -> None:
    (workspace / picture("secret.jpg")).chmod(0)
    picture("open.jpg")
    (workspace / "out").mkdir(mode=0o777)
    (workspace / "out").chmod(0o777)
    assert run("colorize", "open.jpg", "open.jpg/").code == 1  # everything is imported now
    with unprivileged(workspace / "out", quick_model.parent):
        done = run("colorize", "secret.jpg", "open.jpg", "-o", "out")
    assert done.code == FAILED
    assert "secret.jpg can't be read (Permission denied)" in done.err
    assert os.listdir(workspace / "out") == ["open.jpg"]


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege on Windows")
def test_link_loops(run: Any, picture: Any, workspace: Path, contents: Any) -> None:
    picture("album/one.jpg")
    (workspace / "album" / "again").symlink_to("..", target_is_directory=True)
    (workspace / "album" / "round.jpg").symlink_to("round.jpg")
    done = run("colorize", "album", "--recursive", "-o", "out")
    assert done.code == FAILED
    assert "round.jpg" in done.err
    assert {name for name in contents() if name.startswith("out/")} == {"out/one.jpg"}


# Photographs of unusual kinds, which work


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 300), (300, 1), (2, 1000)])
def test_tiny_and_narrow(run: Any, picture: Any, height: int, width: int) -> None:
    picture("thin.png", np.full((height, width), 99, np.uint8))
    assert run("colorize", "thin.png").code == 0
    assert read_photo("thin.color.png").to_numpy().shape == (height, width, 3)


@pytest.mark.parametrize("level", [0, 255])
def test_all_black_and_all_white(run: Any, picture: Any, level: int) -> None:
    picture("plain.png", np.full((40, 50), level, np.uint8))
    assert run("colorize", "plain.png").code == 0
    assert (read_photo("plain.color.png").to_numpy() == level).all()


@pytest.mark.parametrize("suffix", ["gif", "webp"])
def test_animations(run: Any, workspace: Path, suffix: str) -> None:
    frames = [Image.fromarray(np.full((40, 50), level, np.uint8)) for level in (40, 200)]
    frames[0].save(workspace / f"moving.{suffix}", save_all=True, append_images=frames[1:], duration=100)
    done = run("colorize", f"moving.{suffix}", "-o", "still.png")
    assert done.code == 0, done.err
    assert "note:" in done.err
    assert read_photo("still.png").to_numpy().shape[:2] == (40, 50)


@pytest.mark.parametrize("stem", ["дедушка", "曾祖母 1921", "été", "name with 'quotes' and [markup]", "x" * 200])
def test_unusual_names(run: Any, picture: Any, contents: Any, stem: str) -> None:
    picture(f"{stem}.jpg")
    done = run("colorize", f"{stem}.jpg", "--json")
    assert done.code == 0
    assert json.loads(done.out)["input"] == f"{stem}.jpg"
    assert f"{stem}.color.jpg" in contents()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere names are Unicode or shorter")
def test_names_at_the_system_s_limit(run: Any, picture: Any, contents: Any) -> None:
    picture("y" * 251 + ".jpg")
    refused(run, contents, "y" * 251 + ".jpg", code=FAILED, says="name too long")
    assert run("colorize", "y" * 251 + ".jpg", "-o", "out").code == 0


# Outputs


def test_existing_output(run: Any, contents: Any, picture: Any) -> None:
    picture("photo.jpg")
    picture("photo.color.jpg")
    said = refused(run, contents, "photo.jpg", code=FAILED, says="the output photo.color.jpg exists")
    assert "--overwrite" in said
    assert "--skip-existing" in said


@pytest.mark.parametrize("output", ["photo.jpg", "./photo.jpg", "."])
@pytest.mark.parametrize("option", [(), ("--skip-existing",)])
def test_output_is_input(run: Any, contents: Any, picture: Any, output: str, option: tuple[str, ...]) -> None:
    picture("photo.jpg")
    refused(run, contents, "photo.jpg", "-o", output, *option, code=FAILED, says="the output is the input itself")


def test_two_inputs_with_one_output(run: Any, contents: Any, picture: Any) -> None:
    picture("a/photo.jpg")
    picture("b/photo.jpg")
    for option in ((), ("--overwrite",)):
        said = refused(run, contents, "a/photo.jpg", "b/photo.jpg", "-o", "out", *option, code=FAILED, says="out")
        assert str(Path("a/photo.jpg")) in said
        assert str(Path("b/photo.jpg")) in said


def test_the_others_are_done(run: Any, contents: Any, picture: Any, workspace: Path) -> None:
    for name in ("a/photo.jpg", "b/photo.png", "b/other.jpg"):
        picture(name)
    (workspace / "b" / "broken.jpg").write_bytes(b"no picture")
    done = run("colorize", "a", "b", "missing.jpg", "-o", "out", "--format", "png")
    assert done.code == FAILED
    assert {name for name in contents() if name.startswith("out/")} == {"out/other.png"}
    assert "1 done, 4 failed" in done.err


def test_output_s_folder_can_t_be_made(run: Any, contents: Any, picture: Any, workspace: Path) -> None:
    picture("photo.jpg")
    (workspace / "file").write_text("in the way", encoding="utf-8")
    refused(run, contents, "photo.jpg", "-o", "file/out.jpg", code=FAILED, says="can't be made")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permissions")
def test_unwritable_folder(run: Any, workspace: Path, picture: Any, quick_model: Path) -> None:
    picture("photo.jpg")
    (workspace / "locked").mkdir()
    assert run("colorize", "photo.jpg", "-o", "warm.jpg").code == 0  # everything is imported now
    (workspace / "locked").chmod(0o555)
    with unprivileged(workspace / "locked", quick_model.parent):
        done = run("colorize", "photo.jpg", "-o", "locked")
    (workspace / "locked").chmod(0o755)
    assert done.code == FAILED
    assert "can't be written (Permission denied)" in done.err
    assert os.listdir(workspace / "locked") == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on a process's files")
def test_full_disk(workspace: Path, picture: Any, contents: Any) -> None:
    """A limit on the size of files stands for the disk: writing fails in the middle in the same way."""
    picture("photo.png", noise(400, 400))
    picture("photo.color.png")
    before = contents()
    limited = (
        "import resource as r; r.setrlimit(r.RLIMIT_FSIZE, (50_000, 50_000)); from tinct.cli.app import main; main()"
    )
    command = [sys.executable, "-c", limited, "colorize", "photo.png", "--overwrite"]
    done = subprocess.run(command, cwd=workspace, capture_output=True, text=True, check=False)
    assert done.returncode == FAILED
    assert "photo.color.png" in done.stderr
    assert "unexpected" not in done.stderr
    assert contents() == before


# Wrong usage


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
        (("--format", "xyz"), "choose one of jpeg, png, tiff, webp, avif"),
        (("-o", "result.xyz"), "'.xyz'"),
        (("--quality", "0"), "--quality is 0"),
        (("--jobs", "0"), "--jobs is 0"),
        (("--max-pixels", "0"), "--max-pixels is 0"),
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
def test_wrong_usage(run: Any, contents: Any, picture: Any, arguments: tuple[str, ...], says: str) -> None:
    picture("photo.jpg")
    picture("more.jpg")
    refused(run, contents, "photo.jpg", *arguments, code=WRONG_USAGE, says=says)


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


def test_malformed_hints_file(run: Any, contents: Any, picture: Any, workspace: Path) -> None:
    picture("photo.jpg")
    (workspace / "hints.json").write_text('[{"x": 1, "y": 2}]', encoding="utf-8")
    refused(run, contents, "photo.jpg", "--hints", "hints.json", code=WRONG_USAGE, says="hint 1 of hints.json")


def test_mask_of_another_shape(run: Any, contents: Any, picture: Any) -> None:
    picture("photo.jpg")
    picture("mask.png", np.full((48, 200), 255, np.uint8))
    refused(run, contents, "photo.jpg", "--mask", "mask.png", code=FAILED, says="mask has 200 x 48")


# Models that can't be used


def test_corrupt_model(run: Any, contents: Any, picture: Any, workspace: Path, quick_model: Path) -> None:
    picture("photo.jpg")
    (workspace / "cut.onnx").write_bytes(quick_model.read_bytes()[:3000])
    (workspace / "text.onnx").write_text("no model", encoding="utf-8")
    (workspace / "empty.onnx").touch()
    for name in ("cut.onnx", "text.onnx", "empty.onnx"):
        refused(run, contents, "photo.jpg", "--model", name, code=FAILED, says=f"{name} can't be loaded")


def test_onnx_file_of_something_else(run: Any, contents: Any, picture: Any, workspace: Path, quick_model: Path) -> None:
    import onnx

    picture("photo.jpg")
    model = onnx.load(quick_model)
    del model.metadata_props[:]
    onnx.save(model, workspace / "other.onnx")
    refused(run, contents, "photo.jpg", "--model", "other.onnx", code=FAILED, says="no model of Tinct")


def test_checkpoint_of_another_architecture(run: Any, contents: Any, picture: Any, workspace: Path) -> None:
    import torch
    from safetensors.torch import save_file

    from tinct.models.registry import ModelSpec

    picture("photo.jpg")
    folder = workspace / "run" / "checkpoint"
    folder.mkdir(parents=True)
    save_file({"weight": torch.zeros(3)}, folder / "model.safetensors")
    for architecture, says in (("tinct", "doesn't hold the weights of tinct"), ("unheard-of", "unheard-of")):
        spec = ModelSpec(name="mine", architecture=architecture, output="ab")
        (folder / "spec.json").write_text(spec.to_json(), encoding="utf-8")
        done = run("colorize", "photo.jpg", "--model", "run")
        assert done.code in (FAILED, WRONG_USAGE)
        assert says in done.err
    assert "photo.color.jpg" not in contents()


def test_a_folder_is_no_checkpoint(run: Any, contents: Any, picture: Any) -> None:
    picture("album/photo.jpg")
    refused(run, contents, "album", "--model", "album", code=FAILED, says="no checkpoint")


def test_standard_input_that_is_no_picture(start: Any) -> None:
    for data in (b"", b"text"):
        process = start("colorize", "-")
        out, err = process.communicate(data, timeout=60)
        assert (process.returncode, out) == (FAILED, b"")
        assert b"Traceback" not in err
