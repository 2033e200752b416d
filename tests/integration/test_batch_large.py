"""``tinct batch`` over many files: memory doesn't grow with their number."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tinct.media.photo import read_photo

MAIN = """
import sys
from tinct.cli.app import main
try:
    main(sys.argv[1:])
except SystemExit as ended:
    assert not ended.code, ended.code
print(peak_memory())
"""


def fill(folder: Path, count: int) -> None:
    """Write small photographs, 1,000 to a folder, each another one."""
    data = [
        read_photo(np.roll(np.add.outer(np.arange(24), np.arange(32)), at, axis=1).astype(np.uint8)) for at in range(32)
    ]
    folder.mkdir()
    pages = []
    for number, photo in enumerate(data):
        photo.save(folder / f"page-{number}.jpg")
        pages.append((folder / f"page-{number}.jpg").read_bytes())
        (folder / f"page-{number}.jpg").unlink()
    for number in range(count):
        below = folder / f"{number // 1000:03}"
        below.mkdir(exist_ok=True)
        (below / f"{number:06}.jpg").write_bytes(pages[number % len(pages)])


def peak(peak_memory: str, source: Path, target: Path) -> int:
    """Run a batch in a process of its own, and return the most memory that it took, in MiB."""
    words = ["batch", str(source), str(target), "--jobs", "2", "-q"]
    done = subprocess.run(
        [sys.executable, "-c", peak_memory + MAIN, *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    if (found := int(done.stdout.split()[-1])) == 0:
        pytest.skip("this system doesn't tell")
    return found


def check(peak_memory: str, workspace: Path, few: int, many: int) -> None:
    found = {}
    for count in (few, many):
        fill(workspace / f"in{count}", count)
        found[count] = peak(peak_memory, workspace / f"in{count}", workspace / f"out{count}")
        results = [path for path in (workspace / f"out{count}").rglob("*.jpg") if "_tinct" not in path.parts]
        assert len(results) == count
    assert found[many] < 1.1 * found[few] + 10, found


def test_memory_is_flat(peak_memory: str, workspace: Path) -> None:
    check(peak_memory, workspace, 60, 240)


@pytest.mark.slow
def test_memory_is_flat_over_fifty_thousand(peak_memory: str, workspace: Path, run: Any) -> None:
    check(peak_memory, workspace, 500, 50_000)
    assert "nothing to do" in run("batch", "in50000", "out50000").err
