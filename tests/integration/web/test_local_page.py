"""The exported page in Chromium, from a plain static file server: the same colors, no network, nothing sent."""

from __future__ import annotations

import base64
import functools
import http.server
import io
import shutil
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tinct.color.lab import srgb_to_lab
from tinct.errors import DataError
from tinct.inference.options import ColorizeOptions, Hint
from tinct.inference.pipeline import Colorizer
from tinct.media.marking import read_mark
from tinct.media.photo import read_photo
from tinct.web import runtime
from tinct.web.export import export_page

sync_api = pytest.importorskip("playwright.sync_api")
CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None or sys.platform == "win32", reason="no chromium is installed")

ENGINE = "const {engine} = await import('./static/engine.js');"
FILE = "const file = new File([Uint8Array.from(atob(data), (c) => c.charCodeAt(0))], name, {type});"
TO_TEXT = """
const text = async (blob) =>
  btoa(Array.from(new Uint8Array(await blob.arrayBuffer()), (byte) => String.fromCharCode(byte)).join(''));
"""
LOOKS: list[dict[str, Any]] = [
    {},
    {"vividness": 0.25},
    {"mode": "faithful", "saturation": 1.6},
    {
        "hints": [
            {"x": 41, "y": 51, "color": "#00ff00", "radius": 2},
            {"x": 40, "y": 50, "color": "#a03020", "radius": 6},
            {"x": "70%", "y": 90, "color": "#2040a0"},
        ]
    },
]


@dataclass
class Site:
    """A folder that is served, and what was asked of its server."""

    address: str
    asked: list[tuple[str, str]] = field(default_factory=list)
    server: http.server.ThreadingHTTPServer | None = None

    def stop(self) -> None:
        if self.server is not None:
            self.server.shutdown()
            self.server.server_close()
            self.server = None


def serve(folder: Path) -> Site:
    site = Site("")

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            site.asked.append((self.command, self.path))

    site.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=str(folder)))
    site.address = f"http://127.0.0.1:{site.server.server_port}/"
    threading.Thread(target=site.server.serve_forever, daemon=True).start()
    return site


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page with the default model."""
    try:
        package = runtime.find_package(None, lambda name, done, total: None)
    except DataError as error:
        pytest.skip(f"onnxruntime-web can't be had here ({error})")
    folder = tmp_path_factory.mktemp("exported") / "page"
    export_page(folder, package=package)
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def site(exported: Path) -> Iterator[Site]:
    served = serve(exported)
    yield served
    served.stop()


@pytest.fixture
def page(browser: Any, site: Site) -> Iterator[Any]:
    """The page, newly opened by somebody who was never here; nothing may go wrong in it."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, accept_downloads=True)
    opened = context.new_page()
    faults: list[str] = []
    opened.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    opened.on("pageerror", lambda error: faults.append(str(error)))
    context.on(
        "request",
        lambda request: None if request.url.startswith((site.address, "blob:")) else faults.append(request.url),
    )
    opened.goto(site.address)
    opened.wait_for_selector("tinct-colorize")
    yield opened
    context.close()
    assert faults == []


def in_page(page: Any, script: str, path: Path, **more: Any) -> Any:
    """Run a script in the page that has the engine and a file."""
    given = {"data": base64.b64encode(path.read_bytes()).decode(), "name": path.name, "type": "", **more}
    given["type"] = {".jpg": "image/jpeg", ".png": "image/png"}.get(path.suffix, "")
    names = ", ".join(given)
    return page.evaluate(f"async ({{{names}}}) => {{{ENGINE}{FILE}{TO_TEXT}{{{script}}}}}", given)


def write(path: Path, pixels: NDArray[np.uint8], orientation: int | None = None) -> Path:
    image = Image.fromarray(pixels)
    exif = image.getexif()
    if orientation is not None:
        exif[0x0112] = orientation
        exif[0x010E] = "A street"
    image.save(path, exif=exif, **({"quality": 95, "subsampling": 0} if path.suffix == ".jpg" else {}))
    return path


@pytest.fixture
def pictures(tmp_path: Path, example_photo: Path, scene: Callable[..., NDArray[np.uint8]]) -> list[Path]:
    """A gray photograph; one in color that lies on its side; a small one; a long one."""
    return [
        example_photo,
        write(tmp_path / "turned.jpg", scene(1, 320, 260), orientation=6),
        write(tmp_path / "small.png", scene(2, 110, 120)),
        write(tmp_path / "long.png", scene(3, 150, 500)),
    ]


