"""``tinct batch`` and what is somebody else's: files by its results' names, edited sidecars, another batch's work."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tinct.jobs.batch import MANIFEST
from tinct.jobs.manifest import Manifest
from tinct.jobs.staging import partial_folder, staging

KILLED = """
import os, signal, sys
from tinct.cli.app import main
from tinct.jobs import publishing
from tinct.jobs.batch import Batch
from tinct.jobs.places import Folder

def deadly(action, kills):
    def act(self, *arguments, **options):
        if kills(arguments):
            os.kill(os.getpid(), signal.SIGKILL)
        return action(self, *arguments, **options)
    return act

moment, name = sys.argv[1:3]
if moment == "before the note":
    publishing.write_note = deadly(publishing.write_note, lambda _: True)
if moment == "before it is there":
    Folder.publish = deadly(Folder.publish, lambda arguments: arguments[1] == name)
if moment == "before it is in the list":
    Batch._note = deadly(Batch._note, lambda _: True)
main(sys.argv[3:])
"""
MOMENTS = ("before the note", "before it is there", "before it is in the list")


def kill(moment: str, name: str, *arguments: str) -> None:
    """Run the command, killed at a moment of its first photograph."""
    command = [sys.executable, "-c", KILLED, moment, name, *arguments, "--jobs", "1"]
    assert subprocess.run(command, capture_output=True, check=False).returncode == -signal.SIGKILL


def results(folder: str = "out") -> dict[str, bytes]:
    """Return the results, without the batch's own files."""
    found = {path.relative_to(folder).as_posix(): path for path in Path(folder).rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in sorted(found.items()) if not name.startswith("_tinct/")}


def replaced() -> list[bytes]:
    return sorted(path.read_bytes() for path in Path("out/_tinct/replaced").rglob("*") if path.is_file())


@pytest.fixture
def album(picture: Any, gray_pixels: Any) -> Path:
    """Three photographs below ``in``, each another one."""
    for number, name in enumerate(("one.jpg", "two.png", "sub/three.tif")):
        picture(f"in/{name}", np.roll(gray_pixels, number * 5, axis=1))
    return Path("in")


posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal")


@posix
@pytest.mark.parametrize("moment", MOMENTS[:2])
def test_a_killed_run_takes_no_file_of_somebody_else_for_its_own(run: Any, album: Path, moment: str) -> None:
    kill(moment, "one.jpg", "batch", "in", "out")
    assert results() == {}
    Path("out/one.jpg").write_bytes(b"mine")
    for _ in range(2):
        done = run("batch", "in", "out")
        assert done.code == 1
        assert "is taken by a file that this batch didn't make" in done.err
        assert Path("out/one.jpg").read_bytes() == b"mine"
        assert replaced() == []
    assert run("batch", "in", "out", "--overwrite").code == 0
    assert run("batch", "in", "whole").code == 0
    assert results() == results("whole")


@posix
@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("settings", [(), ("--mode", "faithful"), ("--format", "png")])
def test_a_killed_run_is_gone_on_with(run: Any, album: Path, moment: str, settings: tuple[str, ...]) -> None:
    """With other settings too, where what the killed run published is another file than what comes out now."""
    kill(moment, "one.jpg", "batch", "in", "out", "--sidecar")
    done = run("batch", "in", "out", "--sidecar", *settings)
    assert done.code == 0, done.err
    assert run("batch", "in", "whole", "--sidecar", *settings).code == 0
    made = results()
    if "--format" in settings:
        made = {name: data for name, data in made.items() if name in results("whole")}
    assert made == results("whole")
    assert replaced() == []
    assert not Path("out/_tinct/partial").exists()
    assert "nothing to do" in run("batch", "in", "out", "--sidecar", *settings).err


@posix
def test_a_result_edited_after_a_kill_is_set_aside(run: Any, album: Path) -> None:
    assert run("batch", "in", "out").code == 0
    kill("before it is there", "one.jpg", "batch", "in", "out", "--mode", "faithful")
    Path("out/one.jpg").write_bytes(b"edited")
    assert run("batch", "in", "out", "--mode", "faithful").code == 0
    assert replaced() == [b"edited"]


def test_a_sidecar_that_somebody_changed_is_kept_aside(run: Any, album: Path) -> None:
    assert run("batch", "in", "out", "--sidecar").code == 0
    Path("out/one.jpg.xmp").write_text("MINE")
    assert "nothing to do" in run("batch", "in", "out", "--sidecar").err
    done = run("batch", "in", "out", "--sidecar", "--mode", "faithful")
    assert done.code == 0
    assert "its sidecar was changed by somebody; that is now" in done.err
    assert replaced() == [b"MINE"]
    assert run("batch", "in", "whole", "--sidecar", "--mode", "faithful").code == 0
    assert results() == results("whole")


