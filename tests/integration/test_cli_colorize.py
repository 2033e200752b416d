"""``tinct colorize`` when all goes well: inputs, outputs, options, what is said."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tinct.media.photo import read_photo


def test_writes_beside_the_input_and_keeps_it(run: Any, picture: Any, contents: Any) -> None:
    picture("photo.jpg")
    before = contents()
    done = run("colorize", "photo.jpg")
    assert (done.code, done.out) == (0, "")
    assert "photo.jpg -> photo.color.jpg" in done.err
    after = contents()
    assert set(after) == {"photo.jpg", "photo.color.jpg"}
    assert after["photo.jpg"] == before["photo.jpg"]
    assert read_photo("photo.color.jpg").to_numpy().shape == (48, 64, 3)


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("result.png", "result.png"),
        ("colored", "colored/photo.jpg"),
        ("colored/", "colored/photo.jpg"),
        ("deep/er/result.jpg", "deep/er/result.jpg"),
        ("archive.v2/", "archive.v2/photo.jpg"),
    ],
)
def test_one_input_goes_to_a_file_or_a_folder(
    run: Any, picture: Any, contents: Any, output: str, expected: str
) -> None:
    picture("photo.jpg")
    assert run("colorize", "photo.jpg", "-o", output).code == 0
    assert set(contents()) == {"photo.jpg", expected}


def test_an_existing_folder_is_a_folder_whatever_its_name(run: Any, picture: Any, workspace: Path) -> None:
    picture("photo.jpg")
    (workspace / "results.jpg").mkdir()
    assert run("colorize", "photo.jpg", "-o", "results.jpg").code == 0
    assert (workspace / "results.jpg" / "photo.jpg").is_file()


def test_several_inputs_go_to_a_folder(run: Any, picture: Any, contents: Any) -> None:
    picture("a/one.jpg")
    picture("two.png")
    done = run("colorize", "a/one.jpg", "two.png", "-o", "colored")
    assert done.code == 0
    assert {"colored/one.jpg", "colored/two.png"} <= set(contents())
    assert "2 done" in done.err
    assert "2/2" in done.err


def test_a_folder_s_results_keep_paths_and_stems(run: Any, picture: Any, contents: Any, workspace: Path) -> None:
    for name in ("album/one.jpg", "album/1921/two.png", "album/1921/.hidden.jpg"):
        picture(name)
    (workspace / "album" / "notes.txt").write_text("not a picture", encoding="utf-8")
    assert run("colorize", "album", "-r", "-o", "colored").code == 0
    assert {name for name in contents() if name.startswith("colored")} == {"colored/one.jpg", "colored/1921/two.png"}


def test_a_folder_without_recursive_leaves_subfolders(run: Any, picture: Any, contents: Any) -> None:
    picture("album/one.jpg")
    picture("album/1921/two.png")
    assert run("colorize", "album").code == 0
    assert {name for name in contents() if ".color." in name} == {"album/one.color.jpg"}


def test_results_aren_t_colorized_again(run: Any, picture: Any, contents: Any) -> None:
    picture("album/one.jpg")
    assert run("colorize", "album").code == 0
    again = run("colorize", "album", "--overwrite")
    assert again.code == 0
    assert "left out 1 result of an earlier run" in again.err
    assert run("colorize", "album/*.jpg", "--overwrite").code == 0
    assert set(contents()) == {"album/one.jpg", "album/one.color.jpg"}


def test_an_output_folder_inside_the_input_folder_isn_t_looked_into(run: Any, picture: Any, contents: Any) -> None:
    picture("album/one.jpg")
    for _ in range(2):
        assert run("colorize", "album", "-r", "-o", "album/colored", "--overwrite").code == 0
    assert set(contents()) == {"album/one.jpg", "album/colored/one.jpg"}


def test_patterns_are_expanded(run: Any, picture: Any, contents: Any) -> None:
    for name in ("a1.jpg", "a2.jpg", "b.jpg", "x/y/c.jpg"):
        picture(name)
    assert run("colorize", "a*.jpg", "**/c.jpg", "-o", "out").code == 0
    assert {name for name in contents() if name.startswith("out")} == {"out/a1.jpg", "out/a2.jpg", "out/c.jpg"}


def test_a_name_with_brackets_is_no_pattern_where_it_exists(run: Any, picture: Any, contents: Any) -> None:
    picture("photo[1].jpg")
    assert run("colorize", "photo[1].jpg").code == 0
    assert "photo[1].color.jpg" in contents()


def test_an_input_named_twice_is_done_once(run: Any, picture: Any, workspace: Path) -> None:
    picture("photo.jpg")
    done = run("colorize", "photo.jpg", "./photo.jpg", workspace / "photo.jpg", "--json")
    assert done.code == 0
    assert len(done.out.splitlines()) == 1


def test_format_decides_the_ending(run: Any, picture: Any, contents: Any) -> None:
    picture("photo.jpg")
    assert run("colorize", "photo.jpg", "--format", "png").code == 0
    assert contents()["photo.color.png"].startswith(b"\x89PNG")


def test_quality_decides_the_size(run: Any, picture: Any, contents: Any) -> None:
    picture("photo.jpg")
    assert run("colorize", "photo.jpg", "--quality", 30, "-o", "low.jpg").code == 0
    assert run("colorize", "photo.jpg", "--quality", 95, "-o", "high.jpg").code == 0
    assert len(contents()["low.jpg"]) < len(contents()["high.jpg"])


def test_overwrite_replaces_and_skip_existing_leaves(run: Any, picture: Any, workspace: Path) -> None:
    picture("photo.jpg")
    target = workspace / "photo.color.jpg"
    target.write_bytes(b"old")
    done = run("colorize", "photo.jpg", "--skip-existing")
    assert done.code == 0
    assert "skipped" in done.err
    assert target.read_bytes() == b"old"
    assert run("colorize", "photo.jpg", "--overwrite").code == 0
    assert target.read_bytes().startswith(b"\xff\xd8\xff")


def test_overwrite_may_replace_the_input(run: Any, picture: Any, contents: Any) -> None:
    picture("photo.jpg")
    before = contents()
    assert run("colorize", "photo.jpg", "-o", "photo.jpg", "--overwrite").code == 0
    after = contents()
    assert set(after) == {"photo.jpg"}
    assert after != before
    assert read_photo("photo.jpg").to_numpy().shape == (48, 64, 3)


def test_options_change_the_result_and_equal_ones_don_t(run: Any, picture: Any, contents: Any) -> None:
    picture("photo.png")
    variants = {
        "plain": (),
        "again": (),
        "faithful": ("--mode", "faithful"),
        "middle": ("--vividness", 0.5),
        "saturated": ("--saturation", 1.8),
        "hinted": ("--hint", "50%,50%,#c02020"),
        "sized": ("--size", 48),
        "unmarked": ("--no-mark",),
    }
    for name, options in variants.items():
        assert run("colorize", "photo.png", "-o", f"{name}.png", *options).code == 0
    results = contents()
    assert results["plain.png"] == results["again.png"]
    assert len({results[f"{name}.png"] for name in variants}) == len(variants) - 1


def test_a_hint_colors_its_place(run: Any, picture: Any) -> None:
    picture("photo.png", np.full((48, 64), 128, np.uint8))
    assert run("colorize", "photo.png", "-o", "red.png", "--hint", "32,24,#c02020,4").code == 0
    red, green, blue = read_photo("red.png").to_numpy()[24, 32].astype(int)
    assert red > green + 40
    assert red > blue + 40


def test_hints_come_from_a_file_too(run: Any, picture: Any, workspace: Path, contents: Any) -> None:
    picture("photo.png")
    hints = [{"x": 12, "y": "40%", "color": "#a03020", "radius": 3}]
    (workspace / "hints.json").write_text(json.dumps(hints), encoding="utf-8")
    assert run("colorize", "photo.png", "-o", "file.png", "--hints", "hints.json").code == 0
    assert run("colorize", "photo.png", "-o", "option.png", "--hint", "12,40%,#a03020,3").code == 0
    assert (read_photo("file.png").to_numpy() == read_photo("option.png").to_numpy()).all()


def test_a_mask_keeps_what_is_black(run: Any, picture: Any, gray_pixels: Any) -> None:
    mask = np.zeros((48, 64), np.uint8)
    mask[:, 32:] = 255
    picture("photo.png")
    picture("mask.png", mask)
    assert run("colorize", "photo.png", "-o", "masked.png", "--mask", "mask.png").code == 0
    pixels = read_photo("masked.png").to_numpy().astype(int)
    assert (pixels[:, :30] == gray_pixels[:, :30, np.newaxis]).all()
    assert np.ptp(pixels[:, 34:], axis=-1).max() > 4


def test_a_layer_is_written_in_16_bits(run: Any, picture: Any) -> None:
    picture("photo.jpg")
    assert run("colorize", "photo.jpg", "--layer").code == 0
    assert read_photo("photo.color.png").depth == 16


def test_json_says_everything_on_one_line_a_file(run: Any, picture: Any, quick_model: Path) -> None:
    picture("a.jpg")
    picture("b.jpg")
    picture("b.color.jpg")
    done = run("colorize", "a.jpg", "b.jpg", "missing.jpg", "--json", "--skip-existing", "--jobs", 1)
    assert done.code == 1
    lines = {line["input"]: line for line in map(json.loads, done.out.splitlines())}
    fields = {"input", "output", "status", "model", "seconds", "notes", "error"}
    assert all(set(line) == fields for line in lines.values())
    assert {name: line["status"] for name, line in lines.items()} == {
        "a.jpg": "done",
        "b.jpg": "skipped",
        "missing.jpg": "failed",
    }
    assert lines["a.jpg"]["output"] == "a.color.jpg"
    assert lines["a.jpg"]["model"]
    assert lines["a.jpg"]["seconds"] > 0
    assert "no such file" in lines["missing.jpg"]["error"]


def test_quiet_says_nothing(run: Any, picture: Any) -> None:
    picture("a.jpg")
    picture("b.jpg")
    done = run("colorize", "a.jpg", "b.jpg", "-q")
    assert (done.code, done.out, done.err) == (0, "", "")


def test_jobs_give_the_same_bytes(run: Any, picture: Any, contents: Any) -> None:
    for number in range(6):
        picture(f"album/{number}.jpg", np.full((40 + number, 50), 20 * number + 60, np.uint8))
    for jobs in (1, 3):
        assert run("colorize", "album", "-o", f"jobs-{jobs}", "--jobs", jobs, "-q").code == 0
    results = contents()
    assert all(results[f"jobs-1/{number}.jpg"] == results[f"jobs-3/{number}.jpg"] for number in range(6))


def test_standard_input_to_standard_output(start: Callable[..., Any], run: Any, picture: Any, contents: Any) -> None:
    picture("photo.jpg")
    process = start("colorize", "-")
    out, err = process.communicate(contents()["photo.jpg"], timeout=60)
    assert (process.returncode, err) == (0, b"")
    assert read_photo(out).to_numpy().shape == (48, 64, 3)
    assert run("colorize", "photo.jpg").code == 0
    assert contents()["photo.color.jpg"] == out


def test_a_file_to_standard_output_in_another_format(start: Callable[..., Any], picture: Any) -> None:
    picture("photo.jpg")
    process = start("colorize", "photo.jpg", "-o", "-", "--format", "png")
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert out.startswith(b"\x89PNG")


def test_standard_input_to_a_file(start: Callable[..., Any], picture: Any, contents: Any) -> None:
    picture("photo.jpg")
    process = start("colorize", "-", "-o", "result.webp", "--json")
    out, _ = process.communicate(contents()["photo.jpg"], timeout=60)
    assert process.returncode == 0
    assert json.loads(out)["output"] == "result.webp"
    assert contents()["result.webp"][8:12] == b"WEBP"
