"""Hints and options: what is taken, and what is refused with a reason."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tinct.errors import HintError, OptionError
from tinct.inference.options import ColorizeOptions, Hint, Variant, load_hints


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12,30,#a03020", (27, 33, 9, 15)),
        ("12, 50%, #A03020, 1", (19, 21, 11, 13)),
        ("0,0,#000000,5", (0, 5, 0, 5)),
        ("100%,100%,#ffffff,1", (38, 40, 58, 60)),
        ("59.9,39,#ffffff,2", (37, 40, 57, 60)),
    ],
)
def test_a_hint_covers_its_radius_within_the_picture(text: str, expected: tuple[int, ...]) -> None:
    assert Hint.parse(text).place(40, 60) == expected


@pytest.mark.parametrize(
    "text",
    "|1,2|1,2,#12345|1,2,red|1,2,#1234567|a,2,#123456|1,2%3,#123456|nan,2,#123456|1,2,#123456,0|1,2,#123456,1.5|"
    "1,2,#123456,3,4|1,,#123456".split("|"),
)
def test_a_malformed_hint_is_refused(text: str) -> None:
    with pytest.raises(HintError, match="hint"):
        Hint.parse(text)


@pytest.mark.parametrize(("x", "y"), [(60, 0), (0, 40), (-1, 0), ("101%", 0), (0, "-5%"), (math.inf, 0)])
def test_a_hint_outside_the_picture_is_refused(x: Any, y: Any) -> None:
    with pytest.raises(HintError, match="outside the picture of 60 x 40"):
        Hint(x, y, "#102030").place(40, 60)


def test_only_a_and_b_of_a_hint_count() -> None:
    # From skimage.color.rgb2lab: #a03020 has a 45.33, b 35.77.
    assert Hint(0, 0, "#a03020").ab() == pytest.approx([45.33, 35.77], abs=0.02)
    assert np.abs(Hint(0, 0, "#777777").ab()).max() < 0.01


def test_hints_are_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "hints.json"
    path.write_text('[{"x": 12, "y": "40%", "color": "#a03020", "radius": 5}, {"x": 1, "y": 2, "color": "#000000"}]')
    assert load_hints(path) == (Hint(12, "40%", "#a03020", 5), Hint(1, 2, "#000000"))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("{", "can't be read"),
        ("{}", "no list"),
        ('[{"x": 1, "y": 2, "color": "#000000"}, {"x": 1, "y": 2}]', "hint 2"),
        ('[{"x": 1, "y": 2, "colour": "#000000"}]', "hint 1"),
        ('[{"x": 1, "y": 2, "color": "#000000", "size": 2}]', "hint 1"),
        ('[{"x": 1, "y": 2, "color": 5}]', "hint 1 .*#RRGGBB"),
        ('[{"x": 1, "y": [], "color": "#000000"}]', "hint 1 .*percentage"),
        ('[{"x": 1, "y": 2, "color": "#000000", "radius": true}]', "radius"),
    ],
)
def test_a_faulty_file_of_hints_is_refused(content: str, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "hints.json"
    path.write_text(content)
    with pytest.raises(HintError, match=reason):
        load_hints(path)


def test_a_missing_file_of_hints_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HintError, match=r"none\.json"):
        load_hints(tmp_path / "none.json")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("mode", "lively"),
        *(("vividness", value) for value in (1.01, -0.1, math.nan, "0.5", True)),
        *(("saturation", value) for value in (-1, 11, math.nan, None)),
        *(("size", value) for value in (15, 5000, "224", 224.5)),
        *(("value", value) for value in (2, None)),
    ],
)
def test_an_option_out_of_range_is_refused(name: str, value: Any) -> None:
    with pytest.raises(OptionError, match=name):
        ColorizeOptions(**{"value_shift" if name == "value" else name: value})


def test_numbers_of_numpy_become_python_s() -> None:
    options = ColorizeOptions(vividness=np.float32(0.5), saturation=2, size=np.int64(64))
    assert json.dumps([options.vividness, options.saturation, options.size]) == "[0.5, 2, 64]"
    hint = Hint(np.int64(3), np.float32(4), "#102030", np.int64(5))  # type: ignore[arg-type]
    assert json.dumps([hint.x, hint.y, hint.radius]) == "[3, 4.0, 5]"
    variant = Variant(np.int64(1), np.int64(3), np.int64(0))  # type: ignore[arg-type]
    assert json.dumps([variant.number, variant.of, variant.seed]) == "[1, 3, 0]"


RED = Hint("50%", "80%", "#c05020")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, ()),
        (RED, (RED,)),
        ("50%,80%,#c05020", (RED,)),
        (["50%,80%,#c05020", RED], (RED, RED)),
        ({"x": "50%", "y": "80%", "color": "#c05020"}, (RED,)),
        ([{"x": 1, "y": 2, "color": "#c05020", "radius": 9}], (Hint(1, 2, "#c05020", 9),)),
        (iter([RED]), (RED,)),
    ],
)
def test_hints_are_taken_in_every_form(given: Any, expected: tuple[Hint, ...]) -> None:
    assert ColorizeOptions(hints=given).hints == expected


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (5, "hints are 5, expected a list"),
        ([RED, 5], "hint 2 is 5, expected a Hint"),
        ((12, 30, "#a03020"), "hint 1 is 12"),
        (["1,2"], "hint 1: hint '1,2' is malformed"),
        ([{"x": 1, "y": 2}], "hint 1 is .* expected a Hint"),
        ([{"x": 1, "y": 2, "color": "red"}], "hint 1: .*#RRGGBB"),
    ],
)
def test_what_is_no_hint_is_refused(given: Any, reason: str) -> None:
    with pytest.raises(HintError, match=reason):
        ColorizeOptions(hints=given)


def test_a_text_that_is_none_is_refused() -> None:
    with pytest.raises(HintError, match="a hint is None"):
        Hint.parse(None)  # type: ignore[arg-type]


def test_steps_of_restoration_are_taken_alone_and_in_lists() -> None:
    assert ColorizeOptions(restore="dust").restore == ("dust",)
    assert ColorizeOptions(restore=["dust", "contrast"]).restore == ("dust", "contrast")
    assert ColorizeOptions(restore=None).restore == ()
    with pytest.raises(OptionError, match="can't restore 'dusty'; choose of dust"):
        ColorizeOptions(restore="dusty")  # type: ignore[arg-type]


def test_the_defaults_are_vivid_and_plain() -> None:
    options = ColorizeOptions()
    assert (options.mode, options.vividness, options.saturation, options.hints, options.mask) == (
        "vivid",
        None,
        1.0,
        (),
        None,
    )


def test_hints_survive_their_json(tmp_path: Path) -> None:
    path = tmp_path / "hints.json"
    path.write_text(json.dumps([{"x": 1.5, "y": 2, "color": "#abcdef"}]))
    assert load_hints(path)[0].ab() == pytest.approx(Hint.parse("1,2,#ABCDEF").ab())
