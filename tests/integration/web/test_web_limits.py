"""Bodies too large, too slow or too many; requests too often."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit


def raw(address: str, head: str, body: bytes = b"", wait: float = 20) -> bytes:
    """Send bytes as they are, and return what comes back."""
    place = urlsplit(address)
    assert place.hostname is not None
    with socket.create_connection((place.hostname, place.port or 80), timeout=wait) as line:
        line.sendall(head.replace("\n", "\r\n").encode() + body)
        found = b""
        while data := line.recv(65536):
            found += data
        return found


def test_a_huge_file_is_refused_before_it_is_read(server: Any) -> None:
    head = (
        f"POST /api/v1/colorize HTTP/1.1\nHost: {urlsplit(server.address).netloc}\n"
        "Content-Type: multipart/form-data; boundary=x\nContent-Length: 99999999999\n\n"
    )
    answer = raw(server.address, head)  # not a byte of the body is sent
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"application/problem+json" in answer


def large(server: Any, method: str, path: str) -> int:
    """Begin a request with a form of 150 MB, send nothing of it, and return the answer's status."""
    head = (
        f"{method.upper()} {path} HTTP/1.1\nHost: {urlsplit(server.address).netloc}\nX-Forwarded-For: 192.0.2.1\n"
        "Connection: close\nContent-Type: multipart/form-data; boundary=x\nContent-Length: 150000000\n\n"
    )
    return int(raw(server.address, head).split()[1])


def test_only_a_user_s_files_may_be_large(server: Any, client: Any) -> None:
    found: dict[str, list[int]] = {"application/json": [], "multipart/form-data": []}
    for path, calls in client.get("/openapi.json").json()["paths"].items():
        for method, call in calls.items():
            for kind in call.get("requestBody", {}).get("content", {}):
                found[kind].append(large(server, method, path))
    assert set(found["application/json"]) == {413}
    assert set(found["multipart/form-data"]) == {401}
    form = {"Content-Type": "multipart/form-data; boundary=x"}
    endless = (bytes(100_000) for _ in range(40))
    assert client.post("session", data=endless, headers=form).status_code == 413


def test_limits_of_bytes_files_and_requests(launch: Callable[..., Any], small_photo: Path) -> None:
    server = launch(
        "--no-worker", TINCT_UPLOAD_BYTES="20000", TINCT_UPLOAD_FILES="3", TINCT_REQUESTS="30", TINCT_QUEUED="2"
    )
    client = server.client()
    picture = ("a.png", small_photo.read_bytes())

    def endless() -> Any:
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        for _ in range(100):
            yield bytes(1000)

    form = {"Content-Type": "multipart/form-data; boundary=x"}
    assert client.post("colorize", data=endless(), headers=form).status_code == 413
    assert client.post("colorize", files=[("file", picture)] * 4).status_code == 400
    begun = client.post("batches", files=[("file", picture)] * 3)
    assert (begun.status_code, len(begun.json()["jobs"]), len(begun.json()["refused"])) == (202, 2, 1)
    assert client.post("batches", files=[("file", picture)] * 3).status_code == 429
    assert [job["state"] for job in client.get("jobs").json()] == ["queued"] * 2
    answers = [client.get("jobs") for _ in range(40)]
    assert answers[-1].status_code == 429
    assert client.get("health").status_code == client.get("/static/app.js").status_code == 200
    # A proxy's client is one of its own, and counts once, whatever it says of itself.
    statuses = [client.get("jobs", headers={"X-Forwarded-For": f"{n}, 192.0.2.1"}).status_code for n in range(40)]
    assert (statuses[0], statuses[-1]) == (401, 429)
    assert int(answers[-1].headers["Retry-After"]) > 0


def test_a_slow_and_a_lost_connection_leave_nothing(launch: Callable[..., Any]) -> None:
    server = launch("--no-worker", TINCT_UPLOAD_SECONDS="1")
    head = (
        f"POST /api/v1/pictures HTTP/1.1\nHost: {urlsplit(server.address).netloc}\n"
        "Content-Type: multipart/form-data; boundary=x\nContent-Length: 1000\n\n"
    )
    part = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nhalf of'
    assert raw(server.address, head, part).startswith(b"HTTP/1.1 408")
    place = urlsplit(server.address)
    with socket.create_connection((place.hostname, place.port), timeout=5) as line:
        line.sendall(head.replace("\n", "\r\n").encode() + part)
    time.sleep(0.3)
    assert server.client().get("pictures").json() == []
    assert list((server.data / "files" / "incoming").iterdir()) == []
    server.stop()
    assert not [line for line in server.said if "Traceback" in line]
