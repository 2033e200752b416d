from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tinct.cli.inputs import Gathered, gather
from tinct.errors import OptionError


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def touch(*names: str) -> None:
    for name in names:
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def names(gathered: Gathered) -> list[str]:
    return [Path(source.name).as_posix() for source in gathered.sources]


def test_keeps_the_order_given_and_sorts_folders() -> None:
    touch("z.jpg", "album/b.JPG", "album/a.png", "a.jpg")
    assert names(gather(["z.jpg", "album", "a.jpg"])) == ["z.jpg", "album/a.png", "album/b.JPG", "a.jpg"]


def test_only_pictures_that_are_not_hidden_count_in_a_folder() -> None:
    touch("album/a.webp", "album/notes.txt", "album/.tinct-1.tmp", "album/._a.jpg", "album/.thumbs/a.jpg")
    assert names(gather(["album"], recursive=True)) == ["album/a.webp"]


def test_a_named_file_counts_whatever_its_ending() -> None:
    touch("scan", "scan.data")
    assert names(gather(["scan", "scan.data"])) == ["scan", "scan.data"]


def test_paths_below_a_folder_are_kept() -> None:
    touch("album/a.jpg", "album/x/y/b.jpg")
    gathered = gather(["album"], recursive=True)
    assert [source.below for source in gathered.sources] == [Path("a.jpg"), Path("x/y/b.jpg")]


@pytest.mark.parametrize(
    ("arguments", "several"),
    [(["a.jpg"], False), (["a.jpg", "a.jpg"], False), (["a.*"], False), (["?.jpg"], True), (["a.jpg", "b.jpg"], True),
     (["one"], True), (["a.jpg", "missing.jpg"], True), (["-"], False)],
)  # fmt: skip
def test_knows_several_from_one(arguments: list[str], several: bool) -> None:
    touch("a.jpg", "b.jpg", "one/c.jpg")
    assert gather(arguments).several is several


def test_problems_come_with_their_reasons() -> None:
    touch("album/x/a.jpg", "results/a.color.jpg")
    Path("empty").mkdir()
    problems = dict(gather(["missing.jpg", "*.gif", "empty", "album", "results"]).problems)
    assert set(problems) == {"missing.jpg", "*.gif", "empty", "album", "results"}
    assert "--recursive" in problems["album"]
    assert "--recursive" not in problems["empty"]
    assert "earlier run" in problems["results"]


def test_results_are_left_out_of_folders_and_beside_their_originals() -> None:
    touch("album/a.jpg", "album/a.color.jpg", "a.jpg", "a.color.png", "lonely.color.jpg")
    gathered = gather(["album", "a.jpg", "a.color.png", "lonely.color.jpg"])
    assert names(gathered) == ["album/a.jpg", "a.jpg", "lonely.color.jpg"]
    assert sorted(Path(name).as_posix() for name in gathered.earlier) == ["a.color.png", "album/a.color.jpg"]


def test_a_folder_to_avoid_isn_t_looked_into() -> None:
    touch("album/a.jpg", "album/out/a.jpg")
    assert names(gather(["album"], recursive=True, avoid=Path("album/out"))) == ["album/a.jpg"]


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege on Windows")
def test_links_are_followed_once() -> None:
    touch("album/a.jpg", "elsewhere/b.jpg")
    Path("album/linked").symlink_to(Path("elsewhere").resolve(), target_is_directory=True)
    Path("album/round").symlink_to(Path("album").resolve(), target_is_directory=True)
    Path("elsewhere/back").symlink_to(Path("album").resolve(), target_is_directory=True)
    assert names(gather(["album"], recursive=True)) == ["album/a.jpg", "album/linked/b.jpg"]


def test_standard_input_stands_alone() -> None:
    assert gather(["-"]).sources[0].is_standard
    with pytest.raises(OptionError, match="can't stand beside"):
        gather(["-", "a.jpg"])


def test_a_file_named_minus_can_be_reached() -> None:
    touch("-")
    assert not gather(["./-"]).sources[0].is_standard
