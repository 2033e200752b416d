"""An empty database of each kind, made anew for each test."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from tinct.db.repository import Repository


def find_postgresql() -> Path | None:
    """Return the folder with PostgreSQL's programs."""
    candidates = [Path(found).resolve().parent] if (found := shutil.which("initdb")) else []
    candidates += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in candidates if (folder / "postgres").exists()), None)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """Address of a PostgreSQL server on loopback, started for these tests; a database's name goes at its end."""
    programs = find_postgresql()
    if programs is None:
        pytest.skip("PostgreSQL's programs (initdb, postgres) are not installed")
    command: list[str] = []
    # Not below pytest's own folder, which another user, as the server may be, can't enter.
    folder = Path(tempfile.mkdtemp(prefix="tinct-postgresql-"))
    if hasattr(os, "geteuid") and os.geteuid() == 0:  # it refuses to run as root
        import pwd

        users = [user for user in ("postgres", "nobody") if user in {entry.pw_name for entry in pwd.getpwall()}]
        if not users or shutil.which("setpriv") is None:
            shutil.rmtree(folder)
            pytest.skip("PostgreSQL doesn't run as root, and there is no other user to run it as")
        command = ["setpriv", f"--reuid={users[0]}", f"--regid={pwd.getpwnam(users[0]).pw_gid}", "--clear-groups"]
        shutil.chown(folder, users[0])
    data = folder / "data"
    made = subprocess.run(
        [
            *command,
            programs / "initdb",
            "-D",
            data,
            "-U",
            "tinct",
            "-A",
            "trust",
            "--no-sync",
            "-E",
            "UTF8",
            "--locale=C",
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "off", "max_connections": "60"}
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [*command, programs / "postgres", "-D", data, "-p", str(port), *options], cwd=folder, stdout=log, stderr=log
        )
    address = f"postgresql+psycopg://tinct@127.0.0.1:{port}/"
    try:
        _wait(address + "postgres", server, folder / "log")
        yield address
    finally:
        server.send_signal(signal.SIGINT)  # without waiting for clients
        server.wait(timeout=30)
        shutil.rmtree(folder, ignore_errors=True)


def _wait(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    engine = create_engine(address)
    for _ in range(300):
        assert server.poll() is None, log.read_text(errors="replace")
        try:
            with engine.connect():
                break
        except OperationalError:
            time.sleep(0.1)
    engine.dispose()


@pytest.fixture
def make_postgresql(postgresql: str) -> Callable[[str], str]:
    """Returns a function that makes an empty PostgreSQL database and gives its address."""

    def make(name: str) -> str:
        engine = create_engine(postgresql + "postgres", isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))
            connection.execute(text(f'CREATE DATABASE "{name}"'))
        engine.dispose()
        return postgresql + name

    return make


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Address of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/tinct.sqlite"
    made: str = request.getfixturevalue("make_postgresql")("unit")
    return made


@pytest.fixture
def repository_of(url: str) -> Iterator[Callable[[], Repository]]:
    """Returns a function that opens the database once more; its tables are there."""
    opened: list[Repository] = []

    def open_one() -> Repository:
        opened.append(Repository(url))
        if len(opened) == 1:
            opened[0].migrate()
        return opened[-1]

    yield open_one
    for repository in opened:
        repository.close()
