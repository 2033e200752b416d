"""What strangers might try; a test each."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import time
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def huge_png(width: int, height: int) -> bytes:
    """A few kilobytes that decode to gigabytes of zeros."""
    pressed = zlib.compressobj(9)
    rows = b"".join(pressed.compress(bytes(width + 1)) for _ in range(min(height, 2000))) + pressed.flush()
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def zipped(entries: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return buffer.getvalue()


# Whose things are whose


def test_others_things_are_out_of_reach(add_user: Callable[[str], Any], small_photo: Path, colorful: bytes) -> None:
    ann, eve = add_user("ann"), add_user("eve")
    picture = ann.upload(small_photo)
    job = ann.post(f"pictures/{picture}/jobs", json={}).json()["id"]
    assert ann.wait(job)["state"] == "done"
    dataset = ann.post("datasets", files={"file": ("d.zip", zipped({"a.png": small_photo.read_bytes()}))}).json()["id"]
    batch = ann.post("batches", files={"file": ("a.png", small_photo.read_bytes())}).json()["id"]
    run = ann.post("runs", json={"recipe": "cifar-cnn", "data": dataset, "budget": "1steps"}).json()["id"]
    assert ann.post(f"corrections/{picture}", json={}).status_code == 201
    colors = ann.post("datasets", files={"file": ("colors.zip", colorful)}).json()["id"]
    test = ann.post("turing", json={"name": "t", "data": colors, "count": 1, "catch": 0, "practice": 0}).json()["id"]
    assert ann.wait(test)["state"] == "done"
    sitting = ann.post(f"turing/{test}/sittings").json()["id"]
    calls = [
        *[
            ("get", f"pictures/{picture}{end}")
            for end in ("", "/file", "/copies/thumbnail", "/copies/preview", "/hints")
        ],
        *[("post", f"pictures/{picture}/{end}") for end in ("preview", "points", "jobs")],
        ("post", f"pictures/{picture}/colors"),
        ("put", f"pictures/{picture}/hints"),
        ("delete", f"pictures/{picture}"),
        *[("get", f"jobs/{job}{end}") for end in ("", "/result", "/events")],
        ("post", f"jobs/{job}/stop"),
        ("delete", f"jobs/{job}"),
        *[("get", f"batches/{batch}{end}") for end in ("", "/zip")],
        *[("get", f"runs/{run}{end}") for end in ("", "/events", "/sheets/curves.png")],
        *[("post", f"runs/{run}/{end}") for end in ("stop", "resume")],
        ("post", f"runs/{run}/save"),
        ("delete", f"runs/{run}"),
        ("delete", f"datasets/{dataset}"),
        ("post", f"corrections/{picture}"),
        ("get", f"corrections/{picture}"),
        ("delete", f"corrections/{picture}"),
        *[("get", f"turing/{test}{end}") for end in ("/score",)],
        ("post", f"turing/{test}/sittings"),
        ("delete", f"turing/{test}"),
        *[("get", f"turing/sittings/{sitting}{end}") for end in ("", "/pairs/0/first")],
        ("post", f"turing/sittings/{sitting}/pairs/0"),
    ]
    bodies = {
        "colors": {"x": 1, "y": 1},
        "hints": {"hints": []},
        "save": {"name": "stolen"},
        "0": {"choice": "first", "seconds": 1},
    }
    for method, path in calls:
        body = None if method in ("get", "delete") else bodies.get(path.rsplit("/", 1)[-1], {})
        answer = eve.request(method, path, json=body)
        assert answer.status_code == 404, (method, path, answer.text)
    for listing in ("pictures", "jobs", "runs", "corrections", "turing"):
        assert eve.get(listing).json() == []
    assert eve.get("datasets").json()["uploaded"] == []
    assert eve.post("runs", json={"recipe": "cifar-cnn", "data": dataset}).status_code == 422
    assert ann.get(f"pictures/{picture}").status_code == 200


def test_tokens(server: Any, client: Any, add_user: Callable[[str], Any], small_photo: Path) -> None:
    ann = add_user("ann")
    assert ann.get("pictures").status_code == 200
    for wrong in ("Bearer wrong", "Bearer ", "Basic YTpi", "wrong"):
        answer = server.client(Authorization=wrong).get("pictures")
        assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert server.client(**{"X-Forwarded-For": "10.1.2.3"}).get("pictures").status_code == 401
    token = ann.headers["Authorization"].removeprefix("Bearer ")
    for file in server.data.glob("tinct.sqlite*"):
        assert token.encode() not in file.read_bytes()
    subprocess.run(
        [sys.executable, "-m", "tinct", "token", "remove", "ann", "--data-dir", str(server.data)], check=True
    )
    assert ann.get("pictures").status_code == 401


# Browsers that speak for other sites


def test_a_browser_is_let_in_by_its_cookie_and_speaks_for_its_own_page_alone(server: Any) -> None:
    browser = server.client()
    page = browser.get("/")
    assert page.status_code == 200
    cookie = page.headers["Set-Cookie"].lower()
    assert all(word in cookie for word in ("httponly", "samesite=strict"))
    own = {"Origin": server.address}
    assert browser.post("models/tinct/load", headers=own).status_code == 200
    assert browser.post("models/tinct/load").status_code == 403
    for foreign in ("https://evil.example", "null", server.address.replace("127.0.0.1", "127.0.0.1.evil.example")):
        assert browser.post("models/tinct/load", headers={"Origin": foreign}).status_code == 403
    assert browser.get("pictures", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert server.client().post("models/tinct/load", headers=own).status_code == 401
    (name,) = browser.cookies.keys()
    assert name.endswith(server.address.rpartition(":")[2])  # another server of this machine has another
    assert server.client(Cookie=f"{name}=guess").get("pictures").status_code == 401
    assert browser.delete("session", headers=own).status_code == 204
    assert "Access-Control-Allow-Origin" not in page.headers


def test_a_form_of_another_site_does_nothing(server: Any) -> None:
    headers = {"Origin": "https://evil.example", "Content-Type": "text/plain"}
    assert server.client().post("runs", data='{"recipe": "cifar-cnn"}', headers=headers).status_code == 403


def test_a_name_that_points_here_is_refused(server: Any) -> None:
    answer = server.client(Host="rebound.evil.example").get("/")
    assert answer.status_code == 403
    assert "TINCT_HOSTS" in answer.json()["detail"]


def test_every_answer_carries_the_headers(client: Any) -> None:
    for answer in (client.get("/"), client.get("health"), client.get("/nowhere"), client.get("jobs/no")):
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "http" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert "server" not in answer.headers


# Names


@pytest.mark.parametrize(
    "name",
    [
        "../../../../etc/passwd.png",
        "..\\..\\windows\\system32\\x.png",
        "/etc/cron.d/x.png",
        "x\r\nSet-Cookie: a=b.png",
        'x"; filename="y.html',
        "<img src=x onerror=alert(1)>.png",
        "x" * 900 + ".png",
        "\u202egnp.exe",
        "名前 ✓ %0d%0a.png",
        "",
        "...",
        "CON",
    ],
    ids=lambda name: ascii(name[:30]),
)
def test_names_are_only_shown(name: str, server: Any, client: Any, small_photo: Path) -> None:
    before = {path for path in server.data.parent.rglob("*") if path.is_file()}
    body = (
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="'
        + name.replace('"', "%22").replace("\r\n", "%0D%0A").encode()
        + b'"\r\nContent-Type: image/png\r\n\r\n'
        + small_photo.read_bytes()
        + b"\r\n--x--\r\n"
    )
    answer = client.post("pictures", data=body, headers={"Content-Type": "multipart/form-data; boundary=x"})
    assert answer.status_code == 201, answer.text
    shown = answer.json()["name"]
    assert 0 < len(shown) <= 200
    assert not set(shown) & set('/\\<>"\r\n\u202e')
    back = client.get(f"pictures/{answer.json()['id']}/file")
    assert back.content == small_photo.read_bytes()
    assert back.headers["Content-Disposition"].startswith('attachment; filename="')
    assert "Set-Cookie" not in back.headers
    assert back.headers["Content-Type"] == "image/png"
    made = {path for path in server.data.parent.rglob("*") if path.is_file()} - before
    assert all(path.is_relative_to(server.data) for path in made)
    assert client.delete(f"pictures/{answer.json()['id']}").status_code == 204


def test_paths_are_no_ids(client: Any) -> None:
    for path in ("jobs/..%2f..%2fx", "pictures/%2e%2e", "runs/x/sheets/..%2f..%2ftinct.sqlite", "models/..%2fx/file"):
        assert client.get(path).status_code in (404, 422)
    assert client.get("/static/..%2fapp.py").status_code == 404
    assert client.get("/static/../app.py").status_code == 404


# Bombs


def test_a_decompression_bomb_is_refused_by_its_header(client: Any) -> None:
    answer = client.post("colorize", files={"file": ("bomb.png", huge_png(60_000, 60_000))})
    assert answer.status_code == 413
    assert "60000 x 60000" in answer.json()["detail"]


def test_a_picture_that_needs_too_much_memory_kills_its_sandbox_alone(
    launch: Callable[..., Any], small_photo: Path
) -> None:
    server = launch(TINCT_WORK_BYTES=str(1_200_000_000), TINCT_UPLOAD_PIXELS="4000000000")
    # Interlaced, so that all of it must be in memory at once.
    bomb = bytearray(huge_png(50_000, 50_000))
    bomb[28] = 1
    bomb[29:33] = struct.pack(">I", zlib.crc32(bytes(bomb[12:29])))
    began = time.monotonic()
    answer = server.client().post("pictures", files={"file": ("bomb.png", bytes(bomb))})
    assert answer.status_code == 422, answer.text
    assert time.monotonic() - began < 60
    assert server.client().post("colorize", files={"file": ("a.png", small_photo.read_bytes())}).status_code == 200


def test_zip_bombs_and_traversal(server: Any, client: Any, small_photo: Path) -> None:
    bomb = zipped({"a.png": bytes(300 * 2**20)})
    assert len(bomb) < 2**20
    for place in ("datasets", "batches"):
        answer = client.post(place, files={"file": ("b.zip", bomb)})
        assert answer.status_code == 422
        assert "more than the limit" in answer.json()["detail"]
    lying = bytearray(zipped({"a.png": bytes(10 * 2**20)}))
    for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        place_of = lying.find(signature) + offset
        lying[place_of : place_of + 4] = struct.pack("<I", 1000)
    answer = client.post("batches", files={"file": ("b.zip", bytes(lying))})
    assert answer.status_code == 422, answer.text
    names = ["../../../evil.png", "/etc/evil.png", "C:\\evil.png", "a/../../evil.png"]
    answer = client.post("batches", files={"file": ("t.zip", zipped(dict.fromkeys(names, small_photo.read_bytes())))})
    assert answer.status_code == 202, answer.text
    assert [job["state"] for job in answer.json()["jobs"]] == ["queued"] * 4
    for job in answer.json()["jobs"]:
        assert client.wait(job["id"])["state"] == "done"
    packed = client.get(f"batches/{answer.json()['id']}/zip")
    with zipfile.ZipFile(io.BytesIO(packed.content)) as archive:
        assert archive.namelist() == ["evil.color.png", *[f"evil.color ({number}).png" for number in (2, 3, 4)]]
    assert not list(server.data.parent.rglob("evil*"))
    assert client.post("datasets", files={"file": ("e.zip", zipped({}))}).status_code == 422
    assert client.post("datasets", files={"file": ("e.zip", zipped({"readme.txt": b"x"}))}).status_code == 422
    assert client.post("datasets", files={"file": ("e.zip", b"PK\x03\x04 no zip")}).status_code == 422
