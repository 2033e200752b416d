"""``tinct batch``: what is done isn't done again, what has changed is, and nothing is lost or mixed up."""

from __future__ import annotations

import csv
import os
import shutil
import sys
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tinct.jobs.batch import state_folder
from tinct.media.photo import read_photo, write_pages


@pytest.fixture
def album(picture: Any, gray_pixels: Any) -> Path:
    """Four photographs in two folders below ``in``, each another one."""
    for number, name in enumerate(("one.jpg", "two.png", "sub/three.tif", "sub/four.jpg")):
        picture(f"in/{name}", np.roll(gray_pixels, number * 5, axis=1))
    return Path("in")


def results(folder: str = "out") -> dict[str, bytes]:
    """Return the results, without the batch's own files."""
    found = {path.relative_to(folder).as_posix(): path for path in Path(folder).rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in sorted(found.items()) if not name.startswith("_tinct/")}


def table(folder: str = "out") -> dict[str, dict[str, str]]:
    with Path(folder, "_tinct", "report.csv").open(encoding="utf-8-sig") as file:
        return {row["source"]: row for row in csv.DictReader(file)}


def test_a_folder_is_colorized_as_by_colorize(run: Any, album: Path) -> None:
    done = run("batch", album, "out")
    assert done.code == 0, done.err
    assert "4 done" in done.err
    assert run("colorize", album, "-r", "-o", "plain").code == 0
    assert results() == results("plain")
    assert {row["state"] for row in table().values()} == {"done"}
    page = Path("out/_tinct/index.html").read_text()
    assert page.count("<img") == 4
    [small] = Path("out/_tinct/thumbs/0000").glob("1-*.jpg")
    assert f'src="thumbs/0000/{small.name}"' in page
    assert read_photo(small).to_numpy().shape == (48, 128, 3)
    assert not Path("out/_tinct/partial").exists()


def test_a_name_of_another_format_is_noted(run: Any, picture: Any, gray_pixels: Any) -> None:
    picture("in/true.png", gray_pixels)
    picture("in/named.png", gray_pixels)
    Path("in/named.png").rename("in/named.jpg")
    done = run("batch", "in", "out")
    note = "the result is jpeg by the file's name; by what is in it, it would be png (--format)"
    assert done.err.count(f"named.jpg: {note}") == 1
    assert {name: row["notes"] for name, row in table().items()} == {"true.png": "", "named.jpg": note}
    assert note not in run("batch", "in", "out", "--format", "png").err


def test_a_second_run_does_nothing_again(run: Any, album: Path) -> None:
    run("batch", album, "out")
    before = {name: Path("out", name).stat().st_mtime_ns for name in results()}
    done = run("batch", album, "out")
    assert done.code == 0
    assert "4 done before" in done.err
    assert "nothing to do" in done.err
    assert {name: Path("out", name).stat().st_mtime_ns for name in results()} == before


def test_results_beside_their_originals_are_left_out_and_counted(run: Any, picture: Any) -> None:
    """A name like that of a result is a photograph's own where there is no original; also on the next run."""
    for name in ("1.tif", "1.color.tif", "1.color-2.jpg", "sub/1.confidence.png", "plate-12.color.tif"):
        picture(f"in/{name}")
    done = run("batch", "in", "out")
    assert done.code == 0, done.err
    assert set(results()) == {"1.tif", "sub/1.confidence.png", "plate-12.color.tif"}
    names = "*.color.*, *.color-N.*, *.confidence.*"
    assert f"2 left out, named like results ({names}) of photographs beside them" in done.err
    again = run("batch", "in", "out")
    assert "3 done before" in again.err
    assert "nothing to do" in again.err


def test_what_changed_is_noticed_and_done_again(run: Any, album: Path, picture: Any, gray_pixels: Any) -> None:
    run("batch", album, "out")
    first = results()
    read_photo(gray_pixels[::-1]).save("in/one.jpg", overwrite=True)  # another content
    Path("in/two.png").touch()  # another time, the same content
    Path("out/sub/four.jpg").unlink()
    done = run("batch", album, "out")
    assert done.code == 0
    assert "2 done, 1 found to be right" in done.err
    assert {name for name, data in results().items() if data != first[name]} == {"one.jpg"}
    done = run("batch", album, "out", "--mode", "faithful")
    assert "4 done" in done.err
    assert all(data != first[name] for name, data in results().items())


def test_a_result_that_somebody_changed_is_kept_aside(run: Any, album: Path) -> None:
    run("batch", album, "out")
    first = results()
    Path("out/one.jpg").write_bytes(b"edited by hand")
    done = run("batch", album, "out")
    assert done.code == 0
    assert "was changed by somebody" in done.err
    assert results() == first
    assert Path("out/_tinct/replaced/one.jpg").read_bytes() == b"edited by hand"


