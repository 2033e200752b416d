"""The report as people see it: in Chromium, on wide and narrow screens, alone and without a network."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

Run = Callable[..., Any]
LARGEST = 2_000_000
ALL = "[...document.querySelectorAll"


@pytest.fixture
def write(run: Run, workspace: Path, photographs: Path, quick_model: Path) -> Callable[..., str]:
    """Returns a function that writes a report, the second one from what the first measured, and gives its text."""
    other = workspace / "other.onnx"
    other.write_bytes(quick_model.read_bytes())

    def make(*words: object, code: int = 0) -> str:
        models = ("--model", quick_model, "--model", other)
        metrics = ("--metrics", "psnr,ssim,ciede2000,colorfulness,auc,bleeding")
        done = run("evaluate", "--data", photographs, *models, *metrics, "--report", "o.html", "-q", *words)
        assert done.code == code, done.err
        return Path("o.html").read_text("utf-8") if code == 0 else str(done.err)

    return make


def test_which_photographs_a_report_shows(
    write: Callable[..., str], workspace: Path, scene: Callable[..., Any]
) -> None:
    measured = write()
    assert measured.count("<img") > 20
    assert "n01443537_goldfish" in measured
    none = write("--report-photos", "none")
    assert "<img" not in none
    assert "n01443537_goldfish" not in none
    assert "not shown in this report" in none
    (workspace / "own").mkdir()
    Image.fromarray(scene(77, 300, 400)).save(workspace / "own" / "mine.png")
    own = write("--report-photos", "own")
    # Given, result and original of one picture, for each of two models.
    assert own.count("<img") == 6
    assert "mine.png" in own
    assert "n01443537_goldfish" not in own
    # Figures don't depend on it.
    tables = [re.search(r"<table.*?</table>", page, re.DOTALL) for page in (measured, none, own)]
    assert tables[0] is not None
    assert len({table[0] for table in tables if table}) == 1
    assert all(len(page.encode()) < LARGEST for page in (measured, none, own))


def test_photographs_that_are_not_there(
    write: Callable[..., str], run: Run, workspace: Path, photographs: Path
) -> None:
    (workspace / "empty").mkdir()
    assert "no photo in it" in write("--report-photos", "empty", code=1)
    assert "give measured, none, or a folder" in write("--report-photos", "some", code=2)
    assert run("evaluate", "--data", photographs, "--report-photos", "empty").code == 2
    assert not (workspace / "o.html").exists()


def test_a_photograph_that_cannot_be_shown_is_named(
    run: Run, workspace: Path, photographs: Path, quick_model: Path, scene: Callable[..., Any]
) -> None:
    """The report is there without it."""
    (workspace / "own").mkdir()
    (workspace / "own" / "bad.jpg").write_bytes(b"bad")
    Image.fromarray(scene(77, 300, 400)).save(workspace / "own" / "mine.png")
    words = ("--metrics", "psnr", "--count", 3, "--report", "o.html", "--report-photos", "own")
    done = run("evaluate", "--data", photographs, "--model", quick_model, *words)
    assert (done.code, "bad.jpg is left out of the report: the data is no picture" in done.err) == (1, True), done.err
    assert Path("o.html").read_text("utf-8").count("<img") == 3
    assert "PSNR" in done.out


def test_in_a_browser(write: Callable[..., str], workspace: Path) -> None:
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("needs chromium")
    write()
    address = (workspace / "o.html").as_uri()
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        for width, height in ((1280, 900), (390, 844)):
            page = browser.new_page(viewport={"width": width, "height": height})
            said: list[str] = []
            asked: list[str] = []
            page.on("console", lambda message, said=said: said.append(message.text))
            page.on("pageerror", lambda error, said=said: said.append(str(error)))
            page.on("request", lambda request, asked=asked: asked.append(request.url))
            page.goto(address)
            # Nothing sticks out: tables scroll in their own boxes.
            assert page.evaluate("document.documentElement.scrollWidth") == width
            images = page.evaluate(f"{ALL}('img')].map((i) => [i.complete, i.naturalWidth, i.width])")
            assert images
            assert all(complete and natural > 0 and shown > 0 for complete, natural, shown in images)
            assert min(page.evaluate(f"{ALL}('svg')].map((drawing) => drawing.clientHeight)")) > 10
            names = "[...document.querySelector('table').tBodies[0].rows].map((r) => r.cells[0].textContent)"
            page.get_by_role("button", name="PSNR").first.click()
            down = page.evaluate(names)
            assert down[0] == "original"
            page.get_by_role("button", name="PSNR").first.click()
            assert page.evaluate(names)[-1] == "original"
            assert said == []
            assert [url for url in asked if url != address and not url.startswith("data:")] == []
            page.close()
        browser.close()
