"""Servers whose files are in a bucket, against a local S3 server: models, pictures, results; deleted for good."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tinct.errors import NotFound
from tinct.web import buckets
from tinct.web.storage import new_key

moto_server = pytest.importorskip("moto.server", reason="needs moto[server]")
boto3 = pytest.importorskip("boto3", reason="needs moto[server]")
pytest.importorskip("s3fs", reason="needs s3fs")


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A bucket that is empty, which servers find by the usual variables."""
    running = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    found = boto3.resource("s3").Bucket("photographs")
    found.create()
    yield found
    found.objects.all().delete()  # the next server of this process would have them too
    found.delete()
    running.stop()


STORE = {"TINCT_STORE_URL": "s3://photographs/tinct"}


def test_servers_share_models_and_pictures_by_a_bucket(
    launch: Callable[..., Any],
    add_worker: Callable[..., Any],
    bucket: Any,
    quick_model: Path,
    small_photo: Path,
    tmp_path: Path,
) -> None:
    shared = {**STORE, "TINCT_DATABASE_URL": f"sqlite:///{tmp_path}/shared.sqlite"}
    # Two machines: each has a folder of its own, which the other doesn't see.
    first = launch("--no-worker", data=tmp_path / "one", **shared).client()
    second = launch("--no-worker", data=tmp_path / "two", **shared).client()
    add_worker(data=tmp_path / "three", **shared)

    weights = quick_model.read_bytes()
    sha256 = hashlib.sha256(weights).hexdigest()
    answer = first.post("models", files={"file": ("mine.onnx", weights)}, data={"name": "mine"})
    assert answer.status_code == 201, answer.text
    stored = [entry for entry in bucket.objects.all() if entry.size == len(weights)]
    assert len(stored) == 1
    assert stored[0].key.startswith("tinct/")
    assert "mine" not in stored[0].key  # a name is never a path
    assert (answer.json()["sha256"], answer.json()["size"]) == (sha256, len(weights))

    assert second.post("models/mine/load").json()["name"] == "mine"
    assert hashlib.sha256(second.get("models/mine/file").content).hexdigest() == sha256

    picture = second.upload(small_photo)
    job = first.post(f"pictures/{picture}/jobs", json={"model": "mine"}).json()["id"]
    assert first.wait(job)["state"] == "done"
    results = [server.get(f"jobs/{job}/result").content for server in (first, second)]
    assert results[0] == results[1]
    assert results[0].startswith(b"\x89PNG")

    assert second.delete(f"pictures/{picture}").status_code == 204
    assert first.get(f"jobs/{job}/result").status_code in (404, 409)
    assert [entry.key for entry in bucket.objects.all()] == [stored[0].key]
    assert first.delete("models/mine").status_code == 204
    assert list(bucket.objects.all()) == []
    # Copies that other servers had are nobody's any more, and can't be asked for.
    assert second.get("models/mine/file").status_code == 404


def test_weights_that_were_changed_in_the_bucket_are_refused(
    launch: Callable[..., Any], bucket: Any, quick_model: Path, tmp_path: Path
) -> None:
    shared = {**STORE, "TINCT_DATABASE_URL": f"sqlite:///{tmp_path}/shared.sqlite"}
    first = launch("--no-worker", data=tmp_path / "one", **shared)
    client = first.client()
    weights = quick_model.read_bytes()
    assert client.post("models", files={"file": ("mine.onnx", weights)}, data={"name": "mine"}).status_code == 201
    (entry,) = bucket.objects.all()
    entry.put(Body=weights[:-1] + bytes([weights[-1] ^ 1]))
    second = launch("--no-worker", data=tmp_path / "two", **shared).client()
    refused = second.post("models/mine/load")
    assert (refused.status_code, refused.json()["kind"]) == (422, "BadModelFile")
    assert "damaged" in refused.json()["detail"]


def test_a_bucket_that_is_not_there_is_said_at_the_start(
    bucket: Any, plain_environment: dict[str, str], tmp_path: Path
) -> None:
    for address, said, code in (
        ("s3://nowhere/tinct", "there is no bucket nowhere", 1),
        ("ftp://photographs", "give s3://BUCKET/FOLDER", 2),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "tinct", "serve", "--port", "0", "--data-dir", str(tmp_path / "data")],
            env={**os.environ, **plain_environment, "TINCT_STORE_URL": address},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == code, done.stderr
        assert said in done.stderr


def test_a_bucket_that_is_away_is_503_and_comes_back(
    launch: Callable[..., Any], bucket: Any, small_photo: Path, tmp_path: Path
) -> None:
    client = launch("--no-worker", **STORE).client()
    bucket.objects.all().delete()
    bucket.delete()
    answer = client.post("pictures", files={"file": ("small.png", small_photo.read_bytes())})
    assert answer.status_code == 503
    assert answer.json()["kind"] == "StoreError"
    bucket.create()
    client.upload(small_photo)


def test_copies_go_when_they_take_too_much_and_come_again(
    bucket: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = buckets.BucketStorage(STORE["TINCT_STORE_URL"], tmp_path / "files")

    def keep(content: bytes) -> str:
        with storage.staging() as folder:
            (folder / "made").write_bytes(content)
            stored = storage.put(folder / "made", new_key())
        assert (stored.size, stored.sha256) == (len(content), hashlib.sha256(content).hexdigest())
        return stored.key

    def copies() -> set[bytes]:
        return {path.read_bytes() for path in (tmp_path / "files" / "copies").iterdir()}

    first = keep(b"first")
    assert copies() == {b"first"}
    monkeypatch.setattr(buckets, "COPIES_BYTES", 6)
    monkeypatch.setattr(buckets, "LEAST_SECONDS", -1.0)
    os.utime(tmp_path / "files" / "copies" / first.replace("/", ""), (0, 0))
    second = keep(b"second")
    assert copies() == {b"second"}
    with storage.fetch(first) as path:
        assert path.read_bytes() == b"first"
    storage.delete(first)
    storage.delete(first)
    with pytest.raises(NotFound), storage.fetch(first):
        pass
    assert [entry.key for entry in bucket.objects.all()] == [f"tinct/{second}"]
    storage.tidy(-60)
    assert copies() == set()
