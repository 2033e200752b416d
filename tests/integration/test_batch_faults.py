"""``tinct batch`` under what goes wrong: kills, full disks, sources that change, two runs at once."""

from __future__ import annotations

import errno
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tinct.jobs.batch import Batch, locked
from tinct.jobs.places import Folder
from tinct.media.photo import read_photo

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal")


def fill(folder: Path, count: int, height: int = 90, width: int = 120) -> None:
    """Write photographs, each another one."""
    folder.mkdir(parents=True)
    slopes = np.add.outer(np.arange(height), np.arange(width)).astype(np.uint8)
    for number in range(count):
        read_photo(np.roll(slopes, 3 * number, axis=1)).save(folder / f"{number:04}.{('jpg', 'png')[number % 2]}")


def results(folder: Path) -> dict[str, bytes]:
    """Return everything below a folder but the batch's own files; hidden files too."""
    found = (path for path in sorted(folder.rglob("*")) if path.is_file() and "_tinct" not in path.parts)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def kill_again_and_again(start: Any, workspace: Path, kills: int, longest: float) -> int:
    """Kill a batch at random moments, see each time that nothing unfinished is there; return how many results are."""
    rng = random.Random(7)
    seen = 0
    names = {path.name for path in (workspace / "in").iterdir()}
    for _ in range(kills):
        process = start("batch", "in", "out", "--jobs", 2, "-q")
        time.sleep(rng.uniform(0.3, longest))
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=60)
        there = results(workspace / "out") if (workspace / "out").exists() else {}
        assert set(there) <= names  # nothing unfinished, not even under another name
        seen = len(there)
    return seen


def check_kills(run: Any, start: Any, workspace: Path, count: int, kills: int, longest: float) -> None:
    fill(workspace / "in", count)
    assert run("batch", "in", "whole", "-q").code == 0
    assert kill_again_and_again(start, workspace, kills, longest) > 0
    done = run("batch", "in", "out")
    assert done.code == 0, done.err
    assert results(workspace / "out") == results(workspace / "whole")
    assert len(results(workspace / "out")) == count
    assert "nothing to do" in run("batch", "in", "out", "--verify").err.replace(
        f"{count} found to be right", "nothing to do"
    )
    for name in ("thumbs", "index.html"):
        first, second = ((workspace / batch / "_tinct" / name) for batch in ("out", "whole"))
        assert first.exists()
        if first.is_dir():
            assert {path.read_bytes() for path in first.rglob("*.jpg")} == {
                path.read_bytes() for path in second.rglob("*.jpg")
            }


@posix
def test_kills_change_nothing_of_the_result(run: Any, start: Any, workspace: Path) -> None:
    check_kills(run, start, workspace, 24, 4, 3.0)


@posix
@pytest.mark.slow
def test_thirty_kills_over_three_hundred_photographs(run: Any, start: Any, workspace: Path) -> None:
    check_kills(run, start, workspace, 300, 30, 4.0)


@posix
def test_ctrl_c_finishes_what_is_under_way(run: Any, start: Any, workspace: Path) -> None:
    fill(workspace / "in", 40, 900, 1200)
    process = start("batch", "in", "out", "--jobs", 1)
    end = time.monotonic() + 300
    while not (workspace / "out").exists() or len(results(workspace / "out")) < 2:
        assert process.poll() is None
        assert time.monotonic() < end
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 130, err.decode()
    assert "left to do" in err.decode()
    assert "Stopping after what is under way" in err.decode()
    assert len(results(workspace / "out")) < 40
    assert all(read_photo(path).to_numpy().shape == (900, 1200, 3) for path in (workspace / "out").glob("*.*"))


def test_a_full_disk_stops_the_run_and_the_next_goes_on(run: Any, workspace: Path, monkeypatch: Any) -> None:
    fill(workspace / "in", 6)
    publish, calls = Folder.publish, list[str]()

    def full(self: Folder, file: Path, name: str, *, replace: bool) -> Any:
        calls.append(name)
        if len(calls) > 2:
            patch.setattr("tinct.jobs.places.move_file", refuse)
        return publish(self, file, name, replace=replace)

    def refuse(*_arguments: Any, **_options: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Folder, "publish", full)
        done = run("batch", "in", "out", "--jobs", 1)
    assert done.code == 1
    assert "Stopped: no space is left for out; make room" in done.err
    assert "left to do" in done.err
    assert len(results(workspace / "out")) == 2
    assert run("batch", "in", "out").code == 0
    assert len(results(workspace / "out")) == 6


def mounted(folder: Path, size: str) -> bool:
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="mounts a small disk as Linux does")
def test_a_disk_that_is_really_full(run: Any, workspace: Path) -> None:
    fill(workspace / "in", 40, 300, 400)
    if not mounted(workspace / "disk", "1500k"):
        pytest.skip("no right to mount a small disk")
    try:
        done = run("batch", "in", "disk/out", "--jobs", 2, "--no-thumbnails")
        assert done.code == 1, done.err
        assert "no space is left" in done.err
        assert "Traceback" not in done.err
        some = results(workspace / "disk" / "out")
        assert 0 < len(some) < 40
        assert all(read_photo(data).to_numpy().ndim == 3 for data in some.values())
        subprocess.run(["mount", "-o", "remount,size=60m", str(workspace / "disk")], check=True)
        done = run("batch", "in", "disk/out", "--jobs", 2, "--no-thumbnails")
        assert done.code == 0, done.err
        assert len(results(workspace / "disk" / "out")) == 40
    finally:
        subprocess.run(["umount", str(workspace / "disk")], check=True)


