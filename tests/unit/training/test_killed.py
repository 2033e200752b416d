"""A run that is killed again and again, at any moment, ends where an uninterrupted one does."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from tinct.training.run import train
from tinct.training.runs import read_record
from tinct.weights import checkpoint

KILLS = 20
SETTINGS = (
    "options.widths=[4, 4, 4]",
    "data.sizes={32: 1}",
    "data.batch=4",
    "validation={photos: 2, size: 32}",
    "precision=fp32",
    "checkpoint_minutes=1e-9",
    "adversarial={width: 4, layers: 1, collapse_accuracy: 1, collapse_colorfulness: 0}",
)
BUDGET = "2500steps"


@pytest.mark.slow
def test_killed_at_any_moment_twenty_times(photos: Path, tmp_path: Path) -> None:
    """A short form of it, with two kills, is in test_resume."""
    whole, run = tmp_path / "whole", tmp_path / "run"
    command = [sys.executable, "-m", "tinct", "train", "lab-cnn-gan", "--data", str(photos), "--out", str(run), "-q"]
    command += ["--resume", "--no-cache", "--budget", BUDGET, *(word for text in SETTINGS for word in ("--set", text))]
    chance = random.Random(0)
    kills = steps = 0
    while kills < KILLS:
        before = _written(run)
        process = subprocess.Popen(command)
        deadline = time.monotonic() + 300
        if kills % 4:
            # While it trains: steps and checkpoints take a few milliseconds each.
            while _written(run) == before and process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.005)
            time.sleep(chance.uniform(0, 0.5))
        else:
            # While it starts, reads and resumes.
            time.sleep(chance.uniform(0, 4))
        assert process.poll() is None, "the run ended, or failed, before it was killed often enough"
        process.kill()
        process.wait()
        kills += 1
        if checkpoint.has_state(run):
            state = checkpoint.load_state(run)
            assert state["step"] >= steps
            steps = state["step"]
            read_record(run)
            if (run / checkpoint.FOLDER / checkpoint.SPEC).is_file():
                checkpoint.load_network(run)
    assert 0 < steps < 2500
    train("lab-cnn-gan", photos, run, resume=True)
    train("lab-cnn-gan", photos, whole, budget=BUDGET, settings=SETTINGS)
    first, second = checkpoint.load_state(whole), checkpoint.load_state(run)
    assert first["step"] == second["step"] == 2500
    for part in ("network", "average", "discriminator"):
        assert all(torch.equal(tensor, second[part][name]) for name, tensor in first[part].items()), part


def _written(run: Path) -> int:
    path = run / checkpoint.FOLDER / checkpoint.STATE
    return path.stat().st_mtime_ns if path.exists() else 0
