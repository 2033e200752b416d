"""The process that works for strangers, with a stand-in for what runs in it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tinct.web.sandbox import Sandbox

ECHO = """
import json, os, sys
for line in sys.stdin:
    print(json.dumps({"done": dict(os.environ)}), flush=True)
"""
KEPT = {
    "TINCT_MODEL": "m",
    "TINCT_WEIGHTS": "w",
    "OMP_NUM_THREADS": "1",
    "LC_ALL": "C.UTF-8",
    "https_proxy": "http://p",
}
SECRET = (
    "TINCT_TOKEN",
    "TINCT_DATABASE_URL",
    "TINCT_QUEUE_URL",
    "TINCT_STORE_URL",
    "TINCT_SIGN_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "PGPASSWORD",
    "HF_TOKEN",
)


def test_it_gets_to_know_no_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "echo_environment.py").write_text(ECHO, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    for name, value in {**KEPT, **dict.fromkeys(SECRET, "secret")}.items():
        monkeypatch.setenv(name, value)
    sandbox = Sandbox(0, "echo_environment")
    try:
        found = sandbox.ask({}, 30)
    finally:
        sandbox.close()
    assert KEPT.items() <= found.items()
    assert found["PATH"] == os.environ["PATH"]
    assert "secret" not in found.values()
