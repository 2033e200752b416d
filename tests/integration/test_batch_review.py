"""``tinct batch review``: over real HTTP, and in a browser where there is one."""

from __future__ import annotations

import http.client
import json
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tinct.jobs.batch import opened_manifest
from tinct.jobs.review import COOKIE, ReviewServer
from tinct.jobs.reviewing import Review
from tinct.media.photo import read_photo


@pytest.fixture
def server(run: Any, picture: Any, gray_pixels: Any) -> Iterator[ReviewServer]:
    """The review of a batch of three photographs, of which one is broken."""
    for number in range(2):
        picture(f"in/{number}.png", np.roll(gray_pixels, 9 * number, axis=1))
    Path("in/bad.jpg").write_text("no picture")
    run("batch", "in", "out")
    with opened_manifest("out", None) as (manifest, folder), ReviewServer(Review(manifest, folder, "out")) as made:
        thread = threading.Thread(target=made.serve_forever, daemon=True)
        thread.start()
        yield made
        made.shutdown()
        thread.join()


class Client:
    def __init__(self, server: ReviewServer) -> None:
        self.server = server
        self.headers = {"Cookie": f"{COOKIE}={server.token}", "X-Tinct-Token": server.token}

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.server_address[1], timeout=60)
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, None if body is None else json.dumps(body), self.headers | sent)
        answer = connection.getresponse()
        data = answer.read()
        connection.close()
        is_json = answer.headers.get("Content-Type") == "application/json"
        return answer.status, json.loads(data) if is_json else data, answer.headers


@pytest.fixture
def client(server: ReviewServer) -> Client:
    return Client(server)


def by_source(client: Client) -> dict[str, Any]:
    return {item["source"]: item for item in client("GET", "/api/photographs?filter=all")[1]["items"]}


def test_only_who_has_the_secret_gets_in(server: ReviewServer, client: Client) -> None:
    status, _, headers = client("GET", f"/?token={server.token}", Cookie="")
    assert (status, headers["Location"]) == (303, "/")
    assert "HttpOnly" in headers["Set-Cookie"]
    assert "SameSite=Strict" in headers["Set-Cookie"]
    status, page, headers = client("GET", "/")
    assert status == 200
    assert b"<title>Review</title>" in page
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    for path, changed in (
        ("/", {"Cookie": ""}),
        ("/?token=wrong", {}),
        ("/api/photographs", {"Cookie": f"{COOKIE}=wrong"}),
        ("/picture/1/after", {"Cookie": ""}),
        ("/", {"Host": "evil.example"}),
    ):
        assert client("GET", path, **changed)[0] == 403, path
    assert server.server_address[0] == "127.0.0.1"


@pytest.mark.parametrize(
    "changed",
    [{"X_Tinct_Token": "wrong"}, {"Origin": "http://evil.example"}, {"Cookie": ""}, {"Host": "evil.example"}],
    ids=lambda changed: next(iter(changed)),
)
def test_what_other_pages_ask_for_is_refused(client: Client, changed: dict[str, str]) -> None:
    status, answer, _ = client("POST", "/api/photographs/1/review", {"review": "rejected"}, **changed)
    assert status == 403, answer
    assert {item["review"] for item in by_source(client).values()} == {""}


def test_verdicts_are_kept(client: Client, run: Any) -> None:
    items = by_source(client)
    own = f"http://127.0.0.1:{client.server.server_address[1]}"
    status, answer, _ = client(
        "POST", f"/api/photographs/{items['0.png']['id']}/review", {"review": "accepted"}, Origin=own
    )
    assert status == 200
    assert answer["item"]["review"] == "accepted"
    assert answer["counts"] == {"all": 3, "open": 1, "accepted": 1, "rejected": 0, "failed": 1}
    client("POST", f"/api/photographs/{items['1.png']['id']}/review", {"review": "rejected"})
    [rejected] = client("GET", "/api/photographs?filter=rejected")[1]["items"]
    assert rejected["source"] == "1.png"
    run("batch", "report", "out")
    assert "accepted" in Path("out/_tinct/report.csv").read_text()
    assert client("POST", f"/api/photographs/{items['bad.jpg']['id']}/review", {"review": "accepted"})[0] == 422
    assert client("POST", f"/api/photographs/{items['0.png']['id']}/review", {"review": "so so"})[0] == 422


def test_a_photograph_is_colorized_again_with_settings_of_its_own(client: Client, run: Any) -> None:
    item = by_source(client)["0.png"]
    before, other = Path("out/0.png").read_bytes(), Path("out/1.png").read_bytes()
    status, answer, _ = client(
        "POST", f"/api/photographs/{item['id']}/redo", {"settings": {"mode": "faithful", "saturation": 1.5}}
    )
    assert (status, answer["said"]) == (200, "colorized again")
    assert json.loads(answer["item"]["override"]) == {"mode": "faithful", "saturation": 1.5}
    assert answer["item"]["version"] != item["version"]
    assert Path("out/0.png").read_bytes() != before
    assert Path("out/1.png").read_bytes() == other
    assert run("colorize", "in/0.png", "-o", "plain.png", "--mode", "faithful", "--saturation", "1.5").code == 0
    assert Path("out/0.png").read_bytes() == Path("plain.png").read_bytes()
    # The next run leaves it as the review made it.
    assert "nothing to do" in run("batch", "in", "out").err
    status, answer, _ = client("POST", f"/api/photographs/{item['id']}/redo", {"settings": {}})
    assert answer["item"]["override"] is None
    assert Path("out/0.png").read_bytes() == before


