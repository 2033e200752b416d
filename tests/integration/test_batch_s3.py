"""``tinct batch`` from and to buckets, against a local S3 server; and what networks do to it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tinct.jobs.originals import Originals
from tinct.jobs.remote import Bucket, Patience
from tinct.media.xmp import Packet

moto_server = pytest.importorskip("moto.server", reason="needs moto[server]")
moto_core = pytest.importorskip("moto.core", reason="needs moto[server]")
boto3 = pytest.importorskip("boto3", reason="needs moto[server]")
pytest.importorskip("s3fs", reason="needs s3fs")


class Line:
    """A line to a server that can be cut: a relay on loopback, whose port stays the same."""

    def __init__(self, port: int) -> None:
        self._server_port = port
        self._open: list[socket.socket] = []
        self._listener = self._listen(0)
        self.port = self._listener.getsockname()[1]

    def _listen(self, port: int) -> socket.socket:
        listener = socket.create_server(("127.0.0.1", port))
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()
        return listener

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                caller, _ = listener.accept()
                server = socket.create_connection(("127.0.0.1", self._server_port))
            except OSError:
                return
            self._open += [caller, server]
            for source, target in ((caller, server), (server, caller)):
                threading.Thread(target=self._relay, args=(source, target), daemon=True).start()

    @staticmethod
    def _relay(source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                target.sendall(data)
        except OSError:
            pass
        for end in (source, target):
            end.close()

    def cut(self) -> None:
        for end in (self._listener, *self._open):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue
        self._listener.close()
        self._open.clear()

    def restore(self) -> None:
        self._listener = self._listen(self.port)


@pytest.fixture(scope="module")
def server() -> Iterator[int]:
    """Port of a local S3 server."""
    running = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    yield running.get_host_and_port()[1]
    running.stop()


@pytest.fixture
def line(server: int, monkeypatch: pytest.MonkeyPatch, workspace: Path) -> Iterator[Line]:
    """The line to it, which s3fs is told of by the environment, as users do."""
    made = Line(server)
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{made.port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("XDG_STATE_HOME", str(workspace / "state"))
    yield made
    made.cut()


@pytest.fixture
def store(server: int, line: Line) -> Iterator[Any]:
    """A client of the server, with the empty buckets ``scans`` and ``colored``."""
    client = boto3.client(
        "s3", endpoint_url=f"http://127.0.0.1:{server}", region_name="us-east-1",
        aws_access_key_id="test", aws_secret_access_key="test",
    )  # fmt: skip
    for bucket in ("scans", "colored"):
        client.create_bucket(Bucket=bucket)
    yield client
    for bucket in ("scans", "colored"):
        try:
            empty(client, bucket)
        except client.exceptions.NoSuchBucket:
            continue
        client.delete_bucket(Bucket=bucket)
    client.close()


def keys(client: Any, bucket: str) -> dict[str, bytes]:
    listing = client.list_objects_v2(Bucket=bucket).get("Contents", [])
    return {one["Key"]: client.get_object(Bucket=bucket, Key=one["Key"])["Body"].read() for one in listing}


def empty(client: Any, bucket: str) -> None:
    for key in keys(client, bucket):
        client.delete_object(Bucket=bucket, Key=key)


@pytest.fixture
def scans(store: Any, picture: Any) -> dict[str, bytes]:
    """Three photographs below ``scans/box``, and something else."""
    data = {f"box/{name}": picture(f"local/{name}").read_bytes() for name in ("1.jpg", "2.png", "deep/3.jpg")}
    for key, content in data.items():
        store.put_object(Bucket="scans", Key=key, Body=content)
    store.put_object(Bucket="scans", Key="box/notes.txt", Body=b"no picture")
    return data


def test_from_bucket_to_bucket_and_again(run: Any, store: Any, scans: dict[str, bytes]) -> None:
    done = run("batch", "s3://scans/box", "s3://colored/done")
    assert done.code == 0, done.err
    first = keys(store, "colored")
    assert set(first) == {"done/1.jpg", "done/2.png", "done/deep/3.jpg"}
    assert "nothing to do" in run("batch", "s3://scans/box", "s3://colored/done").err
    # The same as here.
    assert run("batch", "local", "out").code == 0
    assert first["done/deep/3.jpg"] == Path("out/deep/3.jpg").read_bytes()
    # Changed, deleted and damaged objects are noticed.
    store.put_object(Bucket="scans", Key="box/1.jpg", Body=scans["box/deep/3.jpg"] + b"\0")
    store.put_object(Bucket="colored", Key="done/2.png", Body=b"damaged")
    store.delete_object(Bucket="colored", Key="done/deep/3.jpg")
    done = run("batch", "s3://scans/box", "s3://colored/done")
    assert done.code == 0
    assert "3 done" in done.err
    again = keys(store, "colored")
    assert again["done/2.png"] == first["done/2.png"]
    assert again["done/1.jpg"] != first["done/1.jpg"]
    [state] = Path("state/tinct/batches").iterdir()
    assert (state / "index.html").exists()
    aside = [data for key, data in again.items() if key.startswith("done/_tinct/replaced/")]
    assert aside == [b"damaged"]


def test_results_beside_their_originals_are_no_sources(store: Any, scans: dict[str, bytes]) -> None:
    for name in ("1.color.jpg", "deep/3.color-2.jpg", "deep/plate.color.jpg"):
        store.put_object(Bucket="scans", Key=f"box/{name}", Body=b"result")
    originals = Originals(Bucket("s3://scans/box").pictures())
    assert [entry.name for entry in originals] == ["1.jpg", "2.png", "deep/3.jpg", "deep/plate.color.jpg"]
    assert originals.left_out == 2


def test_results_below_the_sources_are_no_sources(run: Any, store: Any, scans: dict[str, bytes]) -> None:
    for _ in range(2):
        assert run("batch", "s3://scans/box", "s3://scans/box/out/").code == 0
    assert {key for key in keys(store, "scans") if "out" in key} == {
        "box/out/1.jpg",
        "box/out/2.png",
        "box/out/deep/3.jpg",
    }
    assert run("batch", "s3://scans/box", "s3://scans").code == 2


def test_a_bucket_by_another_of_its_names_is_the_same(run: Any, store: Any, scans: dict[str, bytes]) -> None:
    done = run("batch", "s3://scans/box/", "s3a://scans/box", "--overwrite")
    assert (done.code, "can't go where the photographs are" in done.err) == (2, True)
    assert run("batch", "s3://scans/box", "s3a://scans/box/out").code == 0
    assert "nothing to do" in run("batch", "s3a://scans/box/", "s3://scans/box/out/").err
    assert len(keys(store, "scans")) == 7
    assert {key: data for key, data in keys(store, "scans").items() if key in scans} == scans


def test_a_network_that_comes_back(line: Line, store: Any, scans: dict[str, bytes], tmp_path: Path) -> None:
    bucket = Bucket("s3://scans/box", Patience(attempts=8, pause=0.1))
    assert bucket.stat("1.jpg") is not None
    line.cut()
    threading.Timer(0.6, line.restore).start()
    with bucket.fetch("1.jpg", tmp_path) as path:
        assert path.read_bytes() == scans["box/1.jpg"]


def test_a_network_that_stays_away(run: Any, line: Line, store: Any, scans: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("tinct.jobs.remote.Patience.__init__.__defaults__", (2, 0.05))
    line.cut()
    started = time.monotonic()
    done = run("batch", "s3://scans/box", "out")
    assert done.code == 1
    assert "out of reach after 2 attempts" in done.err
    assert time.monotonic() - started < 60
    line.restore()
    assert run("batch", "s3://scans/box", "out").code == 0


def test_a_network_that_goes_during_the_run(run: Any, line: Line, store: Any, scans: Any, monkeypatch: Any) -> None:
    """Back in time: nobody notices. Away for longer: the run stops, and the next goes on."""
    fetch, calls = Bucket.fetch, list[str]()

    def cut(self: Bucket, name: str, folder: Path) -> Any:
        calls.append(name)
        if len(calls) == 2:
            line.cut()
            if comes_back:
                threading.Timer(0.8, line.restore).start()
        return fetch(self, name, folder)

    monkeypatch.setattr(Bucket, "fetch", cut)
    comes_back = True
    done = run("batch", "s3://scans/box", "s3://colored/one", "--jobs", "1")
    assert done.code == 0, done.err
    assert "3 done" in done.err
    calls.clear()
    comes_back = False
    monkeypatch.setattr("tinct.jobs.remote.Patience.__init__.__defaults__", (2, 0.05))
    done = run("batch", "s3://scans/box", "s3://colored/two", "--jobs", "1")
    assert done.code == 1
    assert "out of reach" in done.err
    line.restore()
    calls.extend(["", "", ""])
    assert run("batch", "s3://scans/box", "s3://colored/two").code == 0
    first = keys(store, "colored")
    assert {first[f"one/{name}"] for name in ("1.jpg", "2.png")} == {
        first[f"two/{name}"] for name in ("1.jpg", "2.png")
    }
    assert len(first) == 6


def test_buckets_that_are_not_there(run: Any, store: Any, scans: Any) -> None:
    done = run("batch", "s3://nowhere/box", "out")
    assert (done.code, "there is no bucket nowhere" in done.err) == (1, True), done.err
    done = run("batch", "local", "s3://nowhere/box")
    assert (done.code, "there is no bucket nowhere" in done.err) == (1, True), done.err


def test_a_bucket_that_goes_during_the_run(run: Any, store: Any, scans: Any, monkeypatch: Any) -> None:
    publish = Bucket.publish
    calls: list[None] = []

    def gone(self: Bucket, *arguments: Any, **options: Any) -> Any:
        calls.append(None)
        if len(calls) == 2:
            empty(store, "colored")
            store.delete_bucket(Bucket="colored")
        return publish(self, *arguments, **options)

    monkeypatch.setattr(Bucket, "publish", gone)
    done = run("batch", "local", "s3://colored", "--jobs", "1")
    assert done.code == 1
    assert "Stopped: s3://colored: there is no bucket colored" in done.err
    assert "left to do" in done.err
    monkeypatch.setattr(Bucket, "publish", publish)
    store.create_bucket(Bucket="colored")
    done = run("batch", "local", "s3://colored")
    assert done.code == 0, done.err
    assert len(keys(store, "colored")) == 3


@pytest.mark.parametrize(("source", "target"), [("s3://scans/box", "out"), ("local", "s3://colored")])
def test_wrong_credentials(run: Any, line: Line, store: Any, scans: Any, source: str, target: str) -> None:
    """Keys that the server doesn't know: it answers 403, InvalidAccessKeyId."""

    @moto_core.set_initial_no_auth_action_count(0)
    def batch() -> Any:
        return run("batch", source, target)

    done = batch()
    assert done.code == 1
    assert "not allowed" in done.err
    assert "credentials" in done.err
    assert keys(store, "colored") == {}


