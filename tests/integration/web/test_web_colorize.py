"""One photograph in one call: the options of the command by their names, and the same bytes as it writes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tinct.media.photo import read_photo

HINTS = '[{"x": 12, "y": "40%", "color": "#a03020", "radius": 3}]'


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, []),
        ({"mode": "faithful", "saturation": "1.3"}, ["--mode", "faithful", "--saturation", "1.3"]),
        ({"vividness": "0.25", "format": "jpeg", "quality": "80"}, ["--vividness", "0.25", "--quality", "80"]),
        ({"hint": ["12,40%,#a03020", "40,10,#2030a0,5"]}, ["--hint", "12,40%,#a03020", "--hint", "40,10,#2030a0,5"]),
        ({"hints": HINTS, "no-mark": "true"}, ["--hints", "hints.json", "--no-mark"]),
        ({"layer": "true", "size": "64"}, ["--layer", "--size", "64"]),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, dict) else "",
)
def test_the_result_is_the_command_s(
    fields: dict[str, Any], words: list[str], client: Any, run: Callable[..., Any], workspace: Path, small_photo: Path
) -> None:
    (workspace / "hints.json").write_text(HINTS)
    answer = client.post("colorize", files={"file": ("a.png", small_photo.read_bytes())}, data=fields)
    assert answer.status_code == 200, answer.text
    output = workspace / f"out.{'jpg' if 'format' in fields else 'png'}"
    assert run("colorize", small_photo, "-o", output, *words).code == 0
    assert answer.content == output.read_bytes()
    assert answer.headers["Content-Type"] == ("image/jpeg" if "format" in fields else "image/png")
    assert json.loads(answer.headers["Tinct-Notes"]) == []


def test_a_mask_keeps_what_is_black(client: Any, small_photo: Path, tmp_path: Path) -> None:
    mask = tmp_path / "mask.png"
    read_photo(np.zeros((48, 64), np.uint8)).save(mask)
    files = {"file": ("a.png", small_photo.read_bytes()), "mask": ("m.png", mask.read_bytes())}
    answer = client.post("colorize", files=files)
    assert answer.status_code == 200, answer.text
    pixels = read_photo(answer.content).to_numpy()
    assert int(np.ptp(pixels.astype(int), axis=2).max()) <= 1


def test_a_larger_photograph_becomes_a_job(
    client: Any, run: Callable[..., Any], workspace: Path, large_photo: Path
) -> None:
    answer = client.post("colorize", files={"file": ("big.jpg", large_photo.read_bytes())}, data={"mode": "faithful"})
    assert answer.status_code == 202, answer.text
    job = client.wait(answer.json()["id"])
    assert job["state"] == "done", job
    assert answer.headers["Location"] == f"/api/v1/jobs/{job['id']}"
    assert run("colorize", large_photo, "-o", "out.jpg", "--mode", "faithful").code == 0
    result = client.get(f"jobs/{job['id']}/result")
    assert result.content == (workspace / "out.jpg").read_bytes()
    assert 'filename="big.color.jpg"' in result.headers["Content-Disposition"]


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"bogus": "1"}, "no field 'bogus'"),
        ({"output": "/tmp/x"}, "no field 'output'"),
        ({"mode": "loud"}, "mode is 'loud'"),
        ({"vividness": "2"}, "vividness is 2.0"),
        ({"vividness": "nan"}, "vividness"),
        ({"saturation": "much"}, "saturation is 'much'"),
        ({"size": "1e9"}, "size"),
        ({"quality": "0"}, "quality is 0"),
        ({"format": "exe"}, "can't write the format"),
        ({"layer": "true", "format": "jpeg"}, "layer needs 16 bits"),
        ({"layer": "maybe"}, "expected true or false"),
        ({"hint": "no"}, "malformed"),
        ({"hint": "9999,1,#a03020"}, "outside the picture"),
        ({"hints": "{"}, "no JSON"),
        ({"hints": '{"x": 1}'}, "hints are a list"),
        ({"hints": '[{"x": 1}]'}, "hint 1 is malformed"),
        ({"hints": "[" * 100_000}, "no JSON"),
        ({"hints": f'[{{"x": {"9" * 400}, "y": 1, "color": "#a03020"}}]'}, "x"),
        ({"hints": f'[{{"x": 1, "y": 1, "color": {"[" * 900}{"]" * 900}}}]'}, "color"),
        ({"hint": f"{'9' * 400},1,#a03020"}, "outside the picture"),
        ({"model": "../../etc/passwd"}, "unknown model"),
        ({"model": "nobody"}, "unknown model"),
        ({"mode": ["vivid", "vivid"]}, "given twice"),
        ({"variant": "1"}, "go together"),
        ({"variant": "5", "variants": "3"}, "expected a whole number from 1 to 3"),
    ],
    ids=str,
)
def test_an_unknown_field_or_value_is_422(fields: dict[str, Any], says: str, client: Any, small_photo: Path) -> None:
    answer = client.post("colorize", files={"file": ("a.png", small_photo.read_bytes())}, data=fields)
    assert answer.status_code == 422, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert says in answer.json()["detail"]


def test_bodies_that_are_no_form_with_one_file(client: Any, small_photo: Path) -> None:
    picture = ("a.png", small_photo.read_bytes())
    assert client.post("colorize", json={"file": "x"}).status_code == 415
    assert client.post("colorize", data=b"raw", headers={"Content-Type": "image/png"}).status_code == 415
    assert client.post("colorize", files={"mode": (None, "vivid")}).status_code == 422
    assert client.post("colorize", files=[("file", picture), ("file", picture)]).status_code == 422
    assert client.post("colorize", files={"file": picture, "other": picture}).status_code == 422
    malformed = {"Content-Type": "multipart/form-data; boundary=x"}
    assert client.post("colorize", data=b"no boundary", headers=malformed).status_code in (400, 422)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"%PDF-1.7 hello", "a PDF"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><image href='file:///etc/passwd'/></svg>", "an SVG"),
        (b"<?xml version='1.0'?><!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><svg>&e;</svg>", "XML"),
        (b"push graphic-context\nfill 'url(https://example.com/x)'\npop graphic-context", "no picture"),
        (b"GIF89a/*<script>alert(1)</script>*/=1;", ""),
        (b"PK\x03\x04zip", "ZIP"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 50, ""),
    ],
    ids=["empty", "pdf", "svg", "xxe", "mvg", "gif-html polyglot", "zip", "broken png"],
)
def test_what_is_no_photograph_is_refused(content: bytes, says: str, client: Any) -> None:
    answer = client.post("colorize", files={"file": ("photo.jpg", content)})
    assert answer.status_code == 422, answer.text
    detail = answer.json()["detail"]
    assert says in detail
    assert "photo.jpg" in detail
    assert "incoming" not in detail
