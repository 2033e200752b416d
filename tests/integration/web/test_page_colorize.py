"""Colorize in the page, in Chromium: many photographs, sliders, zoom, other ways, downloads, history, bad input."""

from __future__ import annotations

import base64
import io
import re
import shutil
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tinct.media.photo import read_photo

SETTLED = "tinct-colorize .stage[aria-busy=false]"
SUM = """() => {
  const canvas = document.querySelector('tinct-colorize canvas');
  const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d', {willReadFrequently: true});
  copy.drawImage(canvas, 0, 0);
  const {data} = copy.getImageData(0, 0, canvas.width, canvas.height);
  let sum = 0;
  for (let at = 0; at < data.length; at += 4) sum += Math.abs(data[at] - data[at + 2]);
  return sum / data.length;
}"""
"""How much color is on the stage."""


def add(page: Any, *paths: Path) -> None:
    page.locator("tinct-shelf input[type=file]").first.set_input_files(list(paths))


def give(page: Any, how: str, path: Path) -> None:
    """Drop a file on its place, or paste it."""
    page.evaluate(
        """([how, name, data]) => {
          const given = new DataTransfer();
          given.items.add(new File([Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0))], name));
          const event = how === 'drop'
            ? new DragEvent('drop', {dataTransfer: given, bubbles: true, cancelable: true})
            : new ClipboardEvent('paste', {clipboardData: given, bubbles: true, cancelable: true});
          document.querySelector(how === 'drop' ? '.drop' : 'main').dispatchEvent(event);
        }""",
        [how, path.name, base64.b64encode(path.read_bytes()).decode()],
    )


def settle(page: Any) -> None:
    page.wait_for_function("() => document.querySelector('tinct-colorize tinct-viewer')?.after")
    page.locator(SETTLED).wait_for()


def is_sent(answer: Any) -> bool:
    """Tell whether this is the answer to a picture that was sent."""
    return answer.request.method == "POST" and answer.url.endswith("/pictures")


def wait_until(page: Any, true: Callable[[], bool]) -> None:
    """Wait for what this side has to do while the page runs on."""
    for _ in range(600):
        if true():
            return
        page.wait_for_timeout(100)
    pytest.fail("it didn't come")


def slide(page: Any, label: str, value: float) -> None:
    with page.expect_response(re.compile("/preview$")):
        page.get_by_label(label).fill(str(value))
    settle(page)
    page.wait_for_timeout(100)


@pytest.fixture
def photo(tmp_path: Path, small_photo: Path) -> Path:
    return Path(shutil.copy(small_photo, tmp_path / "old street.png"))


def test_photographs_are_colored_compared_and_saved(
    page_server: Any, open_page: Callable[..., Any], photo: Path, large_photo: Path
) -> None:
    page = open_page(page_server.address, allow="ERR_|Failed to load")
    give(page, "drop", photo)
    give(page, "paste", large_photo)
    page.get_by_role("button", name="Show large.jpg").wait_for()
    page.get_by_role("button", name="Show old street.png").click()
    settle(page)
    usual = page.evaluate(SUM)
    assert usual > 1
    slide(page, "Saturation", 0)
    assert page.evaluate(SUM) < usual / 4
    slide(page, "Saturation", 2)
    assert page.evaluate(SUM) > usual
    # The line between before and after, by keys: all before is gray.
    line = page.get_by_role("slider", name="Line between before and after")
    line.press("End")
    page.wait_for_timeout(100)
    assert line.get_attribute("aria-valuenow") == "100"
    assert page.evaluate(SUM) < usual / 4
    line.press("Home")
    # What is saved is what the API makes of the same wishes.
    with page.expect_download() as saved:
        page.get_by_role("button", name="Download", exact=True).click()
    assert saved.value.suggested_filename == "old street.color.png"
    answer = page_server.client().post(
        "colorize", files={"file": ("p.png", photo.read_bytes())}, data={"saturation": 2, "mode": "vivid"}
    )
    assert Path(saved.value.path()).read_bytes() == answer.content
    # Several together, though the line is cut meanwhile; one that can't be colored is named.
    cut = [True]

    def meddle(route: Any) -> None:
        if cut:
            cut.pop()
            route.abort("connectionreset")
            return
        batch = route.fetch().json()
        batch["jobs"][0]["error"] = "it is too dark"
        if batch["jobs"][0]["state"] == "done":
            batch["jobs"][0]["state"] = "failed"
        route.fulfill(json=batch)

    page.route(re.compile(r"/batches/\w{32}$"), meddle)
    page.get_by_label("All", exact=True).check()
    with page.expect_download() as packed:
        page.get_by_role("button", name=re.compile("as ZIP")).click()
    with zipfile.ZipFile(io.BytesIO(Path(packed.value.path()).read_bytes())) as archive:
        assert sorted(archive.namelist()) == ["large.color.jpg", "old street.color.png"]
        assert archive.read("old street.color.png") == answer.content
    page.get_by_role("alert").filter(has_text=re.compile(r"Not in the ZIP: .* \(it is too dark\)\.")).wait_for()


