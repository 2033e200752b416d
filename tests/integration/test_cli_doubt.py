"""``--confidence``, ``--variants``, ``--reference`` and ``tinct suggest``, as a user gives them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

Run = Callable[..., Any]
Write = Callable[..., Path]


def test_a_confidence_map_beside_the_result(run: Run, picture: Write) -> None:
    photo = picture("photo.jpg")
    assert run("colorize", photo, "--confidence", "sure.png").code == 0
    assert Path("photo.color.jpg").exists()
    with Image.open("sure.png") as found:
        assert (found.mode, found.size) == ("L", (64, 48))
    again = run("colorize", photo, "--confidence", "sure.png", "-o", "again.jpg")
    assert again.code == 1
    assert "the confidence map sure.png exists" in again.err
    assert not Path("again.jpg").exists()
    assert run("colorize", photo, "--confidence", "sure.png", "-o", "again.jpg", "--overwrite").code == 0


@pytest.mark.parametrize("missing", ["a.png", "a.confidence.png", "a.png.xmp"])
def test_what_an_interruption_left_out_is_made_later_and_the_rest_stays(
    run: Run, picture: Write, contents: Callable[[], dict[str, bytes]], missing: str
) -> None:
    picture("in/a.png")
    words = ("colorize", "in", "-o", "out", "--confidence", "out", "--sidecar", "--skip-existing")
    assert run(*words).code == 0
    whole = contents()
    (Path("out") / missing).unlink()
    there = {path: path.stat().st_mtime_ns for path in Path("out").iterdir()}
    assert len(there) == 2
    done = run(*words)
    assert done.code == 0
    assert "skipped" not in done.err
    assert contents() == whole
    assert {path: path.stat().st_mtime_ns for path in there} == there
    assert "skipped" in run(*words).err


def test_a_folder_s_confidence_maps_keep_the_paths(run: Run, picture: Write) -> None:
    picture("in/a.png")
    picture("in/below/b.png")
    assert run("colorize", "in", "-r", "-o", "out", "--confidence", "out").code == 0
    made = sorted(path.relative_to("out").as_posix() for path in Path("out").rglob("*.png"))
    assert made == ["a.confidence.png", "a.png", "below/b.confidence.png", "below/b.png"]
    # Neither is taken for a photograph by the next run, nor are variants.
    assert run("colorize", "out", "-o", "next", "--variants", 2).code == 0
    assert sorted(path.name for path in Path("next").iterdir()) == ["a-1.png", "a-2.png"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--confidence", "map.jpg"), "ends in .png"),
        (("--confidence", "-"), "can't go to standard output"),
        (("--confidence", "m.png", "--variants", 2), "leave --variants out"),
        (("--variants", 0), "--variants is 0, expected 1 to 12"),
        (("--variants", 13), "--variants is 13"),
        (("--variants", 2, "-o", "-"), "standard output"),
        (("--variants", 2, "--seed", -1), "--seed is -1"),
        (("--reference", "none.jpg"), "--reference: none.jpg"),
        (("--reference", "photo.png"), "the reference photo.png is gray"),
    ],
)
def test_wrong_usage(arguments: tuple[Any, ...], says: str, refused: Callable[..., str], picture: Write) -> None:
    refused(picture("photo.png"), *arguments, code=2, says=says)


def test_one_map_for_several_photographs(refused: Callable[..., str], picture: Write) -> None:
    refused(picture("a.png"), picture("b.png"), "--confidence", "map.png", code=2, says="give a folder")


def test_a_map_replaces_no_input_and_no_result(refused: Callable[..., str], picture: Write) -> None:
    photo = picture("photo.png")
    refused(photo, "--confidence", "photo.png", "--overwrite", code=1, says="which is an input")
    refused(photo, "-o", "x.png", "--confidence", "x.png", code=1, says="would both be x.png")


def test_variants_are_several_files_and_can_be_made_again(run: Run, picture: Write, quick_model: Path) -> None:
    photo = picture("photo.png")
    done = run("colorize", photo, "--variants", 3, "--seed", 4, "--json")
    assert done.code == 0
    names = sorted(json.loads(line)["output"] for line in done.out.splitlines())
    assert names == [f"photo.color-{number}.png" for number in (1, 2, 3)]
    pixels = [np.asarray(Image.open(name)) for name in names]
    assert all((a != b).any() for i, a in enumerate(pixels) for b in pixels[:i])
    assert run("reproduce", names[1], "--source", photo, "-o", "again.png", "--model", quick_model).code == 0
    assert Path("again.png").read_bytes() == Path(names[1]).read_bytes()
    assert run("colorize", photo, "--variants", 2, "-o", "named.png").code == 0
    assert sorted(path.name for path in Path().glob("named*")) == ["named-1.png", "named-2.png"]


def test_a_reference_is_needed_again(
    run: Run, picture: Write, color_pixels: NDArray[np.uint8], quick_model: Path
) -> None:
    photo, reference = picture("photo.png"), picture("reference.png", color_pixels)
    assert run("colorize", photo, "--reference", reference).code == 0
    again = ("reproduce", "photo.color.png", "--source", photo, "-o", "again.png", "--model", quick_model)
    missing = run(*again)
    assert missing.code == 1
    assert "give it with --reference" in missing.err
    wrong = run(*again, "--reference", photo)
    assert "isn't the reference of the result" in wrong.err
    assert not Path("again.png").exists()
    assert run(*again, "--reference", reference).code == 0


def test_suggest_lists_points_and_colors(run: Run, picture: Write) -> None:
    photo = picture("photo.png")
    done = run("suggest", photo, "-n", 4)
    assert done.code == 0
    assert len(done.out.splitlines()) == 4
    found = json.loads(run("suggest", photo, "-n", 4, "--json").out)
    assert [set(point) for point in found] == [{"x", "y", "score", "colors"}] * 4
    assert f"{found[0]['x']},{found[0]['y']}" in done.out.splitlines()[0]
    swatches = json.loads(run("suggest", photo, "--at", "50%,10", "--json", "-n", 3).out)
    assert 1 <= len(swatches) <= 3
    assert all(swatch["color"].startswith("#") for swatch in swatches)
    hint = f"{found[0]['x']},{found[0]['y']},#808080"
    assert json.loads(run("suggest", photo, "-n", 4, "--json", "--hint", hint).out) != found


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("none.jpg",), 1, "none.jpg"),
        (("photo.png", "-n", 0), 2, "the number of points is 0, expected a whole number from 1 to 100"),
        (("photo.png", "--at", "5"), 2, "expected X,Y"),
        (("photo.png", "--at", "64,0"), 2, "outside the picture"),
        (("photo.png", "--at", "1,1", "--hint", "1,1,#808080"), 2, "give one"),
    ],
)
def test_suggest_says_what_is_wrong(arguments: tuple[Any, ...], code: int, says: str, run: Run, picture: Write) -> None:
    picture("photo.png")
    done = run("suggest", *arguments)
    assert done.code == code
    assert says in done.err
    assert done.out == ""
