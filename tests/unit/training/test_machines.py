"""The documented line that trains over several machines, here two launchers on one."""

from __future__ import annotations

import os
import shlex
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tinct.training.journal import LOSSES, read_rows
from tinct.training.run import train
from tinct.training.runs import read_record

SETTINGS = (
    *("options.widths=[4, 4, 4]", "data.sizes={32: 1}", "data.batch=8", "precision=fp32"),
    "validation={photos: 2, size: 32}",
)
REST = ["--budget", "12steps", "-q", "--no-cache", *(word for text in SETTINGS for word in ("--set", text))]


def documented(repository: Path) -> list[str]:
    """Return the words of the line in docs/how-to/machines.md."""
    text = (repository / "docs" / "how-to" / "machines.md").read_text(encoding="utf-8")
    return shlex.split(next(line for line in text.splitlines() if line.startswith("torchrun ")))


@pytest.mark.skipif(sys.platform != "linux", reason="several CPU processes are launched on Linux only")
def test_the_documented_line_trains_on_two_machines(repository: Path, photos: Path, tmp_path: Path) -> None:
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        port = opened.getsockname()[1]
    there = {"PHOTOS": str(photos), "SHARED/run": str(tmp_path / "two"), "first": "127.0.0.1"}
    line = [there.get(word, word) for word in documented(repository)]
    assert line[line.index("--master-port") + 1] == "29500"
    line[line.index("--master-port") + 1] = str(port)
    tool = shutil.which("torchrun", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    assert tool is not None
    environment = os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    machines = []
    for rank in ("0", "1"):
        line[line.index("--node-rank") + 1] = rank
        words = [tool, *line[1:], *REST]
        machines.append(
            subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)
        )
    said = [machine.communicate(timeout=500)[0] for machine in machines]
    assert [machine.returncode for machine in machines] == [0, 0], said
    assert read_record(tmp_path / "two")["processes"] == 2
    train("encdec-rgb", photos, tmp_path / "one", budget="12steps", settings=SETTINGS)
    one, two = (read_rows(tmp_path / name / LOSSES)[-1] for name in ("one", "two"))
    assert float(two["loss"]) == pytest.approx(float(one["loss"]), rel=1e-3)
