"""What the page waits for, in Chromium: changes that are kept, results that are made; and what it does where none come."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

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
