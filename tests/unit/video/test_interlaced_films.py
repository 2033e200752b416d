"""Interlaced films stay interlaced where the codec can say so; a note tells where it can't."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from tinct.inference.backends import Backend
from tinct.inference.options import ColorizeOptions
from tinct.video.fields import BOTTOM, TOP, FieldMarker, field_order
from tinct.video.film import examine
from tinct.video.options import FilmOptions
from tinct.video.plan import Job, Plan, make_plan
from tinct.video.work import Studio, finish

Frames = Callable[..., list[NDArray[np.uint8]]]


def write_interlaced(path: Path, frames: list[NDArray[np.uint8]], order: str) -> Path:
    height, width = frames[0].shape
    marker = FieldMarker(width, height, "gray", Fraction(1, 25), order)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=25, width=width, height=height, pix_fmt="gray")
        for number, pixels in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(pixels, format="gray")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(marker.mark(frame)))
        container.mux(stream.encode(None))
    return path


def colorize(source: Path, name: str, codec: str, backend: Backend, small: ColorizeOptions) -> tuple[Plan, Path]:
    job = Job(str(source), str(source.with_name(name)), FilmOptions(colors=small), codec=codec)
    plan = make_plan(job, backend)
    for shot in plan.survey.shots:
        Studio(plan, backend).colorize_shot(shot)
    finish(job, plan, backend)
    return plan, Path(job.target)


@pytest.mark.parametrize("order", [TOP, BOTTOM])
@pytest.mark.parametrize(
    ("name", "codec"), [("out.mp4", "h264"), ("out.mkv", "h264"), ("out.mkv", "ffv1"), ("out.mov", "prores")]
)
def test_fields_are_kept(
    name: str, codec: str, order: str, moving: Frames, tmp_path: Path, backend: Backend, small: ColorizeOptions
) -> None:
    source = write_interlaced(tmp_path / "in.mkv", moving(1, 6), order)
    plan, target = colorize(source, name, codec, backend, small)
    with av.open(str(target)) as container:
        frames = list(container.decode(video=0))
    assert [field_order(frame) for frame in frames] == [order] * 6
    assert [frame.pts * frame.time_base for frame in frames] == [Fraction(number, 25) for number in range(6)]
    assert not any("was left out" in note for note in plan.notes)


@pytest.mark.parametrize(("codec", "height"), [("h265", 96), ("av1", 96), ("h264", 94)])
def test_fields_that_are_lost_are_named(
    codec: str, height: int, moving: Frames, tmp_path: Path, backend: Backend, small: ColorizeOptions
) -> None:
    """H.264 has room for the colors of each field where the lines divide by 4."""
    source = write_interlaced(tmp_path / "in.mkv", moving(1, 6, height), TOP)
    plan, target = colorize(source, "out.mkv", codec, backend, small)
    assert any(note.startswith("that its frames are interlaced was left out; h264, ffv1") for note in plan.notes)
    assert examine(target).fields == ""


def test_whole_frames_stay_whole(moving: Frames, tmp_path: Path, make_film: Callable[..., Path]) -> None:
    assert examine(make_film("in.mkv", moving(1, 2))).fields == ""
