"""What the page that works without a server writes into files beside the pixels, in Chromium."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import tinct
from tinct.media.extended import EXTENSION, PREFIX
from tinct.media.marking import read_mark
from tinct.media.photo import encode_photo, read_photo
from tinct.media.xmp import Packet

LOCAL = Path(tinct.__file__).parent / "web" / "local"
ABOUT = {"version": "0.1.0", "model": "tinct", "modelFile": "tinct.onnx", "modelHash": "ab" * 32}
ADDRESS = "http://localhost/"
COUNT = 800
# A packet such as raw converters write: a prefix that the root declares, characters of more than a byte.
SETTINGS = " ".join(f'crs:Setting{number}="{number:0180}é"' for number in range(COUNT))
XMP = f"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
 xmlns:crs="http://ns.adobe.com/camera-raw-settings/1.0/"><rdf:Description rdf:about="" {SETTINGS}/>
</rdf:RDF></x:xmpmeta>"""
MARK = """async ({result, source, look}) => {
  const {mark} = await import('./metadata.js');
  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  let text = '';
  for (const byte of await mark(bytes(result), bytes(source), look)) text += String.fromCharCode(byte);
  return btoa(text);
}"""


@pytest.fixture(scope="module")
def page(browser: Any) -> Iterator[Any]:
    """An empty page beside the modules of the local page; nothing is served, and no network is asked."""

    def answer(route: Any) -> None:
        name = route.request.url.removeprefix(ADDRESS)
        if not name:
            route.fulfill(content_type="text/html", body="")
        elif name == "constants.js":
            route.fulfill(content_type="text/javascript", body=f"export const ABOUT = {json.dumps(ABOUT)};")
        else:
            route.fulfill(content_type="text/javascript", path=LOCAL / name)

    opened = browser.new_page()
    opened.route("**/*", answer)
    opened.goto(ADDRESS)
    yield opened
    opened.close()


@pytest.fixture
def write(gray_pixels: NDArray[np.uint8]) -> Callable[..., bytes]:
    """Returns a function that makes a photograph with a packet."""

    def encoded(xmp: str | None, kind: str = "jpeg") -> bytes:
        plain = read_photo(gray_pixels)
        metadata = dataclasses.replace(plain.metadata, xmp=None if xmp is None else xmp.encode())
        photo = dataclasses.replace(plain, metadata=metadata)
        return encode_photo(photo.open(), like=photo, format=kind)

    return encoded


@pytest.fixture
def mark(page: Any) -> Callable[..., bytes]:
    """Returns a function that lets the page write what it says of a result into it."""

    def marked(result: bytes, source: bytes, **look: Any) -> bytes:
        given = {name: base64.b64encode(data).decode() for name, data in (("result", result), ("source", source))}
        return base64.b64decode(page.evaluate(MARK, {**given, "look": look}))

    return marked


def first_packet(file: bytes) -> bytes:
    """Return the packet that readers see who know of no other segments."""
    with Image.open(io.BytesIO(file)) as image:
        image.load()
        found: list[bytes] = [data for name, data in image.applist if name == "APP1" and data.startswith(PREFIX)]
    assert len(found) == 1
    return found[0].removeprefix(PREFIX)


def check(file: bytes, source: bytes, settings: dict[str, Any], count: int = COUNT) -> None:
    xmp = read_photo(file).metadata.xmp
    assert xmp is not None
    assert Packet.is_sound(xmp)
    assert b"HasExtendedXMP" not in xmp
    found = read_mark(xmp)
    assert found is not None
    assert not found.changed
    assert found.mark.settings == settings
    assert found.mark.source_hash == hashlib.sha256(source).hexdigest()
    text = xmp.decode()
    assert all(f'crs:Setting{number}="{number:0180}é"' in text for number in range(count))


@pytest.mark.parametrize("before", ["jpeg", "png"])
def test_long_xmp_stays_beside_the_mark(before: str, write: Callable[..., bytes], mark: Callable[..., bytes]) -> None:
    source = write(XMP, before)
    assert (source.count(EXTENSION) > 1) == (before == "jpeg")
    file = mark(write(None), source, vividness=0.5)
    check(file, source, {"vividness": 0.5})
    shown = Packet(first_packet(file))
    assert (shown.text("Iptc4xmpExt:DigitalSourceType") or "").endswith("compositeWithTrainedAlgorithmicMedia")
    png = mark(write(None, "png"), source, vividness=0.5)
    check(png, source, {"vividness": 0.5})


def test_short_xmp_is_in_one_segment(write: Callable[..., bytes], mark: Callable[..., bytes]) -> None:
    source = write(XMP.replace(SETTINGS, SETTINGS[: SETTINGS.index(" crs:Setting9=")]))
    file = mark(write(None), source)
    assert EXTENSION not in file
    check(file, source, {}, 9)


def test_the_mark_of_many_hints_is_kept_whole(write: Callable[..., bytes], mark: Callable[..., bytes]) -> None:
    hints = [{"x": number, "y": 7, "color": "#a03020", "radius": 3} for number in range(1200)]
    source = write(None)
    file = mark(source, source, hints=hints)
    assert file.count(EXTENSION) > 1
    check(file, source, {"hints": hints}, 0)


def test_a_damaged_rest_counts_as_none(write: Callable[..., bytes], mark: Callable[..., bytes]) -> None:
    source = write(XMP)
    at = source.rindex(b"crs:Setting")
    damaged = source[:at] + b"crs:Damaged" + source[at + len(b"crs:Damaged") :]
    file = mark(write(None), damaged)
    check(file, damaged, {}, 0)
    assert b"crs:Damaged" not in file