def test_a_sidecar_that_came_between_two_runs_is_not_replaced(run: Any, album: Path) -> None:
    assert run("batch", "in", "out").code == 0
    Path("out/one.jpg.xmp").write_text("MINE")
    before = results()["one.jpg"]
    done = run("batch", "in", "out", "--sidecar", "--mode", "faithful")
    assert done.code == 1
    assert "one.jpg.xmp is taken by a file that this batch didn't make" in done.err
    assert (results()["one.jpg.xmp"], results()["one.jpg"]) == (b"MINE", before)
    assert run("batch", "in", "out", "--sidecar", "--mode", "faithful", "--overwrite").code == 0


def test_another_format_and_back(run: Any, album: Path) -> None:
    assert run("batch", "in", "out").code == 0
    first = results()
    assert run("batch", "in", "out", "--format", "png").code == 0
    done = run("batch", "in", "out", "--format", "png")
    assert "2 results of former formats are still there, under names no longer used:\n  one.jpg" in done.err
    Path("out/sub/three.tif").write_bytes(b"edited meanwhile")
    done = run("batch", "in", "out")
    assert done.code == 0, done.err
    assert {name: data for name, data in results().items() if name in first} == first
    assert replaced() == [b"edited meanwhile"]
    assert "nothing to do" in run("batch", "in", "out").err


def test_two_batches_with_one_folder_of_results(run: Any, start: Any, picture: Any, album: Path) -> None:
    picture("other/four.jpg")
    manifest = Manifest(None)
    partial = partial_folder("out", Path("first"))
    with staging(partial, manifest):  # as a run with --state first has it
        (partial / "1.jpg").write_bytes(b"being made")
        done = run("batch", "other", "out", "--state", "second")
        assert done.code == 0, done.err
        assert (partial / "1.jpg").read_bytes() == b"being made"
    assert not Path("out/_tinct").exists()
    ends = [start("batch", "in", "out", "--state", "first"), start("batch", "other", "out", "--state", "second")]
    for process in ends:
        _, err = process.communicate(timeout=300)
        assert process.returncode == 0, err.decode()
    assert set(results()) == {"one.jpg", "two.png", "sub/three.tif", "four.jpg"}
    partial.mkdir(parents=True)  # left by a run that was killed
    assert run("batch", "in", "out", "--state", "first").code == 0
    assert not Path("out/_tinct").exists()


def listing(folder: str) -> dict[str, Any]:
    """Return all below a folder, and when each folder was changed."""
    found = [Path(folder), *Path(folder).rglob("*")]
    return {str(path): path.stat().st_mtime_ns if path.is_dir() else path.read_bytes() for path in found}


def test_a_dry_run_leaves_a_list_alone_and_says_what_failed(run: Any, album: Path) -> None:
    Path("in/bad.jpg").write_text("no picture")
    assert run("batch", "in", "out").code == 1
    Path("in/two.png").touch()
    before = listing("out")
    done = run("batch", "in", "out", "--dry-run")
    assert (done.code, done.out) == (1, "two.png -> two.png (source changed)\n")
    assert "1 failed before" in done.err
    assert listing("out") == before
    assert run("batch", "in", "out", "--dry-run", "--retry-failed").code == 0


@posix
def test_a_dry_run_after_a_kill(run: Any, album: Path) -> None:
    kill("before it is in the list", "one.jpg", "batch", "in", "out")
    before = results()
    for name in ("-wal", "-shm"):
        assert Path(f"out/_tinct/{MANIFEST}{name}").exists()
    done = run("batch", "in", "out", "--dry-run")
    assert done.code == 0, done.err
    assert "one.jpg -> one.jpg (interrupted)" in done.out
    assert results() == before
    os.unlink(f"out/_tinct/{MANIFEST}-shm")
    assert run("batch", "in", "out", "--dry-run").out == done.out
    assert not Path(f"out/_tinct/{MANIFEST}-shm").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="mounts as Linux does")
def test_a_dry_run_of_results_that_nobody_can_write(run: Any, workspace: Path, picture: Any) -> None:
    picture("in/one.jpg")
    Path("disk").mkdir()
    mount = ["mount", "-t", "tmpfs", "tmpfs", str(workspace / "disk")]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("no right to mount")
    try:
        assert run("batch", "in", "disk/out", "--no-thumbnails").code == 0
        subprocess.run(["mount", "-o", "remount,ro", str(workspace / "disk")], check=True)
        done = run("batch", "in", "disk/out", "--dry-run", "--no-thumbnails")
        assert (done.code, "1 done before" in done.err) == (0, True), done.err
    finally:
        subprocess.run(["umount", str(workspace / "disk")], check=True)
