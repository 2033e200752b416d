"""``make serve`` on a fresh checkout: within a minute the page is there, with a warm package cache."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MOST_SECONDS = 60.0
"""Of processor time on one core: what a machine with nothing else to do needs at most."""
PATIENCE = 1800.0

psutil = pytest.importorskip("psutil")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32" or shutil.which("make") is None, reason="needs make")
def test_a_fresh_checkout_serves_within_a_minute(tmp_path: Path) -> None:
    checkout = tmp_path / "tinct"
    left_out = shutil.ignore_patterns(".git", ".venv", "__pycache__", "*.egg-info", "runs", "out", ".*_cache")
    shutil.copytree(ROOT, checkout, ignore=left_out)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("TINCT_", "VIRTUAL_ENV"))}
    arguments = f"--port {port} --data-dir {tmp_path / 'data'}"
    process = subprocess.Popen(
        ["make", "serve", f"ARGS={arguments}", f"PYTHON={Path(sys.base_prefix) / 'bin' / 'python3'}"],
        cwd=checkout,
        env=environment,
        start_new_session=True,
    )
    try:
        health = f"http://127.0.0.1:{port}/api/v1/health"
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        deadline = time.monotonic() + PATIENCE
        while True:
            assert process.poll() is None, "it ended"
            assert time.monotonic() < deadline
            try:
                with direct.open(health, timeout=5) as answer:
                    assert json.load(answer)["status"] == "ok"
                break
            except OSError:
                time.sleep(0.5)
        spent = 0.0
        own = psutil.Process(process.pid)
        for each in (own, *own.children(recursive=True)):
            times = each.cpu_times()
            spent += times.user + times.system + times.children_user + times.children_system
        assert spent < MOST_SECONDS
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=60)