def test_the_colors_are_those_of_the_command(page: Any, pictures: list[Path]) -> None:
    colorizer = Colorizer(threads=1)
    script = """
      const photo = await engine.open(file);
      const found = [];
      for (const look of looks) found.push(await text((await engine.download(photo, look, {format: 'png'})).blob));
      return found;
    """
    apart = whole = 0.0
    for path in pictures:
        prepared = colorizer.prepare(path)
        looks = LOOKS if path is pictures[0] else LOOKS[:1]
        for look, encoded in zip(looks, in_page(page, script, path, looks=looks), strict=True):
            hints = tuple(Hint(**hint) for hint in look.get("hints", ()))
            expected = colorizer.colorize(prepared, ColorizeOptions(**{**look, "hints": hints})).photo.to_numpy()
            found = np.asarray(Image.open(io.BytesIO(base64.b64decode(encoded))).convert("RGB"))
            assert found.shape == expected.shape
            lab = [srgb_to_lab(pixels.astype(np.float32) / 255) for pixels in (found, expected)]
            difference = np.abs(lab[0] - lab[1])
            assert difference[..., 0].mean() < 0.1, path
            assert difference[..., 1:].mean() < 0.5, (path, look)
            apart += float(difference[..., 1:].mean())
            whole += float(np.abs(lab[1][..., 1:]).mean())
    assert apart / whole < 0.01


def test_what_a_hint_says_is_there_exactly(page: Any, example_photo: Path) -> None:
    hint = {"x": 200, "y": 100, "color": "#b05030", "radius": 10}
    script = """
      const photo = await engine.open(file);
      await engine.keepHints(photo, [hint], 0);
      const kept = await engine.hints(photo);
      const conflict = await engine.keepHints(photo, [], 0).then(() => null, (error) => error.status);
      const {blob} = await engine.download(photo, {}, {format: 'png'});
      const {points, confidence} = await engine.points(photo, {});
      const colors = await engine.colors(photo, {x: 300, y: 300, count: 5});
      return {kept, conflict, picture: await text(blob), points, rows: confidence.length, colors};
    """
    found = in_page(page, script, example_photo, hint=hint)
    assert found["kept"] == {"hints": [hint], "accepted": False, "revision": 1, "beside": []}
    assert found["conflict"] == 409
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(found["picture"]))).convert("RGB"))
    assert found["rows"] == 48
    # The same as the command's, for a photograph whose pixels are the same.
    options = ColorizeOptions(hints=(Hint(**hint),))
    colorizer = Colorizer(threads=1)
    prepared = colorizer.prepare(example_photo)
    expected = colorizer.suggest_points(prepared, 10, options)
    # Later ones are almost as good as others, so that the last digits choose among these.
    assert [(point["x"], point["y"]) for point in found["points"][:2]] == [(point.x, point.y) for point in expected[:2]]
    worth = pytest.approx([point.score for point in expected], abs=0.006)
    assert [point["score"] for point in found["points"]] == worth
    whole = colorizer.colorize(prepared, options).photo.to_numpy()
    hinted = [srgb_to_lab(picture[90:110, 190:210].astype(np.float32) / 255) for picture in (pixels, whole)]
    assert np.abs(hinted[0] - hinted[1]).max() < 4  # steps of 8 bits in the dark, and tables with other nodes
    swatches = colorizer.suggest_colors(prepared, 300, 300, 5)
    assert found["colors"][0]["probability"] == pytest.approx(swatches[0].probability, abs=0.03)


def test_a_download_keeps_metadata_and_tells_that_colors_are_inferred(
    page: Any, tmp_path: Path, scene: Callable[..., NDArray[np.uint8]]
) -> None:
    path = write(tmp_path / "street.jpg", scene(1, 320, 260), orientation=6)
    script = """
      const photo = await engine.open(file);
      const {blob, name} = await engine.download(photo, {vividness: 0.5});
      return {size: [photo.width, photo.height], name, file: await text(blob)};
    """
    found = in_page(page, script, path)
    assert found["size"] == [320, 260]
    assert found["name"] == "street.color.jpg"
    result = tmp_path / found["name"]
    result.write_bytes(base64.b64decode(found["file"]))
    photo = read_photo(result)
    assert (photo.width, photo.height, photo.metadata.orientation) == (320, 260, 1)
    with Image.open(result) as image:
        assert image.getexif()[0x010E] == "A street"
    read = read_mark(photo.metadata.xmp)
    assert read is not None
    assert not read.changed
    assert read.mark.model == "tinct"
    assert read.mark.settings == {"vividness": 0.5}
    assert read.mark.source_hash == read_photo(path).source_hash