def test_damage_that_time_and_size_hide_is_found_by_verify(run: Any, album: Path) -> None:
    run("batch", album, "out")
    first = results()
    path = Path("out/one.jpg")
    status = path.stat()
    path.write_bytes(bytes([path.read_bytes()[0] ^ 1]) + path.read_bytes()[1:])
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert "nothing to do" in run("batch", album, "out").err
    done = run("batch", album, "out", "--verify")
    assert "1 done, 3 found to be right" in done.err
    assert results() == first


def test_a_source_that_is_deleted_is_named_and_its_result_stays(run: Any, album: Path) -> None:
    run("batch", album, "out")
    Path("in/one.jpg").unlink()
    done = run("batch", album, "out")
    assert done.code == 0
    assert "1 gone from the source" in done.err
    assert "one.jpg" in done.err
    assert table()["one.jpg"]["state"] == "gone"
    assert "one.jpg" in results()


def test_failures_are_named_left_alone_and_retried(run: Any, album: Path) -> None:
    Path("in/bad.jpg").write_text("no picture")
    good = Path("in/good.jpg")
    shutil.copy("in/one.jpg", good)
    good.write_bytes(good.read_bytes()[:-200])
    done = run("batch", album, "out")
    assert done.code == 1
    assert "bad.jpg is no picture" in done.err
    assert "good.jpg is cut short" in done.err
    assert "partial" not in done.err
    again = run("batch", album, "out")
    assert again.code == 1
    assert "2 failed before" in again.err
    assert "failures.html" in Path("out/_tinct/index.html").read_text()
    assert "bad.jpg" in Path("out/_tinct/failures.html").read_text()
    retried = run("batch", album, "out", "--retry-failed")
    assert "2 failed" in retried.err
    assert table()["bad.jpg"]["attempts"] == "2"
    shutil.copy("in/one.jpg", good)  # another content is worth another attempt, unasked
    assert "1 done" in run("batch", album, "out").err


def test_a_file_that_the_batch_did_not_make_is_not_replaced(run: Any, album: Path) -> None:
    Path("out").mkdir()
    Path("out/one.jpg").write_bytes(b"mine")
    done = run("batch", album, "out")
    assert done.code == 1
    assert "didn't make" in done.err
    assert "3 done" in done.err
    assert Path("out/one.jpg").read_bytes() == b"mine"
    done = run("batch", album, "out", "--overwrite")
    assert done.code == 0
    assert read_photo("out/one.jpg").to_numpy().ndim == 3


@pytest.mark.skipif(sys.platform != "linux", reason="other systems' names are one already")
def test_names_that_other_systems_take_for_one(run: Any, picture: Any, gray_pixels: Any) -> None:
    composed = unicodedata.normalize("NFC", "in/é.jpg")
    for number, name in enumerate(("in/A.jpg", "in/a.jpg", composed, unicodedata.normalize("NFD", composed))):
        picture(name, np.roll(gray_pixels, number))
    os.rename("in/a.jpg", b"in/\xff.jpg")
    picture("in/a.jpg", gray_pixels[::-1])
    done = run("batch", "in", "out")
    assert done.code == 0, done.err
    assert "got names of their own" in done.err
    names = list(results())
    folded = {unicodedata.normalize("NFC", name).casefold() for name in names}
    assert len(names) == len(folded) == 5
    assert "nothing to do" in run("batch", "in", "out").err


def test_the_value_shifts(run: Any, album: Path) -> None:
    run("batch", album, "plain")
    assert run("batch", album, "out", "--value-shift", "0.2").code == 0
    for name in results():
        light, plain = (read_photo(f"{folder}/{name}").to_numpy().max(-1).mean() for folder in ("out", "plain"))
        assert light > plain + 10, name
    assert "nothing to do" in run("batch", album, "out", "--value-shift", "0.2").err
    assert "4 done" in run("batch", album, "out").err
    assert results() == results("plain")
    done = run("batch", album, "out", "--value-shift", "2")
    assert (done.code, "expected -1 to 1" in done.err) == (2, True)


def test_one_target_for_several_formats(run: Any, picture: Any, gray_pixels: Any) -> None:
    for number, name in enumerate(("in/one.jpg", "in/one.png", "in/one.tif")):
        picture(name, np.roll(gray_pixels, 9 * number))
    assert run("batch", "in", "out", "--format", "webp").code == 0
    assert len(results()) == 3
    assert all(name.startswith("one") and name.endswith(".webp") for name in results())
    assert len(set(results().values())) == 3


def test_a_dry_run_writes_nothing(run: Any, album: Path, contents: Any) -> None:
    before = contents()
    done = run("batch", album, "out", "--dry-run")
    assert done.code == 0
    assert done.out.splitlines() == [
        "one.jpg -> one.jpg (new)",
        "two.png -> two.png (new)",
        "sub/four.jpg -> sub/four.jpg (new)",
        "sub/three.tif -> sub/three.tif (new)",
    ]
    assert contents() == before
    assert not Path("out").exists()
    run("batch", album, "out")
    Path("in/one.jpg").touch()
    assert run("batch", album, "out", "--dry-run").out == "one.jpg -> one.jpg (source changed)\n"


