"""What the page waits for, in Chromium: changes that are kept, results that are made; and where none come."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tinct.web.schemas import Orders

STAGE = "tinct-correct .middle tinct-viewer .stage"
READY = "(id) => { const view = document.querySelector('tinct-correct'); return view?.loaded && view.photo.id === id; }"
ASKS = "() => !dispatchEvent(new Event('beforeunload', {cancelable: true}))"


@pytest.fixture
def photos(page_server: Any, small_photo: Path, tmp_path: Path) -> list[str]:
    """Two pictures that are kept on the server, alone there."""
    client = page_server.client()
    for known in client.get("pictures").json():
        assert client.delete(f"pictures/{known['id']}").status_code == 204
    return [client.upload(Path(shutil.copy(small_photo, tmp_path / f"{name}.png"))) for name in ("street", "harbor")]


def correct(page: Any, id: str) -> None:
    """Open a picture in Correct."""
    page.evaluate("(id) => { location.hash = `#/correct/${id}`; }", id)
    page.wait_for_function(READY, arg=id)
    page.locator(f"{STAGE}[aria-busy=false]").wait_for()


def test_a_photograph_deleted_elsewhere_leaves_nothing_to_be_kept(
    page_server: Any, open_page: Callable[..., Any], photos: list[str]
) -> None:
    page = open_page(page_server.address, allow="ERR_|Failed to load|status of 404")
    asked: list[str] = []

    def answer(dialog: Any) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", answer)
    correct(page, photos[0])
    page.context.set_offline(True)
    page.locator(STAGE).click()
    page.get_by_role("button", name="Keep gray").click()
    box = page.locator(STAGE).bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.2, box["y"] + box["height"] * 0.2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.2, box["y"] + box["height"] * 0.8, steps=5)
    page.mouse.up()
    page.locator("#lost").wait_for(state="visible")
    page.wait_for_function("() => document.querySelector('tinct-correct').correction.unsaved.size === 2")
    assert page.evaluate(ASKS)
    assert page_server.client().delete(f"pictures/{photos[0]}").status_code == 204
    page.context.set_offline(False)
    page.wait_for_function("() => document.querySelector('tinct-correct').photo === null")
    page.wait_for_function(f"() => !({ASKS})()")
    page.reload()
    page.locator("main h1").first.wait_for()
    assert asked == []


def test_a_conflict_while_a_mask_waits_leaves_nothing_to_be_kept(
    page_server: Any, open_page: Callable[..., Any], photos: list[str]
) -> None:
    page = open_page(page_server.address, allow="status of 409")
    correct(page, photos[0])
    theirs = {"x": 10, "y": 12, "color": "#103080", "radius": 4}
    assert page_server.client().put(f"pictures/{photos[0]}/hints", json={"hints": [theirs]}).status_code == 200
    page.evaluate(
        """async () => {
          const {newMark} = await import('/static/correction.js');
          const {correction} = document.querySelector('tinct-correct');
          const mask = {...correction.size, data: new Uint8Array(correction.size.width * correction.size.height)};
          correction.change({marks: [newMark('#c02010', 5, [[20, 20]])], mask});
          await correction.saving;
        }"""
    )
    page.get_by_text("The hints were changed in another tab").wait_for()
    assert page.evaluate("() => document.querySelector('tinct-correct').correction.settled")
    assert not page.evaluate(ASKS)


def test_a_photograph_opened_again_waits_for_what_is_being_saved(
    page_server: Any, open_page: Callable[..., Any], photos: list[str]
) -> None:
    page = open_page(page_server.address)
    correct(page, photos[0])
    held: list[Any] = []
    asked: list[str] = []
    address = re.compile(f"/pictures/{photos[0]}/hints$")
    page.route(address, lambda route: held.append(route) if route.request.method == "PUT" else route.continue_())
    page.on("request", lambda request: asked.append(request.method) if address.search(request.url) else None)
    with page.expect_request(lambda request: request.method == "PUT" and address.search(request.url) is not None):
        page.locator(STAGE).click()
    correct(page, photos[1])
    assert page.locator(".mark").count() == 0
    page.evaluate("(id) => { location.hash = `#/correct/${id}`; }", photos[0])
    page.wait_for_function(
        """(id) => {
          const {photo, correction} = document.querySelector('tinct-correct');
          return photo.id === id && correction;
        }""",
        arg=photos[0],
    )
    assert page.evaluate("() => document.querySelector('tinct-correct').correction.marks") == []
    assert asked == ["PUT"]
    held[0].continue_()
    page.wait_for_function(READY, arg=photos[0])
    assert page.locator(".mark").count() == 1
    assert asked == ["PUT", "GET"]


def test_a_download_shows_how_far_it_is_and_can_be_stopped(
    page_server: Any, open_page: Callable[..., Any], photos: list[str]
) -> None:
    page = open_page(page_server.address, allow="ERR_|Failed to load")
    page.goto(f"{page_server.address}/#/colorize/{photos[0]}")
    page.locator("tinct-colorize .stage[aria-busy=false]").wait_for()
    held: list[Any] = []

    def hold(route: Any) -> None:
        held.append(route)

    page.route(re.compile(r"/jobs/\w{32}/events$"), hold)
    download = page.get_by_role("button", name="Download", exact=True)
    waiting = page.get_by_role("progressbar", name="Coloring at full size")
    with page.expect_request(re.compile("/events$")):
        download.click()
    waiting.wait_for()
    assert download.count() == 0
    with page.expect_request(re.compile(r"/jobs/\w{32}/stop$")):
        page.get_by_role("button", name="Stop").click()
    download.wait_for()
    assert waiting.count() == 0
    assert page.get_by_role("alert").count() == 0
    # What is made while the line is cut is fetched when it is back.
    cut = [True]

    def meddle(route: Any) -> None:
        if cut:
            cut.pop()
            route.abort("connectionreset")
        else:
            route.continue_()

    page.route(re.compile(r"/jobs/\w{32}/result$"), meddle)
    with page.expect_download() as saved:
        with page.expect_request(re.compile("/events$")):
            download.click()
        waiting.wait_for()
        held[1].continue_()
    assert saved.value.suggested_filename == "street.color.png"
    assert cut == []
    download.wait_for()
    assert page.get_by_role("alert").count() == 0


def test_a_zip_of_which_nothing_can_be_made(page_server: Any, open_page: Callable[..., Any], photos: list[str]) -> None:
    page = open_page(page_server.address)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("download", lambda download: asked.append("a download"))

    def fail(route: Any) -> None:
        batch = route.fetch().json()
        for job in batch["jobs"]:
            job.update(state="failed", error="it is too dark")
        route.fulfill(json=batch)

    page.route(re.compile(r"/batches/\w{32}$"), fail)
    page.get_by_label("All", exact=True).check()
    pack = page.get_by_role("button", name="Download 2 as ZIP")
    pack.click()
    said = page.get_by_role("alert").filter(has_text="The ZIP wasn’t made")
    said.wait_for()
    text = said.inner_text()
    assert "street.png: it is too dark" in text
    assert "harbor.png: it is too dark" in text
    page.get_by_role("progressbar", name="Coloring for the ZIP").wait_for(state="hidden")
    assert pack.is_enabled()
    assert not [url for url in asked if url.endswith("/zip") or url == "a download"]


def test_more_photographs_than_the_server_takes_at_once_come_in_several_zips(
    page_server: Any, open_page: Callable[..., Any], photos: list[str]
) -> None:
    page = open_page(page_server.address, allow="status of 404")
    orders: list[list[str]] = []
    most = Orders.model_json_schema()["properties"]["orders"]["maxItems"]
    known = page_server.client().get("pictures").json()
    # Ids of no picture, as if there were more.
    known += [{**known[0], "id": f"{number:032x}"} for number in range(most + 1 - len(known))]

    def many(route: Any) -> None:
        first = int(route.request.url.rpartition("=")[2])
        route.fulfill(json=known[first : first + 500])

    def order(route: Any) -> None:
        orders.append([one["picture"] for one in route.request.post_data_json["orders"]])
        jobs = [{"state": "done", "picture_id": id} for id in orders[-1]]
        route.fulfill(status=202, json={"id": f"{len(orders):032x}", "jobs": jobs})

    def zip(route: Any) -> None:
        headers = {"Content-Disposition": "attachment; filename*=UTF-8''colorized.zip"}
        route.fulfill(body=b"PK", content_type="application/zip", headers=headers)

    page.route(re.compile(r"/pictures\?limit="), many)
    page.route(re.compile("/batches/pictures$"), order)
    page.route(re.compile("/zip$"), zip)
    page.reload()
    page.get_by_label("All", exact=True).check()
    saved: list[str] = []
    page.on("download", lambda download: saved.append(download.suggested_filename))
    with page.expect_event("download", lambda download: download.suggested_filename == "colorized-2.zip"):
        page.get_by_role("button", name=f"Download {most + 1} as 2 ZIPs").click()
    assert saved == ["colorized-1.zip", "colorized-2.zip"]
    assert [len(one) for one in orders] == [most, 1]
    assert len({id for one in orders for id in one}) == most + 1
    page.get_by_role("progressbar", name="Coloring for the ZIP").wait_for(state="hidden")
    assert page.get_by_role("alert").count() == 0
