"""What is double-clicked: it finds a Python, sets up, opens the page, and says why where it can't."""

from __future__ import annotations

import configparser
import http.server
import importlib.util
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
START = ROOT / "start"
posix = pytest.mark.skipif(os.name != "posix", reason="needs a POSIX shell")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder like the repository, with a space in its name, whose dev.py only tells how it was called."""
    folder = tmp_path / "my pictures"
    (folder / "scripts").mkdir(parents=True)
    (folder / "start").mkdir()
    for path in START.iterdir():
        (folder / "start" / path.name).write_bytes(path.read_bytes())
    (folder / "start" / "tinct.command").chmod(0o755)
    tell = "import os, sys; print(os.getcwd(), *sys.argv[1:]); sys.exit(int(os.environ.get('CODE', 0)))"
    (folder / "scripts" / "dev.py").write_text(tell, "utf-8")
    return folder


@pytest.fixture
def programs(tmp_path: Path) -> Callable[..., dict[str, str]]:
    """Returns a function that makes an environment with some Pythons, of versions that it is told."""

    def make(**versions: int) -> dict[str, str]:
        folder = tmp_path / "programs"
        folder.mkdir()
        for name in ("dirname", "sh"):
            (folder / name).symlink_to(f"/usr/bin/{name}")
        for name, minor in versions.items():
            # Of one that is too old, all that matters is that it says so.
            script = f'#!/bin/sh\nexec "{sys.executable}" "$@"\n' if minor >= 11 else "#!/bin/sh\nexit 1\n"
            (folder / name.replace("_", ".")).write_text(script)
            (folder / name.replace("_", ".")).chmod(0o755)
        return {"PATH": str(folder)}

    return make


def click(command: list[str], environment: dict[str, str], **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, env={**environment, **more}, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )


@posix
def test_it_takes_the_first_python_that_is_new_enough(checkout: Path, programs: Callable[..., dict[str, str]]) -> None:
    script = str(checkout / "start" / "tinct.command")
    done = click([script], programs(python3=9, python3_12=12))
    assert (done.returncode, done.stdout.strip()) == (0, f"{checkout} start"), done.stderr


@posix
def test_it_says_what_is_missing(
    checkout: Path, programs: Callable[..., dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    script = (START / "tinct.command").read_text("utf-8")
    folders = re.search(r'^PATH="\$PATH:(.*)"$', script, re.MULTILINE)
    assert folders
    if any(Path(folder, "python3").exists() for folder in folders[1].split(":")):
        pytest.skip("this machine has a Python where the script looks by itself")
    done = click([str(checkout / "start" / "tinct.command")], programs(python3=9))
    assert done.returncode == 1
    assert "Python 3.11 or newer" in done.stdout


@posix
def test_a_failure_is_handed_on(checkout: Path, programs: Callable[..., dict[str, str]]) -> None:
    done = click([str(checkout / "start" / "tinct.command")], programs(python3=11), CODE="3")
    assert done.returncode == 3


@posix
def test_the_entry_of_linux_desktops_starts_the_same(checkout: Path, programs: Callable[..., dict[str, str]]) -> None:
    entry = configparser.ConfigParser(interpolation=None)
    path = checkout / "start" / "tinct.desktop"
    entry.read(path)
    found = dict(entry["Desktop Entry"])
    assert (found["type"], found["terminal"]) == ("Application", "true")
    # Desktop Entry Specification: a backslash is escaped once in the file, and once in a quoted argument.
    quoted = found["exec"].replace("\\\\", "\\")
    words, inside = [], quoted.split('"', 1)[1].rsplit('"', 1)[0]
    words = ["sh", "-c", inside.replace('\\"', '"').replace("\\$", "$"), "sh", str(path)]
    assert quoted.endswith("sh %k")
    done = click(words, programs(python3=11))
    assert (done.returncode, done.stdout.strip()) == (0, f"{checkout} start"), done.stderr


def test_the_file_for_windows_is_one() -> None:
    data = (START / "tinct.cmd").read_bytes()
    lines = data.decode("ascii").split("\r\n")
    assert b"\n" not in data.replace(b"\r\n", b"")  # cmd.exe loses its place in files with other ends of lines
    assert lines[0] == "@echo off"
    assert 'cd /d "%~dp0.."' in lines
    assert "%python% scripts\\dev.py start %*" in lines
    assert data.count(b"(") == data.count(b")")


def load_dev() -> Any:
    spec = importlib.util.spec_from_file_location("dev", ROOT / "scripts" / "dev.py")
    assert spec is not None
    assert spec.loader is not None
    dev = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(dev)
    return dev


@pytest.fixture
def answering() -> Iterator[Callable[[bytes], str]]:
    """Returns a function that starts a server on loopback, which answers everything with the same."""
    servers: list[http.server.HTTPServer] = []

    def start(body: bytes) -> str:
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        servers.append(http.server.HTTPServer(("127.0.0.1", 0), Handler))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{servers[-1].server_port}/"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_a_second_click_opens_the_page_that_is_there(
    answering: Callable[[bytes], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    dev = load_dev()
    opened: list[str] = []
    monkeypatch.setattr(dev.webbrowser, "open", opened.append)
    monkeypatch.setattr(dev, "serve", lambda arguments: opened.append(" ".join(["serve", *arguments])))
    monkeypatch.setattr(dev, "PAGE", answering(json.dumps({"version": "1"}).encode()))
    dev.start([])
    assert opened == [dev.PAGE]
    # Whatever else is at the port, the server will say that it can't have it.
    monkeypatch.setattr(dev, "PAGE", answering(b"another program"))
    dev.start(["--port", "8001"])
    assert opened[1:] == ["serve --open --port 8001"]
    monkeypatch.setattr(dev, "PAGE", "http://127.0.0.1:9/")
    dev.start([])
    assert opened[2:] == ["serve --open"]
