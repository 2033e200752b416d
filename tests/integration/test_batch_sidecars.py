"""``tinct batch --sidecar``: XMP beside photographs and results."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from tinct.media.photo import read_photo
from tinct.media.xmp import Packet

NAMES = ("one.jpg", "two.png", "sub/three.tif")


@pytest.fixture
def album(picture: Any) -> Path:
    """Three photographs below ``in``, two of which have a sidecar: of either name."""
    for name in NAMES:
        picture(f"in/{name}")
    describe("in/one.jpg.xmp", "Harbor")
    describe("in/sub/three.xmp", "Mill")
    return Path("in")


def describe(name: str, title: str) -> None:
    packet = Packet()
    packet.set_default_language("dc:title", title)
    Path(name).write_bytes(packet.to_bytes())


def title(data: bytes | None) -> str | None:
    return None if data is None else Packet(data).text("dc:title")


def titles() -> dict[str, tuple[str | None, str | None]]:
    """Return of each result what it says itself, and what its sidecar says."""
    return {
        name: (title(read_photo(f"out/{name}").metadata.xmp), title(Path(f"out/{name}.xmp").read_bytes()))
        for name in NAMES
    }


def table() -> dict[str, dict[str, str]]:
    with Path("out/_tinct/report.csv").open(encoding="utf-8-sig") as file:
        return {row["source"]: row for row in csv.DictReader(file)}


def test_sidecars_are_read_and_written(run: Any, album: Path) -> None:
    done = run("batch", album, "out", "--sidecar")
    assert done.code == 0, done.err
    assert titles() == {"one.jpg": ("Harbor",) * 2, "two.png": (None, None), "sub/three.tif": ("Mill",) * 2}
    assert run("colorize", album, "-r", "-o", "plain", "--sidecar").code == 0
    for name in NAMES:
        for suffix in ("", ".xmp"):
            assert Path(f"out/{name}{suffix}").read_bytes() == Path(f"plain/{name}{suffix}").read_bytes()
    assert "nothing to do" in run("batch", album, "out", "--sidecar").err
    before = Path("out/one.jpg").stat().st_mtime_ns
    assert run("batch", album, "out", "--sidecar", "--verify").code == 0
    assert Path("out/one.jpg").stat().st_mtime_ns == before  # found right by the hashes of photograph and sidecar


def test_a_sidecar_that_changes_comes_or_goes_changes_its_photograph(run: Any, album: Path) -> None:
    run("batch", album, "out", "--sidecar")
    before = Path("out/two.png").stat().st_mtime_ns
    describe("in/one.jpg.xmp", "Wharf")
    Path("in/sub/three.xmp").unlink()
    assert run("batch", album, "out", "--sidecar").code == 0
    assert titles() == {"one.jpg": ("Wharf",) * 2, "two.png": (None, None), "sub/three.tif": (None, None)}
    assert Path("out/two.png").stat().st_mtime_ns == before
    describe("in/two.xmp", "Tower")
    assert run("batch", album, "out", "--sidecar").code == 0
    assert titles()["two.png"] == ("Tower",) * 2


def test_asking_for_sidecars_later_is_another_setting(run: Any, album: Path) -> None:
    run("batch", album, "out")
    assert not list(Path("out").rglob("*.xmp"))
    assert run("batch", album, "out", "--sidecar").code == 0
    assert titles()["one.jpg"] == ("Harbor",) * 2


def test_a_damaged_sidecar_fails_its_photograph_alone(run: Any, album: Path) -> None:
    Path("in/one.jpg.xmp").write_text("junk")
    done = run("batch", album, "out", "--sidecar")
    assert done.code == 1
    assert "one.jpg.xmp is no XMP, or damaged" in table()["one.jpg"]["error"]
    assert not list(Path("out").glob("one*"))
    assert Path("out/two.png.xmp").exists()
    describe("in/one.jpg.xmp", "Harbor")
    assert run("batch", album, "out", "--sidecar").code == 0
    assert titles()["one.jpg"] == ("Harbor",) * 2


def test_a_file_of_somebody_else_by_a_sidecar_s_name_is_kept(run: Any, album: Path) -> None:
    Path("out").mkdir()
    Path("out/two.png.xmp").write_text("mine")
    done = run("batch", album, "out", "--sidecar")
    assert done.code == 1
    assert "two.png.xmp" in table()["two.png"]["error"]
    assert Path("out/two.png.xmp").read_text() == "mine"
    assert not Path("out/two.png").exists()
    assert run("batch", album, "out", "--sidecar", "--retry-failed", "--overwrite").code == 0
    assert titles()["two.png"] == (None, None)


def test_what_is_no_file_by_a_sidecar_s_name_is_left_alone(run: Any, album: Path) -> None:
    Path("in/two.xmp").symlink_to("elsewhere.xmp")
    assert run("batch", album, "out", "--sidecar").code == 0
    assert Path("in/two.xmp").is_symlink()
    assert not Path("in/two.png.xmp").is_symlink()
    assert titles()["two.png"] == (None, None)
