"""The sequence of a training through the API: data, run, reports, stop, resume, save, load, use."""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tinct.media.photo import encode_photo, read_photo

SMALL = {"settings": ["data.batch=4"]}


@pytest.fixture(scope="module")
def data_set() -> bytes:
    """A ZIP of small colored pictures, some of them to validate on."""
    rng = np.random.default_rng(0)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number in range(24):
            ramp = np.linspace(0, 200, 32)[:, None, None] + rng.integers(0, 55, (1, 32, 3))
            photo = read_photo(ramp.astype(np.uint8))
            folder = "val" if number >= 18 else "train"
            archive.writestr(f"{folder}/{number}.png", encode_photo(photo.open(), like=photo, format="png"))
    return buffer.getvalue()


def events(client: Any, path: str, **headers: str) -> list[tuple[str, dict[str, Any]]]:
    """Follow something until it is at its end."""
    found, kind = [], ""
    with client.get(path, stream=True, headers=headers) as answer:
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        for line in answer.iter_lines():
            if line.startswith(b"event: "):
                kind = line[7:].decode()
            elif line.startswith(b"data: "):
                found.append((kind, json.loads(line[6:])))
            if kind == "end":
                break
    return found


def test_from_a_data_set_to_a_picture_in_its_model_s_colors(
    launch: Callable[..., Any], data_set: bytes, small_photo: Any
) -> None:
    client = launch().client()
    data = client.post("datasets", files={"file": ("photos.zip", data_set)})
    assert data.status_code == 201, data.text
    assert data.json()["facts"] == {"pictures": 24}
    started = client.post(
        "runs", json={"recipe": "cifar-cnn", "data": data.json()["id"], "budget": "2epochs", "name": "first", **SMALL}
    )
    assert started.status_code == 202, started.text
    run = started.json()["id"]
    told = events(client, f"runs/{run}/events")
    last = [body for kind, body in told if kind == "job"][-1]
    assert last["state"] == "done", last
    kinds = {body["kind"] for kind, body in told if kind == "point"}
    assert "validation" in kinds
    details = client.get(f"runs/{run}").json()
    assert details["run"]["options"]["data_name"] == "photos.zip"
    figures = [point["body"]["figures"] for point in details["points"] if point["kind"] == "validation"][-1]
    assert any(name.startswith("psnr") for name in figures)
    assert details["sheets"]
    sheet = client.get(f"runs/{run}/sheets/{details['sheets'][0]}")
    assert sheet.headers["Content-Type"].startswith("image/")

    saved = client.post(f"runs/{run}/save", json={"name": "my model"})
    assert saved.status_code == 202, saved.text
    job = client.wait(saved.json()["id"])
    assert job["state"] == "done", job
    model = client.get("models/my model").json()
    assert (model["run_id"], model["recipe"]) == (run, "cifar-cnn")
    assert model["facts"]["figures"]
    loaded = client.post("models/my model/load")
    assert loaded.status_code == 200, loaded.text
    assert loaded.json()["facts"]["parameters"] > 0
    assert client.patch("models/my model", json={"default": True}).json()["is_default"]
    assert client.get("models").json()["default"] == "my model"
    colored = client.post("colorize", files={"file": ("a.png", small_photo.read_bytes())})
    assert colored.status_code == 200, colored.text
    assert json.loads(colored.headers["Tinct-Model"]) == "cifar-cnn"
    exported = client.get("models/my model/file")
    given = {"recipe": "cifar-cnn", "data": "cifar10"}
    for taken in ("my model", "tinct", "default", "cifar-cnn"):
        saving = client.post(f"runs/{run}/save", json={"name": taken})
        training = client.post("runs", json={**given, "save_as": taken})
        importing = client.post("models", files={"file": ("copy.onnx", exported.content)}, data={"name": taken})
        assert [answer.status_code for answer in (saving, training, importing)] == [409] * 3
    assert client.patch("models/my model", json={"name": "default"}).status_code == 409
    assert client.patch("models/my model", json={"name": "my model"}).status_code == 200
    again = client.post("models", files={"file": ("copy.onnx", exported.content)}, data={"name": "copy"})
    assert again.status_code == 201, again.text
    assert again.json()["sha256"] == model["sha256"]
    assert client.post("models", files={"file": ("no.onnx", b"no model")}).status_code == 422
    assert client.delete("models/copy").status_code == 204
    assert client.post("models/copy/load").status_code == 422

    assert client.delete(f"runs/{run}").status_code == 204
    assert client.get("models/my model").json()["run_id"] is None