def test_wrong_usage(run: Any, album: Path) -> None:
    for arguments, says in (
        (("in", "in"), "can't go where the photographs are"),
        (("in/sub", "in"), "can't go where the photographs are"),
        (("in", "out", "--watch", "--consistent"), "--reference works with --watch"),
        (("in", "out", "--consistent", "--reference", "in/one.jpg"), "contradict"),
        (("in", "out", "--quality", "0"), "--quality is 0"),
        (("in", "out", "--layer", "--format", "jpeg"), "16 bits"),
        (("ftp://x/y", "out"), "no address that begins with"),
        (("s3://", "out"), "names no bucket"),
    ):
        done = run("batch", *arguments)
        assert done.code == 2, (arguments, done.err)
        assert says in done.err
    assert run("batch", "missing", "out").code == 1
    run("batch", album, "out")
    Path("other").mkdir()
    done = run("batch", "other", "out")
    assert done.code == 2
    assert "holds the results of" in done.err


def test_results_below_the_sources_are_no_sources(run: Any, album: Path) -> None:
    assert run("batch", album, "in/out").code == 0
    assert "4 done before" in run("batch", album, "in/out").err


def test_what_a_batch_made_is_no_source(run: Any, album: Path) -> None:
    for _ in range(2):
        run("batch", "in", "out", "--state", "in/state")
        if not Path("in/back").exists():
            Path("in/back").symlink_to(Path("out/sub").resolve(), target_is_directory=True)
        assert results().keys() == {"one.jpg", "two.png", "sub/three.tif", "sub/four.jpg"}
    # A folder around the photographs may hold the batch's own files.
    assert run("batch", "in/sub", "other", "--state", ".").code == 0
    refused = run("batch", "in", "third", "--state", "in")
    assert refused.code == 2
    assert "give another --state" in refused.err


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere names are Unicode")
def test_folders_whose_names_are_no_unicode(run: Any, start: Any, album: Path) -> None:
    source, target = os.fsdecode(b"in\xff"), os.fsdecode(b"out\xff")
    album.rename(source)
    for _ in range(2):
        assert run("batch", source, target).code == 0
    assert (Path(target) / "sub/three.tif").exists()
    said, _ = start("batch", "report", target).communicate(timeout=60)
    assert os.fsencode(Path(target) / "_tinct/index.html") in said


def test_own_files_that_cannot_be_written(run: Any, album: Path) -> None:
    Path("out/_tinct/lock.sqlite").mkdir(parents=True)
    done = run("batch", "in", "out")
    assert done.code == 1
    assert "out/_tinct can't be used" in done.err
    assert "another run" not in done.err


def test_addresses_of_folders(run: Any, album: Path, workspace: Path) -> None:
    album.rename("my album")
    assert run("batch", (workspace / "my album").as_uri(), (workspace / "in color").as_uri()).code == 0
    assert Path("in color/two.png").exists()
    assert state_folder("s3://box/a-b") != state_folder("s3://box/a/b")


def test_the_small_picture_is_of_the_page_that_was_asked_for(run: Any, workspace: Path) -> None:
    dark, light = (np.full((48, 64), value, np.uint8) for value in (20, 230))
    Path("in").mkdir()
    write_pages((read_photo(page) for page in (dark, light)), Path("in/two.tif"))
    assert run("batch", "in", "out", "--pages", "2").code == 0
    [small] = Path("out/_tinct/thumbs").rglob("*.jpg")
    before, after = np.hsplit(read_photo(small).lightness().numpy(), 2)
    assert abs(before.mean() - after.mean()) < 5


def test_the_report_alone(run: Any, album: Path) -> None:
    run("batch", album, "out", "--no-thumbnails")
    assert "<img" not in Path("out/_tinct/index.html").read_text()
    Path("out/_tinct/report.csv").unlink()
    assert run("batch", "report", "out").out.strip().endswith("index.html")
    assert len(table()) == 4
    assert run("batch", "report", "in").code == 1


def test_a_series_shares_its_colors(run: Any, picture: Any, gray_pixels: Any, quick_model: Path) -> None:
    for number in range(4):
        picture(f"in/{number}.png", np.roll(gray_pixels, number * 16, axis=1))
    assert run("batch", "in", "out").code == 0
    alone = results()
    assert run("batch", "in", "out", "--consistent").code == 0
    together = results()
    assert all(together[name] != alone[name] for name in alone)
    assert "nothing to do" in run("batch", "in", "out", "--consistent").err
    # What is in the mark is enough to make one again, without the others.
    done = run("reproduce", "out/1.png", "--source", "in/1.png", "-o", "again.png", "--model", quick_model)
    assert done.code == 0, done.err
    shutil.copy("in/0.png", "in/9.png")
    assert run("batch", "in", "out", "--consistent").code == 0
    read_photo(np.full((40, 40, 3), (200, 120, 40), np.uint8)).save("reference.png")
    assert "5 done" in run("batch", "in", "out", "--reference", "reference.png").err
