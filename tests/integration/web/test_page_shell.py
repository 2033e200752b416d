"""The page as a whole, in Chromium: how much is loaded, themes, phones, screen readers, keys, logging in."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

FIRST_LOAD = 400_000
"""Bytes."""
TOKEN = "a token of sixteen letters"
SIDEWAYS = """() => [...document.querySelectorAll('html, body *')]
  .filter((one) => one === document.documentElement || /auto|scroll/.test(getComputedStyle(one).overflowX))
  .filter((one) => one.checkVisibility() && one.scrollWidth > one.clientWidth && !one.matches('.wide'))
  .map((one) => one.outerHTML.slice(0, 100))"""
"""What scrolls sideways, but for wide tables; phones take all that is wide for the page's width (innerWidth)."""


def test_the_first_load_is_light(page_server: Any, open_page: Callable[..., Any]) -> None:
    page = open_page(page_server.address)
    page.wait_for_load_state("networkidle")
    loaded = page.evaluate(
        """() => [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]
          .map(({name, encodedBodySize}) => [name, encodedBodySize])"""
    )
    assert any(url.endswith("lit.js") and size > 10_000 for url, size in loaded)
    assert sum(size for _, size in loaded) < FIRST_LOAD, loaded


@pytest.mark.parametrize(("width", "theme"), [pytest.param(1280, "light", marks=pytest.mark.slow), (390, "dark")])
def test_everybody_can_use_it(
    width: int, theme: str, page_server: Any, open_page: Callable[..., Any], small_photo: Path
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed").Axe()
    page = open_page(page_server.address, width=width, color_scheme=theme)
    check(page, axe)
    assert page.get_by_text("Take one").is_visible() == (width < 500)  # with the camera
    page.locator("tinct-shelf input[type=file]").first.set_input_files(small_photo)
    page.wait_for_function("() => document.querySelector('tinct-viewer')?.after")
    check(page, axe)
    page.get_by_role("button", name="Correct by hand").click()
    page.wait_for_function("() => document.querySelector('tinct-correct tinct-viewer')?.after")
    stage = page.locator("tinct-correct .middle .stage")
    stage.press("ArrowRight")
    stage.press("Enter")
    page.get_by_role("button", name="Remove this hint").wait_for()
    check(page, axe)


def check(page: Any, axe: Any) -> None:
    """Nothing scrolls sideways, and axe finds nothing."""
    assert page.evaluate(SIDEWAYS) == []
    found = axe.run(page)
    assert found.violations_count == 0, found.generate_report()


def test_nothing_scrolls_sideways_on_a_phone(
    page_server: Any, open_page: Callable[..., Any], small_photo: Path, tmp_path: Path
) -> None:
    page = open_page(page_server.address, width=390)
    long = "a name without a space " * 4 + "x" * 60 + ".png"
    for name in ("street.png", long):
        shutil.copy(small_photo, tmp_path / name)
    page.locator("tinct-shelf input[type=file]").first.set_input_files([tmp_path / "street.png", tmp_path / long])
    page.wait_for_function("() => document.querySelector('tinct-colorize tinct-viewer')?.after")
    page.locator(".thumbnails img").nth(1).wait_for()
    page.get_by_label("All", exact=True).check()
    page.get_by_role("button", name=re.compile("as ZIP")).wait_for()
    assert page.evaluate(SIDEWAYS) == []
    for name in ("Correct", "Train", "Models", "Turing test"):
        page.get_by_role("link", name=name).click()
        page.locator("main > :not([hidden]) :is(h1, h2, .stage)").first.wait_for()
        page.wait_for_load_state("networkidle")
        page.evaluate("() => document.querySelectorAll('main details').forEach((one) => (one.open = true))")
        assert page.evaluate(SIDEWAYS) == [], name


def test_the_theme_is_the_systems_until_one_is_chosen(page_server: Any, open_page: Callable[..., Any]) -> None:
    page = open_page(page_server.address, color_scheme="dark")

    def ground() -> str:
        return str(page.evaluate("() => getComputedStyle(document.documentElement).backgroundColor"))

    assert ground() == "rgb(24, 24, 24)"
    page.get_by_role("button", name="Switch to the light theme").click()
    assert ground() == "rgb(242, 242, 242)"
    page.reload()
    page.get_by_role("button", name="Switch to the dark theme").wait_for()
    assert ground() == "rgb(242, 242, 242)"


def test_the_page_is_reached_by_keys(page_server: Any, open_page: Callable[..., Any]) -> None:
    page = open_page(page_server.address)
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.textContent") == "Skip to the page"
    for _ in range(3):
        page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.textContent.trim()") == "Correct"
    page.keyboard.press("Enter")
    page.get_by_text("Which photograph?").or_(page.get_by_text("First")).or_(
        page.locator("tinct-correct .stage")
    ).first.wait_for()
    assert page.title() == "Correct · Tinct"
    page.go_back()
    page.wait_for_function("() => document.title === 'Colorize · Tinct'")


def test_a_server_with_a_token_asks_for_it(launch: Callable[..., Any], open_page: Callable[..., Any]) -> None:
    server = launch("--no-worker", TINCT_TOKEN=TOKEN)
    page = open_page(server.address, allow="status of 401")
    page.get_by_label("Token").fill("a wrong one, but as long")
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("alert").get_by_text("not known").wait_for()
    page.get_by_label("Token").fill(TOKEN)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("dialog").wait_for(state="hidden")
    page.reload()
    page.get_by_role("heading", name="Color for black-and-white photographs").wait_for()
    page.wait_for_timeout(300)
    assert page.get_by_role("dialog").count() == 0


def test_who_logs_out_leaves_nothing_behind(
    launch: Callable[..., Any], open_page: Callable[..., Any], small_photo: Path
) -> None:
    server = launch("--no-worker", TINCT_TOKEN=TOKEN)
    page = open_page(server.address, allow="status of 401", color_scheme="dark")
    out = page.get_by_role("button", name="Log out")
    page.get_by_role("dialog").wait_for()
    assert not out.is_visible()
    page.get_by_label("Token").fill(TOKEN)
    page.get_by_role("button", name="Log in").click()
    out.wait_for()
    page.get_by_role("button", name="Switch to the light theme").click()
    page.locator("tinct-shelf input[type=file]").first.set_input_files(small_photo)
    page.wait_for_function("() => document.querySelector('tinct-colorize tinct-viewer')?.after")
    page.get_by_label("Saturation").fill("1.5")
    page.wait_for_function("() => Object.keys(localStorage).some((key) => key.startsWith('tinct-copy:'))")
    page.reload()
    out.wait_for()  # it is known without asking for the token again
    other = open_page(server.address, context=page.context)
    other.locator(".thumbnails img").wait_for()
    session = {cookie["name"]: cookie["value"] for cookie in page.context.cookies()}
    assert len(session) == 1
    out.click()
    for tab in (page, other):
        tab.get_by_role("dialog").get_by_label("Token").wait_for()
        assert tab.locator(".thumbnails img").count() == 0
        assert tab.url == f"{server.address}/"
    assert page.evaluate("() => Object.keys(localStorage).filter((key) => !/told$/.test(key))") == ["tinct-theme"]
    assert page.context.cookies() == []
    ended = server.client()
    ended.cookies.update(session)
    assert ended.get("pictures").status_code == 401


def test_who_needs_no_token_needs_no_log_out(page_server: Any, open_page: Callable[..., Any]) -> None:
    page = open_page(page_server.address)
    page.wait_for_load_state("networkidle")
    assert not page.get_by_role("button", name="Log out").is_visible()


def test_a_view_that_loads_slowly_isn_t_left_for_the_one_before(
    page_server: Any, open_page: Callable[..., Any], small_photo: Path
) -> None:
    page = open_page(page_server.address)
    page.locator("tinct-shelf input[type=file]").first.set_input_files(small_photo)
    page.wait_for_function("() => location.hash.startsWith('#/colorize/')")
    # The list of pictures, after which Colorize opens the newest, comes while Correct is on its way.
    asked: list[Any] = []

    def hold(route: Any) -> None:
        asked.append(route)

    page.route("**/views/correct.js", hold)
    page.route(re.compile(r"/api/v1/pictures(\?|$)"), hold)
    page.goto("about:blank")
    page.goto(page_server.address)
    page.locator("main h1").first.wait_for()
    page.get_by_role("link", name="Correct").click()
    page.wait_for_function("() => document.title === 'Correct · Tinct'")
    while len(asked) < 2:
        page.wait_for_timeout(20)
    asked.sort(key=lambda route: route.request.url.endswith("correct.js"))
    for route in asked:
        route.continue_()
        page.wait_for_timeout(1_000)
    page.locator("tinct-correct .stage").wait_for()
    assert page.title() == "Correct · Tinct"
