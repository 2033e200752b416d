"""Many users at once, on loopback: nobody gets an error but to come back later, and the memory stays as it is."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

# Importing it would replace sockets and threads of this process.
pytestmark = pytest.mark.skipif(importlib.util.find_spec("locust") is None, reason="locust is not installed")


def run_load(repository: Path, model: str, users: int, seconds: int) -> dict[str, float]:
    words = ["--users", str(users), "--seconds", str(seconds), "--model", model, "--no-history"]
    done = subprocess.run(
        [sys.executable, str(repository / "benchmarks" / "bench_load.py"), *words],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    found: dict[str, float] = json.loads(done.stdout)
    return found


def test_a_few_users(repository: Path, quick_model: Path) -> None:
    found = run_load(repository, str(quick_model), 5, 4)
    assert found["errors"] == 0
    assert found["answered"] > 0


@pytest.mark.slow
def test_fifty_users_for_a_minute(repository: Path) -> None:
    found = run_load(repository, "default", 50, 60)
    assert found["errors"] == 0
    assert found["answered"] > 20
    assert found["memory growth"] < 1.1, found
