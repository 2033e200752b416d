"""The page when the server is away behind a proxy, in trouble for a while, or forgot who asks; in Chromium."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

STAGE = "tinct-correct .middle tinct-viewer .stage"
ASKS = "() => !dispatchEvent(new Event('beforeunload', {cancelable: true}))"
UNSAVED = "(count) => document.querySelector('tinct-correct').correction.unsaved.size === count"
GATEWAY = {"status": 502, "content_type": "text/html", "body": "<h1>502 Bad Gateway</h1>"}


@pytest.fixture
def photo(page_server: Any, small_photo: Path, tmp_path: Path) -> str:
    """A picture that is kept on the server, alone there."""
    client = page_server.client()
    for known in client.get("pictures").json():
        assert client.delete(f"pictures/{known['id']}").status_code == 204
    return str(client.upload(Path(shutil.copy(small_photo, tmp_path / "street.png"))))


def settle(page: Any, address: str, view: str, photo: str) -> None:
    """Open a picture in a view."""
    page.goto(f"{address}/#/{view}/{photo}")
    page.locator(f"tinct-{view} .middle .stage[aria-busy=false]").wait_for()
    page.wait_for_function(f"() => document.querySelector('tinct-{view} tinct-viewer').after")


def hints(server: Any, photo: str) -> int:
    return len(server.client().get(f"pictures/{photo}/hints").json()["hints"])


def click_while_away(page: Any) -> list[bool]:
    """Put a hint while the server is away, as long as the list that this returns holds anything."""
    away = [True]
    page.route("**/api/v1/**", lambda route: route.fulfill(**GATEWAY) if away else route.fallback())
    page.locator(STAGE).click()
    page.locator("#lost").wait_for(state="visible")
    return away


def test_a_server_that_is_restarted_behind_a_proxy_loses_nothing(
    page_server: Any, open_page: Callable[..., Any], photo: str, small_photo: Path
) -> None:
    page = open_page(page_server.address, allow="status of 502")
    settle(page, page_server.address, "correct", photo)
    away = click_while_away(page)
    page.wait_for_function(UNSAVED, arg=1)
    assert page.evaluate(ASKS)
    page.get_by_role("link", name="Colorize").click()
    page.locator("tinct-shelf input[type=file]").first.set_input_files(small_photo)
    page.get_by_role("button", name="Send again").wait_for()
    away.clear()
    page.locator("#lost").wait_for(state="hidden")
    page.wait_for_function(UNSAVED, arg=0)
    page.wait_for_function("() => document.querySelectorAll('.thumbnails img').length === 2")
    assert hints(page_server, photo) == 1
    assert not page.evaluate(ASKS)
    assert page.get_by_role("alert").filter(has_text="502").count() == 0


def test_a_result_is_fetched_though_the_server_is_restarted_behind_a_proxy(
    page_server: Any, open_page: Callable[..., Any], photo: str
) -> None:
    page = open_page(page_server.address, allow="status of 502")
    settle(page, page_server.address, "colorize", photo)
    away = ["result", "health"]  # once each

    def meddle(route: Any) -> None:
        asked = route.request.url.rsplit("/", 1)[1]
        if asked in away:
            away.remove(asked)
            route.fulfill(**GATEWAY)
        else:
            route.fallback()

    page.route(re.compile("/(result|health)$"), meddle)
    with page.expect_download() as saved:
        page.get_by_role("button", name="Download", exact=True).click()
    assert saved.value.suggested_filename == "street.color.png"
    assert page.get_by_role("alert").count() == 0


def test_colors_are_suggested_when_the_server_is_back(
    page_server: Any, open_page: Callable[..., Any], photo: str
) -> None:
    page = open_page(page_server.address, allow="status of (502|507)")
    settle(page, page_server.address, "correct", photo)
    away = click_while_away(page)
    plausible = page.get_by_role("group", name="Plausible here")
    plausible.get_by_text("…").wait_for()
    away.clear()
    plausible.get_by_role("button").first.wait_for()
    assert page.get_by_role("alert").count() == 0
    # Where none can be suggested for another reason, nothing waits for them.
    page.route("**/colors", lambda route: route.fulfill(status=507, json={"detail": "no space is left"}))
    page.locator(".marks .mark").click()
    page.get_by_role("alert").filter(has_text="Suggested colors").wait_for()
    plausible.wait_for(state="detached")


def test_what_the_server_cant_keep_for_a_while_is_kept_later(
    page_server: Any, open_page: Callable[..., Any], photo: str
) -> None:
    page = open_page(page_server.address, allow="status of 507")
    settle(page, page_server.address, "correct", photo)
    refusals = [True, True]

    def meddle(route: Any) -> None:
        if refusals and route.request.method == "PUT":
            refusals.pop()
            route.fulfill(status=507, content_type="application/problem+json", json={"detail": "no space is left"})
        else:
            route.fallback()

    page.route(re.compile("/hints$"), meddle)
    page.locator(STAGE).click()
    said = page.get_by_role("alert").filter(has_text="No space is left")
    said.wait_for()
    assert page.evaluate(ASKS)
    assert not page.locator("#lost").is_visible()
    page.get_by_text("Saving…").wait_for()
    page.wait_for_function(UNSAVED, arg=0)
    page.get_by_text("Saving…").wait_for(state="hidden")
    assert refusals == []
    assert hints(page_server, photo) == 1
    assert not page.evaluate(ASKS)
    assert said.count() == 1


def follow_download(page: Any) -> Any:
    """Begin a download; returns the request that would follow it, held back."""
    held: list[Any] = []
    page.route(re.compile(r"/jobs/\w{32}/events$"), lambda route: route.fallback() if held else held.append(route))
    page.get_by_role("button", name="Download", exact=True).click()
    page.get_by_role("progressbar", name="Coloring at full size").wait_for()
    for _ in range(600):
        if held:
            return held[0]
        page.wait_for_timeout(100)
    pytest.fail("nothing was followed")


def test_a_download_goes_on_when_the_browser_is_let_in_again(
    page_server: Any, open_page: Callable[..., Any], photo: str
) -> None:
    page = open_page(page_server.address, allow="status of 401")
    settle(page, page_server.address, "colorize", photo)
    with page.expect_download() as saved:
        following = follow_download(page)
        page.context.clear_cookies()
        following.continue_()
    assert saved.value.suggested_filename == "street.color.png"


def test_a_download_ends_where_its_job_is_gone(page_server: Any, open_page: Callable[..., Any], photo: str) -> None:
    page = open_page(page_server.address, allow="status of 404")
    settle(page, page_server.address, "colorize", photo)
    following = follow_download(page)
    client = page_server.client()
    job = following.request.url.split("/")[-2]
    assert client.wait(job)["state"] == "done"
    assert client.delete(f"jobs/{job}").status_code == 204
    following.continue_()
    page.get_by_role("alert").filter(has_text="There is no such job").wait_for()
    page.get_by_role("button", name="Download", exact=True).wait_for()
