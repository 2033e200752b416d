"""The tree keeps its own rules: one idea a file, nothing that only one computer knows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("src", "tests", "scripts", "benchmarks", "docs", "examples", ".ci", ".github")
TEXT = {".py", ".md", ".toml", ".yaml", ".yml", ".json", ".txt", ""}
LONGEST = 350
HEAVIEST = 40_000_000
LOCAL_PATH = re.compile(r"(?<![\w.$~{}/-])/(?:work|root|home|Users|mnt|opt)/\w|[A-Z]:\\\\?Users")


def files() -> list[Path]:
    inside = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*") if "__pycache__" not in path.parts]
    return [path for path in [*inside, *ROOT.glob("*.*"), ROOT / "Makefile"] if path.is_file()]


def text_files() -> list[Path]:
    return [path for path in files() if path.suffix in TEXT and not path.name.startswith(".git")]


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_no_source_file_is_long() -> None:
    long = {
        name(path): lines
        for path in files()
        if path.suffix == ".py" and (lines := len(path.read_bytes().splitlines())) > LONGEST
    }
    assert long == {}


def test_no_file_is_heavy() -> None:
    assert [name(path) for path in files() if path.stat().st_size > HEAVIEST] == []


def test_no_path_of_one_computer() -> None:
    found = [name(path) for path in text_files() if LOCAL_PATH.search(path.read_text(encoding="utf-8"))]
    assert [path for path in found if path != name(Path(__file__))] == []


def test_names_of_test_files_are_unique() -> None:
    tests = [path.name for path in (ROOT / "tests").rglob("test_*.py")]
    assert sorted(set(tests)) == sorted(tests)


@pytest.mark.parametrize(
    "needed", ["LICENSE", "CHANGELOG.md", "CONTRIBUTING.md", "constraints.txt", "src/tinct/py.typed"]
)
def test_a_release_has_its_papers(needed: str) -> None:
    assert (ROOT / needed).is_file()