def test_a_mask_keeps_what_is_black(page: Any, tmp_path: Path, scene: Callable[..., NDArray[np.uint8]]) -> None:
    pixels = scene(4, 128, 160)
    path = write(tmp_path / "masked.png", pixels)
    script = """
      const photo = await engine.open(file);
      const canvas = new OffscreenCanvas(160, 128);
      const context = canvas.getContext('2d');
      context.fillStyle = 'white';
      context.fillRect(0, 0, 80, 128);
      context.fillStyle = 'black';
      context.fillRect(80, 0, 80, 64);
      context.fillStyle = 'rgb(255 255 255 / 2%)';
      context.fillRect(80, 64, 80, 64);
      await engine.keepBeside(photo, 'mask', await canvas.convertToBlob());
      const {beside} = await engine.hints(photo);
      return {beside, file: await text((await engine.download(photo, {})).blob)};
    """
    found = in_page(page, script, path)
    assert found["beside"] == ["mask"]
    result = np.asarray(Image.open(io.BytesIO(base64.b64decode(found["file"]))).convert("RGB"))
    assert (result[:62, 82:] == pixels[:62, 82:]).all()
    assert np.abs(result[66:, 82:].astype(int) - pixels[66:, 82:]).max() <= 6
    assert np.abs(result[:, :78].astype(int) - pixels[:, :78]).mean() > 3


def test_it_works_without_a_network_from_the_second_visit_on(page: Any, site: Site, example_photo: Path) -> None:
    page.set_input_files("input[type=file] >> nth=0", example_photo)
    page.wait_for_selector("tinct-viewer:not([busy])", timeout=180_000)
    page.wait_for_selector("html[data-offline=ready]", timeout=180_000)
    site.stop()
    # What was there is there again, and what is new can be colored.
    page.reload()
    page.wait_for_selector("tinct-viewer", timeout=180_000)
    page.get_by_role("slider", name="Vividness").fill("0.3")
    page.wait_for_selector("tinct-viewer:not([busy])", timeout=180_000)
    with page.expect_download(timeout=180_000) as download:
        page.get_by_role("button", name="Download").click()
    with Image.open(download.value.path()) as image:
        assert image.size == (512, 512)
        assert np.asarray(image.convert("RGB")).std(axis=2).mean() > 5
    assert {method for method, _ in site.asked} == {"GET"}
    # Nothing but the page's own files was ever asked for.
    assert not [path for _, path in site.asked if "?" in path or path.startswith("/api")]
    page.get_by_role("button", name="Delete astronaut.jpg").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    page.wait_for_selector("tinct-viewer", state="detached")
    assert page.evaluate(f"async () => {{{ENGINE} return engine.list()}}") == []


def test_a_browser_can_install_it(page: Any) -> None:
    page.wait_for_selector("html[data-offline=ready]", timeout=180_000)
    session = page.context.new_cdp_session(page)
    manifest = session.send("Page.getAppManifest")
    assert manifest["errors"] == []
    # A private window, as tests have it, is the one thing that keeps it from being installed.
    errors = {error["errorId"] for error in session.send("Page.getInstallabilityErrors")["installabilityErrors"]}
    assert errors <= {"in-incognito"}


def test_several_come_as_a_zip(page: Any, tmp_path: Path, scene: Callable[..., NDArray[np.uint8]]) -> None:
    path = write(tmp_path / "twice.png", scene(5, 64, 80))
    script = """
      const photos = [await engine.open(file), await engine.open(file)];
      const shares = [];
      const onProgress = (share) => shares.push(share);
      const {blob, name} = await engine.downloadAll(photos.map((photo) => [photo, {}]), {onProgress});
      return {name, shares, file: await text(blob)};
    """
    found = in_page(page, script, path)
    assert found["shares"] == [0.5, 1]
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(found["file"]))) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["twice.color.png", "twice.color-2.png"]
        with Image.open(archive.open("twice.color-2.png")) as image:
            assert image.size == (80, 64)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("notes.jpg", b"no picture at all", "notes.jpg can't be opened"),
        ("nothing.png", b"", "nothing.png is empty"),
        ("old.tif", b"II*\0\x08\0\0\0" + bytes(64), "old.tif can't be opened"),
        (
            "drawing.svg",
            b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>",
            "drawing.svg can't be opened",
        ),
    ],
)
def test_what_is_no_picture_is_refused(page: Any, tmp_path: Path, name: str, content: bytes, said: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    script = "return engine.open(file).then(() => null, (error) => [error.name, error.message]);"
    kind, message = in_page(page, script, path)
    assert kind == "Refused"
    assert message.startswith(said)


def test_a_hint_outside_is_refused(page: Any, tmp_path: Path, gray_pixels: NDArray[np.uint8]) -> None:
    path = write(tmp_path / "small.png", gray_pixels)
    script = """
      const photo = await engine.open(file);
      const hints = [{x: 64, y: 3, color: '#804020', radius: 3}];
      return engine.render(photo, {hints}).then(() => null, (error) => [error.name, error.message]);
    """
    assert in_page(page, script, path) == ["Refused", "a hint's x is 64, outside of 0 to 63"]
