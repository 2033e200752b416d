"""Models and the Turing test in the page, in Chromium: import, choose, export; a test made, taken by keys, scored."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PATIENCE = 150_000
SEEN = """() => {
  window.seen = [];
  new MutationObserver((records) => {
    for (const {target} of records) {
      if (target.closest('.pair')) window.seen.push([target.className, !target.hidden, performance.now()]);
    }
  }).observe(document, {attributes: true, attributeFilter: ['hidden'], subtree: true});
}"""


def test_models_are_imported_shown_chosen_and_exported(
    page_server: Any, open_page: Callable[..., Any], quick_model: Path
) -> None:
    page = open_page(f"{page_server.address}/#/models", width=390, allow="422")
    page.set_default_timeout(PATIENCE)
    page.locator("input[name=model]").set_input_files(
        {"name": "no.onnx", "mimeType": "application/octet-stream", "buffer": b"no model"}
    )
    page.get_by_role("alert").get_by_text("No.onnx").wait_for()
    page.locator("input[name=model]").set_input_files(quick_model)
    page.get_by_text("quick is imported.").wait_for()
    for _ in range(2):
        page.get_by_role("button", name="Close this message").first.click()
    card = page.get_by_role("listitem", name="quick")
    card.get_by_role("button", name="Rename").click()
    page.get_by_role("dialog").get_by_role("textbox").fill("mine")
    page.get_by_role("dialog").get_by_role("button", name="Rename").click()
    card = page.get_by_role("listitem", name="mine")
    # Strips out of sight are not asked for.
    for strip in page.locator(".samples").all():
        strip.scroll_into_view_if_needed()
    page.wait_for_function(
        "() => [...document.querySelectorAll('.samples')].every((image) => image.naturalWidth === 704)"
    )
    card.get_by_role("button", name="Make it the default").click()
    card.get_by_text("default", exact=True).wait_for()
    assert page_server.client().get("models").json()["default"] == "mine"
    page.get_by_role("listitem", name="tinct", exact=True).get_by_role("button", name="Make it the default").click()
    page.get_by_role("listitem", name="tinct", exact=True).get_by_text("default", exact=True).wait_for()
    assert page_server.client().get("models").json()["default"] == "tinct"
    with page.expect_download() as saved:
        card.get_by_role("link", name="Export").click()
    assert Path(saved.value.path()).read_bytes() == quick_model.read_bytes()
    card.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    card.wait_for(state="detached")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_test_that_is_being_made_is_followed_after_a_reload(page_server: Any, open_page: Callable[..., Any]) -> None:
    page = open_page(f"{page_server.address}/#/turing")
    page.get_by_role("heading", name="A new test").wait_for()
    job = {"id": "0" * 32, "kind": "turing", "state": "running", "progress": 0.5, "message": "half of it is done"}
    events = f"event: job\ndata: {json.dumps(job)}\n\n"
    page.route(re.compile("/jobs.state=running"), lambda route: route.fulfill(json=[job]))
    page.route(re.compile("/events$"), lambda route: route.fulfill(body=events, content_type="text/event-stream"))
    page.reload()
    page.get_by_role("heading", name="A new test is made").wait_for()
    page.get_by_text("half of it is done").wait_for()


@pytest.mark.slow
def test_a_test_is_made_taken_and_scored(page_server: Any, open_page: Callable[..., Any], colorful: bytes) -> None:
    page = open_page(f"{page_server.address}/#/turing")
    page.set_default_timeout(PATIENCE)
    page.evaluate(SEEN)
    page.locator("input[name=zip]").set_input_files(
        {"name": "colors.zip", "mimeType": "application/zip", "buffer": colorful}
    )
    page.get_by_text("colors.zip is there").wait_for()
    page.get_by_label("Photographs that count").fill("2")
    page.get_by_label("For practice").fill("1")
    page.get_by_label("Name").fill("ours")
    page.get_by_role("button", name="Make the test").click()
    page.get_by_text("“ours” is ready.").wait_for()
    page.get_by_role("button", name="Show", exact=True).click()
    page.set_viewport_size({"width": 390, "height": 844})
    take = page.get_by_role("button", name="Take the test")
    take.wait_for()
    assert take.bounding_box()["y"] < 844  # in sight, where all is below one another
    page.set_viewport_size({"width": 1280, "height": 844})
    take.click()
    page.get_by_role("button", name="Begin").click()
    question = page.get_by_text("In which one did a computer make the colors?")
    question.wait_for()
    page.keyboard.press("ArrowLeft")
    page.get_by_role("status").get_by_text("a computer made the colors of the").wait_for()  # told in practice
    page.keyboard.press("Enter")  # the button that goes on has the focus
    question.wait_for()
    page.reload()  # goes on where it was
    page.evaluate(SEEN)
    page.get_by_role("button", name="Go on after pair 1").click()
    for press in ("ArrowRight", "ArrowLeft", "2", "1"):
        question.wait_for()
        page.wait_for_timeout(300)  # faster answers are taken for clicking only
        page.keyboard.press(press)
    page.get_by_role("button", name="See the score").click()
    row = page.get_by_role("row").nth(1)
    row.get_by_text("%").first.wait_for()
    assert row.get_by_role("cell").last.inner_text() == "2"
    # Each picture was there for a second, one after the other.
    seen = page.evaluate("seen")
    assert [(name, shown) for name, shown, _ in seen[:4]] == [
        ("first", True), ("first", False), ("second", True), ("second", False),
    ]  # fmt: skip
    for shown, hidden in zip(seen[::2], seen[1::2], strict=True):
        assert 950 < hidden[2] - shown[2] < 2000
