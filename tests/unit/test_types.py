"""What works at run time passes the type checker of a program that uses Tinct."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import io
from pathlib import Path

import numpy as np
from PIL import Image

import tinct

picture = Image.new("L", (4, 4))
array = np.zeros((4, 4), np.uint8)
red = tinct.Hint(1, 2, "#c05020")
tinct.ColorizeOptions(mask=picture, reference=picture, hints=[red])
tinct.ColorizeOptions(mask=io.BytesIO(), reference=bytearray(), hints=red, restore=["dust"])
tinct.ColorizeOptions(mask=array, reference=Path("a.png"), hints="1,2,#c05020", restore="dust")
tinct.ColorizeOptions(mask=tinct.read_photo("a.png"), hints=[{"x": 1, "y": 2, "color": "#c05020"}, "1,2,#c05020"])
variant = tinct.Variant(1, 2)
try:
    photo = tinct.colorize(array, mask=picture, hints=None)
except tinct.errors.OptionError:
    raise
photo.save(io.BytesIO(), format="png")
result: tinct.Result = tinct.Colorizer().colorize(picture, tinct.ColorizeOptions(variant=variant))
kept: tuple[tinct.Hint, ...] = tinct.ColorizeOptions().hints
"""


def test_a_program_that_uses_tinct(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM, encoding="utf-8")
    # The cache is that of the lint, so that little is left to check.
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file", "pyproject.toml", tmp_path / "program.py"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
