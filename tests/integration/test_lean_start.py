"""What a newcomer waits for: importing Tinct and asking for help load nothing heavy and take little time."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("torch", "onnxruntime", "pyvips", "skimage", "matplotlib", "scipy", "accelerate")
HELP = "import sys; sys.argv = ['tinct', '--help']; from tinct.cli.app import main; main()"


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def seconds(code: str) -> float:
    """Return the processor's time, which other tests beside this one don't take part in."""
    before = os.times()
    assert run(code).returncode == 0
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


@pytest.mark.parametrize("what", ["import tinct", HELP], ids=["import", "help"])
def test_nothing_heavy_is_loaded(what: str) -> None:
    report = (
        f"import atexit, sys; atexit.register(lambda: print('LOADED', *(set(sys.modules) & set({HEAVY!r}))))\n{what}"
    )
    done = run(report)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].split() == ["LOADED"]


def test_help_is_quick() -> None:
    """At most three times what the libraries of the command line take by themselves; the best of five, side by side."""
    pairs = [(seconds(HELP), seconds("import typer, rich")) for _ in range(5)]
    help_seconds, floor = (min(times) for times in zip(*pairs, strict=True))
    assert help_seconds < 3 * floor


def test_nothing_is_left_in_the_home_folder(tmp_path: Path) -> None:
    """Nor sent: onnxruntime keeps what it would report there."""
    code = "import numpy, tinct; tinct.colorize(numpy.full((20, 30), 128, numpy.uint8)).to_numpy()"
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("ORT_", "XDG_"))}
    done = subprocess.run([sys.executable, "-c", code], env={**environment, "HOME": str(tmp_path)}, check=False)
    assert done.returncode == 0
    assert list(tmp_path.rglob("*")) == []
