from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from tinct.errors import OutputError, OutputExists
from tinct.media.atomic import atomic_path

posix_only = pytest.mark.skipif(os.name != "posix", reason="needs POSIX modes and links")


def write(target: Path, text: str, *, overwrite: bool = False) -> None:
    with atomic_path(target, overwrite=overwrite) as path:
        path.write_text(text)


def only(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_a_new_file(tmp_path):
    write(tmp_path / "a", "new")
    assert (tmp_path / "a").read_text() == "new"
    assert only(tmp_path) == ["a"]


def test_an_existing_file_is_replaced_only_if_asked(tmp_path):
    target = tmp_path / "a"
    target.write_text("old")
    with pytest.raises(OutputExists, match="exists"):
        write(target, "new")
    assert target.read_text() == "old"
    write(target, "new", overwrite=True)
    assert target.read_text() == "new"
    assert only(tmp_path) == ["a"]


def test_a_file_that_appears_meanwhile_stays(tmp_path):
    target = tmp_path / "a"

    def race() -> None:
        with atomic_path(target) as path:
            path.write_text("new")
            target.write_text("theirs")

    with pytest.raises(OutputExists, match="meanwhile"):
        race()
    assert target.read_text() == "theirs"
    assert only(tmp_path) == ["a"]


def test_a_failure_leaves_the_old_file(tmp_path):
    target = tmp_path / "a"
    target.write_text("old")

    def fail() -> None:
        with atomic_path(target, overwrite=True) as path:
            path.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert target.read_text() == "old"
    assert only(tmp_path) == ["a"]


def test_a_full_disk_is_told(tmp_path):
    with pytest.raises(OutputError, match="No space left"), atomic_path(tmp_path / "a"):
        raise OSError(28, "No space left on device")
    assert only(tmp_path) == []


def test_folders_and_missing_folders_are_refused(tmp_path):
    with pytest.raises(OutputError, match="is a folder"):
        write(tmp_path, "x", overwrite=True)
    with pytest.raises(OutputError, match=r"No such file|cannot find"):
        write(tmp_path / "missing" / "a", "x")


@posix_only
def test_pipes_and_devices_stay(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OutputError, match="a device or a pipe"):
        write(tmp_path / "pipe", "x", overwrite=True)
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


@posix_only
def test_modes(tmp_path):
    before = os.umask(0o027)
    try:
        write(tmp_path / "new", "x")
        assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o640
        (tmp_path / "old").write_text("x")
        (tmp_path / "old").chmod(0o604)
        write(tmp_path / "old", "y", overwrite=True)
        assert stat.S_IMODE((tmp_path / "old").stat().st_mode) == 0o604
    finally:
        os.umask(before)


@posix_only
def test_a_link_stays_and_its_file_is_replaced(tmp_path):
    (tmp_path / "there").mkdir()
    real, link = tmp_path / "there" / "real", tmp_path / "link"
    real.write_text("old")
    link.symlink_to(real)
    with pytest.raises(OutputExists):
        write(link, "new")
    write(link, "new", overwrite=True)
    assert link.is_symlink()
    assert real.read_text() == "new"
    dangling = tmp_path / "dangling"
    dangling.symlink_to(tmp_path / "there" / "later")
    write(dangling, "new")
    assert (tmp_path / "there" / "later").read_text() == "new"


@posix_only
def test_link_loops_are_refused(tmp_path):
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    with pytest.raises(OutputError):
        write(tmp_path / "a", "x", overwrite=True)
    assert only(tmp_path) == ["a", "b"]


@pytest.mark.skipif(
    os.name != "posix" or not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere"
)
def test_a_folder_without_the_right_to_write(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError, match="Permission denied"):
        write(tmp_path / "a", "x")
    tmp_path.chmod(0o700)


@pytest.mark.parametrize("name", ["Öl 東京 ñ.txt", "a" * 251 + ".txt", "'quoted' [1] $x.txt"])
def test_names(tmp_path, name):
    if sys.platform == "win32" and len(str(tmp_path / name)) > 255:
        pytest.skip("Windows has shorter paths")
    write(tmp_path / name, "x")
    assert only(tmp_path) == [name]


def test_a_name_too_long_is_told(tmp_path):
    with pytest.raises(OutputError):
        write(tmp_path / ("a" * 300), "x")
    assert only(tmp_path) == []