def test_full_resolution_where_one_looks_closely(
    page_server: Any, open_page: Callable[..., Any], large_photo: Path, tmp_path: Path
) -> None:
    fine = np.zeros((1400, 1500), np.uint8)
    fine[:, ::2] = 255  # stripes that no smaller copy has
    path = tmp_path / "stripes.png"
    read_photo(fine).save(path)
    page = open_page(page_server.address)
    add(page, path)
    page.get_by_role("button", name="Show stripes.png").click()
    settle(page)
    page.get_by_role("button", name="Full size").click()
    page.wait_for_function("() => Object.keys(document.querySelector('tinct-colorize tinct-viewer').close).length == 2")
    page.wait_for_timeout(200)
    shown = page.evaluate(
        """() => {
          const canvas = document.querySelector('tinct-colorize canvas');
          return [...canvas.getContext('2d').getImageData(100, 100, 40, 1).data].filter((_, at) => at % 4 === 1);
        }"""
    )
    assert max(shown) - min(shown) > 200


def test_other_ways(page_server: Any, open_page: Callable[..., Any], photo: Path) -> None:
    page = open_page(page_server.address)
    add(page, photo)
    page.get_by_role("button", name="Show old street.png").first.click()
    settle(page)
    page.get_by_role("button", name="Show other ways").click()
    ways = page.get_by_role("radiogroup", name="Other ways").get_by_role("radio")
    page.wait_for_function("() => document.querySelectorAll('.strip img').length === 5")
    with page.expect_request(re.compile("/preview$")) as asked:
        ways.nth(2).click()
    assert asked.value.post_data_json["variant"] == 2
    assert asked.value.post_data_json["variants"] == 4
    settle(page)
    assert ways.nth(2).is_checked()
    # A group is one stop of the Tab key, and arrow keys choose in it.
    with page.expect_request(re.compile("/preview$")) as asked:
        page.keyboard.press("ArrowRight")
    assert asked.value.post_data_json["variant"] == 3
    assert [way.is_checked() for way in ways.all()] == [False, False, False, True, False]
    page.get_by_role("radio", name="Vivid").press("ArrowRight")
    assert page.get_by_role("radio", name="Faithful").is_checked()
    page.keyboard.press("Tab")
    assert page.get_by_label("Vividness").evaluate("(slider) => slider === document.activeElement")
    # The model that is named is the one that counts; one that is gone gives way to the default.
    model = page.locator("tinct-controls select").first
    for name in ("tinct", "", "tinct"):
        model.select_option(name)
    page.get_by_role("button", name="Reset").click()
    assert model.input_value() == ""
    model.select_option("tinct")
    page.evaluate(
        """() => {
          for (const [key, kept] of Object.entries(localStorage)) localStorage[key] = kept.replace('"tinct"', '"gone"');
        }"""
    )
    page.reload()
    settle(page)
    assert page.locator("tinct-controls select").first.input_value() == ""


def test_history_survives_a_reload_and_is_deleted_for_good(
    page_server: Any, open_page: Callable[..., Any], photo: Path
) -> None:
    client = page_server.client()
    for kept in client.get("pictures").json():
        client.delete(f"pictures/{kept['id']}")
    page = open_page(page_server.address)
    add(page, photo)
    settle(page)
    slide(page, "Vividness", 0.25)
    in_color = page.locator(".thumbnails img[src^='data:image/jpeg']")
    in_color.wait_for()
    page.reload()
    settle(page)
    assert page.get_by_label("Vividness").input_value() == "0.25"
    assert in_color.count() == 1
    [picture] = client.get("pictures").json()
    page.get_by_role("button", name="Delete old street.png").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    page.get_by_role("heading", name="Color for black-and-white photographs").wait_for()
    assert client.get(f"pictures/{picture['id']}").status_code == 404
    assert picture["id"] not in page.evaluate("() => JSON.stringify(localStorage)")
    assert page.locator(".thumbnails li").count() == 0