def test_a_mode_goes_before_the_vividness_of_the_batch(run: Any, picture: Any) -> None:
    picture("in/0.png")
    run("batch", "in", "out", "--vividness", "1.0")
    with opened_manifest("out", None) as (manifest, folder):
        Review(manifest, folder, "out").redo(1, {"mode": "faithful"})
    assert run("colorize", "in/0.png", "-o", "plain.png", "--mode", "faithful").code == 0
    assert Path("out/0.png").read_bytes() == Path("plain.png").read_bytes()


def test_a_failed_one_can_be_done_once_it_is_whole(client: Client) -> None:
    shutil.copy("in/0.png", "in/bad.jpg")
    item = by_source(client)["bad.jpg"]
    _, answer, _ = client("POST", f"/api/photographs/{item['id']}/redo", {"settings": {}})
    assert answer["item"]["state"] == "done", answer
    assert read_photo("out/bad.jpg").to_numpy().ndim == 3


def test_without_small_pictures(client: Client) -> None:
    shutil.rmtree("out/_tinct/thumbs")  # as after --no-thumbnails
    item = by_source(client)["0.png"]
    status, answer, _ = client("POST", f"/api/photographs/{item['id']}/redo", {"settings": {"mode": "faithful"}})
    assert (status, answer["said"]) == (200, "colorized again")
    assert read_photo(client("GET", f"/picture/{item['id']}/thumb")[1]).width == 128
    assert not Path("out/_tinct/partial").exists()
    # Where one can't be written, the list still says what became of the photograph.
    shutil.rmtree("out/_tinct/thumbs")
    Path("out/_tinct/thumbs").write_text("no folder")
    status, answer, _ = client("POST", f"/api/photographs/{item['id']}/redo", {"settings": {}})
    assert (status, "can't be used" in answer["error"]) == (409, True)
    assert by_source(client)["0.png"]["version"] == item["version"]


def test_settings_that_cannot_be(client: Client) -> None:
    for settings, says in (({"mode": "loud"}, "mode is"), ({"layer": True}, "can't be set"), ([], "JSON object")):
        status, answer, _ = client("POST", "/api/photographs/1/redo", {"settings": settings})
        assert status == 422
        assert says in answer["error"]
    assert client("POST", "/api/photographs/999/redo", {"settings": {}})[0] == 422


def test_pictures_and_what_is_not_there(client: Client) -> None:
    id = by_source(client)["0.png"]["id"]
    for kind, width in (("thumb", 128), ("before", 64), ("after", 64)):
        status, data, headers = client("GET", f"/picture/{id}/{kind}")
        assert (status, headers["Content-Type"]) == (200, "image/jpeg")
        assert read_photo(data).width == width
    assert client("GET", "/picture/999/thumb")[0] == 422
    assert client("GET", "/picture/../../etc/passwd")[0] == 404
    assert client("GET", "/api/photographs?filter=none")[0] == 422
    assert client("GET", "/api/photographs?after=x")[0] == 400
    assert client("POST", "/api/photographs/1/review", ["a list"])[0] == 400
    assert client("POST", "/api/photographs/1/review", {"review": "x" * 70000})[0] == 413


def test_a_port_that_is_taken(server: ReviewServer, run: Any) -> None:
    port = server.server_address[1]
    done = run("batch", "review", "out", "--port", port, "--no-browser")
    assert done.code == 1
    assert f"port {port} can't be used" in done.err
    assert run("batch", "review", "in").code == 1


@pytest.mark.slow
def test_in_a_browser(server: ReviewServer) -> None:
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    browser_path = shutil.which("chromium")
    if browser_path is None:
        pytest.skip("needs chromium")
    said: list[str] = []
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        page = browser.new_page()
        page.set_default_timeout(120_000)
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(server.address)
        page.get_by_role("button", name="Accept 0.png").click()
        page.get_by_text("accepted 1").wait_for()
        page.locator("#grid img").nth(1).click()
        page.locator("#saturation").fill("1.6")
        page.get_by_role("button", name="Colorize again").click()
        page.get_by_text("colorized again").wait_for()
        page.locator("#close").click()
        page.keyboard.press("Escape")
        page.get_by_role("button", name="failed 1").click()
        page.get_by_text("no picture that Tinct reads").wait_for()
        browser.close()
    assert said == []
    rows = server.review.page("all", 0)["items"]
    assert [row["review"] for row in rows if row["source"] == "0.png"] == ["accepted"]
    assert [row["override"] for row in rows if row["source"] == "1.png"] == ['{"saturation": 1.6}']