def test_sources_that_change_or_go_during_the_run(run: Any, workspace: Path, monkeypatch: Any) -> None:
    fill(workspace / "in", 4)
    pictures = Folder.pictures

    def then_gone(self: Folder) -> Any:
        yield from pictures(self)
        if self.path.name == "in":
            (self.path / "0000.jpg").unlink(missing_ok=True)
            (self.path / "0002.jpg").touch()

    monkeypatch.setattr(Folder, "pictures", then_gone)
    stat, touched = Folder.stat, list[int]()

    def keeps_changing(self: Folder, name: str) -> Any:
        if name == "0001.png" and self.path.name == "in":
            touched.append(0)
            os.utime(self.path / name, ns=(len(touched), len(touched)))
        return stat(self, name)

    monkeypatch.setattr(Folder, "stat", keeps_changing)
    done = run("batch", "in", "out")
    assert done.code == 1
    assert "0000.jpg: deleted during the run" in done.err
    assert "0001.png keeps changing" in done.err
    assert "2 done, 1 failed, 1 deleted during the run" in done.err
    assert set(results(workspace / "out")) == {"0002.jpg", "0003.png"}


def test_clocks_that_go_wrong(run: Any, workspace: Path) -> None:
    """Times are compared for being equal, never for which is later."""
    fill(workspace / "in", 4)
    ago, ahead = 86_400 * 10**9, 4_000_000_000 * 10**9  # 1970 and 2096
    os.utime(workspace / "in" / "0000.jpg", ns=(ago, ago))
    os.utime(workspace / "in" / "0001.png", ns=(ahead, ahead))
    assert run("batch", "in", "out").code == 0
    first = results(workspace / "out")
    assert "nothing to do" in run("batch", "in", "out").err
    # Another photograph, older than the one that it replaces and than its result.
    (workspace / "in" / "0002.jpg").write_bytes((workspace / "in" / "0000.jpg").read_bytes())
    os.utime(workspace / "in" / "0002.jpg", ns=(ago, ago))
    # A result that another machine's clock dates into the future is only checked.
    os.utime(workspace / "out" / "0003.png", ns=(ahead, ahead))
    done = run("batch", "in", "out")
    assert done.code == 0
    assert "1 done, 1 found to be right" in done.err
    assert {name for name, data in results(workspace / "out").items() if data != first[name]} == {"0002.jpg"}


def test_two_runs_at_once_are_refused(run: Any, workspace: Path) -> None:
    fill(workspace / "in", 1)
    assert run("batch", "in", "out").code == 0
    with locked(workspace / "out" / "_tinct"):
        done = run("batch", "in", "out")
    assert done.code == 1
    assert "another run is at work" in done.err
    assert run("batch", "in", "out").code == 0


@posix
def test_a_hot_folder(start: Any, workspace: Path) -> None:
    fill(workspace / "in", 2)
    process = start("batch", "in", "out", "--watch", "--interval", "0.2")
    try:
        wait_for(lambda: len(results(workspace / "out")) == 2, process)
        picture = (workspace / "in" / "0000.jpg").read_bytes()
        slow = workspace / "in" / "slow.jpg"
        with slow.open("wb") as file:  # copied in pieces: it counts when it is complete
            for start_at in range(0, len(picture), len(picture) // 6):
                file.write(picture[start_at : start_at + len(picture) // 6])
                file.flush()
                time.sleep(0.1)
        wait_for((workspace / "out" / "slow.jpg").exists, process)
        assert read_photo(workspace / "out" / "slow.jpg").to_numpy().ndim == 3
    finally:
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err.decode()
    assert "3 done" in err.decode()
    assert (workspace / "out" / "_tinct" / "index.html").exists()


def wait_for(condition: Any, process: Any) -> None:
    end = time.monotonic() + 300
    while True:
        try:
            if condition():
                return
        except OSError:
            pass
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.05)


def test_many_unreadable_ones_among_ten_thousand(run: Any, workspace: Path) -> None:
    """A scan of 10,000 files, of which every hundredth can't be read; none is colorized, so that it is quick."""
    folder = workspace / "in"
    folder.mkdir()
    for number in range(10_000):
        (folder / f"{number}.jpg").write_bytes(b"" if number % 100 else b"\xff\xd8\xff broken")
    os.symlink("nowhere", folder / "link.jpg")
    done = run("batch", "in", "out", "--dry-run")
    assert done.code == 0
    assert "to do: 10,001 new" in done.err


def test_unreadable_ones_do_not_stop_the_others(run: Any, workspace: Path) -> None:
    fill(workspace / "in", 4)
    (workspace / "in" / "empty.jpg").touch()
    (workspace / "in" / "folder.jpg").mkdir()
    os.symlink("nowhere", workspace / "in" / "link.jpg")
    done = run("batch", "in", "out")
    assert done.code == 1
    assert "empty.jpg is empty" in done.err
    assert "4 done, 2 failed" in done.err


def test_a_batch_stops_where_its_list_cannot_be_written(run: Any, workspace: Path, monkeypatch: Any) -> None:
    from tinct.errors import StoreFull

    fill(workspace / "in", 4)
    note = Batch._note
    lock = threading.Lock()
    seen: list[int] = []

    def full(self: Batch, outcome: Any) -> None:
        with lock:
            seen.append(outcome.id)
        if len(seen) > 1:
            raise StoreFull("no space is left for the list")
        note(self, outcome)

    monkeypatch.setattr(Batch, "_note", full)
    done = run("batch", "in", "out", "--jobs", 1)
    assert done.code == 1
    assert "Stopped: no space is left for the list" in done.err
    monkeypatch.setattr(Batch, "_note", note)
    assert run("batch", "in", "out").code == 0
    assert len(results(workspace / "out")) == 4
