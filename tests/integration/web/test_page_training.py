"""The sequence of a training in the page, in Chromium: from opening it to a gray picture in the new model's colors."""

from __future__ import annotations

import functools
import hashlib
import http.server
import io
import pickle  # noqa: TID251 - CIFAR-10 is published as pickles
import tarfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tinct.data.cifar import BATCHES, CLASSES, META, SIDE

PATIENCE = 150_000
"""Milliseconds: a training process alone takes seconds to start, and more on a busy machine."""
NOTIFIED = """() => {
  window.notified = [];
  window.Notification = class {
    static permission = 'default';
    static async requestPermission() { return (this.permission = 'granted'); }
    constructor(title, options) { window.notified.push(`${title} ${options.body}`); }
  };
}"""
"""Chromium without a screen shows no notifications; what it would show is noted instead."""


def make_cifar10(scene: Callable[..., Any], count: int) -> bytes:
    """Return an archive as CIFAR-10 is published, of some pictures in each batch."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:

        def add(name: str, content: object) -> None:
            data = pickle.dumps(content, protocol=2)
            entry = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))

        for place, name in enumerate(BATCHES):
            pictures = np.stack([scene(place * count + number, SIDE, SIDE) for number in range(count)])
            planes = pictures.transpose(0, 3, 1, 2).reshape(count, -1)
            add(name, {b"data": planes, b"labels": [number % 10 for number in range(count)]})
        add(META, {b"label_names": [name.encode() for name in CLASSES]})
    return buffer.getvalue()


@pytest.fixture(scope="module")
def cifar10(tmp_path_factory: pytest.TempPathFactory, scene: Callable[..., Any]) -> Iterator[str]:
    """Address and checksum of a small CIFAR-10 on a server of its own."""
    folder = tmp_path_factory.mktemp("site")
    data = make_cifar10(scene, 20)
    (folder / "cifar-10-python.tar.gz").write_bytes(data)

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *arguments: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder))) as site:
        threading.Thread(target=site.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{site.server_address[1]}/#sha256={hashlib.sha256(data).hexdigest()}"
        site.shutdown()


@pytest.fixture(scope="module")
def page_environment(plain_environment: dict[str, str], cifar10: str) -> dict[str, str]:
    return {**plain_environment, "TINCT_CIFAR10": cifar10}


def choose_length(page: Any, unit: str, amount: int) -> None:
    page.get_by_label("How long").select_option(unit)
    page.get_by_label(unit.capitalize(), exact=True).fill(str(amount))


def test_from_opening_the_page_to_a_picture_in_color(
    page_server: Any, open_page: Callable[..., Any], small_photo: Path
) -> None:
    server = page_server
    page = open_page(server.address, allow="status of 422")
    page.set_default_timeout(PATIENCE)
    page.evaluate(NOTIFIED)
    page.evaluate("localStorage.clear()")
    # Start.
    page.get_by_role("link", name="Train").click()
    page.get_by_label("Recipe", exact=True).select_option("cifar-cnn")
    # Corrections bring a recipe of their own, and the list of recipes shows it.
    for data, recipe in (("corrections", "tinct"), ("cifar10", "cifar-cnn")):
        page.evaluate("(data) => document.querySelector('tinct-train-form').chooseData(data)", data)
        assert page.get_by_label("Recipe", exact=True).input_value() == recipe
    choose_length(page, "epochs", 2)
    page.get_by_label("save the model as").fill("painter")
    page.get_by_text("More settings").click()
    settings = page.get_by_label("Single settings")
    settings.fill("twice as long")
    page.get_by_role("button", name="Start the training").click()
    page.get_by_role("alert").get_by_text("expected NAME=VALUE").wait_for()
    settings.fill("")
    page.get_by_role("button", name="Start the training").click()  # one click suffices
    # The data are fetched, and the state is told after every epoch.
    run = page.locator("tinct-train-run")
    run.get_by_role("heading", name="painter").wait_for()
    run.locator("tbody tr").nth(1).wait_for()
    assert (server.data / "datasets" / "cifar10" / "cifar-10-python.tar.gz").is_file()
    run.get_by_alt_text("Validation pictures after epoch 2").wait_for()
    assert run.get_by_role("img", name="Loss").count() == 1
    # Saved in the database, and the user notified, whatever part of the page is open.
    page.get_by_text("“painter” is trained. Saved as painter.").wait_for()
    assert page.evaluate("notified") == ["“painter” is trained. Saved as painter."]
    assert server.client().get("models/painter").json()["recipe"] == "cifar-cnn"
    page.wait_for_function("async () => (await import('/static/photos.js')).shelf.models.names.includes('painter')")
    sheet = page.request.get(f"{server.address}{run.locator('.sheets img').get_attribute('src')}")
    assert Image.open(io.BytesIO(sheet.body())).width > 2 * SIDE

    # Later: loaded from the database, which is confirmed, and used.
    later = open_page(f"{server.address}/#/models", context=page.context)
    card = later.get_by_role("listitem", name="painter")
    card.get_by_role("button", name="Load").click()
    later.get_by_text("painter is loaded from the database and whole: cifar_cnn").wait_for()
    card.get_by_role("button", name="Make it the default").click()
    card.get_by_role("button", name="Use in Colorize").click()
    shelf = later.locator("tinct-shelf input[type=file]").first
    shelf.set_input_files(small_photo)
    later.wait_for_function("() => document.querySelector('tinct-colorize tinct-viewer')?.after")
    later.get_by_text("Default (painter)").wait_for(state="attached")
    with later.expect_download() as saved:
        later.get_by_role("button", name="Download", exact=True).click()
    colored = np.asarray(Image.open(saved.value.path()).convert("RGB")).astype(int)
    assert colored.shape == (48, 64, 3)
    answer = server.client().post(
        "colorize", files={"file": ("p.png", small_photo.read_bytes())}, data={"model": "painter", "mode": "vivid"}
    )
    assert np.array_equal(colored, np.asarray(Image.open(io.BytesIO(answer.content)).convert("RGB")))
    assert np.abs(colored[..., 0] - colored[..., 2]).max() > 0


@pytest.mark.slow
def test_stop_resume_save_and_delete(page_server: Any, open_page: Callable[..., Any]) -> None:
    server = page_server
    page = open_page(f"{server.address}/#/train", width=390)
    page.set_default_timeout(PATIENCE)
    choose_length(page, "epochs", 5000)
    page.get_by_label("save the model as").fill("")
    page.get_by_role("button", name="Start the training").click()
    run = page.locator("tinct-train-run")
    run.locator("tbody tr").nth(1).wait_for()
    run.get_by_role("button", name="Stop").click()
    run.get_by_text("stopped").wait_for()
    page.reload()  # the address names the run
    run.locator("tbody tr").first.wait_for()
    seen = run.locator("tbody tr").count()
    url = page.url
    run.get_by_label("until").fill("1steps")  # less than it has: it is done at once
    run.get_by_role("button", name="Resume").click()
    run.locator(".state.done").wait_for()
    assert run.locator("tbody tr").count() >= seen
    run.get_by_label("Name of the model").fill("kept")
    run.get_by_role("button", name="Save the model").click()
    page.get_by_text("saved in the database as kept").wait_for()
    run.get_by_role("button", name="Load").wait_for()
    run.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    run.wait_for(state="detached")
    assert server.client().get(f"runs/{url.rsplit('/', 1)[-1]}").status_code == 404
    assert server.client().get("models/kept").status_code == 200
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.slow
def test_what_ended_while_the_page_was_closed_is_told(
    page_server: Any, open_page: Callable[..., Any], colorful: bytes
) -> None:
    server = page_server
    page = open_page(f"{server.address}/#/train")
    page.locator("input[name=zip]").set_input_files(
        {"name": "mine.zip", "mimeType": "application/zip", "buffer": colorful}
    )
    page.get_by_text("mine.zip is there: 7 pictures.").wait_for()
    context, client = page.context, server.client()
    page.close()
    data = client.get("datasets").json()["uploaded"][0]["id"]
    given = {"recipe": "cifar-cnn", "data": data, "budget": "1steps", "settings": ["no.such=1"]}
    run = client.post("runs", json=given).json()
    assert client.wait(run["job"]["id"])["state"] == "failed"
    again = open_page(f"{server.address}/", context=context)
    again.get_by_text("can’t be trained").wait_for()
    again.get_by_role("button", name="Show", exact=True).click()
    again.locator("tinct-train-run .state.failed").wait_for()
    once = open_page(f"{server.address}/", context=context)
    once.wait_for_timeout(700)
    assert once.get_by_text("can’t be trained").count() == 0
    empty = open_page(f"{server.address}/#/train", context=context, allow="422")
    empty.locator("input[name=zip]").set_input_files(
        {"name": "no.zip", "mimeType": "application/zip", "buffer": b"PK\5\6" + bytes(18)}
    )
    empty.get_by_text("the ZIP holds no photographs").wait_for()
