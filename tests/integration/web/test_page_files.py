"""Files that the page refuses, how it names files, and the command that it shows; in Chromium."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

COMMAND = """async ([name, look, files, models]) => {
  const {commandOf} = await import('/static/command.js');
  const {USUAL} = await import('/static/photos.js');
  return commandOf(name, {...USUAL, ...look}, files, models);
}"""


def test_refusals_say_what_to_do_in_a_browser(
    page_server: Any, open_page: Callable[..., Any], large_photo: Path, tmp_path: Path
) -> None:
    files = {
        "half.jpg": large_photo.read_bytes()[:20_000],
        "album.ZIP": b"PK\x03\x04" + bytes(40),
        "film.mp4": bytes(100),
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    page = open_page(page_server.address, allow="status of 422")
    page.locator("tinct-shelf input[type=file]").first.set_input_files([tmp_path / name for name in files])
    page.wait_for_function("() => document.querySelectorAll('.thumbnails .bad').length === 3")
    half, album, film = page.locator(".thumbnails .bad").all_inner_texts()
    assert "cut short" in half
    assert "--" not in half
    assert "tinct." not in half
    assert "unpack it" in album
    assert "the command tinct video" in film


def test_names_of_files_are_kept(page_server: Any, open_page: Callable[..., Any], small_photo: Path) -> None:
    page = open_page(page_server.address)
    given = {"name": 'rot "6" Ünï.png', "mimeType": "image/png", "buffer": small_photo.read_bytes()}
    page.locator("tinct-shelf input[type=file]").first.set_input_files([given])
    # Without the marks, which no file of Windows can have.
    page.get_by_role("button", name="Show rot 6 Ünï.png").wait_for()


def test_the_command_has_all_of_the_look(page_server: Any, open_page: Callable[..., Any]) -> None:
    page = open_page(page_server.address)
    models = {"names": ["mine", "tinct"], "own": ["mine"], "default": "tinct"}

    def words(name: str, look: Any = (), files: Any = (), models: Any = None) -> list[str]:
        found = shlex.split(page.evaluate(COMMAND, [name, dict(look), dict(files), models]))
        assert found[:2] == ["tinct", "colorize"]
        return found[2:]

    assert words("street.jpg") == ["street.jpg"]
    assert words("street.jpg", models={**models, "default": "default"}) == ["street.jpg"]
    assert words("a.png", models=models) == ["a.png", "--model", "tinct"]
    assert words("a.png", {"model": "mine"}, models=models)[-1] == "mine.onnx"
    assert words("a.png", {"mode": "faithful"}) == ["a.png", "--mode", "faithful"]
    assert words("a.png", {"vividness": 0, "saturation": 2}) == ["a.png", "--vividness", "0", "--saturation", "2"]
    assert words("a.png", {"variant": 2, "variants": 4, "seed": 1}) == ["a.png", "--variants", "4", "--seed", "1"]
    strange = "Großmutter's «1923» — 写真.jpg"
    assert words(strange, files={"hints": strange, "mask": None}) == [strange, "--hints", strange]
    assert words("-a.png") == ["./-a.png"]
