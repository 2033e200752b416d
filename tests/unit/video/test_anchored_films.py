"""Hints and references at given times: found, carried through their shot, and not beyond."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from tinct.color.lab import srgb_to_lab
from tinct.errors import HintError, OptionError
from tinct.inference.backends import Backend
from tinct.inference.options import ColorizeOptions, Hint
from tinct.media.photo import read_photo
from tinct.video.anchors import find_anchors
from tinct.video.options import FilmOptions, TimedHint, TimedReference, load_hints, parse_time
from tinct.video.plan import Job, make_plan
from tinct.video.work import Studio, finish

Frames = Callable[..., list[NDArray[np.uint8]]]
Maker = Callable[..., Path]
RED = Hint("50%", "50%", "#c03030", 12)


def colorize(source: Path, name: str, backend: Backend, options: FilmOptions) -> list[NDArray[np.float32]]:
    """Return a and b of each frame."""
    job = Job(str(source), str(source.with_name(name)), options, codec="ffv1")
    plan = make_plan(job, backend)
    studio = Studio(plan, backend)
    for shot in plan.survey.shots:
        studio.colorize_shot(shot)
    finish(job, plan, backend)
    with av.open(job.target) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    return [srgb_to_lab(rgb / np.float32(255))[..., 1:] for rgb in frames]


@pytest.mark.parametrize(("text", "seconds"), [("83.5", 83.5), ("1:23.5", 83.5), ("0:01:02", 62.0), (" 0 ", 0.0)])
def test_times(text: str, seconds: float) -> None:
    assert parse_time(text) == seconds


@pytest.mark.parametrize("text", ["", "x", "-1", "1:2:3:4", "nan", "inf", "1:-2"])
def test_times_that_are_none(text: str) -> None:
    with pytest.raises(OptionError, match="time"):
        parse_time(text)


def test_reading_hints_and_references(tmp_path: Path) -> None:
    assert TimedHint.parse("1:02@12,40%,#a03020,5") == TimedHint(62.0, Hint("12", "40%", "#a03020", 5))
    assert TimedReference.parse("12@still.png") == TimedReference("still.png", 12.0)
    assert TimedReference.parse("me@home.png") == TimedReference("me@home.png", None)
    for text in ("12,40%,#a03020", "x@1,2,#a03020", "1@1,2", "1@1,2,red"):
        with pytest.raises(HintError):
            TimedHint.parse(text)
    file = tmp_path / "hints.json"
    file.write_text(
        json.dumps(
            [
                {"time": 2.5, "x": 1, "y": "40%", "color": "#a03020"},
                {"time": "1:00", "x": 1, "y": 2, "color": "#000000"},
            ]
        )
    )
    assert [timed.time for timed in load_hints(file)] == [2.5, 60.0]
    for text in (
        "{}",
        "[1]",
        '[{"x": 1, "y": 2, "color": "#a03020"}]',
        '[{"time": -1, "x": 1, "y": 2, "color": "#a03020"}]',
        "no",
    ):
        file.write_text(text)
        with pytest.raises(HintError, match="json"):
            load_hints(file)


def test_options_of_photographs_are_refused() -> None:
    with pytest.raises(OptionError, match="layer"):
        FilmOptions(ColorizeOptions(layer=True))
    with pytest.raises(OptionError, match="preview"):
        FilmOptions(seconds=0)


def test_anchors_of_a_shot() -> None:
    times = np.arange(50) / 25
    hints = [TimedHint(0.5, RED), TimedHint(0.5, RED), TimedHint(1.9, RED)]
    references = [TimedReference("a.png"), TimedReference("b.png", 0.61)]
    first = find_anchors(hints, references, 0, 20, times)
    assert [(anchor.number, len(anchor.hints), len(anchor.references)) for anchor in first] == [
        (10, 0, 1),
        (12, 2, 0),
        (15, 0, 1),
    ]
    second = find_anchors(hints, references, 20, 30, times)
    assert [(anchor.number, len(anchor.hints)) for anchor in second] == [(35, 0), (47, 1)]


def test_hint_goes_with_its_shot_and_ends_with_it(
    moving: Frames, make_film: Maker, backend: Backend, small: ColorizeOptions
) -> None:
    source = make_film("in.mkv", [*moving(1, 10), *moving(5, 10)])
    plain = colorize(source, "plain.mkv", backend, FilmOptions(small))
    hinted = colorize(source, "hinted.mkv", backend, FilmOptions(small, hints=(TimedHint(0.2, RED),)))
    changes = [np.abs(one - other).mean() for one, other in zip(plain, hinted, strict=True)]
    assert min(changes[:10]) > 1
    assert max(changes[10:]) == 0
    for number in range(10):
        # The camera moves 1.5 pixels a frame, and the hint lies on what is in the middle of frame 5.
        left = round(64 - 1.5 * (number - 5))
        there = hinted[number][42:54, left - 6 : left + 6].mean(axis=(0, 1))
        assert there[0] > plain[number][42:54, left - 6 : left + 6, 0].mean() + 5, number


def test_reference_of_the_very_frame(
    moving: Frames, make_film: Maker, backend: Backend, small: ColorizeOptions, tmp_path: Path
) -> None:
    """A frame that was colored by hand gives its colors to its shot."""
    frames = moving(1, 10)
    tint = np.clip(frames[4][..., np.newaxis] * np.array([0.8, 1.0, 1.25]), 0, 255).astype(np.uint8)
    read_photo(tint).save(tmp_path / "still.png")
    options = FilmOptions(small, references=(TimedReference(str(tmp_path / "still.png"), 0.16),))
    found = colorize(make_film("in.mkv", frames), "out.mkv", backend, options)
    wanted = srgb_to_lab(tint / np.float32(255))[..., 1:].mean(axis=(0, 1))
    for ab in found:
        assert np.abs(ab.mean(axis=(0, 1)) - wanted).max() < 5


def test_bad_anchors(
    moving: Frames, make_film: Maker, backend: Backend, small: ColorizeOptions, tmp_path: Path
) -> None:
    source = make_film("in.mkv", moving(1, 4))
    outside = FilmOptions(small, hints=(TimedHint(0.0, Hint(500, 10, "#a03020")),))
    with pytest.raises(HintError, match="outside"):
        colorize(source, "out.mkv", backend, outside)
    read_photo(np.full((20, 20), 90, np.uint8)).save(tmp_path / "gray.png")
    gray = FilmOptions(small, references=(TimedReference(str(tmp_path / "gray.png"), 0.0),))
    with pytest.raises(OptionError, match="gray"):
        colorize(source, "other.mkv", backend, gray)
    late = FilmOptions(small, hints=(TimedHint(99.0, RED),))
    with pytest.raises(HintError, match=r"99.*after the end"):
        colorize(source, "third.mkv", backend, late)
