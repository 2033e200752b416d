"""The commands serve, worker and token, used well and wrongly."""

from __future__ import annotations

import json
import shutil
import socket
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def refused_to_serve(run: Callable[..., Any], tmp_path: Path) -> Callable[..., str]:
    """Returns a function that tries to serve, expects wrong usage, and gives what was said."""

    def serve(*words: object, code: int = 2) -> str:
        done = run("serve", "--data-dir", tmp_path / "data", *words)
        assert done.code == code, done.err
        said: str = done.err
        return said

    return serve


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org"])
def test_it_doesn_t_listen_elsewhere_without_a_token(host: str, refused_to_serve: Callable[..., str]) -> None:
    said = refused_to_serve("--host", host)
    assert "token" in said
    assert "--insecure-no-auth" in said


@pytest.mark.parametrize("words", [("serve",), ("token", "list"), ("token", "add", "ann")])
def test_a_file_in_place_of_the_data_folder_is_said(run: Callable[..., Any], tmp_path: Path, words: tuple[str]) -> None:
    (tmp_path / "file").touch()
    done = run(*words, "--data-dir", tmp_path / "file")
    assert done.code == 1
    assert done.err.startswith("Error: ")
    assert "can't be used" in done.err


def test_wrong_usage(refused_to_serve: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert "contradict" in refused_to_serve("--token", "x" * 20, "--insecure-no-auth")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert "another --port" in refused_to_serve("--port", taken.getsockname()[1])
    monkeypatch.setenv("TINCT_DATABASE_URL", "mysql://x")
    assert "postgresql+psycopg" in refused_to_serve()
    monkeypatch.setenv("TINCT_DATABASE_URL", "postgresql+psycopg://tinct@127.0.0.1:9/x")
    assert "database" in refused_to_serve(code=1)


def test_a_short_token_is_refused(run: Callable[..., Any], tmp_path: Path) -> None:
    done = run("serve", "--data-dir", tmp_path / "data", "--port", 0, "--token", "short", "--no-worker")
    assert done.code == 2
    assert "give at least 16" in done.err


def test_a_server_s_token_takes_the_place_of_its_last_one(launch: Callable[..., Any]) -> None:
    old, new = "the first long token", "another long token"
    first = launch("--no-worker", "--token", old)
    data = first.data
    assert first.client(Authorization=f"Bearer {old}").get("pictures").status_code == 200
    first.stop()
    second = launch("--no-worker", data=data, TINCT_TOKEN=new)
    assert second.client(Authorization=f"Bearer {old}").get("pictures").status_code == 401
    assert second.client(Authorization=f"Bearer {new}").get("pictures").status_code == 200


def test_a_token_of_the_owner_outlives_servers(
    run: Callable[..., Any], launch: Callable[..., Any], tmp_path: Path
) -> None:
    data = tmp_path / "data"
    token = run("token", "add", "owner", "--data-dir", data).out.strip()
    for environment in ({}, {"TINCT_TOKEN": "another long token"}):
        server = launch("--no-worker", data=data, **environment)
        assert server.client(Authorization=f"Bearer {token}").get("pictures").status_code == 200
        server.stop()
    assert run("token", "list", "--data-dir", data).out.split() == ["owner"]


def test_a_newer_database_is_refused(run: Callable[..., Any], tmp_path: Path) -> None:
    assert run("token", "list", "--data-dir", tmp_path).code == 0
    with sqlite3.connect(tmp_path / "tinct.sqlite") as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    database.close()
    done = run("serve", "--data-dir", tmp_path)
    assert done.code == 1
    assert "newer version" in done.err


def test_tokens(run: Callable[..., Any], tmp_path: Path) -> None:
    first, second = (run("token", "add", name, "--data-dir", tmp_path) for name in ("ann", "bob"))
    assert len(first.out.strip()) > 40
    assert first.out != second.out
    assert run("token", "list", "--data-dir", tmp_path).out.split() == ["ann", "bob"]
    assert run("token", "remove", "ann", "--data-dir", tmp_path).code == 0
    assert run("token", "list", "--data-dir", tmp_path).out.split() == ["bob"]
    assert run("token", "remove", "carl", "--data-dir", tmp_path).code == 1


def test_with_a_token_everybody_else_needs_it_too(launch: Callable[..., Any]) -> None:
    token = "a token of some length"
    server = launch("--no-worker", "--host", "0.0.0.0", "--token", token)
    address = server.address.replace("0.0.0.0", "127.0.0.1")
    server.address = address
    assert server.client().get("health").status_code == 200
    assert server.client().get("pictures").status_code == 401
    assert server.client(Authorization=f"Bearer {token}").get("pictures").status_code == 200
    browser = server.client()
    assert "Set-Cookie" not in browser.get("/").headers
    assert browser.post("session", json={"token": "wrong"}).status_code == 401
    assert browser.post("session", json={"token": token}).status_code == 204
    assert browser.get("pictures").status_code == 200


@pytest.mark.parametrize("kept", [True, False])
def test_with_a_token_this_machine_needs_it_too(
    *, kept: bool, run: Callable[..., Any], launch: Callable[..., Any], tmp_path: Path
) -> None:
    data, token = tmp_path / "data", "a token of some length"
    if kept:
        token = run("token", "add", "ann", "--data-dir", data).out.strip()
    server = launch("--no-worker", data=data, TINCT_TOKEN="" if kept else token)
    assert server.client().get("health").status_code == 200
    assert server.client().get("pictures").status_code == 401
    assert "Set-Cookie" not in server.client().get("/").headers
    assert server.client(Authorization=f"Bearer {token}").get("pictures").status_code == 200


@pytest.mark.parametrize(
    "header", ["Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP"]
)
def test_who_comes_by_a_proxy_isn_t_on_this_machine(header: str, server: Any) -> None:
    assert server.client().get("pictures").status_code == 200
    visitor = server.client(**{header: "1.1 x"})
    assert visitor.get("pictures").status_code == 401
    assert "Set-Cookie" not in visitor.get("/").headers


def test_insecure_says_what_it_means(launch: Callable[..., Any]) -> None:
    server = launch("--no-worker", "--host", "0.0.0.0", "--insecure-no-auth")
    server.address = server.address.replace("0.0.0.0", "127.0.0.1")
    assert server.client(**{"X-Forwarded-For": "10.0.0.1"}).get("pictures").status_code == 200
    assert server.client(Host="rebound.evil.example").get("pictures").status_code == 403
    server.stop()
    assert "may see, use and delete everything" in "".join(server.said)


@pytest.mark.skipif(shutil.which("mount") is None, reason="a small disk is made with mount")
def test_a_full_disk_is_507(launch: Callable[..., Any], tmp_path: Path, large_photo: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1500k", "tmpfs", disk], capture_output=True, text=True, check=False
    )
    if made.returncode:
        pytest.skip(f"a small disk can't be made ({made.stderr.strip()})")
    try:
        (disk / "data").mkdir()
        server = launch("--no-worker", data=disk / "data")
        statuses = set()
        for _ in range(30):
            answer = server.client().post("pictures", files={"file": ("a.jpg", large_photo.read_bytes())})
            statuses.add(answer.status_code)
            if answer.status_code != 201:
                break
        assert answer.status_code in (503, 507), answer.text
        assert json.loads(answer.text)["detail"]
        assert server.client().get("/").status_code in (200, 503)
        server.stop()
    finally:
        subprocess.run(["umount", "-l", disk], check=True)
