"""Parts of pictures at full size, kept pictures colored together, what is kept beside them, limits."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from tinct.media.photo import read_photo


def test_a_region_is_a_part_of_the_result(client: Any, large_photo: Path) -> None:
    picture = client.upload(large_photo)
    client.put(f"pictures/{picture}/hints", json={"hints": [{"x": 700, "y": 600, "color": "#c02010", "radius": 90}]})
    look = {"mode": "faithful", "saturation": 1.4}
    job = client.post(f"pictures/{picture}/jobs", json=look).json()["id"]
    assert client.wait(job)["state"] == "done"
    whole = read_photo(client.get(f"jobs/{job}/result").content).to_numpy().astype(int)
    box = {"x": 600, "y": 500, "width": 300, "height": 200}
    answer = client.post(f"pictures/{picture}/region", json={**box, "look": look})
    assert answer.status_code == 200, answer.text
    assert json.loads(answer.headers["Tinct-Notes"]) == []
    part = read_photo(answer.content).to_numpy().astype(int)
    assert part.shape == (200, 300, 3)
    assert np.abs(part - whole[500:700, 600:900]).mean() < 3  # both are JPEGs
    plain = read_photo(client.post(f"pictures/{picture}/region", json=box).content).to_numpy()
    gray = read_photo(large_photo).to_numpy()[500:700, 600:900]
    assert np.abs(plain.astype(int) - gray).mean() < 3
    small = read_photo(client.post(f"pictures/{picture}/region", json={**box, "scale": 0.5, "look": {}}).content)
    assert (small.width, small.height) == (150, 100)
    for wrong in (
        {**box, "x": 1300},
        {**box, "scale": 0.001},
        {**box, "scale": 2},
        {**box, "width": 0},
        {**box, "look": {"vividness": 3}},
        {**box, "more": 1},
    ):
        assert client.post(f"pictures/{picture}/region", json=wrong).status_code == 422, wrong


def test_a_region_of_sixteen_bits(client: Any, tmp_path: Path) -> None:
    path = tmp_path / "deep.tif"
    read_photo((np.add.outer(np.arange(200), np.arange(300)) * 131).astype(np.uint16)).save(path)
    picture = client.upload(path)
    box = {"x": 0, "y": 0, "width": 300, "height": 200}
    parts = [client.post(f"pictures/{picture}/region", json={**box, **look}) for look in ({"look": {}}, {})]
    colored, plain = (read_photo(part.content) for part in parts)
    assert (colored.width, colored.height, colored.depth, plain.depth) == (300, 200, 8, 8)
    assert abs(float(np.mean(plain.to_numpy()[100, 150])) - 250 * 131 / 257) < 3
    assert np.abs(colored.lightness().numpy() - plain.lightness().numpy()).mean() < 3


def test_kept_pictures_are_colored_together_each_in_its_look(client: Any, small_photo: Path) -> None:
    first, second = client.upload(small_photo), client.upload(small_photo)
    orders = [{"picture": first, "saturation": 0}, {"picture": second, "format": "webp"}]
    answer = client.post("batches/pictures", json={"orders": orders})
    assert answer.status_code == 202, answer.text
    batch = answer.json()
    assert [client.wait(job["id"])["state"] for job in batch["jobs"]] == ["done", "done"]
    packed = client.get(f"batches/{batch['id']}/zip")
    with zipfile.ZipFile(io.BytesIO(packed.content)) as archive:
        assert archive.namelist() == ["small.color.png", "small.color.webp"]
        gray = read_photo(archive.read("small.color.png")).to_numpy().astype(int)
    assert int(np.ptp(gray, axis=2).max()) <= 2
    # All or none.
    jobs = len(client.get("jobs?limit=500").json())
    wrong = [{"picture": first}, {"picture": "0" * 32}]
    assert client.post("batches/pictures", json={"orders": wrong}).status_code == 404
    assert client.post("batches/pictures", json={"orders": [{"picture": first, "model": "no"}]}).status_code == 422
    assert client.post("batches/pictures", json={"orders": []}).status_code == 422
    assert len(client.get("jobs?limit=500").json()) == jobs


def test_what_is_kept_beside_a_picture_comes_back(client: Any, small_photo: Path, tmp_path: Path) -> None:
    picture = client.upload(small_photo)
    assert client.get(f"pictures/{picture}/hints").json()["beside"] == []
    assert client.get(f"pictures/{picture}/mask").status_code == 404
    mask = tmp_path / "mask.png"
    read_photo(np.zeros((48, 64), np.uint8)).save(mask)
    assert client.put(f"pictures/{picture}/mask", files={"file": ("m.png", mask.read_bytes())}).status_code == 204
    answer = client.get(f"pictures/{picture}/mask")
    assert answer.content == mask.read_bytes()
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert client.get(f"pictures/{picture}/hints").json()["beside"] == ["mask"]
    assert client.get(f"pictures/{picture}/nothing").status_code == 404


def test_a_mask_is_replaced_while_it_is_read(server: Any, client: Any, small_photo: Path, tmp_path: Path) -> None:
    picture = client.upload(small_photo)
    mask = tmp_path / "mask.png"
    read_photo(np.full((48, 64), 255, np.uint8)).save(mask)
    content = mask.read_bytes()
    other = server.client()
    with ThreadPoolExecutor(1) as pool:
        looks = pool.submit(lambda: [other.post(f"pictures/{picture}/preview", json={}).status_code for _ in range(25)])
        while not looks.done():
            assert client.put(f"pictures/{picture}/mask", files={"file": ("m.png", content)}).status_code == 204
    assert set(looks.result()) == {200}


def test_regions_batches_and_masks_belong_to_their_owner(
    add_user: Callable[[str], Any], small_photo: Path, tmp_path: Path
) -> None:
    ann, eve = add_user("ann of regions"), add_user("eve of regions")
    picture = ann.upload(small_photo)
    mask = tmp_path / "mask.png"
    read_photo(np.zeros((48, 64), np.uint8)).save(mask)
    assert ann.put(f"pictures/{picture}/mask", files={"file": ("m.png", mask.read_bytes())}).status_code == 204
    box = {"x": 0, "y": 0, "width": 9, "height": 9}
    assert eve.post(f"pictures/{picture}/region", json=box).status_code == 404
    assert eve.get(f"pictures/{picture}/mask").status_code == 404
    assert eve.post("batches/pictures", json={"orders": [{"picture": picture}]}).status_code == 404
    assert ann.post(f"pictures/{picture}/region", json=box).status_code == 200


def test_what_is_there_of_a_damaged_picture(client: Any, large_photo: Path) -> None:
    half = large_photo.read_bytes()[: large_photo.stat().st_size // 2]
    assert client.post("pictures", files={"file": ("half.jpg", half)}).json()["kind"] == "TruncatedPhoto"
    answer = client.post("pictures", files={"file": ("half.jpg", half)}, data={"allow-truncated": "true"})
    assert answer.status_code == 201, answer.text
    picture = answer.json()["id"]
    job = client.wait(client.post(f"pictures/{picture}/jobs", json={}).json()["id"])
    assert job["state"] == "done"
    assert any("what is missing stays blank" in note for note in job["notes"])
    for wrong in ({"mode": "vivid"}, {"allow-truncated": "perhaps"}):
        assert client.post("pictures", files={"file": ("half.jpg", half)}, data=wrong).status_code == 422


def test_limits_are_told(server: Any, client: Any) -> None:
    assert client.get("limits").json() == {"bytes": 209715200, "pixels": 250000000, "files": 100}
    assert server.client(**{"X-Forwarded-For": "192.0.2.1"}).get("limits").status_code == 401


def test_files_of_the_page_are_never_of_yesterday(client: Any) -> None:
    first = client.get("/static/app.js")
    assert first.headers["Cache-Control"] == "no-cache"
    assert client.get("/static/app.js", headers={"If-None-Match": first.headers["ETag"]}).status_code == 304
    for outside in ("/static/../app.py", "/static/%2e%2e/app.py", "/static/views"):
        assert client.get(outside).status_code == 404


def test_files_are_sent_once_and_in_parts(client: Any, small_photo: Path) -> None:
    picture = client.upload(small_photo)
    for file in (f"pictures/{picture}/copies/thumbnail", "models/tinct/samples"):
        whole = client.get(file)
        again = client.get(file, headers={"If-None-Match": f'"other", {whole.headers["ETag"]}'})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["ETag"] == whole.headers["ETag"]
        assert client.get(file, headers={"If-None-Match": "*"}).status_code == 304
        assert client.get(file, headers={"Range": "bytes=2-5"}).content == whole.content[2:6]
        assert client.get(file, headers={"Range": "lines=2-5"}).status_code == 200
        for wrong, status in (("bytes=999999999-", 416), ("bytes=x", 400)):
            answer = client.get(file, headers={"Range": wrong})
            assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/problem+json")
            assert answer.json()["status"] == status
        head = client.head(file)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["Content-Length"] == str(len(whole.content))
    assert client.head("/").status_code == client.head("pictures").status_code == 200
    assert client.head("pictures/no").status_code == 422


def test_the_cookie_stays_on_encrypted_lines(client: Any, add_user: Callable[[str], Any]) -> None:
    assert "Secure" not in client.get("/").headers["Set-Cookie"]
    token = add_user("ann").headers["Authorization"].removeprefix("Bearer ")
    client.cookies.clear()
    answer = client.post("session", json={"token": token}, headers={"X-Forwarded-Proto": "https"})
    assert "Secure" in answer.headers["Set-Cookie"]


def test_names_of_models_have_no_control_characters(client: Any, small_photo: Path) -> None:
    picture = client.upload(small_photo)
    assert client.get("models/a%00b").status_code == 422
    assert client.post(f"pictures/{picture}/preview", json={"model": "a\0b"}).status_code == 422
    files = {"file": ("p.png", small_photo.read_bytes())}
    assert client.post("colorize", files=files, data={"model": "a\0b"}).status_code == 422
