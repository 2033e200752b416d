"""Pictures that stay: previews, hints, suggestions, batches, events, metrics."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tinct.media.photo import read_photo

HINTS = [{"x": 30, "y": "50%", "color": "#c02010", "radius": 6}]


def test_hints_are_kept_and_used(client: Any, run: Callable[..., Any], workspace: Path, small_photo: Path) -> None:
    picture = client.upload(small_photo)
    assert client.get(f"pictures/{picture}/hints").json() == {
        "hints": [],
        "revision": 0,
        "accepted": False,
        "beside": [],
    }
    plain = client.post(f"pictures/{picture}/preview", json={})
    kept = client.put(f"pictures/{picture}/hints", json={"hints": HINTS, "revision": 0})
    assert kept.status_code == 200, kept.text
    assert kept.json()["revision"] == 1
    hinted = client.post(f"pictures/{picture}/preview", json={})
    assert hinted.headers["Content-Type"] == "image/jpeg"
    assert hinted.content != plain.content
    red = read_photo(hinted.content).to_numpy()[24, 30].astype(int)
    assert red[0] > red[2] + 20
    # Another tab that hasn't seen them doesn't overwrite them.
    assert client.put(f"pictures/{picture}/hints", json={"hints": [], "revision": 0}).status_code == 409
    assert client.put(f"pictures/{picture}/hints", json={"hints": [{**HINTS[0], "x": 999}]}).status_code == 422
    # The command takes the same file, and makes the same of it.
    (workspace / "hints.json").write_text(json.dumps(client.get(f"pictures/{picture}/hints").json()["hints"]))
    assert run("colorize", small_photo, "-o", "out.png", "--hints", "hints.json").code == 0
    job = client.post(f"pictures/{picture}/jobs", json={}).json()["id"]
    assert client.wait(job)["state"] == "done"
    assert client.get(f"jobs/{job}/result").content == (workspace / "out.png").read_bytes()


def test_suggestions(client: Any, small_photo: Path) -> None:
    picture = client.upload(small_photo)
    colors = client.post(f"pictures/{picture}/colors", json={"x": "50%", "y": 10, "count": 3})
    assert colors.status_code == 200, colors.text
    found = colors.json()["colors"]
    assert 1 <= len(found) <= 3
    assert all(0 <= color["probability"] <= 1 and color["color"].startswith("#") for color in found)
    points = client.post(f"pictures/{picture}/points", json={}).json()
    assert points["points"]
    assert all(0 <= value <= 1 for row in points["confidence"] for value in row)
    first = points["points"][0]
    placed = client.post(f"pictures/{picture}/preview", json={"hints": [{**first, "color": "#10a020"}]})
    assert placed.status_code == 422  # a score is no part of a hint
    hint = {"x": first["x"], "y": first["y"], "color": "#10a020"}
    assert client.post(f"pictures/{picture}/preview", json={"hints": [hint]}).status_code == 200
    assert client.post(f"pictures/{picture}/preview", json={"variant": 2, "variants": 3}).status_code == 200
    assert client.post(f"pictures/{picture}/preview", json={"variant": 2}).status_code == 422
    assert client.post(f"pictures/{picture}/colors", json={"x": 9999, "y": 1}).status_code == 422


def test_copies_mask_and_reference(client: Any, large_photo: Path, small_photo: Path, tmp_path: Path) -> None:
    picture = client.upload(large_photo)
    facts = client.get(f"pictures/{picture}").json()["facts"]
    assert (facts["width"], facts["height"], facts["format"]) == (1500, 1400, "jpeg")
    preview = read_photo(client.get(f"pictures/{picture}/copies/preview").content)
    assert 900_000 < preview.width * preview.height < 1_010_000
    # Places are told in pixels of the picture, not of its copy.
    for corner in ({"x": 1499, "y": 1399}, {"x": "100%", "y": "100%"}):
        found = client.post(f"pictures/{picture}/colors", json=corner)
        assert found.status_code == 200, found.text
    hint = {"x": 1400, "y": 1300, "color": "#c02010", "radius": 60}
    colored = read_photo(client.post(f"pictures/{picture}/preview", json={"hints": [hint]}).content).to_numpy()
    place = colored[round(1300 * preview.height / 1400), round(1400 * preview.width / 1500)].astype(int)
    assert place[0] > place[2] + 20
    thumbnail = read_photo(client.get(f"pictures/{picture}/copies/thumbnail").content)
    assert max(thumbnail.width, thumbnail.height) == 320
    assert client.get(f"pictures/{picture}/copies/huge").status_code == 404
    mask = tmp_path / "mask.png"
    read_photo(np.zeros((140, 150), np.uint8)).save(mask)
    for _ in range(2):  # the second takes the first one's place
        assert client.put(f"pictures/{picture}/mask", files={"file": ("m.png", mask.read_bytes())}).status_code == 204
    masked = read_photo(client.post(f"pictures/{picture}/preview", json={}).content).to_numpy()
    assert masked.ndim == 2 or int(np.ptp(masked.astype(int), axis=2).max()) <= 6
    assert client.delete(f"pictures/{picture}/mask").status_code == 204
    assert client.delete(f"pictures/{picture}/mask").status_code == 404
    assert client.put(f"pictures/{picture}/mask", files={"file": ("m.png", b"no")}).status_code == 422
    assert client.delete(f"pictures/{picture}").status_code == 204
    for end in ("", "/file", "/copies/preview", "/hints"):
        assert client.get(f"pictures/{picture}{end}").status_code == 404


def test_a_batch_and_its_zip(client: Any, small_photo: Path) -> None:
    picture = small_photo.read_bytes()
    files = [("file", ("one.png", picture)), ("file", ("one.png", picture)), ("file", ("notes.txt", b"hello"))]
    answer = client.post("batches", files=files, data={"mode": "faithful", "format": "webp"})
    assert answer.status_code == 202, answer.text
    batch = answer.json()
    assert [refused["name"] for refused in batch["refused"]] == ["notes.txt"]
    assert [client.wait(job["id"])["state"] for job in batch["jobs"]] == ["done", "done"]
    assert {job["state"] for job in client.get(f"batches/{batch['id']}").json()["jobs"]} == {"done"}
    packed = client.get(f"batches/{batch['id']}/zip")
    with zipfile.ZipFile(io.BytesIO(packed.content)) as archive:
        assert archive.namelist() == ["one.color.webp", "one.color (2).webp"]
        assert archive.testzip() is None
    assert client.post("batches", files=[("file", ("notes.txt", b"hello"))]).status_code == 422
    assert client.get(f"batches/{'0' * 32}").status_code == 404


def test_jobs_are_followed_listed_and_deleted(client: Any, small_photo: Path) -> None:
    job = client.post(f"pictures/{client.upload(small_photo)}/jobs", json={}).json()["id"]
    with client.get(f"jobs/{job}/events", stream=True) as answer:
        lines = list(answer.iter_lines())
    told = [json.loads(line[6:]) for line in lines if line.startswith(b'data: {"id"')]
    assert told[-1]["state"] == "done"
    assert [entry["revision"] for entry in told] == sorted({entry["revision"] for entry in told})
    with client.get(f"jobs/{job}/events", headers={"Last-Event-ID": str(told[-1]["revision"])}, stream=True) as answer:
        assert b"event: job" not in list(answer.iter_lines())
    assert job in [entry["id"] for entry in client.get("jobs?state=done").json()]
    assert client.post(f"jobs/{job}/stop").status_code == 409
    assert client.delete(f"jobs/{job}").status_code == 204
    assert client.get(f"jobs/{job}").status_code == 404
    assert client.get(f"jobs/{'0' * 32}/result").status_code == 404
    assert client.get("jobs?limit=0").status_code == 422


def test_health_metrics_and_models(client: Any) -> None:
    assert client.get("health").json()["status"] == "ok"
    figures = client.get("metrics").text
    assert 'tinct_requests_total{method="GET",status="200"}' in figures
    assert 'tinct_jobs{state="done"}' in figures
    models = client.get("models").json()
    assert "tinct" in [model["name"] for model in models["installed"]]
    assert client.post("models/tinct/load").json()["facts"]["takes_hints"]
    assert client.get("/openapi.json").json()["info"]["title"] == "Tinct"
    assert client.get("/docs").status_code == 404
