"""Leaving the page while something is on its way, and several downloads at once; in Chromium."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

ASKS = "() => !dispatchEvent(new Event('beforeunload', {cancelable: true}))"


def hold(page: Any, pattern: str, method: str = "GET") -> list[Any]:
    """Keep requests back from now on; returns where they wait."""
    held: list[Any] = []

    def meddle(route: Any) -> None:
        if route.request.method == method:
            held.append(route)
        else:
            route.fallback()

    page.route(re.compile(pattern), meddle)
    return held


def let_go(page: Any, held: list[Any]) -> None:
    for _ in range(600):
        if held:
            held.pop(0).continue_()
            return
        page.wait_for_timeout(100)


def test_leaving_is_asked_for_while_photographs_or_a_download_are_on_their_way(
    page_server: Any, open_page: Callable[..., Any], small_photo: Path
) -> None:
    page = open_page(page_server.address)
    assert not page.evaluate(ASKS)
    held = hold(page, r"/v1/pictures$", "POST")
    page.locator("tinct-shelf input[type=file]").first.set_input_files([small_photo] * 3)
    page.get_by_role("progressbar").first.wait_for()
    assert page.evaluate(ASKS)
    for _ in range(3):
        let_go(page, held)
    page.wait_for_function("() => document.querySelectorAll('.thumbnails img').length === 3")
    page.wait_for_function("() => document.querySelector('tinct-colorize tinct-viewer').after")
    assert not page.evaluate(ASKS)

    # The download of one photograph leaves the others alone.
    held = hold(page, r"/result$")
    page.get_by_role("button", name="Download", exact=True).click()
    page.get_by_role("progressbar", name="Coloring at full size").wait_for()
    assert page.evaluate(ASKS)
    page.get_by_role("button", name="Show small.png").nth(1).click()
    page.get_by_role("button", name="Download", exact=True).wait_for()
    assert page.get_by_role("button", name="Stop").count() == 0
    page.get_by_role("button", name="Show small.png").nth(0).click()
    page.get_by_role("button", name="Stop").wait_for()
    with page.expect_download() as saved:
        let_go(page, held)
    assert saved.value.suggested_filename == "small.color.png"
    page.get_by_role("button", name="Download", exact=True).wait_for()
    assert not page.evaluate(ASKS)

    held = hold(page, r"/zip$")
    page.get_by_label("All", exact=True).check()
    page.get_by_role("button", name="Download 3 as ZIP").click()
    page.get_by_role("progressbar", name="Coloring for the ZIP").wait_for()
    assert page.evaluate(ASKS)
    let_go(page, held)
    page.get_by_role("progressbar", name="Coloring for the ZIP").wait_for(state="detached")
    assert not page.evaluate(ASKS)
