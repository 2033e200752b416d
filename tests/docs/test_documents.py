"""README, CONTRIBUTING and the pages of docs: their commands and Python examples run, their links lead somewhere."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tinct.media.photo import read_photo

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
LONG = [ROOT / "docs" / "train.md"]
"""Documents whose commands take minutes; installing and the first example run in the default suite."""
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
SHELL_ONLY = ("cd", "git", "python", "source")
"""Commands of a shell block that set the scene and aren't Tinct's to test."""


@dataclass(frozen=True)
class Block:
    language: str
    text: str

    def commands(self) -> list[list[str]]:
        """Return the words of each command; a line that ends in a backslash goes on in the next."""
        lines = self.text.replace("\\\n", " ").splitlines()
        return [words for line in lines if (words := shlex.split(line, comments=True))]


def blocks(document: Path, language: str) -> list[Block]:
    return [Block(*found) for found in FENCE.findall(document.read_text(encoding="utf-8")) if found[0] == language]


def name(document: Path) -> str:
    return document.relative_to(ROOT).as_posix()


def having(language: str) -> list[Path]:
    return [document for document in DOCUMENTS if blocks(document, language)]


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files that the documents speak of."""
    small = read_photo(ROOT / "examples" / "astronaut.jpg").to_numpy().squeeze()[::4, ::4]
    rng = np.random.default_rng(0)
    read_photo(small).save(tmp_path / "photo.jpg")
    read_photo(small).save(tmp_path / "scan.tif")
    pages = [Image.fromarray(part) for part in (small, small[::2], small[:, ::2])]
    pages[0].save(tmp_path / "album.tif", save_all=True, append_images=pages[1:])
    read_photo(np.full_like(small, 255)).save(tmp_path / "mask.png")
    (tmp_path / "album" / "1921").mkdir(parents=True)
    read_photo(small[::2]).save(tmp_path / "album" / "one.jpg")
    read_photo(small[:, ::2]).save(tmp_path / "album" / "1921" / "two.png")
    (tmp_path / "photos").mkdir()
    for number in range(24):
        ramp = np.linspace(0, 200, 96)[:, None, None] + rng.integers(0, 55, (1, 96, 3))
        read_photo(ramp.astype(np.uint8)).save(tmp_path / "photos" / f"{number}.jpg")
    for number in range(50):
        folder = tmp_path / "classes" / ("dark", "light")[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        level = 40 + 150 * (number % 2)
        read_photo(rng.integers(level, level + 60, (64, 64, 3), np.uint8)).save(folder / f"{number}.jpg")
    (tmp_path / "hints.json").write_text('[{"x": 12, "y": "40%", "color": "#a03020", "radius": 3}]', encoding="utf-8")
    for name, made_of in (("jpg", "photo.jpg"), ("hints.json", "hints.json"), ("mask.png", "mask.png")):
        shutil.copy(tmp_path / made_of, tmp_path / f"street.{name}")
    write_film(tmp_path / "film.mp4", small)
    read_photo(np.stack([small, small // 2, small // 3], axis=-1)).save(tmp_path / "still.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write_film(path: Path, picture: NDArray[np.uint8]) -> None:
    """Write a film of a second."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=12, width=picture.shape[1], height=picture.shape[0])
        for _ in range(12):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="gray").reformat(format="yuv420p")))
        container.mux(stream.encode(None))


@pytest.mark.parametrize("document", having("sh"), ids=name)
def test_commands_run(document: Path, workspace: Path) -> None:
    found = blocks(document, "sh")
    run_blocks(found[:2] if document in LONG else found, workspace)


@pytest.mark.slow
@pytest.mark.parametrize("document", LONG, ids=name)
def test_commands_of_long_documents_run(document: Path, workspace: Path) -> None:
    run_blocks(blocks(document, "sh"), workspace)


def run_blocks(found: list[Block], workspace: Path) -> None:
    """Run each command of some blocks as it is written."""
    targets = set(
        re.findall(r"^([a-z -]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)[-1].split()
    )
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    tool = shutil.which("tinct", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    assert tool is not None
    for block in found:
        for words in block.commands():
            if words[0] == "tinct":
                # What takes minutes by intent, a budget, is cut short.
                words[1:] = [re.sub(r"^[\d.]+(min|h|epochs)$", "2steps", word) for word in words[1:]]
                done = subprocess.run([tool, *words[1:]], cwd=workspace, capture_output=True, text=True, check=False)
                assert done.returncode == 0, f"{shlex.join(words)}\n{done.stdout}{done.stderr}"
            elif words[0] == "make":
                assert words[1] in targets, shlex.join(words)
            elif words[0] == "pip":
                assert set(re.findall(r"\[(\w+)\]", words[-1])) <= set(extras), shlex.join(words)
            else:
                assert words[0] in SHELL_ONLY, f"no test runs {shlex.join(words)!r}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_extras_are_added_to_the_tinct_that_is_there(document: Path) -> None:
    """In one way, which suits any folder, any shell, and any way in which Tinct was installed."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    for asked in re.findall(r"pip install (\S+\[\S+)", document.read_text(encoding="utf-8")):
        found = re.match(r'"tinct\[([\w,-]+)\]"', asked)
        assert found is not None, asked
        assert set(found[1].split(",")) <= set(extras), asked


@pytest.mark.parametrize("document", having("python"), ids=name)
def test_python_runs(document: Path, workspace: Path) -> None:
    scope: dict[str, object] = {"__name__": "document"}
    for block in blocks(document, "python"):
        exec(compile(block.text, name(document), "exec"), scope)  # noqa: S102 - the documents are ours


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_links_lead_somewhere(document: Path) -> None:
    links = [link.partition("#")[0] for link in LINK.findall(document.read_text(encoding="utf-8"))]
    missing = [link for link in links if link and "://" not in link and not (document.parent / link).exists()]
    assert not missing


def test_readme_shows_a_command_and_a_picture_first() -> None:
    first_screen = "\n".join((ROOT / "README.md").read_text(encoding="utf-8").splitlines()[:30])
    assert "make demo" in first_screen
    assert re.search(r"!\[[^\]]+\]\(docs/images/before-after\.jpg\)", first_screen)
