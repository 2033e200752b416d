"""Weights from a server: here one on this machine."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest
import torch

from tinct.errors import BadModelFile, ModelError
from tinct.models import encoders, hub
from tinct.models.encoders import EfficientNetB0
from tinct.models.hub import Pretrained, fetch

CONTENT = bytes(range(256)) * 9000
DIGEST = hashlib.sha256(CONTENT).hexdigest()


class Server(BaseHTTPRequestHandler):
    files: ClassVar[dict[str, bytes]] = {}
    cut: ClassVar[int] = 0
    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        if self.path not in self.files:
            self.send_error(404)
            return
        content = self.files[self.path]
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) - self.cut])

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a server, with an empty cache on this side."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(Server, "files", {"/net-weights.pth": CONTENT})
    monkeypatch.setattr(Server, "cut", 0)
    monkeypatch.setattr(Server, "asked", [])
    running = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{running.server_port}"
    running.shutdown()
    thread.join()
    running.server_close()


def left(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.is_file()]


def test_weights_are_fetched_once(server: str, tmp_path: Path) -> None:
    weights = Pretrained(f"{server}/net-weights.pth", DIGEST[:8])
    path = fetch(weights)
    assert path == tmp_path / "hub" / "checkpoints" / "net-weights.pth"
    assert path.read_bytes() == CONTENT
    assert fetch(weights) == path
    assert Server.asked == ["/net-weights.pth"]
    assert left(tmp_path) == ["net-weights.pth"]


def test_other_content_is_refused_and_not_kept(server: str, tmp_path: Path) -> None:
    with pytest.raises(BadModelFile, match=f"{DIGEST[:8]} isn't 01234567 in what {server}"):
        fetch(Pretrained(f"{server}/net-weights.pth", "01234567"))
    assert left(tmp_path) == []


def test_a_download_cut_off_is_refused_and_not_kept(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Server, "cut", 1000)
    with pytest.raises((BadModelFile, ModelError), match="net-weights"):
        fetch(Pretrained(f"{server}/net-weights.pth", DIGEST))
    assert left(tmp_path) == []


def test_what_cant_be_downloaded_says_where_to_put_it(server: str, tmp_path: Path) -> None:
    for url in (f"{server}/other.pth", "http://127.0.0.1:9/other.pth"):
        with pytest.raises(ModelError, match=r"other\.pth can't be downloaded .*fetch http.*put it at .*other\.pth"):
            fetch(Pretrained(url, DIGEST))
    assert left(tmp_path) == []


def test_a_silent_server_is_given_up(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()
    monkeypatch.setattr(Server, "do_GET", lambda self: release.wait(10))
    monkeypatch.setattr(hub, "TIMEOUT", 0.2)
    try:
        with pytest.raises(ModelError, match="timed out"):
            fetch(Pretrained(f"{server}/net-weights.pth", DIGEST))
    finally:
        release.set()


def test_a_damaged_file_in_the_cache_is_named(server: str, tmp_path: Path) -> None:
    weights = Pretrained(f"{server}/net-weights.pth", DIGEST[:8])
    fetch(weights).write_bytes(CONTENT[1:])
    with pytest.raises(BadModelFile, match=r"net-weights\.pth; delete it"):
        fetch(weights)


def test_b0_takes_its_weights_from_the_server(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    there = EfficientNetB0()
    # In the makers' order and with their classifier; their names don't count beyond the beginnings of the latter.
    theirs = {f"_blocks.{name}": value for name, value in there.state_dict().items()}
    theirs |= {"_conv_head.weight": torch.zeros(1280, 320, 1, 1), "_bn1.weight": torch.ones(1280)}
    torch.save(theirs, tmp_path / "b0.pth")
    content = (tmp_path / "b0.pth").read_bytes()
    monkeypatch.setattr(Server, "files", {"/b0.pth": content})
    weights = Pretrained(f"{server}/b0.pth", hashlib.sha256(content).hexdigest()[:8])
    monkeypatch.setattr(encoders, "EFFICIENTNET_B0", weights)
    here = EfficientNetB0()
    here.load_imagenet()
    gray = torch.rand(1, 1, 32, 32) * 2 - 1
    with torch.inference_mode():
        for expected, found in zip(there.eval()(gray), here.eval()(gray), strict=True):
            assert torch.equal(found, expected)


def test_what_is_no_table_of_weights_is_refused(tmp_path: Path) -> None:
    garbage, other = tmp_path / "garbage.pth", tmp_path / "other.pth"
    garbage.write_bytes(b"no weights")
    torch.save([1, 2], other)
    with pytest.raises(BadModelFile, match=r"garbage\.pth can't be read"):
        encoders.read_weights(garbage)
    with pytest.raises(BadModelFile, match=r"other\.pth holds no table"):
        encoders.read_weights(other)
