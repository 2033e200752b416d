"""Pictures that stay: previews, hints, suggestions, batches, events, metrics."""

from __future__ import annotations

import hashlib
import io
import json
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tinct.media.formats import FORMATS
from tinct.media.photo import read_photo
from tinct.web import schemas
from tinct.web.api.common import FORM
from tinct.web.wishes import MEDIA_TYPES, SUFFIXES

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


@pytest.mark.parametrize("kind", ["mask", "reference"])
def test_a_mask_of_another_shape_and_a_gray_reference_are_refused_at_once(
    kind: str, client: Any, small_photo: Path, large_photo: Path, tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong.png"
    read_photo(np.arange(900, dtype=np.uint16).astype(np.uint8).reshape(30, 30)).save(wrong)
    said = "not the shape" if kind == "mask" else "wrong.png is gray"
    picture = client.upload(small_photo)
    answers = [client.put(f"pictures/{picture}/{kind}", files={"file": ("wrong.png", wrong.read_bytes())})]
    for photo in (small_photo, large_photo):
        files = {"file": (photo.name, photo.read_bytes()), kind: ("wrong.png", wrong.read_bytes())}
        pictures = client.get("pictures").json()
        answers.append(client.post("colorize", files=files))
        assert client.get("pictures").json() == pictures
    for answer in answers:
        assert answer.status_code == 422, answer.text
        assert said in answer.json()["detail"]
        assert "/" not in answer.json()["detail"]
    assert client.get(f"pictures/{picture}/hints").json()["beside"] == []
    assert client.post(f"pictures/{picture}/preview", json={}).status_code == 200


@pytest.mark.parametrize("kind", ["mask", "reference"])
def test_what_is_said_of_a_kept_mask_or_reference_calls_it_by_its_name(
    kind: str, client: Any, server: Any, small_photo: Path, tmp_path: Path
) -> None:
    colors = tmp_path / "mine.png"
    read_photo(np.random.default_rng(0).integers(0, 256, (48, 64, 3)).astype(np.uint8)).save(colors)
    picture = client.upload(small_photo)
    assert client.put(f"pictures/{picture}/{kind}", files={"file": ("mine.png", colors.read_bytes())}).ok
    sha256 = hashlib.sha256(colors.read_bytes()).hexdigest()
    files = (server.data / "files").glob("[0-9a-f][0-9a-f]/*")
    (stored,) = [path for path in files if hashlib.sha256(path.read_bytes()).hexdigest() == sha256]
    stored.write_bytes(b"broken by hand")
    job = client.wait(client.post(f"pictures/{picture}/jobs", json={}).json()["id"])
    for said in (client.post(f"pictures/{picture}/preview", json={}).json()["detail"], job["error"]):
        assert "mine.png" in said
        assert "/" not in said


def test_jpeg_2000_comes_and_goes(client: Any, small_photo: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.jp2"
    read_photo(small_photo).save(path)
    kept = client.get(f"pictures/{client.upload(path)}").json()
    assert (kept["media_type"], kept["facts"]["format"]) == ("image/jp2", "jp2")
    files = {"file": ("a.jp2", path.read_bytes())}
    for sent, fields in ((files, {}), ({"file": ("a.png", small_photo.read_bytes())}, {"format": "jp2"})):
        answer = client.post("colorize", files=sent, data=fields)
        assert answer.status_code == 200, answer.text
        assert answer.headers["Content-Type"] == "image/jp2"
        assert 'filename="a.color.jp2"' in answer.headers["Content-Disposition"]
        assert read_photo(answer.content).width == 64
    job = client.post(f"pictures/{kept['id']}/jobs", json={"format": "jp2"}).json()["id"]
    assert client.wait(job)["state"] == "done"
    assert client.get(f"jobs/{job}/result").headers["Content-Type"] == "image/jp2"


def test_every_format_has_its_type_and_ending() -> None:
    assert set(MEDIA_TYPES) == {form.name for form in FORMATS}
    assert set(SUFFIXES) == {form.name for form in FORMATS if form.saver}
    formats = schemas.Order.model_json_schema()["properties"]["format"]["anyOf"][0]["enum"]
    assert set(formats) == set(SUFFIXES) == set(FORM["format"]["enum"])


def zipped(entries: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def test_a_batch_begins_what_it_can_and_says_the_rest(client: Any, small_photo: Path) -> None:
    photo = small_photo.read_bytes()
    damaged = zipped({"first.png": photo, "second.png": photo, "third.png": photo})
    at = damaged.index(b"second.png") + 30
    damaged = damaged[:at] + bytes(value ^ 255 for value in damaged[at : at + 20]) + damaged[at + 20 :]
    files = [
        ("file", ("p.png", photo)),
        ("file", ("bad.zip", b"PK\x03\x04 no")),
        ("file", ("empty.zip", zipped({"notes.txt": b"hello"}))),
        ("file", ("good.zip", damaged)),
    ]
    answer = client.post("batches", files=files)
    assert answer.status_code == 202, answer.text
    batch = answer.json()
    assert [refused["name"] for refused in batch["refused"]] == ["bad.zip", "empty.zip", "second.png"]
    assert [client.wait(job["id"])["state"] for job in batch["jobs"]] == ["done"] * 3
    pictures, jobs = (client.get(f"{kind}?limit=500").json() for kind in ("pictures", "jobs"))
    refused = client.post("batches", files=files[1:3])
    assert refused.status_code == 422
    assert all(name in refused.json()["detail"] for name in ("bad.zip", "empty.zip"))
    assert [client.get(f"{kind}?limit=500").json() for kind in ("pictures", "jobs")] == [pictures, jobs]


def test_a_batch_that_is_more_than_may_wait(launch: Callable[..., Any], small_photo: Path) -> None:
    client = launch("--no-worker", TINCT_QUEUED="2").client()
    files = [("file", (name, small_photo.read_bytes())) for name in ("a.png", "b.png", "c.png")]
    batch = client.post("batches", files=files)
    assert batch.status_code == 202, batch.text
    assert len(batch.json()["jobs"]) == 2
    assert [refused["name"] for refused in batch.json()["refused"]] == ["c.png"]
    assert "2 jobs are waiting" in batch.json()["refused"][0]["detail"]
    pictures = client.get("pictures").json()
    assert len(pictures) == 2  # that of the refused one is gone again
    assert client.post("batches", files=files).status_code == 429
    orders = {"orders": [{"picture": picture["id"]} for picture in pictures]}
    assert client.post("batches/pictures", json=orders).status_code == 429
    assert client.get("pictures").json() == pictures
    client.post(f"jobs/{batch.json()['jobs'][0]['id']}/stop")
    # An order that is none is known before the first begins.
    orders["orders"][1]["variant"] = 2
    assert client.post("batches/pictures", json=orders).status_code == 422
    assert len(client.get("jobs?state=queued").json()) == 1
    del orders["orders"][1]["variant"]
    assert client.post("batches/pictures", json=orders).status_code == 429
    assert len(client.get("jobs?state=queued").json()) == 1


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


def test_a_result_that_was_downloaded_makes_room_for_the_next(launch: Callable[..., Any], small_photo: Path) -> None:
    server = launch()
    client = server.client()

    def stored() -> int:
        return len(list((server.data / "files").glob("[0-9a-f][0-9a-f]/*")))

    def color() -> str:
        job = client.post(f"pictures/{picture}/jobs", json={}).json()["id"]
        assert client.wait(job)["state"] == "done"
        return str(job)

    def left(count: int) -> bool:
        """Wait until so many results are left; they go right after a job is done."""
        deadline = time.monotonic() + 30
        while stored() != before + count and time.monotonic() < deadline:
            time.sleep(0.1)
        return stored() == before + count

    picture = client.upload(small_photo)
    before = stored()
    first = color()
    etag = client.head(f"jobs/{first}/result").headers["ETag"]
    for some in ({"Range": "bytes=0-0"}, {"Range": "bytes=9-"}, {"If-None-Match": etag}):
        assert client.get(f"jobs/{first}/result", headers=some).ok
    second = color()
    assert left(2)  # nobody has them whole yet
    assert client.get(f"jobs/{first}/result").ok
    third = color()
    assert left(2)
    gone = client.get(f"jobs/{first}/result")
    assert (gone.status_code, gone.json()["detail"]) == (
        404,
        "this result isn't kept any more; color the picture again",
    )
    assert client.get(f"jobs/{first}").json()["state"] == "done"
    batch = client.post("batches/pictures", json={"orders": [{"picture": picture}, {"picture": picture}]}).json()["id"]
    assert [client.wait(job["id"])["state"] for job in client.get(f"batches/{batch}").json()["jobs"]] == ["done"] * 2
    assert client.head(f"batches/{batch}/zip").headers["Accept-Ranges"] == "none"
    assert client.get(f"batches/{batch}/zip", headers={"Range": "bytes=0-9"}).status_code == 200
    assert [client.get(f"jobs/{job}/result").ok for job in (second, third)] == [True, True]
    color()
    assert left(1)
    assert client.get(f"batches/{batch}/zip").status_code == 404


@pytest.mark.parametrize("size", [(4001, 3003), (30, 50_000)])
def test_the_last_pixels_of_a_large_picture_take_hints(client: Any, size: tuple[int, int], tmp_path: Path) -> None:
    width, height = size
    path = tmp_path / "large.png"
    read_photo(np.resize(np.arange(256, dtype=np.uint8), (height, width))).save(path)
    picture = client.upload(path)
    corners = [(x, y) for x in (0, width - 1, str(width - 1)) for y in (0, height - 1)]
    hints = [{"x": x, "y": y, "color": "#a03020"} for x, y in corners]
    assert client.put(f"pictures/{picture}/hints", json={"hints": hints}).status_code == 200
    asked = [("preview", {}), ("points", {}), *(("colors", {"x": x, "y": y}) for x, y in corners)]
    for what, given in asked:
        answer = client.post(f"pictures/{picture}/{what}", json=given)
        assert answer.status_code == 200, answer.text
    outside = client.post(f"pictures/{picture}/colors", json={"x": 0, "y": height})
    assert outside.status_code == 422
    assert f"picture of {width} x {height} pixels" in outside.json()["detail"]
