"""``tinct colorize`` under way: Ctrl-C, progress, memory over many photographs."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from tinct.media.photo import read_photo

INTERRUPTED = 130
SLOW = """
import pathlib, sys, time

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "{module}":
            pathlib.Path("slow").touch()
            time.sleep(30)

sys.meta_path.insert(0, Finder())
"""

KEPT = """
import time
import numpy as np
from tinct.media.photo import read_photo
from tinct.media.restore import restore

dusty = np.random.default_rng(1).normal(120, 1, (600, 600)).astype(np.uint8)
dusty[100:103, 200:203] = 255
restored = restore(read_photo(dusty), ("dust",))
assert restored.to_numpy()[101, 201] < 40000
print("restored", flush=True)
time.sleep(60)
"""


def fill(folder: Path, count: int, height: int = 900, width: int = 1200) -> None:
    folder.mkdir()
    slopes = np.add.outer(np.arange(height) // 8, np.arange(width) // 8).astype(np.uint8)
    read_photo(slopes).save(folder / "000.jpg")
    first = (folder / "000.jpg").read_bytes()
    for number in range(1, count):
        (folder / f"{number:03}.jpg").write_bytes(first)


def wait_for_results(folder: Path, process: subprocess.Popen[bytes], count: int = 2) -> None:
    end = time.monotonic() + 120
    while len(list(folder.glob("*.jpg"))) < count:
        assert process.poll() is None
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends Ctrl-C to whole consoles only")
def test_ctrl_c_finishes_what_is_under_way_and_says_what_is_left(start: Any, run: Any, workspace: Path) -> None:
    fill(workspace / "album", 16)
    process = start("colorize", "album", "-o", "out", "--json", "--jobs", 1)
    wait_for_results(workspace / "out", process)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == INTERRUPTED
    lines = [json.loads(line) for line in out.splitlines()]
    left = [line["input"] for line in lines if line["status"] == "left"]
    assert len(lines) == 16
    assert left
    assert left[0] in err.decode()
    assert "Left to do" in err.decode()
    # Every result is whole, and there is nothing else.
    results = list((workspace / "out").iterdir())
    assert len(results) == 16 - len(left)
    assert all(read_photo(path).to_numpy().shape == (900, 1200, 3) for path in results)
    again = run("colorize", "album", "-o", "out", "--skip-existing", "-q")
    assert again.code == 0
    assert len(list((workspace / "out").iterdir())) == 16


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends Ctrl-C to whole consoles only")
def test_a_second_ctrl_c_stops_at_once(start: Any, workspace: Path) -> None:
    fill(workspace / "album", 4)
    fill(workspace / "large", 1, 6000, 6000)
    large = (workspace / "large" / "000.jpg").rename(workspace / "large.jpg")
    process = start("colorize", "album", large.name, "-o", "out", "--jobs", 1)
    wait_for_results(workspace / "out", process, 4)
    while not list((workspace / "out").glob(".tinct-*.tmp")) and process.poll() is None:
        time.sleep(0.01)
    for _ in range(2):
        process.send_signal(signal.SIGINT)
        time.sleep(0.3)
    _, err = process.communicate(timeout=60)
    # 0 where the last one was done before; the signal itself where it came while the process was ending.
    assert process.returncode in (0, INTERRUPTED, -signal.SIGINT), err.decode()
    assert b"Traceback" not in err
    for path in (workspace / "out").glob("*.jpg"):
        assert read_photo(path).to_numpy().ndim == 3


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
@pytest.mark.parametrize("signals", [[signal.SIGINT, signal.SIGINT], [signal.SIGTERM]])
@pytest.mark.parametrize("output", ["out/dusty.avif", "-"])
def test_what_is_stopped_at_once_leaves_no_temporary_files(
    start: Any, workspace: Path, monkeypatch: pytest.MonkeyPatch, signals: list[int], output: str
) -> None:
    pytest.importorskip("cv2", reason="the extra [restore] isn't installed")
    folders = [workspace / "out", workspace / "temporary"]
    for folder in folders:
        folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folders[1]))
    dusty = np.random.default_rng(1).normal(120, 1, (1800, 1800)).astype(np.uint8)
    dusty[100:103, 200:203] = 255
    read_photo(dusty).save(workspace / "dusty.png")
    # AVIF takes long enough to be stopped in.
    process = start("colorize", "dusty.png", "-o", output, "--format", "avif", "--restore", "dust")
    while process.poll() is None and not [*folders[0].glob(".tinct-*"), *folders[1].glob("tinct-*/picture")]:
        time.sleep(0.01)
    for each in signals:
        process.send_signal(each)
        time.sleep(0.1)
    _, err = process.communicate(timeout=60)
    # 0 where it was done before.
    assert process.returncode in (0, INTERRUPTED, -signal.SIGINT, -signal.SIGTERM), err.decode()
    assert not [path for folder in folders for path in folder.rglob("*") if path.name != "dusty.avif"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
def test_a_killed_restoration_leaves_nothing(start: Any, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("cv2", reason="the extra [restore] isn't installed")
    monkeypatch.setenv("TMPDIR", str(workspace))
    (workspace / "kept.py").write_text(KEPT)
    process = subprocess.Popen([sys.executable, "kept.py"], stdout=subprocess.PIPE)
    assert process.stdout is not None
    said = process.stdout.readline().strip()
    process.kill()
    process.communicate(timeout=60)
    assert said == b"restored"
    assert not list(workspace.glob("tinct-*"))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends Ctrl-C to whole consoles only")
@pytest.mark.parametrize("module", ["typer", "tinct.cli.use", "tinct.cli.colorize", "tinct.inference.pipeline"])
def test_ctrl_c_while_modules_are_loaded(
    start: Any, workspace: Path, monkeypatch: pytest.MonkeyPatch, module: str
) -> None:
    fill(workspace / "album", 1)
    (workspace / "sitecustomize.py").write_text(SLOW.format(module=module))
    monkeypatch.setenv("PYTHONPATH", str(workspace))
    process = start("colorize", "album", "-o", "out")
    while not (workspace / "slow").exists():
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert process.returncode == INTERRUPTED
    assert err == b""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal")
def test_a_killed_process_leaves_old_or_new(start: Any, workspace: Path) -> None:
    fill(workspace / "album", 12)
    (workspace / "out").mkdir()
    for number in range(12):
        (workspace / "out" / f"{number:03}.jpg").write_bytes(b"old")
    process = start("colorize", "album", "-o", "out", "--overwrite", "--jobs", 2)
    end = time.monotonic() + 120
    while (workspace / "out" / "002.jpg").stat().st_size == 3 and time.monotonic() < end:
        time.sleep(0.01)
    process.kill()
    process.communicate(timeout=60)
    contents = [path.read_bytes() for path in sorted((workspace / "out").glob("*.jpg"))]
    assert len(contents) == 12
    new = [data for data in contents if data != b"old"]
    assert new
    assert all(read_photo(data).to_numpy().shape == (900, 1200, 3) for data in new)


def test_the_bar_counts_on_standard_error(run: Any, picture: Any) -> None:
    for number in range(3):
        picture(f"album/{number}.jpg")
    done = run("colorize", "album")
    assert "Colorizing" in done.err
    assert "3/3" in done.err
    assert done.out == ""
    assert "Colorizing" not in run("colorize", "album/0.jpg", "--overwrite").err


def test_memory_stays_flat_over_a_hundred_photographs(start: Any, workspace: Path) -> None:
    fill(workspace / "album", 100, 600, 800)
    process = start("colorize", "album", "-o", "out", "--json", "--jobs", 2)
    watched = psutil.Process(process.pid)
    resident: list[int] = []
    for _ in range(100):
        process.stdout.readline()
        resident.append(watched.memory_info().rss if process.poll() is None else resident[-1])
    process.communicate(timeout=60)
    assert process.returncode == 0
    early, late = max(resident[15:40]), max(resident[70:95])
    assert late - early < 60 * 2**20
