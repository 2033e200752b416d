"""Real servers and workers on loopback, with a model that is quick; and clients of them."""

from __future__ import annotations

import io
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

import pytest
import requests
from fakeredis import TcpFakeServer

FINAL = ("done", "failed", "stopped")


@dataclass
class Server:
    """A process that serves, and what it said."""

    process: subprocess.Popen[str]
    address: str
    data: Path
    said: list[str] = field(default_factory=list)

    def client(self, **headers: str) -> Client:
        return Client(self.address, headers)

    def stop(self, number: int = signal.SIGTERM) -> float:
        """End it, and return the seconds that it took."""
        began = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(timeout=30)
        return time.monotonic() - began


class Client(requests.Session):
    """A program that asks a server."""

    def __init__(self, address: str, headers: dict[str, str]) -> None:
        super().__init__()
        self.address = address
        self.trust_env = False
        self.headers.update(headers)

    def request(self, method: str | bytes, url: str | bytes, *arguments: Any, **options: Any) -> requests.Response:
        options.setdefault("timeout", 120)
        path = str(url)
        whole = f"{self.address}{path if path.startswith('/') else f'/api/v1/{path}'}"
        return super().request(method, whole, *arguments, **options)

    def upload(self, path: Path) -> str:
        """Keep a picture, and return its id."""
        answer = self.post("pictures", files={"file": (path.name, path.read_bytes())})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def wait(self, job: str, seconds: float = 120) -> dict[str, Any]:
        """Return a job at its end."""
        deadline = time.monotonic() + seconds
        while True:
            found: dict[str, Any] = self.get(f"jobs/{job}").json()
            if found["state"] in FINAL:
                return found
            assert time.monotonic() < deadline, found
            time.sleep(0.1)


def command(*words: object) -> list[str]:
    return [sys.executable, "-m", "tinct", *map(str, words)]


def start_server(data: Path, environment: dict[str, str], *words: object) -> Server:
    process = subprocess.Popen(
        command("serve", "--port", 0, "--data-dir", data, *words),
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
        cwd=data.parent,
    )
    assert process.stderr is not None
    said: list[str] = []
    for line in process.stderr:
        said.append(line)
        found = re.search(r"Tinct is at (http://\S+)", line)
        if found:
            server = Server(process, found[1], data, said)
            threading.Thread(target=_listen, args=(process.stderr, said), daemon=True).start()
            return server
    process.stderr.close()
    process.wait()
    pytest.fail(f"the server didn't start: {''.join(said)}")


def _listen(lines: TextIO, said: list[str]) -> None:
    with lines:
        said.extend(lines)


@pytest.fixture(scope="session")
def plain_environment(quick_model: Path) -> dict[str, str]:
    """Variables by which servers are quick and like one another."""
    return {"TINCT_MODEL": str(quick_model), "TINCT_REQUESTS": "100000", "OMP_NUM_THREADS": "1", "TINCT_TOKEN": ""}


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, plain_environment: dict[str, str]) -> Iterator[Server]:
    """A server with its worker that many tests share."""
    started = start_server(tmp_path_factory.mktemp("server") / "data", plain_environment)
    yield started
    assert started.stop() < 10
    assert not [line for line in started.said if "Traceback" in line], "".join(started.said)


@pytest.fixture
def client(server: Server) -> Client:
    """A program on the server's machine."""
    return server.client()


@pytest.fixture
def add_user(server: Server) -> Callable[[str], Client]:
    """Returns a function that makes a user with a token, and gives a client of theirs."""

    def add(name: str) -> Client:
        said = subprocess.run(
            command("token", "add", name, "--data-dir", server.data), capture_output=True, text=True, check=True
        )
        return server.client(Authorization=f"Bearer {said.stdout.strip()}")

    return add


@pytest.fixture
def launch(tmp_path: Path, plain_environment: dict[str, str]) -> Iterator[Callable[..., Server]]:
    """Returns a function that starts a server of the test's own."""
    started: list[Server] = []

    def start(*words: object, data: Path | None = None, **environment: str) -> Server:
        started.append(start_server(data or tmp_path / "data", {**plain_environment, **environment}, *words))
        return started[-1]

    yield start
    for server in started:
        if server.process.poll() is None:
            server.stop()


