"""The page of the Turing test in Chromium: one second each, keys and taps, narrow screens, a server that goes away."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tinct.evaluation.ballots import FILE, Ballots
from tinct.evaluation.trials import load_trials

sync_api = pytest.importorskip("playwright.sync_api")
CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None or sys.platform == "win32", reason="no chromium is installed")

WATCH = """
window.seen = [];
new MutationObserver((records) => {
  for (const { target } of records) {
    if (target.tagName === "IMG") window.seen.push([target.id, !target.hidden, performance.now()]);
  }
}).observe(document, { attributes: true, attributeFilter: ["hidden"], subtree: true });
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def trials(tmp_path: Path, quick_model: Path, photographs: Path) -> Path:
    """A set of one photograph that counts, and one for practice."""
    words = ["--count", "1", "--catch", "0", "--practice", "1", "--model", str(quick_model), "--quiet"]
    command = [sys.executable, "-m", "tinct", "turing", "make", "--data", str(photographs), "-o", str(tmp_path / "set")]
    subprocess.run([*command, *words], check=True)
    return tmp_path / "set"


@pytest.fixture
def serve(trials: Path) -> Iterator[Callable[[int], tuple[subprocess.Popen[str], str]]]:
    started: list[subprocess.Popen[str]] = []

    def start(port: int) -> tuple[subprocess.Popen[str], str]:
        command = [sys.executable, "-m", "tinct", "turing", "serve", str(trials), "--port", str(port)]
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stderr is not None
        found = re.search(r"The test is at (\S+)", process.stderr.readline())
        assert found
        return process, found[1]

    yield start
    for process in started:
        process.kill()
        process.wait()
        assert process.stderr is not None
        process.stderr.close()


def open_page(browser: Any, address: str, width: int = 1280, height: int = 800) -> tuple[Any, list[str]]:
    """Return the page and a list that fills with whatever goes wrong in it."""
    page = browser.new_page(viewport={"width": width, "height": height})
    faults: list[str] = []
    page.on("console", lambda message: faults.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("request", lambda request: None if request.url.startswith(address) else faults.append(request.url))
    page.add_init_script(WATCH)
    page.goto(address)
    return page, faults


def test_one_second_each_by_keys(browser: Any, serve: Callable[..., Any], trials: Path) -> None:
    _, address = serve(0)
    page, faults = open_page(browser, address)
    assert "a computer made the colors" in page.inner_text("#intro")
    page.keyboard.press("ArrowLeft")  # too early: nothing is asked yet
    page.click("#begin")
    page.wait_for_selector("#choose-first:enabled")
    times = {(name, shown): at for name, shown, at in page.evaluate("window.seen")}
    for name in ("first", "second"):
        # The clock of the machine that tests may be busy; a frame more or less is the rule.
        assert 950 < times[name, False] - times[name, True] < 1150
    assert times["second", True] >= times["first", False]
    # Both are gone while the answer is thought about.
    assert page.locator("img:visible").count() == 0
    page.keyboard.press("ArrowRight")
    page.wait_for_selector("#go-on:visible")
    said = "Right" if load_trials(trials).deck(0)[0].original_first else "No"
    assert page.inner_text("#ask").startswith(f"{said}: a computer made the colors of the ")
    page.keyboard.press("Enter")
    page.wait_for_selector("#choose-first:enabled")
    assert page.inner_text("#place") == "Pair 1 of 1"
    page.keyboard.press("1")
    page.wait_for_selector("#end:visible")
    page.reload()
    page.wait_for_selector("#end:visible")
    page.click("#another")
    page.wait_for_selector("#begin:visible")
    assert faults == []
    page.close()
    with Ballots(trials / FILE, load_trials(trials)) as box:
        assert [vote.choice for vote in box.votes()] == ["second", "first"]
        assert all(0 < vote.seconds < 60 for vote in box.votes())


def test_a_narrow_screen_and_a_server_that_is_killed(browser: Any, serve: Callable[..., Any], trials: Path) -> None:
    process, address = serve(0)
    page, faults = open_page(browser, address, 390, 844)
    page.click("#begin")
    page.wait_for_selector("#choose-first:enabled")
    frames = [frame.bounding_box() for frame in page.locator(".frame").all()]
    assert [(frame["width"], frame["height"]) for frame in frames] == [(256, 256)] * 2
    assert frames[0]["y"] + 256 <= frames[1]["y"]
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    button = page.locator("#choose-second").bounding_box()
    # Pictures and answers fit one screen, so that nothing jumps.
    assert button["y"] + button["height"] <= 844
    assert button["height"] >= 44
    assert "Bottom" in page.inner_text("#choose-second")
    process.send_signal(signal.SIGKILL)
    process.wait()
    page.click("#choose-second")
    page.wait_for_selector("#lost:visible")
    serve(int(address.rsplit(":", 1)[1]))
    page.wait_for_selector("#go-on:visible", timeout=15_000)
    assert not page.is_visible("#lost")
    # Closed and opened again, it goes on where it was.
    page.reload()
    page.wait_for_selector("#begin:visible")
    assert page.inner_text("#begin") == "Go on after pair 1"
    page.click("#begin")
    page.wait_for_selector("#choose-first:enabled")
    page.click("#choose-first")
    page.wait_for_selector("#end:visible")
    # What a browser itself says of a server that is away.
    assert [fault for fault in faults if "ERR_CONNECTION_REFUSED" not in fault] == []
    page.close()
    with Ballots(trials / FILE, load_trials(trials)) as box:
        assert [vote.choice for vote in box.votes()] == ["second", "first"]
