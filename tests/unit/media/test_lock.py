from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tinct.errors import OutputError
from tinct.media.lock import take_lock

HOLD = """
import pathlib, sys
from tinct.media.lock import take_lock
lock = take_lock(pathlib.Path(sys.argv[1]))
print(flush=True)
input()
"""


def test_one_has_it_at_a_time(tmp_path: Path) -> None:
    first = take_lock(tmp_path / "lock")
    assert first is not None
    assert take_lock(tmp_path / "lock") is None
    first.close()
    again = take_lock(tmp_path / "lock")
    assert again is not None
    again.close()


def test_it_ends_with_a_process_that_is_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path / "lock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        assert take_lock(tmp_path / "lock") is None
        other.kill()
    lock = take_lock(tmp_path / "lock")
    assert lock is not None
    lock.close()


@pytest.mark.parametrize("there", ["a folder", "something else"])
def test_what_cannot_be_locked(there: str, tmp_path: Path) -> None:
    file = tmp_path / "lock"
    if there == "a folder":
        file.mkdir()
    else:
        file.write_bytes(b"no database" * 100)
    with pytest.raises(OutputError, match="can't be used"):
        take_lock(file)
