"""Hints and references at given times: found, carried through their shot, and not beyond."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from tinct.color.lab import srgb_to_lab
from tinct.errors import HintError, OptionError, OutputError
from tinct.inference.backends import Backend
from tinct.inference.options import ColorizeOptions, Hint
from tinct.media.photo import read_photo
from tinct.video import state
from tinct.video.anchors import Anchor, Given, carry, find_anchors, load
from tinct.video.flow import Linker
from tinct.video.options import FilmOptions, TimedHint, TimedReference, load_hints, parse_time
from tinct.video.plan import Job, make_plan
from tinct.video.tones import Frame
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
    every, one = TimedReference("a.png"), TimedReference("b.png", 0.61)
    first = find_anchors(hints, [every, one], 0, 20, times)
    assert [(anchor.number, len(anchor.hints), anchor.reference, anchor.beneath) for anchor in first] == [
        (10, 0, every, every),
        (12, 2, None, every),
        (15, 0, one, one),
    ]
    second = find_anchors(hints, [every, one], 20, 30, times)
    assert [(anchor.number, len(anchor.hints)) for anchor in second] == [(35, 0), (47, 1)]
    exact = TimedReference("c.png", 0.4)
    assert [anchor.reference for anchor in find_anchors([], [exact, every], 0, 20, times)] == [exact]


def test_two_references_for_one_frame(make_film: Maker, moving: Frames, backend: Backend, tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        read_photo(np.full((8, 8, 3), (90, 80, 20), np.uint8)).save(tmp_path / name)
    one, other = str(tmp_path / "a.png"), str(tmp_path / "b.png")
    with pytest.raises(OptionError, match="only one reference can be without a time"):
        FilmOptions(references=(TimedReference(one), TimedReference(other)))
    options = FilmOptions(references=(TimedReference(one, 0.04), TimedReference(other, 0.05)))
    with pytest.raises(OptionError, match=r"a\.png and .*b\.png are references for the same frame"):
        make_plan(Job(str(make_film("in.mkv", moving(count=4))), str(tmp_path / "out.mkv"), options), backend)


def test_hints_stay_beside_each_other(tmp_path: Path) -> None:
    """Nothing moves: hints at other times and places stay as they are; at one place, they fade into each other."""
    rng, cells, count = np.random.default_rng(0), (6, 8), 20
    frames = [Frame(number, rng.integers(0, 256, (48, 64)).astype(np.uint8), np.arange(256)) for number in range(count)]
    light = cv2.GaussianBlur(rng.uniform(0, 255, (48, 64)).astype(np.float32), (0, 0), 2)

    def carried(*given: tuple[int, slice, float]) -> NDArray[np.float16]:
        def difference(anchor: Anchor, _frame: Frame) -> Given:
            change = np.zeros((*cells, 2), np.float32)
            for number, where, value in given:
                change[:, where] = value if number == anchor.number else change[:, where]
            return None, change

        def shrink(_frame: Frame) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
            return light, cv2.resize(light, cells[::-1], interpolation=cv2.INTER_AREA)

        anchors = [Anchor(number, (TimedHint(0, RED),)) for number, _, _ in given]
        carry(iter(frames), count, anchors, difference, shrink, Linker(cells, 8), tmp_path / "change.npy")
        return load(tmp_path / "change.npy")

    left, right = slice(0, 3), slice(5, 8)
    both = carried((0, left, 40.0), (12, right, -30.0))
    assert np.abs(both[:, 1:-1, :2] - 40).max() < 2
    assert np.abs(both[:, 1:-1, 6:] + 30).max() < 2
    again = carried((0, left, 40.0), (12, left, 40.0))
    assert np.abs(again[:, 1:-1, :2] - 40).max() < 2
    other = carried((0, left, 40.0), (12, left, -40.0))
    assert np.abs(other[0, 1:-1, :2] - 40).max() < 8
    assert np.abs(other[12, 1:-1, :2] + 40).max() < 8


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="this system can't keep room for a file")
def test_full_disk(
    moving: Frames, make_film: Maker, backend: Backend, small: ColorizeOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a shot needs is kept free before it is written to, so that a full disk is an error like others."""

    def full(_descriptor: int, _offset: int, _size: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    source = make_film("in.mkv", moving(1, 2))
    plan = make_plan(
        Job(str(source), str(source.with_name("out.mkv")), FilmOptions(small, hints=(TimedHint(0, RED),))), backend
    )
    with pytest.raises(OutputError, match="No space left"):
        Studio(plan, backend).colorize_shot(plan.survey.shots[0])
    left = [path for pattern in ("change-*", "*.tmp", "*.ways") for path in plan.folder.glob(pattern)]
    assert left == []


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


@pytest.mark.parametrize("same", [True, False])
def test_hint_goes_before_a_reference(
    same: bool, moving: Frames, make_film: Maker, backend: Backend, small: ColorizeOptions, tmp_path: Path
) -> None:
    """At one frame, a red hint is as red over a blue reference, of this frame or of another one, as by itself."""
    frames = [moving(1, 1)[0]] * 4
    tint = np.clip(frames[0][..., np.newaxis] * np.array([0.7, 0.9, 1.3]), 0, 255).astype(np.uint8)
    read_photo(tint).save(tmp_path / "blue.png")
    source, hints = make_film("in.mkv", frames), (TimedHint(0.04, Hint("50%", "50%", "#c03030", 30)),)
    alone = colorize(source, "a.mkv", backend, FilmOptions(small, hints=hints))
    reference = TimedReference(str(tmp_path / "blue.png"), 0.04 if same else 0.12)
    both = colorize(source, "b.mkv", backend, FilmOptions(small, hints=hints, references=(reference,)))
    there = np.s_[44:52, 60:68]
    assert np.abs(both[1][there].mean(axis=(0, 1)) - alone[1][there].mean(axis=(0, 1))).max() < 8
    assert both[1][:20, ..., 1].mean() < 0 < alone[1][:20, ..., 1].mean(), "the rest follows the reference"


def test_preview_without_what_is_given_for_later(
    moving: Frames, make_film: Maker, backend: Backend, small: ColorizeOptions, tmp_path: Path
) -> None:
    """The look at the beginning is as if later hints and references weren't there; a note says that they are."""
    read_photo(np.full((96, 128, 3), (60, 80, 130), np.uint8)).save(tmp_path / "blue.png")
    source, near = make_film("in.mkv", moving(1, 12)), TimedHint(0.04, RED)
    alone = FilmOptions(small, hints=(near,), seconds=0.2)
    later = replace(
        alone, hints=(near, TimedHint(0.4, RED)), references=(TimedReference(str(tmp_path / "blue.png"), 0.3),)
    )
    job = Job(str(source), str(source.with_name("later.mkv")), later, state=str(tmp_path / "state"))
    for _ in range(2):  # the second time from what the first noted down
        plan = make_plan(job, backend)
        assert "the preview ends at 0.20 seconds; of the hints and references, 2 for later were left out" in plan.notes
        assert plan.options == alone
        assert len(plan.settings["film"]["hints"]) == 1
        state.release(tmp_path / "state")


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
