"""``tinct evaluate`` over many photographs: killed it loses nothing, and memory doesn't grow with their number."""

from __future__ import annotations

import errno
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tinct.data.source import Source
from tinct.errors import ModelError
from tinct.evaluation.makers import ModelMaker
from tinct.evaluation.protocol import Item, Original

Run = Callable[..., Any]
Start = Callable[..., subprocess.Popen[bytes]]
METRICS = ("--metrics", "psnr,auc_rebalanced")
GROWTH = 60
"""MiB by which the peak may differ: what allocators keep. 100 photographs at 256x256 with Lab and bins are 110."""


@pytest.fixture
def many(workspace: Path, scene: Callable[..., NDArray[np.uint8]]) -> Callable[[int], Path]:
    """Returns a function that makes a folder of photographs, each another one."""

    def make(count: int) -> Path:
        folder = workspace / f"many-{count}"
        folder.mkdir()
        for seed in range(count):
            Image.fromarray(scene(seed, 128, 128)).save(folder / f"{seed}.png")
        return folder

    return make


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_a_killed_run_goes_on(run: Run, start: Start, many: Callable[[int], Path], quick_model: Path) -> None:
    folder = many(16)
    words = ("evaluate", "--data", folder, "--model", quick_model, *METRICS, "-j", 1)
    process = start(*words, "--json", "o.json")
    deadline = time.monotonic() + 300
    while measured("o.measured") < 4:
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    before = measured("o.measured")
    assert 4 <= before < 16
    assert not Path("o.json").exists()
    again = run(*words, "--json", "o.json")
    assert again.code == 0, again.err
    found = re.search(r"(\d+) photographs had been measured before", again.err)
    assert found
    assert int(found[1]) == before
    assert run(*words, "--json", "whole.json", "--store", "other.measured", "-q").code == 0
    assert json.loads(Path("o.json").read_text("utf-8")) == json.loads(Path("whole.json").read_text("utf-8"))


def test_a_moment_s_failure_is_not_remembered(
    run: Run, many: Callable[[int], Path], quick_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A share that goes away ends the run; a model that failed is asked again."""
    words = ("evaluate", "--data", many(8), "--model", quick_model, *METRICS, "-j", 1, "--json")
    assert run(*words, "whole.json").code == 0
    reads = 0

    def fail(source: Source) -> bytes:
        nonlocal reads
        reads += 1
        if reads > 8 + 3:  # each is read once for its hash
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return read(source)

    read, make = Source.read, ModelMaker.make
    with monkeypatch.context() as patch:
        patch.setattr(Source, "read", fail)
        gone = run(*words, "o.json")
    assert (gone.code, "can't be read any more (Input/output error)" in gone.err) == (1, True), gone.err
    assert not Path("o.json").exists()

    def lack_memory(maker: ModelMaker, item: Item, original: Original) -> Any:
        if item.source.name == "5.png":
            raise ModelError("no memory is left")
        return make(maker, item, original)

    with monkeypatch.context() as patch:
        patch.setattr(ModelMaker, "make", lack_memory)
        busy = run(*words, "o.json")
    assert (busy.code, "5.png: no memory is left" in busy.err) == (1, True), busy.err
    again = run(*words, "o.json")
    assert again.code == 0, again.err
    assert "7 photographs had been measured before" in again.err
    assert json.loads(Path("o.json").read_text("utf-8")) == json.loads(Path("whole.json").read_text("utf-8"))


def measured(store: str) -> int:
    """Return how many photographs a store holds."""
    if not Path(store).exists():
        return 0
    with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True, timeout=10)) as base:
        try:
            return int(base.execute("SELECT COUNT(*) FROM photo").fetchone()[0])
        except sqlite3.OperationalError:  # its tables aren't there yet
            return 0


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="this system doesn't tell a process's peak")
def test_memory_is_flat(many: Callable[[int], Path], quick_model: Path, peak_memory: str) -> None:
    def peak(count: int) -> int:
        words = ["evaluate", "--data", many(count), "--model", quick_model, *METRICS, "-j", "2", "-q"]
        words += ["--json", f"{count}.json"]
        code = f"""{peak_memory}
from tinct.cli.app import main
try:
    main({[str(word) for word in words]!r})
except SystemExit as ended:
    assert not ended.code
print(peak_memory())
"""
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        return int(done.stdout.split()[-1])

    assert peak(120) < peak(20) + GROWTH
