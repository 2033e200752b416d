"""Who closes the question for a token and logs in later, in Chromium."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

TOKEN = "a token of sixteen letters"


def test_who_logs_in_later_finds_all_photographs(
    launch: Callable[..., Any], open_page: Callable[..., Any], small_photo: Path
) -> None:
    server = launch("--no-worker", TINCT_TOKEN=TOKEN)
    server.client(Authorization=f"Bearer {TOKEN}").upload(small_photo)
    page = open_page(server.address, allow="status of 401")
    other = open_page(server.address, context=page.context)
    for tab in (page, other):
        tab.get_by_role("dialog").wait_for()
        tab.keyboard.press("Escape")
        tab.get_by_text("You aren’t logged in").wait_for()
    # Nothing else is said, and it isn't asked again, whatever is tried.
    page.locator("tinct-shelf input[type=file]").first.set_input_files(small_photo)
    page.locator(".thumbnails .bad").filter(has_text="logged in").wait_for()
    assert page.locator(".toast").count() == 0
    assert page.get_by_role("dialog").count() == 0
    page.get_by_role("button", name="Log in").click()
    page.get_by_label("Token").fill(TOKEN)
    page.get_by_role("dialog").get_by_role("button", name="Log in").click()
    for tab in (page, other):
        tab.wait_for_function("() => document.querySelectorAll('.thumbnails img').length === 2")
        tab.wait_for_function("() => document.querySelector('tinct-colorize tinct-viewer')?.after")
        tab.get_by_role("button", name="Log out").wait_for()
        assert not tab.get_by_text("You aren’t logged in").is_visible()
        assert tab.locator(".toast").count() == 0
