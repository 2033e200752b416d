"""What a film says of itself: kept, dropped where it isn't true any more, and named where a container has no place."""

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
from tinct.video.options import FilmOptions
from tinct.video.plan import Job, Plan, make_plan
from tinct.video.work import Studio, finish

Frames = Callable[..., list[NDArray[np.uint8]]]
Maker = Callable[..., Path]
TAGS = {"title": "Test", "ARCHIVE_ID": "X-17", "BPS-eng": "12", "NUMBER_OF_FRAMES": "9", "_STATISTICS_TAGS": "BPS"}


def colorize(source: Path, target: Path, backend: Backend, options: ColorizeOptions) -> tuple[Plan, dict[str, str]]:
    job = Job(str(source), str(target), FilmOptions(colors=options))
    plan = make_plan(job, backend)
    for shot in plan.survey.shots:
        Studio(plan, backend).colorize_shot(shot)
    finish(job, plan, backend)
    with av.open(str(target)) as container:
        return plan, {key.lower(): value for key, value in container.metadata.items()}


@pytest.mark.parametrize(("name", "held"), [("out.mkv", True), ("out.mp4", False), ("out.mov", False)])
def test_tags(
    name: str, held: bool, moving: Frames, make_film: Maker, backend: Backend, small: ColorizeOptions
) -> None:
    source = make_film("in.mkv", moving(count=2), metadata=TAGS)
    plan, found = colorize(source, source.with_name(name), backend, small)
    assert found["title"] == "Test"
    assert ("archive_id" in found) == held
    assert ["what the film says as ARCHIVE_ID was left out" in note for note in plan.notes] == [True] * (not held)
    assert not {"bps", "bps-eng", "number_of_frames", "_statistics_tags"} & found.keys()


def test_transparency(moving: Frames, make_film: Maker, backend: Backend) -> None:
    source = make_film("in.mkv", moving(count=2), pixels="yuva420p")
    plan = make_plan(Job(str(source), str(source.with_name("out.mkv"))), backend)
    assert "its transparency was left out" in plan.notes


def test_chapters_are_no_data_left_out(moving: Frames, make_film: Maker, backend: Backend, tmp_path: Path) -> None:
    """MP4 has its chapters as a stream, too, which comes anew with them."""
    plain, source = make_film("in.mp4", moving(count=25), codec="libx264", pixels="yuv420p"), tmp_path / "chapters.mp4"
    with av.open(str(plain)) as container, av.open(str(source), "w") as chaptered:
        chaptered.set_chapters(
            [{"id": 1, "start": 0, "end": 500, "time_base": Fraction(1, 1000), "metadata": {"title": "One"}}]
        )
        copy = chaptered.add_stream_from_template(container.streams.video[0])
        for packet in container.demux():
            if packet.dts is not None:
                packet.stream = copy
                chaptered.mux(packet)
    with av.open(str(source)) as container:
        assert [stream.type for stream in container.streams] == ["video", "data"]
    assert make_plan(Job(str(source), str(tmp_path / "out.mp4")), backend).notes == ()