@pytest.fixture
def add_worker(tmp_path: Path, plain_environment: dict[str, str]) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Returns a function that starts a worker for the server whose data are in ``tmp_path/data``."""
    started: list[subprocess.Popen[bytes]] = []

    def start(data: Path | None = None, **environment: str) -> subprocess.Popen[bytes]:
        words = [sys.executable, "-m", "tinct", "worker", "--data-dir", str(data or tmp_path / "data")]
        started.append(
            subprocess.Popen(words, env={**os.environ, **plain_environment, "TINCT_LEASE_SECONDS": "2", **environment})
        )
        return started[-1]

    yield start
    for worker in started:
        worker.terminate()
    for worker in started:
        worker.wait(timeout=10)


@pytest.fixture(scope="session")
def colorful(photographs: Path) -> bytes:
    """A ZIP of six colored photographs and one that is gray."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path in sorted(photographs.rglob("*.png")):
            archive.write(path, path.name)
    return buffer.getvalue()


@pytest.fixture(scope="session")
def large_photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A gray photograph of a little more than 2 megapixels, as JPEG."""
    import numpy as np

    from tinct.media.photo import read_photo

    rows, columns = np.mgrid[0:1400, 0:1500]
    path = tmp_path_factory.mktemp("photos") / "large.jpg"
    read_photo(((rows // 7 + columns // 11) % 256).astype(np.uint8)).save(path)
    return path


@pytest.fixture(scope="session")
def small_photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A gray photograph of 64 x 48 pixels, as PNG."""
    import numpy as np

    from tinct.media.photo import read_photo

    path = tmp_path_factory.mktemp("photos") / "small.png"
    read_photo(np.add.outer(np.arange(48) * 2, np.arange(64)).astype(np.uint8)).save(path)
    return path


# The page, in a real browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Debian's Chromium."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("no chromium is installed")
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def page_environment(plain_environment: dict[str, str]) -> dict[str, str]:
    """Variables of :func:`page_server`; a file may have its own."""
    return plain_environment


@pytest.fixture(scope="module")
def page_server(tmp_path_factory: pytest.TempPathFactory, page_environment: dict[str, str]) -> Iterator[Server]:
    """A server with its worker for the page's tests of one file."""
    started = start_server(tmp_path_factory.mktemp("page") / "data", page_environment)
    yield started
    assert started.stop() < 10


@pytest.fixture
def open_page(browser: Any) -> Iterator[Callable[..., Any]]:
    """Returns a function that opens a server's page; in the end nothing was asked of others, nothing complained.

    ``allow`` is a pattern of complaints that the test provokes, such as a refusal that the browser notes.
    """
    contexts, complaints, foreign = [], [], []
    allowed: list[str] = []

    def show(address: str, *, width: int = 1280, allow: str = "", context: Any = None, **more: Any) -> Any:
        if context is None:
            phone: dict[str, Any] = {"has_touch": True, "is_mobile": True} if width < 500 else {}
            context = browser.new_context(viewport={"width": width, "height": 844}, **phone, **more)
            contexts.append(context)
        if allow:
            allowed.append(allow)
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.on("console", lambda said: complaints.append(f"{said.type}: {said.text} {said.location}"))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda asked: foreign.append(asked.url))
        page.goto(address)
        page.locator("main h1").first.wait_for()
        return page

    yield show
    for context in contexts:
        context.close()
    strange = {url for url in foreign if not re.match(r"http://127\.0\.0\.1:\d+/|blob:http://127\.0\.0\.1|data:", url)}
    assert strange == set()
    assert [said for said in complaints if not any(re.search(pattern, said) for pattern in allowed)] == []


@dataclass
class Redis:
    """A Redis on loopback."""

    port: int
    stop: Callable[[], None]

    @property
    def queue(self) -> dict[str, str]:
        """The variable that names it to servers and workers."""
        return {"TINCT_QUEUE_URL": f"redis://127.0.0.1:{self.port}/0"}


@pytest.fixture
def start_redis() -> Iterator[Callable[..., Redis]]:
    """Starts a Redis at a port: Debian's server where it is installed, else the Python stand-in."""
    running: list[Redis] = []

    def start(port: int = 0) -> Redis:
        if port == 0:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                port = probe.getsockname()[1]
        running.append(Redis(port, _stand_in(port) if REDIS is None else _real_redis(REDIS, port)))
        return running[-1]

    yield start
    for redis in running:
        redis.stop()


REDIS = shutil.which("redis-server")


def _real_redis(program: str, port: int) -> Callable[[], None]:
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            break
        except OSError:
            assert process.poll() is None, "redis-server ended"
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def stop() -> None:
        process.terminate()
        process.wait(timeout=30)

    return stop


def _stand_in(port: int) -> Callable[[], None]:
    server = TcpFakeServer(("127.0.0.1", port))
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def stop() -> None:
        server.shutdown()
        server.server_close()

    return stop
