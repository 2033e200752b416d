"""A worker's folder among temporary files: gone with it, or taken away by the next one."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from tinct.jobs.scratch import Scratch

HOLD = """
import sys
from tinct.jobs.scratch import Scratch
scratch = Scratch()
(scratch.path / "scan.tif").write_bytes(b"confidential")
print(scratch.path, flush=True)
sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folder of the machine's temporary files."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


def hold() -> tuple[subprocess.Popen[str], Path]:
    """Start another worker, and return it with its folder."""
    process = subprocess.Popen([sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


def test_what_a_killed_one_left_is_taken_away_by_the_next(temporary: Path) -> None:
    (dead, left), (alive, kept) = hold(), hold()
    for path in (left, kept):
        assert (path / "scan.tif").exists()
    (temporary / "tinct-worker-new").mkdir()  # as another worker has it, just before its lock
    dead.kill()
    dead.communicate(timeout=60)
    own = Scratch()
    assert not left.exists()
    assert (kept / "scan.tif").exists()
    assert set(temporary.iterdir()) == {own.path, kept, temporary / "tinct-worker-new"}
    Scratch().close()
    assert own.path.exists()
    alive.kill()
    alive.communicate(timeout=60)
    ending = threading.Thread(target=own.close)  # a worker's methods are called on several threads
    ending.start()
    ending.join()
    assert not own.path.exists()
