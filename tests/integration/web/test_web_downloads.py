"""A result whose download broke off isn't taken for downloaded."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from tinct.media.photo import read_photo


def test_a_result_stays_where_its_download_broke_off(launch: Callable[..., Any], tmp_path: Path) -> None:
    server = launch()
    client = server.client()
    path = tmp_path / "noise.png"
    # What can't be packed, and doesn't fit into what lies between a server and its client.
    read_photo(np.random.default_rng(0).integers(0, 256, (3500, 3500), np.uint8)).save(path)
    picture = client.upload(path)

    def color(form: str) -> str:
        job = client.post(f"pictures/{picture}/jobs", json={"format": form}).json()["id"]
        assert client.wait(job)["state"] == "done"
        time.sleep(1)  # what it takes the place of goes right after
        return str(job)

    first = color("png")
    result = f"jobs/{first}/result"
    address = urlsplit(server.address)
    with socket.create_connection((address.hostname or "", address.port or 0)) as line:
        line.sendall(f"GET /api/v1/{result} HTTP/1.1\r\nHost: {address.netloc}\r\n\r\n".encode())
        assert line.recv(2000).startswith(b"HTTP/1.1 200")
    color("jpeg")
    whole = client.get(result)
    assert (whole.status_code, len(whole.content)) == (200, int(whole.headers["Content-Length"]))
    color("jpeg")
    assert client.get(result).status_code == 404
