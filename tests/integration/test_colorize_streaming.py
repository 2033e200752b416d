"""Large photographs and repeated runs, each in a process of its own: memory stays small, bytes stay the same."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

CODE = """
import sys, tinct
hints = [tinct.Hint("20%", "30%", "#a03020", 50)]
tinct.colorize(sys.argv[1], hints=hints).save(sys.argv[2])
"""


def colorize(source: Path, target: Path, then: str = "", **environment: str) -> str:
    """Colorize in a fresh process that runs more code at its end; return what it printed."""
    command = [sys.executable, "-c", CODE + then, str(source), str(target)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_memory_doesn_t_grow_with_the_photograph(tmp_path: Path, peak_memory: str) -> None:
    import pyvips

    source, target = tmp_path / "large.tif", tmp_path / "result.tif"
    pyvips.Image.sines(8000, 8000, hfreq=5, vfreq=3, uchar=True).tiffsave(str(source), tile=True, compression="lzw")
    peak = colorize(source, target, then=f"{peak_memory}\nprint(peak_memory())")
    # The result alone has 192 MB, and floats of its colors 768.
    assert int(peak) < 400
    result = pyvips.Image.new_from_file(str(target))
    assert (result.width, result.height, result.bands, result.format) == (8000, 8000, 3, "uchar")


def test_neither_threads_nor_processes_change_a_byte(example_photo: Path, tmp_path: Path) -> None:
    digests = set()
    for threads in ("1", "2", "5"):
        target = tmp_path / f"{threads}.png"
        colorize(example_photo, target, VIPS_CONCURRENCY=threads)
        digests.add(hashlib.sha256(target.read_bytes()).hexdigest())
    assert len(digests) == 1