def test_stop_and_resume(launch: Callable[..., Any], data_set: bytes) -> None:
    client = launch().client()
    data = client.post("datasets", files={"file": ("photos.zip", data_set)}).json()["id"]
    run = client.post("runs", json={"recipe": "cifar-cnn", "data": data, "budget": "5000steps", **SMALL}).json()["id"]
    with client.get(f"runs/{run}/events", stream=True) as answer:
        for line in answer.iter_lines():
            if b'"kind":"loss"' in line:
                break
    assert client.delete(f"runs/{run}").status_code == 409
    assert client.post(f"runs/{run}/resume", json={}).status_code == 409
    assert client.post(f"runs/{run}/stop").status_code == 200
    job = client.get(f"runs/{run}").json()["run"]["job"]
    assert client.wait(job["id"])["state"] == "stopped"
    assert client.post(f"runs/{run}/stop").status_code == 409
    done = client.get(f"runs/{run}").json()["points"][-1]["body"]["step"]
    assert client.post(f"runs/{run}/resume", json={"budget": f"{done + 20}steps"}).status_code == 202
    told = events(client, f"runs/{run}/events")
    assert [body for kind, body in told if kind == "job"][-1]["state"] == "done", told[-3:]
    steps = [body["body"]["step"] for kind, body in told if kind == "point" and body["kind"] != "note"]
    assert steps == sorted(steps)
    assert steps[-1] >= done
    beyond = events(client, f"runs/{run}/events", **{"Last-Event-ID": "9" * 20})
    assert {kind for kind, _ in beyond} == {"job", "sheets"}
    assert client.delete(f"datasets/{data}").status_code == 204
    refused = client.post(f"runs/{run}/resume", json={"budget": f"{done + 40}steps"})
    assert (refused.status_code, "photos.zip" in refused.json()["detail"]) == (409, True)
    assert client.get(f"runs/{run}").json()["run"]["job"]["state"] == "done"


@pytest.mark.slow
def test_a_worker_killed_in_training_is_followed_by_one_that_resumes(
    launch: Callable[..., Any], add_worker: Callable[..., Any], data_set: bytes
) -> None:
    client = launch("--no-worker").client()
    first = add_worker()
    data = client.post("datasets", files={"file": ("photos.zip", data_set)}).json()["id"]
    run = client.post("runs", json={"recipe": "cifar-cnn", "data": data, "budget": "100000steps", **SMALL}).json()["id"]

    def steps(more_than: int) -> list[int]:
        """Wait for reports beyond some number of them, and return where each stood."""
        deadline = time.monotonic() + 120
        while True:
            details = client.get(f"runs/{run}").json()
            found = [point["body"]["step"] for point in details["points"] if point["kind"] != "note"]
            if len(found) > more_than:
                return found
            assert details["run"]["job"]["state"] in ("queued", "running"), details
            assert time.monotonic() < deadline, details
            time.sleep(0.2)

    before = steps(3)  # some epochs, the first with its checkpoint
    first.kill()
    first.wait()
    known = len(steps(0))
    add_worker()
    after = steps(known)
    assert after[known] > before[0], (before, after)  # not from the beginning
    client.post(f"runs/{run}/stop")
    assert client.wait(client.get(f"runs/{run}").json()["run"]["job"]["id"])["state"] == "stopped"