def test_keys_that_can_be_no_files_are_refused(run: Any, store: Any, scans: Any) -> None:
    store.put_object(Bucket="scans", Key="box/../../evil.jpg", Body=scans["box/1.jpg"])  # hidden, as all with a dot
    store.put_object(Bucket="scans", Key="box/..\\evil.jpg", Body=scans["box/1.jpg"])
    store.put_object(Bucket="scans", Key="box/x\\evil.jpg", Body=scans["box/1.jpg"])
    done = run("batch", "s3://scans/box", "out")
    assert done.code == 1
    assert "x\\evil.jpg: no name that a file can have" in done.err
    assert not [path for path in Path("..").rglob("*evil*") if "_tinct" not in path.parts]
    assert len(list(Path("out").rglob("*.[jp][pn]g"))) >= 3


def test_sidecars_in_buckets(run: Any, store: Any, scans: Any) -> None:
    packet = Packet()
    packet.set_default_language("dc:title", "Harbor")
    store.put_object(Bucket="scans", Key="box/deep/3.xmp", Body=packet.to_bytes())
    done = run("batch", "s3://scans/box", "s3://colored", "--sidecar")
    assert done.code == 0, done.err
    made = keys(store, "colored")
    assert Packet(made["deep/3.jpg.xmp"]).text("dc:title") == "Harbor"
    assert Packet(made["1.jpg.xmp"]).text("dc:title") is None
    assert "nothing to do" in run("batch", "s3://scans/box", "s3://colored", "--sidecar").err
    packet.set_default_language("dc:title", "Wharf")
    store.put_object(Bucket="scans", Key="box/deep/3.xmp", Body=packet.to_bytes())
    assert run("batch", "s3://scans/box", "s3://colored", "--sidecar").code == 0
    again = keys(store, "colored")
    assert Packet(again["deep/3.jpg.xmp"]).text("dc:title") == "Wharf"
    assert again["1.jpg"] == made["1.jpg"]
