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

FAILED = 1


def noise(height: int = 200, width: int = 300) -> Any:
    return np.random.default_rng(0).integers(0, 255, (height, width), np.uint8)


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


def test_missing_file(refused: Any) -> None:
    refused("missing.jpg", code=FAILED, says="missing.jpg: there is no such file")


def test_pattern_without_match(refused: Any) -> None:
    refused("*.jpg", code=FAILED, says="*.jpg: no file matches")


def test_folder_without_pictures(refused: Any, workspace: Path) -> None:
    (workspace / "empty").mkdir()
    (workspace / "empty" / "notes.txt").write_text("nothing", encoding="utf-8")
    refused("empty", code=FAILED, says="empty: the folder holds no pictures")


def test_folder_with_pictures_below_only(refused: Any, picture: Any) -> None:
    picture("album/1921/one.jpg")
    refused("album", code=FAILED, says="--recursive")


def test_folder_with_earlier_results_only(refused: Any, picture: Any) -> None:
    picture("album/one.color.jpg")
    refused("album", code=FAILED, says="only results of an earlier run")


def test_zero_bytes(refused: Any, workspace: Path) -> None:
    (workspace / "empty.jpg").touch()
    refused("empty.jpg", code=FAILED, says="empty.jpg is empty")


def test_text_renamed(refused: Any, workspace: Path) -> None:
    (workspace / "letter.jpg").write_text("Dear Sir or Madam", encoding="utf-8")
    refused("letter.jpg", code=FAILED, says="letter.jpg is no picture")


def test_unknown_format(refused: Any, workspace: Path) -> None:
    Image.fromarray(noise()).save(workspace / "old.bmp")
    refused("old.bmp", code=FAILED, says="BMP")


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif"])
def test_truncated(refused: Any, run: Any, picture: Any, workspace: Path, suffix: str) -> None:
    path = workspace / picture(f"cut.{suffix}", noise())
    whole = path.read_bytes()
    # A TIFF's directory, at the end, has to stay; what is missing is in the middle there.
    path.write_bytes(whole[: len(whole) * 6 // 10])
    if suffix == "tif":
        Image.fromarray(noise()).save(path)
        path.write_bytes(path.read_bytes()[:40_000])
    refused(f"cut.{suffix}", code=FAILED, says=f"cut.{suffix}")
    done = run("colorize", f"cut.{suffix}", "--allow-truncated")
    assert done.code == 0, done.err
    pixels = read_photo(f"cut.color.{suffix}").to_numpy()
    assert pixels.shape == (200, 300, 3)
    assert pixels[:60].std() > 30


def test_decompression_bomb(refused: Any, workspace: Path) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0))
    rows = chunk(b"IDAT", zlib.compress(bytes(1000)))
    (workspace / "bomb.png").write_bytes(b"\x89PNG\r\n\x1a\n" + header + rows + chunk(b"IEND", b""))
    refused("bomb.png", code=FAILED, says="--max-pixels")


def test_limit_can_be_lowered(refused: Any, run: Any, picture: Any) -> None:
    picture("photo.jpg")
    refused("photo.jpg", "--max-pixels", 3071, code=FAILED, says="64 x 48 pixels")
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
def test_names_at_the_system_s_limit(refused: Any, run: Any, picture: Any) -> None:
    picture("y" * 251 + ".jpg")
    refused("y" * 251 + ".jpg", code=FAILED, says="name too long")
    assert run("colorize", "y" * 251 + ".jpg", "-o", "out").code == 0


# Outputs


def test_existing_output(refused: Any, picture: Any) -> None:
    picture("photo.jpg")
    picture("photo.color.jpg")
    said = refused("photo.jpg", code=FAILED, says="the output photo.color.jpg exists")
    assert "--overwrite" in said
    assert "--skip-existing" in said


@pytest.mark.parametrize("output", ["photo.jpg", "./photo.jpg", "."])
@pytest.mark.parametrize("option", [(), ("--skip-existing",)])
def test_output_is_input(refused: Any, picture: Any, output: str, option: tuple[str, ...]) -> None:
    picture("photo.jpg")
    refused("photo.jpg", "-o", output, *option, code=FAILED, says="the output is the input itself")


@pytest.mark.parametrize("name", ["mask.png", "reference.png", "hints.png"])
def test_a_result_or_a_map_replaces_nothing_that_is_read(refused: Any, picture: Any, name: str) -> None:
    picture("photo.png")
    for needed in ("mask.png", "reference.png"):
        picture(needed, np.full((48, 64, 3), (200, 90, 60), np.uint8))
    Path("hints.png").write_text("[]")
    options = ("--mask", "mask.png", "--reference", "reference.png", "--hints", "hints.png", "--overwrite")
    refused("photo.png", "-o", name, *options, code=1, says=f"would replace {name}")
    refused("photo.png", "-o", "new.png", "--confidence", name, *options, code=1, says=f"would replace {name}")


def test_two_inputs_with_one_output(refused: Any, picture: Any) -> None:
    picture("a/photo.jpg")
    picture("b/photo.jpg")
    for option in ((), ("--overwrite",)):
        said = refused("a/photo.jpg", "b/photo.jpg", "-o", "out", *option, code=FAILED, says="out")
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


def test_output_s_folder_can_t_be_made(refused: Any, picture: Any, workspace: Path) -> None:
    picture("photo.jpg")
    (workspace / "file").write_text("in the way", encoding="utf-8")
    refused("photo.jpg", "-o", "file/out.jpg", code=FAILED, says="can't be made")


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
