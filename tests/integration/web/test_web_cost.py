"""What a large photograph costs through the API, beside the command: processor time, true on busy machines too."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tinct.media.photo import read_photo

psutil = pytest.importorskip("psutil")
MOST = 1.3
"""Of what the command costs."""


@pytest.fixture(scope="module")
def twelve_megapixels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows, columns = np.mgrid[0:3000, 0:4000]
    pixels = 127 + 80 * np.sin(rows / 190) * np.cos(columns / 230) + np.random.default_rng(0).normal(0, 6, rows.shape)
    path = tmp_path_factory.mktemp("photos") / "large.jpg"
    read_photo(np.clip(pixels, 0, 255).astype(np.uint8)).save(path, quality=90)
    return path


def spent(process: Any) -> float:
    """Return the processor time of a process and all below it that live, in seconds."""
    total = 0.0
    for each in (process, *process.children(recursive=True)):
        times = each.cpu_times()
        total += times.user + times.system + times.children_user + times.children_system
    return total


def test_a_photograph_of_12_megapixels_costs_little_more_than_by_the_command(
    launch: Callable[..., Any], twelve_megapixels: Path, tmp_path: Path
) -> None:
    words = [sys.executable, "-m", "tinct", "colorize", str(twelve_megapixels), "-o", str(tmp_path / "out.jpg"), "-q"]
    command = []
    for _ in range(2):  # the first also compiles what Python keeps
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([*words, "--overwrite"], check=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        command.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)

    server = launch(TINCT_MODEL="default")
    client = server.client()
    process = psutil.Process(server.process.pid)
    data = twelve_megapixels.read_bytes()

    def color() -> bytes:
        answer = client.post("colorize", files={"file": ("large.jpg", data)})
        assert answer.status_code == 202, answer.text
        job = answer.json()["id"]
        assert client.get(f"jobs/{job}/events").text.count("event: end") == 1
        return client.get(f"jobs/{job}/result").content

    color()  # the worker has its model from now on
    began = spent(process)
    result = color()
    cost = spent(process) - began
    assert read_photo(result).width == 4000
    print(f"12 megapixels: {cost:.2f} s of processor time by the API, {command[1]:.2f} s by the command")  # noqa: T201
    assert cost <= MOST * command[1]
