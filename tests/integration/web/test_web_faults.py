"""Clocks that jump, and a database on the network that goes and comes back, in the middle of work."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

DAY = 86_400
JUMPING = """
import pathlib, sqlite3, time

real, clock = time.time, pathlib.Path({clock!r})
connect = sqlite3.connect


def jumped():
    return real() + float(clock.read_text() or 0)


def open_base(*arguments, **options):
    base = connect(*arguments, **options)
    base.create_function("julianday", 1, lambda _: jumped() / 86400 + 2440587.5)
    return base


time.time = jumped
sqlite3.connect = sqlite3.dbapi2.connect = open_base
"""
"""What each Python runs at its start: the clocks of the system and of SQLite are off by what a file says."""
SMALL = {"settings": ["data.batch=4"]}


@pytest.mark.slow
def test_clocks_may_jump(launch: Callable[..., Any], tmp_path: Path, small_photo: Path, colorful: bytes) -> None:
    clock = tmp_path / "clock"

    def jump(seconds: int) -> None:
        (tmp_path / "new").write_text(str(seconds))
        (tmp_path / "new").replace(clock)

    jump(0)
    (tmp_path / "start").mkdir()
    (tmp_path / "start" / "sitecustomize.py").write_text(JUMPING.format(clock=str(clock)))
    path = os.pathsep.join(filter(None, (str(tmp_path / "start"), os.environ.get("PYTHONPATH"))))
    client = launch(PYTHONPATH=path, TINCT_LEASE_SECONDS="3").client()
    picture = client.upload(small_photo)
    data = client.post("datasets", files={"file": ("d.zip", colorful)}).json()["id"]
    run = client.post("runs", json={"recipe": "cifar-cnn", "data": data, "budget": "100000steps", **SMALL}).json()["id"]
    created = client.get(f"runs/{run}").json()["run"]["created"]
    assert abs(created - time.time()) < 600

    def train_on() -> None:
        """Wait for reports of the run that come now."""
        number = len(client.get(f"runs/{run}").json()["points"])
        deadline = time.monotonic() + 120
        while len(client.get(f"runs/{run}").json()["points"]) < number + 2:
            assert time.monotonic() < deadline
            time.sleep(0.2)

    train_on()
    for days in (10, -20):
        jump(days * DAY)
        job = client.post(f"pictures/{picture}/jobs", json={}).json()
        assert abs(job["created"] - time.time() - days * DAY) < 600  # the clock did jump
        done = client.wait(job["id"])
        assert (done["state"], client.get(f"jobs/{job['id']}/result").status_code) == ("done", 200)
        train_on()
    going = client.get(f"runs/{run}").json()["run"]["job"]
    assert going["state"] == "running"
    client.post(f"runs/{run}/stop")
    assert client.wait(going["id"])["state"] == "stopped"
    # Resumed before it was begun, by the clock.
    jump(-40 * DAY)
    again = client.post(f"runs/{run}/resume", json={}).json()["job"]
    assert again["id"] != going["id"]
    train_on()
    client.post(f"runs/{run}/stop")
    assert client.wait(again["id"])["state"] == "stopped"


class Line:
    """A line to a server on loopback that can be cut."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._open: list[socket.socket] = []
        self._listening = self._listen(0)
        self.port = int(self._listening.getsockname()[1])

    def _listen(self, port: int) -> socket.socket:
        listening = socket.create_server(("127.0.0.1", port), reuse_port=False)
        threading.Thread(target=self._accept, args=(listening,), daemon=True).start()
        return listening

    def _accept(self, listening: socket.socket) -> None:
        with suppress(OSError):
            while True:
                near, _ = listening.accept()
                far = socket.create_connection(("127.0.0.1", self._target))
                self._open += [near, far]
                for source, target in ((near, far), (far, near)):
                    threading.Thread(target=self._pass_on, args=(source, target), daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
        for end in (source, target):
            end.close()

    def cut(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for end in self._open:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        self._open.clear()

    def mend(self) -> None:
        self._listening = self._listen(self.port)


@pytest.fixture
def line(postgresql: str) -> Iterator[Line]:
    found = Line(make_url(postgresql).port or 0)
    yield found
    with suppress(OSError):
        found.cut()


@pytest.mark.slow
def test_a_database_that_goes_and_comes_back(
    launch: Callable[..., Any],
    add_worker: Callable[..., Any],
    make_postgresql: Callable[[str], str],
    line: Line,
    small_photo: Path,
    colorful: bytes,
) -> None:
    straight = make_postgresql("faults")
    url = make_url(straight).set(port=line.port).render_as_string(hide_password=False)
    client = launch("--no-worker", TINCT_DATABASE_URL=url, TINCT_LEASE_SECONDS="20").client()
    add_worker(TINCT_DATABASE_URL=url, TINCT_LEASE_SECONDS="20")
    picture = client.upload(small_photo)
    data = client.post("datasets", files={"file": ("d.zip", colorful)}).json()["id"]
    run = client.post("runs", json={"recipe": "cifar-cnn", "data": data, "budget": "20epochs", **SMALL}).json()
    deadline = time.monotonic() + 120
    while not client.get(f"runs/{run['id']}").json()["points"]:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    jobs = [client.post(f"pictures/{picture}/jobs", json={}).json()["id"] for _ in range(5)]
    line.cut()
    away = client.get("pictures")
    assert (away.status_code, away.json()["kind"]) == (503, "DatabaseError")
    assert "Retry-After" in away.headers
    assert client.get("health").status_code == 503
    time.sleep(3)  # jobs end meanwhile, and can't be noted
    line.mend()
    assert client.get("health").status_code == 200
    assert [client.wait(id)["state"] for id in jobs] == ["done"] * 5
    assert client.wait(run["job"]["id"])["state"] == "done"
    steps = [point["body"]["step"] for point in client.get(f"runs/{run['id']}").json()["points"]]
    assert steps == sorted(steps)
    engine = create_engine(straight)
    with engine.connect() as connection:
        query = text("SELECT count(*), count(DISTINCT job_id) FROM artifacts WHERE kind = 'result'")
        assert tuple(connection.execute(query).one()) == (5, 5)
        # The training went on meanwhile.
        assert connection.execute(text("SELECT attempt FROM jobs WHERE kind = 'train'")).scalar() == 1
    engine.dispose()
