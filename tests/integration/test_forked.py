"""Tinct in several processes: spawned ones work, one forked after use says what to do instead of waiting forever."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tinct.media.photo import read_photo

SCRIPT = """
import multiprocessing, sys
import tinct

def shape(name):
    return tinct.colorize(name).to_numpy().shape

if __name__ == "__main__":
    {before}
    with multiprocessing.get_context({method!r}).Pool(2) as pool:
        try:
            print(pool.map(shape, ["photo.png"] * 4))
        except tinct.errors.TinctError as error:
            print(type(error).__name__, error)
"""
USED = "shape('photo.png')"


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="there is no fork here")
@pytest.mark.parametrize(
    ("method", "before", "says"),
    [
        ("fork", USED, "ForkedProcess this process was forked from one in which Tinct was at work"),
        ("fork", "tinct.Colorizer()", "[(24, 32, 3), (24, 32, 3), (24, 32, 3), (24, 32, 3)]"),
        ("spawn", USED, "[(24, 32, 3), (24, 32, 3), (24, 32, 3), (24, 32, 3)]"),
    ],
)
def test_a_pool_of_processes(tmp_path: Path, method: str, before: str, says: str) -> None:
    read_photo(np.tile(np.arange(32, dtype=np.uint8) * 7, (24, 1))).save(tmp_path / "photo.png")
    (tmp_path / "script.py").write_text(SCRIPT.format(method=method, before=before), encoding="utf-8")
    command = [sys.executable, "script.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert done.stdout.startswith(says), done.stdout + done.stderr
