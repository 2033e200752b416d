"""``tinct batch`` from and to ``gs://``, against a local server that speaks Google's protocol."""

from __future__ import annotations

import json
import socket
import unicodedata
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

emulator = pytest.importorskip("gcp_storage_emulator.server", reason="needs gcp-storage-emulator")
pytest.importorskip("gcsfs", reason="needs the extra [gs]")


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """Address of the server."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    running = emulator.create_server("127.0.0.1", port, in_memory=True)
    running.start()
    yield f"http://127.0.0.1:{port}"
    running.stop()


@pytest.fixture
def call(server: str) -> Callable[..., Any]:
    """Returns a function that asks the server without gcsfs."""

    def ask(path: str, data: bytes | None = None, kind: str = "image/jpeg") -> Any:
        request = urllib.request.Request(server + path, data, headers={"Content-Type": kind})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.read()

    return ask


@pytest.fixture
def buckets(call: Callable[..., Any], server: str, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The empty buckets ``scans`` and ``colored``."""
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", server)
    # Another service, which tells hierarchical buckets from flat ones, has no stand-in; flat ones are what we mean.
    monkeypatch.setenv("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")
    monkeypatch.setenv("XDG_STATE_HOME", str(workspace / "state"))
    call("/wipe")
    for name in ("scans", "colored"):
        call("/storage/v1/b?project=test", json.dumps({"name": name}).encode(), "application/json")


@pytest.fixture
def objects(call: Callable[..., Any]) -> Callable[[str], dict[str, bytes]]:
    """Returns a function that reads all of a bucket."""

    def read(bucket: str) -> dict[str, bytes]:
        found = json.loads(call(f"/storage/v1/b/{bucket}/o")).get("items", [])
        return {one["name"]: call(f"/download/storage/v1/b/{bucket}/o/{quote(one['name'], safe='')}") for one in found}

    return read


@pytest.fixture
def put(call: Callable[..., Any]) -> Callable[[str, bytes], None]:
    """Returns a function that writes an object of ``scans``."""

    def write(name: str, data: bytes) -> None:
        call(f"/upload/storage/v1/b/scans/o?uploadType=media&name={quote(name, safe='')}", data)

    return write


def test_from_bucket_to_bucket_and_again(run: Any, buckets: None, objects: Any, put: Any, picture: Any) -> None:
    for name in ("1.jpg", "2.png", "deep/3.jpg"):
        put(f"box/{name}", picture(f"local/{name}").read_bytes())
    put("box/notes.txt", b"no picture")
    done = run("batch", "gs://scans/box", "gs://colored/done")
    assert done.code == 0, done.err
    first = objects("colored")
    assert set(first) == {"done/1.jpg", "done/2.png", "done/deep/3.jpg"}
    assert run("batch", "local", "out").code == 0
    assert first["done/deep/3.jpg"] == Path("out/deep/3.jpg").read_bytes()
    assert "nothing to do" in run("batch", "gs://scans/box", "gs://colored/done").err
    put("box/1.jpg", picture("local/other.jpg").read_bytes() + b"\0")
    done = run("batch", "gs://scans/box", "gs://colored/done")
    assert "1 done" in done.err
    assert objects("colored")["done/1.jpg"] != first["done/1.jpg"]


def test_names_that_a_folder_takes_for_one(run: Any, buckets: None, objects: Any, put: Any, picture: Any) -> None:
    data = picture("local/1.jpg").read_bytes()
    composed = unicodedata.normalize("NFC", "é.jpg")
    names = ["A.jpg", "a.jpg", composed, unicodedata.normalize("NFD", composed)]
    for name in names:
        put(name, data)
    assert run("batch", "gs://scans", "out").code == 0
    found = [path.relative_to("out").as_posix() for path in Path("out").rglob("*.jpg") if "_tinct" not in path.parts]
    assert len({unicodedata.normalize("NFC", name).casefold() for name in found}) == len(names)


def test_what_is_not_there(run: Any, buckets: None, picture: Any) -> None:
    picture("local/1.jpg")
    done = run("batch", "gs://nowhere/box", "out")
    assert (done.code, "there is no bucket nowhere" in done.err) == (1, True), done.err
    done = run("batch", "local", "gs://nowhere/box")
    assert (done.code, "there is no bucket nowhere" in done.err) == (1, True), done.err
