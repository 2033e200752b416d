"""Two processes with a batch each learn what one learns with twice the batch."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tinct.training.journal import LOSSES, VALIDATION, read_rows
from tinct.training.run import train
from tinct.training.runs import read_record
from tinct.weights import checkpoint

SETTINGS = (
    "options.widths=[4, 4, 4]",
    "data.sizes={32: 1}",
    # Of all processes together: four photos each.
    "data.batch=8",
    "validation={photos: 2, size: 32}",
    "precision=fp32",
)


def free_port() -> int:
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        return int(opened.getsockname()[1])


@pytest.mark.skipif(sys.platform != "linux", reason="several CPU processes are launched on Linux only")
def test_two_processes_are_one_with_twice_the_batch(photos: Path, tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    # No batch normalization in this network: each process would normalize its own part of the batch.
    train("encdec-rgb", photos, one, budget="40steps", settings=SETTINGS)
    # What accelerate launch starts for GPUs; on CPUs it starts one process only, where there is no MPI.
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2", f"--master-port={free_port()}"]
    command += ["-m", "tinct", "train", "encdec-rgb", "--data", str(photos), "--out", str(two), "-q", "--no-cache"]
    command += ["--budget", "40steps", *(word for text in SETTINGS for word in ("--set", text))]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=500, env=environment)
    assert done.returncode == 0, done.stderr
    assert read_record(two)["processes"] == 2
    for table, figures in ((LOSSES, ["loss", "mse"]), (VALIDATION, ["psnr", "mse_raw", "colorfulness"])):
        rows = [read_rows(run / table) for run in (one, two)]
        assert [row["step"] for row in rows[0]] == [row["step"] for row in rows[1]]
        for mine, theirs in zip(*rows, strict=True):
            for figure in figures:
                assert float(mine[figure]) == pytest.approx(float(theirs[figure]), rel=1e-3), (table, figure)
    first, second = (checkpoint.load_state(run)["network"] for run in (one, two))
    for name, tensor in first.items():
        torch.testing.assert_close(tensor, second[name], atol=1e-4, rtol=1e-3)
