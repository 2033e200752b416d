from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tinct.cli.inputs import gather
from tinct.cli.outputs import Destination, Plan, find_destination, make_folders, make_plan
from tinct.errors import OptionError, OutputError
from tinct.media.photo import read_photo


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("a.jpg", "b.png", "c.HEIC", "d.gif", "e.TIFF", "plain", "x/a.jpg", "x/y/a.jpg"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path


def plan(*arguments: str, output: str | None = None, recursive: bool = False, **options: Any) -> Plan:
    destination = find_destination(output, arguments)
    return make_plan(gather(arguments, recursive=recursive, avoid=destination.folder), destination, **options)


def outputs(made: Plan) -> list[str]:
    return [Path(task.output).as_posix() for task in made.tasks]


def reasons(made: Plan) -> dict[str, str]:
    return {Path(task.source.name).as_posix(): reason for task, reason in made.refused}


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        (None, Destination()),
        ("-", Destination(standard=True)),
        ("x", Destination(folder=Path("x"))),
        ("new", Destination(folder=Path("new"))),
        ("new.d/", Destination(folder=Path("new.d"))),
        ("new.jpg", Destination(file=Path("new.jpg"))),
        ("plain", Destination(file=Path("plain"))),
    ],
)
def test_what_an_output_stands_for(output: str | None, expected: Destination) -> None:
    assert find_destination(output, ["a.jpg"]) == expected


@pytest.mark.parametrize("arguments", [["x"], ["a.jpg", "b.png"]])
def test_what_several_photographs_go_to_may_be_called_by_a_date(arguments: list[str]) -> None:
    assert find_destination("12.05.1943", arguments) == Destination(folder=Path("12.05.1943"))
    assert find_destination("new.jpg", arguments) == Destination(file=Path("new.jpg"))


def test_standard_input_goes_to_standard_output_or_a_file() -> None:
    assert find_destination(None, ["-"]).standard
    assert find_destination("out.jpg", ["-"]).file == Path("out.jpg")
    with pytest.raises(OptionError, match="no name"):
        find_destination("x", ["-"])


@pytest.mark.parametrize(
    ("name", "options", "expected"),
    [
        ("a.jpg", {}, "a.color.jpg"),
        ("c.HEIC", {}, "c.color.jpg"),
        ("d.gif", {}, "d.color.png"),
        ("e.TIFF", {}, "e.color.TIFF"),
        ("plain", {}, "plain.color.png"),
        ("a.jpg", {"format": "tiff"}, "a.color.tif"),
        ("a.jpg", {"format": "JPG"}, "a.color.jpg"),
        ("a.jpg", {"layer": True}, "a.color.png"),
        ("e.TIFF", {"layer": True}, "e.color.TIFF"),
        ("x/a.jpg", {}, "x/a.color.jpg"),
    ],
)
def test_names_where_none_is_given(name: str, options: dict[str, Any], expected: str) -> None:
    assert outputs(plan(name, **options)) == [expected]


def test_the_first_bytes_count_and_not_the_name(folder: Path) -> None:
    deep = read_photo(np.full((40, 60), 999, np.uint16))
    deep.save(folder / "deep.jpg", format="png")
    deep.save(folder / "phone.heic", format="avif")
    read_photo(np.full((40, 60), 9, np.uint8)).save(folder / "light.heic", format="avif")
    for path in folder.glob("*.heic"):
        path.write_bytes(path.read_bytes().replace(b"avif", b"heic", 1).replace(b"avif", b"mif1", 1))
    found = outputs(plan("deep.jpg", "phone.heic", "light.heic"))
    assert found == ["deep.color.png", "phone.color.png", "light.color.jpg"]
    assert outputs(plan("deep.jpg", output="new.jpg")) == ["new.jpg"]


def test_names_in_a_folder() -> None:
    assert outputs(plan("x", recursive=True, output="out")) == ["out/a.jpg", "out/y/a.jpg"]
    assert outputs(plan("x/y/a.jpg", "b.png", output="out", format="webp")) == ["out/a.webp", "out/b.webp"]


def test_one_output_name_for_two_inputs_is_refused_for_both() -> None:
    found = reasons(plan("x/a.jpg", "a.jpg", "b.png", output="out", overwrite=True))
    assert set(found) == {"x/a.jpg", "a.jpg"}
    assert "a.jpg" in found["x/a.jpg"]
    assert str(Path("x/a.jpg")) in found["a.jpg"]


def test_an_input_isn_t_overwritten_by_another_s_result() -> None:
    Path("out/y").mkdir(parents=True)
    Path("out/y/a.jpg").touch()
    found = reasons(plan("x", "out/y/a.jpg", output="out", recursive=True, overwrite=True))
    assert "is an input too" in found["x/y/a.jpg"]


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege on Windows")
def test_a_link_to_the_input_is_the_input() -> None:
    Path("link.jpg").symlink_to("a.jpg")
    assert "the input itself" in reasons(plan("a.jpg", output="link.jpg"))["a.jpg"]
    Path("hard.jpg").hardlink_to("a.jpg")
    assert "the input itself" in reasons(plan("a.jpg", output="hard.jpg"))["a.jpg"]


def test_existing_outputs() -> None:
    Path("a.color.jpg").touch()
    assert "exists" in reasons(plan("a.jpg"))["a.jpg"]
    assert outputs(plan("a.jpg", overwrite=True)) == ["a.color.jpg"]
    assert [task.source.name for task in plan("a.jpg", "b.png", skip_existing=True).skipped] == ["a.jpg"]
    Path("b.color.png.xmp").touch()
    assert "the sidecar b.color.png.xmp exists" in reasons(plan("b.png", sidecar=True))["b.png"]
    assert [task.kept for task in plan("a.jpg", sidecar=True, skip_existing=True).tasks] == [{Path("a.color.jpg")}]
    Path("b.color.png").mkdir()
    assert "is a folder" in reasons(plan("b.png", overwrite=True))["b.png"]


@pytest.mark.parametrize(
    ("arguments", "options", "says"),
    [
        (["a.jpg", "b.png"], {"output": "out.jpg"}, "give a folder"),
        (["x"], {"output": "out.jpg"}, "give a folder"),
        (["x"], {"output": "-"}, "give a folder"),
        (["a.jpg"], {"output": "out.gif"}, "gif"),
        (["a.jpg"], {"output": "Dr. Smith"}, "end a folder's name with /"),
        (["a.jpg"], {"format": "gif"}, "gif"),
        (["a.jpg"], {"output": "out.jpg", "layer": True}, "16 bits"),
    ],
)
def test_what_can_t_work_is_wrong_usage(arguments: list[str], options: dict[str, Any], says: str) -> None:
    with pytest.raises(OptionError, match=says):
        plan(*arguments, **options)


def test_folders_are_made_only_for_what_is_to_be_done() -> None:
    made = plan("x", recursive=True, output="out")
    make_folders(made)
    assert Path("out/y").is_dir()
    Path("file").touch()
    with pytest.raises(OutputError, match="can't be made"):
        make_folders(plan("a.jpg", output="file/out.jpg"))
