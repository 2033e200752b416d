"""The command as a user runs it, in this process where that is enough, with a model that is quick."""

from __future__ import annotations

import importlib.util
import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tinct.cli.app import main
from tinct.media.photo import read_photo

HELPERS = Path(__file__).parents[1] / "unit" / "inference" / "conftest.py"

CLUSTER = """
import sys, ray
ray.init(address="local", num_cpus=2, object_store_memory=80 << 20, include_dashboard=False, log_to_driver=False,
         logging_level="error", _system_config={"worker_niceness": 0})
print(ray.get_runtime_context().gcs_address, flush=True)
sys.stdin.read()
"""


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str


@pytest.fixture(scope="session")
def quick_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An ONNX file with random weights that takes hints and knows both modes."""
    specification = importlib.util.spec_from_file_location("model_helpers", HELPERS)
    assert specification is not None
    assert specification.loader is not None
    helpers = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(helpers)
    path = tmp_path_factory.mktemp("models") / "quick.onnx"
    helpers.write_model(path, "bins", takes_hints=True, size=32)
    return path


@pytest.fixture
def workspace(tmp_path: Path, quick_model: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, where the model is the quick one."""
    for name in [name for name in os.environ if name.startswith("TINCT_") and name != "TINCT_CACHE"]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("TINCT_MODEL", str(quick_model))
    monkeypatch.setenv("COLUMNS", "120")
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def run(workspace: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    """Returns a function that runs the command in this process."""

    def run_main(*arguments: object) -> Done:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return Done(int(ended.value.code or 0), out, err)

    return run_main


@pytest.fixture
def start(workspace: Path) -> Callable[..., subprocess.Popen[bytes]]:
    """Returns a function that starts the command as a process of its own."""

    def popen(*arguments: object, **options: Any) -> subprocess.Popen[bytes]:
        streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        command = [sys.executable, "-m", "tinct", *map(str, arguments)]
        return subprocess.Popen(command, **streams, **options)

    return popen


@pytest.fixture
def picture(workspace: Path, gray_pixels: NDArray[np.uint8]) -> Callable[..., Path]:
    """Returns a function that writes a gray picture of 64 x 48 pixels, or other pixels, below the workspace."""

    def write(name: str, pixels: NDArray[Any] | None = None) -> Path:
        path = workspace / name
        path.parent.mkdir(parents=True, exist_ok=True)
        read_photo(gray_pixels if pixels is None else pixels).save(path)
        return path.relative_to(workspace)

    return write


@pytest.fixture
def contents(workspace: Path) -> Callable[[], dict[str, bytes]]:
    """Returns a function that reads every file of the workspace, hidden ones too."""

    def read() -> dict[str, bytes]:
        files = (path for path in workspace.rglob("*") if path.is_file())
        return {path.relative_to(workspace).as_posix(): path.read_bytes() for path in files}

    return read


@pytest.fixture
def refused(run: Callable[..., Done], contents: Callable[[], dict[str, bytes]]) -> Callable[..., str]:
    """Returns a function that colorizes, expects that this fails and changes no file, and gives what was said."""

    def colorize(*arguments: object, code: int, says: str) -> str:
        before = contents()
        done = run("colorize", *arguments)
        assert done.code == code, done.err
        assert says in done.err
        assert contents() == before
        return done.err

    return colorize


@pytest.fixture(scope="session")
def cluster() -> Iterator[str]:
    """Address of a cluster of two processors with a small object store."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_AUTH_MODE", "token")
        patch.setenv("RAY_AUTH_TOKEN", secrets.token_hex(32))
        for _ in range(4):  # a busy machine may not have it ready in the half minute that Ray gives it
            process = subprocess.Popen(
                [sys.executable, "-c", CLUSTER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            assert process.stdin is not None
            assert process.stdout is not None
            if address := process.stdout.readline().strip():
                break
            process.communicate(timeout=60)
        assert address, "Ray didn't start"
        yield address
        process.stdin.close()
        process.wait(timeout=60)
        process.stdout.close()
