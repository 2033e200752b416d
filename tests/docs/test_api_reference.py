"""The reference of the API: its examples run from top to bottom, every call has one, all settings are listed."""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from tinct.media.photo import read_photo
from tinct.settings import PREFIX, ServerSettings, load_server_settings
from tinct.web.app import create_app

DOCS = Path(__file__).resolve().parents[2] / "docs"
TEXT = (DOCS / "reference" / "api.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```bash\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
CALL = re.compile(r"(?:\$api|\$server)(/[^\s\"|)?]*)")


def make_files(folder: Path) -> None:
    rng = np.random.default_rng(0)
    gray = np.add.outer(np.arange(96), np.arange(128)).astype(np.uint8)
    read_photo(gray).save(folder / "photo.jpg")
    read_photo(np.tile(gray, (15, 15))).save(folder / "large.jpg")
    read_photo(np.full_like(gray, 255)).save(folder / "mask.png")
    with zipfile.ZipFile(folder / "photos.zip", "w") as archive:
        for number in range(12):
            name = folder / f"{number}.png"
            read_photo(rng.integers(0, 255, (32, 32, 3), np.uint8)).save(name)
            archive.write(name, f"{'val' if number > 8 else 'train'}/{number}.png")


@pytest.mark.skipif(shutil.which("curl") is None or shutil.which("bash") is None, reason="curl and bash are needed")
def test_the_examples_run(tmp_path: Path) -> None:
    make_files(tmp_path)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TINCT_")}
    environment |= {"TINCT_CACHE": str(tmp_path / "cache"), "OMP_NUM_THREADS": "1", "NO_PROXY": "127.0.0.1"}
    server = subprocess.Popen(
        [sys.executable, "-m", "tinct", "serve", "--port", "0", "--data-dir", tmp_path / "data"],
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        cwd=tmp_path,
    )
    assert server.stderr is not None
    try:
        address = re.search(r"http://\S+", server.stderr.readline())
        assert address
        script = "set -euo pipefail\n" + "".join(BLOCKS).replace("http://127.0.0.1:8000", address[0])
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr}"
    finally:
        server.terminate()
        server.wait(timeout=15)
        server.stderr.close()
    for name in ("photo.color.jpg", "large.color.jpg", "preview.jpg", "photo.small.jpg", "curves.png"):
        assert read_photo(tmp_path / name).width > 0
    assert sorted(zipfile.ZipFile(tmp_path / "colorized.zip").namelist()) == ["large.color.jpg", "photo.color.jpg"]


def test_every_call_has_an_example(tmp_path: Path) -> None:
    shown = set()
    for line in "".join(BLOCKS).splitlines():
        method = re.search(r"-X (\w+)", line)
        body = re.search(r" -(?:d|F) ", line)
        for path in CALL.findall(line):
            shown.add((method[1] if method else "POST" if body else "GET", re.sub(r"\$\w+", "*", path)))
    missing = []
    for path, calls in create_app(load_server_settings(tmp_path, {})).openapi()["paths"].items():
        pattern = re.compile(re.sub(r"\{\w+\}", "[^/]+", path.removeprefix("/api/v1")))
        missing += [
            f"{method} {path}"
            for method in calls
            if not any(verb == method.upper() and pattern.fullmatch(found) for verb, found in shown)
        ]
    assert missing == []


def test_every_setting_of_a_server_is_listed() -> None:
    text = (DOCS / "how-to" / "serve.md").read_text(encoding="utf-8")
    listed = set(re.findall(rf"^\| `{PREFIX}([A-Z0-9_]+)`", text, re.MULTILINE))
    fields = {
        "DATA_DIR" if field.name == "data" else field.name.upper() for field in dataclasses.fields(ServerSettings)
    }
    assert listed == fields
    for field in dataclasses.fields(ServerSettings):
        if isinstance(field.default, int):
            assert f"| {field.default} |" in text