def test_bad_files_are_refused_in_words(page_server: Any, open_page: Callable[..., Any], large_photo: Path) -> None:
    page = open_page(page_server.address, allow=r"status of 4\d\d")
    for name, content, said in (
        ("notes.txt", b"just words", "no picture"),
        ("empty.jpg", b"", "empty"),
        ("cut.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "cut short"),
        ("<img src=x onerror=alert(1)>.jpg", b"<svg onload='alert(1)'/>", "SVG"),
    ):
        page.locator("tinct-shelf input[type=file]").first.set_input_files(
            {"name": name, "mimeType": "image/jpeg", "buffer": content}
        )
        row = page.locator(".thumbnails li", has_text=name)
        assert said in row.locator(".bad").inner_text()
        assert page.locator("img[src=x]").count() == 0
    # What is there of a damaged one can be used.
    half = large_photo.read_bytes()[: large_photo.stat().st_size // 2]
    page.locator("tinct-shelf input[type=file]").first.set_input_files(
        {"name": "half.jpg", "mimeType": "image/jpeg", "buffer": half}
    )
    row = page.locator(".thumbnails li", has_text="half.jpg")
    row.get_by_role("button", name="Use what is there").click()
    page.get_by_text("what is missing stays blank").wait_for()


@pytest.mark.parametrize("late", ["list", "picture"])
def test_a_picture_that_is_sent_while_the_others_are_listed(
    late: str, page_server: Any, open_page: Callable[..., Any], photo: Path
) -> None:
    page_server.client().upload(photo)
    page = open_page(page_server.address)
    settle(page)
    held: dict[str, Any] = {}

    def hold(route: Any) -> None:
        # The list as it is before the picture comes, and the picture as it is sent.
        held[route.request.method] = (route, route.fetch() if route.request.method == "GET" else None)

    page.route(re.compile(r"/api/v1/pictures(\?|$)"), hold)
    page.reload()
    add(page, photo)
    wait_until(page, lambda: held.keys() >= {"GET", "POST"})
    listing, listed = held["GET"]
    sending, _ = held["POST"]
    with page.expect_response(is_sent) as taken:
        if late == "picture":
            listing.fulfill(response=listed)
            settle(page)  # an older one is open
        sending.continue_()
    id = taken.value.json()["id"]
    page.wait_for_url(re.compile(id))
    if late == "list":
        listing.fulfill(response=listed)
        page.wait_for_function(
            "(count) => document.querySelectorAll('.thumbnails img').length === count", arg=len(listed.json()) + 1
        )
    settle(page)
    assert id in page.url
    assert page.locator(".thumbnails li[aria-current=true]").count() == 1


def test_a_picture_that_is_deleted_elsewhere(page_server: Any, open_page: Callable[..., Any], photo: Path) -> None:
    page = open_page(page_server.address, allow="status of 404")
    with page.expect_response(is_sent) as taken:
        add(page, photo)
    id = taken.value.json()["id"]
    page.wait_for_url(re.compile(id))  # until then an older picture may be open
    settle(page)
    assert page_server.client().delete(f"pictures/{id}").status_code == 204
    page.get_by_label("Saturation").fill("1.5")
    page.get_by_text("There is no such picture").wait_for()
    page.wait_for_function(f"() => !document.body.innerHTML.includes('{id}')")


def test_a_connection_that_is_lost_while_a_file_is_sent(
    page_server: Any, open_page: Callable[..., Any], photo: Path
) -> None:
    page = open_page(page_server.address, allow="ERR_|Failed to load")
    cut = [True]

    def meddle(route: Any) -> None:
        if cut and route.request.method == "POST":
            cut.pop()
            route.abort("connectionreset")
        else:
            route.continue_()

    page.route(re.compile("/api/v1/pictures$"), meddle)
    page.route(re.compile("/api/v1/health$"), lambda route: route.abort() if cut else route.continue_())
    before = len(page_server.client().get("pictures").json())
    add(page, photo)
    page.locator("#lost").wait_for(state="visible")
    page.locator("#lost").wait_for(state="hidden")  # and it was sent again by itself
    page.wait_for_function("(count) => document.querySelectorAll('.thumbnails img').length === count", arg=before + 1)
    assert len(page_server.client().get("pictures").json()) == before + 1


def test_a_huge_file_isnt_sent_and_the_server_is_restarted_in_the_middle(
    launch: Callable[..., Any], open_page: Callable[..., Any], photo: Path
) -> None:
    server = launch("--no-worker", TINCT_UPLOAD_BYTES="100000")
    page = open_page(server.address, allow="ERR_|Failed to load")
    sent: list[str] = []
    page.on("request", lambda asked: sent.append(asked.method))
    huge = {"name": "big.tif", "mimeType": "image/tiff", "buffer": b"\0" * 200_000}
    page.locator("tinct-shelf input[type=file]").first.set_input_files(huge)
    page.locator(".bad", has_text="The file has 0.19 MB, more than 0.1 MB.").wait_for()
    assert "POST" not in sent
    add(page, photo)
    settle(page)
    server.stop()
    page.get_by_label("Saturation").fill("0")
    page.locator("#lost").wait_for(state="visible")
    again = launch("--no-worker", "--port", server.address.rsplit(":", 1)[1], data=server.data)
    assert again.address == server.address
    page.locator("#lost").wait_for(state="hidden")
    settle(page)
    deadline = time.monotonic() + 20
    while page.evaluate(SUM) > 1 and time.monotonic() < deadline:
        page.wait_for_timeout(100)
    assert page.evaluate(SUM) < 1  # the slider's last place counts
    page.reload()
    settle(page)
    assert page.get_by_label("Saturation").input_value() == "0"
