"""Correct in the page, in Chromium: hints, scribbles, masks, the eyedropper, suggestions, undo, two tabs, files."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tinct.media.photo import read_photo

STAGE = "tinct-correct .middle tinct-viewer .stage"
RED = "#c02010"


@pytest.fixture
def kept(page_server: Any, tmp_path: Path, scene: Callable[..., Any]) -> tuple[str, Path]:
    """A picture that is kept on the server, and its file."""
    path = tmp_path / "street.png"
    read_photo(scene(3).mean(axis=2).astype(np.uint8)).save(path)  # 224 x 192
    return page_server.client().upload(path), path


@pytest.fixture
def correcting(page_server: Any, open_page: Callable[..., Any], kept: tuple[str, Path]) -> Callable[..., Any]:
    """Returns a function that opens the picture in Correct."""

    def show(**more: Any) -> Any:
        page = open_page(f"{page_server.address}/#/correct/{kept[0]}", **more)
        settle(page)
        return page

    return show


def settle(page: Any) -> None:
    page.wait_for_function("() => document.querySelector('tinct-correct tinct-viewer')?.after")
    page.locator(f"{STAGE}[aria-busy=false]").wait_for()
    page.wait_for_function("() => document.querySelector('tinct-correct').correction.settled")
    page.wait_for_timeout(150)


def spot(page: Any, x: float, y: float) -> tuple[float, float]:
    """Place on the screen of a place of the picture, in shares of its sides."""
    found = page.evaluate(
        """([x, y]) => {
          const viewer = document.querySelector('tinct-correct tinct-viewer');
          const box = viewer.stage.getBoundingClientRect();
          const [left, top] = viewer.toStage(x * viewer.photo.width, y * viewer.photo.height);
          return [box.left + left, box.top + top];
        }""",
        [x, y],
    )
    return found[0], found[1]


def drag(page: Any, *places: tuple[float, float]) -> None:
    page.mouse.move(*spot(page, *places[0]))
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*spot(page, *place), steps=8)
    page.mouse.up()


def hints(server: Any, id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = server.client().get(f"pictures/{id}/hints").json()["hints"]
    return found


def test_hints_are_placed_colored_moved_and_undone(
    page_server: Any, correcting: Callable[..., Any], kept: tuple[str, Path]
) -> None:
    page = correcting()
    page.mouse.click(*spot(page, 0.5, 0.5))
    palette = page.get_by_role("group", name="Plausible here").get_by_role("button")
    palette.first.wait_for()
    page.locator("input[type=color]").fill(RED)
    settle(page)
    [hint] = hints(page_server, kept[0])
    assert hint["color"] == RED
    assert abs(hint["x"] - 112) <= 2
    assert abs(hint["y"] - 96) <= 2
    shown = page.evaluate(
        "() => { const v = document.querySelector('tinct-correct'); return v.pickFrom(v.after, 0.5, 0.5); }"
    )
    assert int(shown[1:3], 16) > int(shown[5:7], 16) + 20  # it is red there
    suggested = palette.first.get_attribute("aria-label")
    palette.first.click()
    settle(page)
    assert hints(page_server, kept[0])[0]["color"] == suggested.split(",")[0]
    # Mixing a color is one step back, whatever is tried meanwhile.
    page.locator("input[type=color]").evaluate(
        """(input) => {
          for (const color of ['#112233', '#223344', '#334455']) {
            input.value = color;
            input.dispatchEvent(new Event('input'));
          }
          input.dispatchEvent(new Event('change'));
        }"""
    )
    page.keyboard.press("Control+z")
    settle(page)
    assert hints(page_server, kept[0])[0]["color"] == suggested.split(",")[0]
    size = page.get_by_label("Size of brush and hints")
    size.fill("0.02")
    drag(page, (0.5, 0.5), (0.25, 0.75))
    size.fill("0.03")
    page.keyboard.press("Control+z")
    settle(page)
    moved = hints(page_server, kept[0])[0]
    assert abs(moved["x"] - 56) <= 3
    assert abs(moved["y"] - 144) <= 3
    page.keyboard.press("Control+z")
    settle(page)
    assert hints(page_server, kept[0])[0]["x"] == hint["x"]
    page.get_by_role("button", name="Redo").click()
    settle(page)
    assert hints(page_server, kept[0])[0]["x"] == moved["x"]
    page.reload()
    settle(page)
    assert page.locator(".mark").count() == 1
    mark = page.locator(".mark")
    mark.focus()
    mark.press("Delete")
    settle(page)
    assert hints(page_server, kept[0]) == []


def test_all_by_keyboard(page_server: Any, correcting: Callable[..., Any], kept: tuple[str, Path]) -> None:
    page = correcting()
    stage = page.locator(STAGE)
    stage.focus()
    stage.press("ArrowRight")
    stage.press("Enter")
    page.locator(".mark.chosen").wait_for()
    settle(page)
    [first] = hints(page_server, kept[0])
    page.locator(".mark").focus()
    for _ in range(3):
        page.keyboard.press("Shift+ArrowDown")
    settle(page)
    [second] = hints(page_server, kept[0])
    assert second["y"] > first["y"]
    assert second["x"] == first["x"]


def test_scribbles_masks_and_files_for_the_command(
    page_server: Any, correcting: Callable[..., Any], kept: tuple[str, Path], run: Callable[..., Any], workspace: Path
) -> None:
    page = correcting()
    page.get_by_role("button", name="Scribble").click()
    page.locator("input[type=color]").fill(RED)
    drag(page, (0.2, 0.3), (0.6, 0.3))
    settle(page)
    scribbled = hints(page_server, kept[0])
    assert len(scribbled) > 5
    assert {hint["color"] for hint in scribbled} == {RED}
    page.get_by_role("button", name="Keep gray").click()
    page.get_by_label("Size of brush and hints").fill("0.06")
    drag(page, (0.05, 0.9), (0.95, 0.9))
    settle(page)
    mask = read_photo(page_server.client().get(f"pictures/{kept[0]}/mask").content).to_numpy()
    mask = mask if mask.ndim == 2 else mask[..., 0]
    assert mask.shape == (192, 224)
    assert mask[173, 112] == 0
    assert mask[20, 20] == 255
    page.get_by_text("Files for the command line").click()
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save hints").click()
    saved.value.save_as(workspace / saved.value.suggested_filename)
    with page.expect_download() as masked:
        page.get_by_role("button", name="Save mask").click()
    masked.value.save_as(workspace / masked.value.suggested_filename)
    # The command makes of these files what the server makes of what is kept.
    tinct, colorize, _, *words = shlex.split(page.locator("tinct-palette code").inner_text())
    assert (tinct, words[::2]) == ("tinct", ["--hints", "--mask"])
    assert run(colorize, kept[1], "-o", "out.png", *words).code == 0
    client = page_server.client()
    job = client.post(f"pictures/{kept[0]}/jobs", json={}).json()["id"]
    assert client.wait(job)["state"] == "done"
    made = [read_photo(data).to_numpy() for data in (client.get(f"jobs/{job}/result").content, workspace / "out.png")]
    np.testing.assert_array_equal(*made)
    # A scribble is one thing after a reload too, and goes as one.
    page.reload()
    settle(page)
    assert page.locator(".mark").count() == 1
    page.locator(".mark").click()
    page.get_by_role("button", name="Remove this scribble").click()
    settle(page)
    assert hints(page_server, kept[0]) == []
    page.get_by_text("Files for the command line").click()
    page.locator("input[accept^='.json']").set_input_files(workspace / "street.hints.json")
    settle(page)
    assert hints(page_server, kept[0]) == scribbled
    page.get_by_role("button", name="Color again").click()
    page.get_by_label("Size of brush and hints").fill("0.08")
    for height in (0.84, 0.87, 0.9, 0.93, 0.96):
        drag(page, (0.01, height), (0.99, height))
    settle(page)
    assert client.get(f"pictures/{kept[0]}/mask").status_code == 404


def test_eyedropper_reference_and_suggestions(
    page_server: Any, correcting: Callable[..., Any], kept: tuple[str, Path], tmp_path: Path
) -> None:
    page = correcting(allow="status of 422")
    page.get_by_text("Reference picture").click()
    colors = np.zeros((60, 80, 3), np.uint8)
    colors[:, :40], colors[:, 40:] = (200, 30, 20), (20, 40, 220)
    read_photo(colors).save(tmp_path / "colors.png")
    page.locator("tinct-reference input[type=file]").set_input_files(tmp_path / "colors.png")
    reference = page.locator("tinct-reference .stage")
    reference.scroll_into_view_if_needed()
    box = reference.bounding_box()
    reference.click(position={"x": box["width"] * 0.75, "y": box["height"] / 2})
    assert page.locator("input[type=color]").input_value() == "#1428dc"
    steering = page.get_by_label("Let it steer the colors")
    with page.expect_response(lambda answer: answer.url.endswith("/reference") and answer.request.method == "PUT"):
        steering.check()
    settle(page)
    assert page_server.client().get(f"pictures/{kept[0]}/hints").json()["beside"] == ["reference"]
    page.reload()  # it goes on steering, is seen, and can be taken away
    settle(page)
    reference.wait_for()
    assert steering.is_checked()
    with page.expect_response(lambda answer: answer.url.endswith("/reference") and answer.request.method == "DELETE"):
        steering.uncheck()
    settle(page)
    page.locator("tinct-reference input[type=file]").set_input_files(kept[1])
    steering.click()
    page.get_by_text("The reference street.png is gray").wait_for()
    assert not steering.is_checked()
    page.get_by_role("button", name="Eyedropper").click()
    page.mouse.click(*spot(page, 0.4, 0.4))
    shown = page.evaluate(
        "() => { const v = document.querySelector('tinct-correct'); return v.pickFrom(v.after, 0.4, 0.4); }"
    )
    assert page.locator("input[type=color]").input_value() == shown
    page.get_by_label("Where the model is unsure").check()
    page.get_by_label("Where the next hint helps most").check()
    next_place = page.get_by_role("button", name="Place 1 where a hint helps most")
    next_place.wait_for()
    with page.expect_response(re.compile("/points$")):  # and anew with what was placed
        next_place.click()
    settle(page)
    assert len(hints(page_server, kept[0])) == 1


def test_two_tabs_and_another_program(
    page_server: Any, correcting: Callable[..., Any], open_page: Callable[..., Any], kept: tuple[str, Path]
) -> None:
    page = correcting(allow="status of 409")
    other = open_page(f"{page_server.address}/#/correct/{kept[0]}", context=page.context)
    settle(other)
    page.mouse.click(*spot(page, 0.3, 0.3))
    settle(page)
    other.locator(".mark").wait_for()  # the other tab shows it without being asked
    other.mouse.click(*spot(other, 0.7, 0.3))
    settle(other)
    page.locator(".mark").nth(1).wait_for()
    page.get_by_role("button", name="Undo").click()  # takes back what came last, wherever it was made
    settle(page)
    assert page.locator(".mark").count() == 1
    # A program that tabs don't hear of.
    theirs = {"x": 10, "y": 12, "color": "#103080", "radius": 4}
    assert page_server.client().put(f"pictures/{kept[0]}/hints", json={"hints": [theirs]}).status_code == 200
    page.mouse.click(*spot(page, 0.7, 0.7))
    page.get_by_text("The hints were changed in another tab").wait_for()
    settle(page)
    assert hints(page_server, kept[0]) == [theirs]
    page.get_by_role("button", name="Undo").click()
    settle(page)
    assert len(hints(page_server, kept[0])) == 2  # one's own again


def test_learning_from_corrections(page_server: Any, correcting: Callable[..., Any], kept: tuple[str, Path]) -> None:
    page = correcting()
    page.mouse.click(*spot(page, 0.5, 0.5))
    settle(page)
    page.get_by_role("button", name="Learn from my corrections").click()
    page.get_by_text("Models may learn from the colors").wait_for()
    client = page_server.client()
    assert [entry["picture"] for entry in client.get("corrections").json()] == [kept[0]]
    page.get_by_role("button", name="Take back").click()
    page.get_by_text("Press it when the colors are right").wait_for()
    assert client.get("corrections").json() == []


def test_bad_files_of_hints(correcting: Callable[..., Any]) -> None:
    page = correcting()
    page.get_by_text("Files for the command line").click()
    outside = json.dumps([{"x": 9999, "y": 1, "color": RED}])
    for content, said in (("no", "no JSON"), ("[1]", "a list of"), (outside, "outside of this photograph")):
        page.locator("input[accept^='.json']").set_input_files(
            {"name": "hints.json", "mimeType": "application/json", "buffer": content.encode()}
        )
        page.get_by_role("alert").filter(has_text=said).wait_for()
    page.reload()
    settle(page)
    assert page.locator(".mark").count() == 0


def test_hints_are_kept_when_the_line_is_back(
    page_server: Any, correcting: Callable[..., Any], kept: tuple[str, Path]
) -> None:
    page = correcting(allow="ERR_|Failed to load")
    client = page_server.client()
    other = client.upload(kept[1])
    page.evaluate("async () => (await import('/static/photos.js')).shelf.load()")
    page.context.set_offline(True)
    page.mouse.click(*spot(page, 0.5, 0.5))
    page.locator("#lost").wait_for(state="visible")
    assert hints(page_server, kept[0]) == []
    page.goto(f"{page_server.address}/#/correct/{other}")  # whatever is open by then
    page.wait_for_function("(id) => document.querySelector('tinct-correct').photo.id === id", arg=other)
    page.context.set_offline(False)
    page.locator("#lost").wait_for(state="hidden")
    settle(page)
    assert len(hints(page_server, kept[0])) == 1
    assert hints(page_server, other) == []
    # One that is deleted meanwhile calls nobody back from another part of the page.
    assert client.delete(f"pictures/{other}").status_code == 204
    page.context.set_offline(True)
    page.get_by_role("link", name="Models").click()  # which can't be shown before the line is back
    page.locator("#lost").wait_for(state="visible")
    page.context.set_offline(False)
    page.locator("#lost").wait_for(state="hidden")
    page.wait_for_function("() => document.querySelector('tinct-correct').photo === null")
    page.get_by_role("heading", name="Models", exact=True).wait_for()
    page.get_by_role("link", name="Correct").click()
    settle(page)
    assert not page.url.endswith(other)