def test_accepted_corrections_are_learned_from(launch: Callable[..., Any], small_photo: Any) -> None:
    server = launch()
    client = server.client()
    hints = [{"x": "20%", "y": "50%", "color": "#c02010", "radius": 20}]
    pictures = [client.upload(small_photo) for _ in range(8)]
    for picture in pictures:
        assert client.put(f"pictures/{picture}/hints", json={"hints": hints}).json()["accepted"] is False
    accepted = [client.post(f"corrections/{picture}", json={}) for picture in pictures]
    assert [answer.status_code for answer in accepted] == [201] * 8
    again = client.post(f"corrections/{pictures[0]}", json={"saturation": 1.5})  # takes the place of the first time
    assert again.status_code == 201
    assert client.get(f"pictures/{pictures[0]}/hints").json()["accepted"] is True
    assert client.delete(f"corrections/{pictures[6]}").status_code == 204
    assert client.get(f"corrections/{pictures[6]}").status_code == 404
    assert client.delete(f"pictures/{pictures[7]}").status_code == 204  # and its correction with it
    assert sorted(row["picture"] for row in client.get("corrections").json()) == sorted(pictures[:6])
    assert client.get("datasets").json()["corrections"] == 6
    assert len(list((server.data / "files").glob("[0-9a-f][0-9a-f]/*"))) == 7 * 3 + 6

    started = client.post("runs", json={"recipe": "cifar-cnn", "data": "corrections", "budget": "2steps", **SMALL})
    assert started.status_code == 202, started.text
    job = client.wait(started.json()["job"]["id"])
    assert job["state"] == "done", job
    corrected = sorted((server.data / "runs" / started.json()["id"] / "data").glob("*.jpg"))
    assert len(corrected) == 6
    red = read_photo(corrected[0]).to_numpy()[24, 10].astype(int)
    assert red[0] > red[2] + 20


def test_what_can_t_be_trained_is_said(client: Any, data_set: bytes) -> None:
    def start(**given: Any) -> tuple[int, str]:
        answer = client.post("runs", json=given)
        return answer.status_code, answer.json().get("detail", "")

    assert start(recipe="nobody", data="cifar10")[0] == 422
    assert "cifar-cnn" in start(recipe="nobody", data="cifar10")[1]
    assert start(recipe="../x", data="cifar10")[0] == 422
    assert "no data set" in start(recipe="cifar-cnn", data="nothing")[1]
    assert "0 accepted corrections" in start(recipe="tinct-finetune", data="corrections")[1]
    assert start(recipe="cifar-cnn", data="cifar10", budget="forever")[0] == 422
    assert start(recipe="cifar-cnn", data="cifar10", settings=["data.path=/etc/passwd"])[0] == 422
    assert start(recipe="cifar-cnn", data="cifar10", init="../../x")[0] == 422
    assert start(recipe="cifar-cnn", data="cifar10", extra=1)[0] == 422
    for empty in (b"PK\5\6" + bytes(18), b"", b"no ZIP"):
        answer = client.post("datasets", files={"file": ("empty.zip", empty)})
        assert (answer.status_code, answer.json()["kind"]) == (422, "DataError")
    assert start(recipe="cifar-cnn", data="cifar10", save_as="../x")[0] == 422
    data = client.post("datasets", files={"file": ("photos.zip", data_set)}).json()["id"]
    run = client.post("runs", json={"recipe": "cifar-cnn", "data": data, "settings": ["no.such=1"]}).json()
    job = client.wait(run["job"]["id"])
    assert (job["state"], job["error_kind"]) == ("failed", "ConfigError")
    assert "no" in job["error"]
    assert client.post(f"runs/{run['id']}/save", json={"name": "x"}).status_code == 409


def test_a_training_that_can_t_wait_leaves_no_run(launch: Callable[..., Any], data_set: bytes) -> None:
    client = launch("--no-worker", TINCT_QUEUED="1").client()
    data = client.post("datasets", files={"file": ("photos.zip", data_set)}).json()["id"]
    answers = [client.post("runs", json={"recipe": "cifar-cnn", "data": data, **SMALL}) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [202, 429, 429]
    assert [run["id"] for run in client.get("runs").json()] == [answers[0].json()["id"]]
