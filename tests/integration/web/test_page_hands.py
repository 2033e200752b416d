"""Hints at the edge of large photographs, keys and fingers; in Chromium."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tinct.media.photo import read_photo

STAGE = "tinct-correct .middle tinct-viewer .stage"


def open_correct(page: Any, address: str, photo: str) -> None:
    page.goto(f"{address}/#/correct/{photo}")
    page.wait_for_function("() => document.querySelector('tinct-correct tinct-viewer')?.after")
    page.locator("tinct-palette").wait_for()


def test_a_hint_that_is_dragged_beyond_the_edge(
    page_server: Any, open_page: Callable[..., Any], tmp_path: Path
) -> None:
    path = tmp_path / "large.png"
    read_photo(np.resize(np.arange(256, dtype=np.uint8), (3003, 4001))).save(path)
    photo = page_server.client().upload(path)
    page = open_page(page_server.address)
    open_correct(page, page_server.address, photo)
    page.locator(STAGE).click()
    page.locator(".mark").hover()
    page.mouse.down()
    box = page.locator(STAGE).bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] + 60, steps=8)
    page.mouse.up()
    page.get_by_role("group", name="Plausible here").get_by_role("button").first.wait_for()
    page.get_by_text("Saving…").wait_for(state="hidden")
    (hint,) = page_server.client().get(f"pictures/{photo}/hints").json()["hints"]
    assert hint["y"] == 3002
    page.reload()
    page.wait_for_function("() => document.querySelector('tinct-correct tinct-viewer')?.after")
    assert page.locator(".toast").count() == 0


def test_enter_uses_the_tool_in_the_middle(page_server: Any, open_page: Callable[..., Any], small_photo: Path) -> None:
    photo = page_server.client().upload(small_photo)
    page = open_page(page_server.address)
    open_correct(page, page_server.address, photo)
    page.locator(STAGE).focus()
    page.keyboard.press("Enter")
    page.get_by_text("The cross is in the middle").wait_for(state="attached")
    assert page.locator(".mark").count() == 0
    page.keyboard.press("Enter")
    page.locator(".mark").wait_for()
    page.wait_for_function("() => document.querySelector('tinct-correct').correction.settled")
    (hint,) = page_server.client().get(f"pictures/{photo}/hints").json()["hints"]
    assert (hint["x"], hint["y"]) == (32, 24)


def test_what_is_on_a_thumbnail_can_be_hit_by_a_finger(
    page_server: Any, open_page: Callable[..., Any], small_photo: Path
) -> None:
    page_server.client().upload(small_photo)
    page = open_page(page_server.address, width=390)
    entry = page.locator(".thumbnails li").first
    for target in (entry.locator("label.tick"), entry.get_by_role("button", name="Delete")):
        box = target.bounding_box()
        assert min(box["width"], box["height"]) >= 40
    entry.scroll_into_view_if_needed()
    box = entry.locator("label.tick").bounding_box()
    page.touchscreen.tap(box["x"] + 38, box["y"] + 38)
    assert entry.get_by_role("checkbox").is_checked()
