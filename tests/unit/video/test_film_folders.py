"""The folder of finished shots: whose it is, who is at work on it, and what of it is deleted."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tinct.errors import HintError, OutputError
from tinct.inference.backends import Backend
from tinct.inference.options import ColorizeOptions, Hint
from tinct.video import state
from tinct.video.options import FilmOptions, TimedHint
from tinct.video.plan import Job, make_plan
from tinct.video.work import Studio, finish

Frames = Callable[..., list[NDArray[np.uint8]]]
Maker = Callable[..., Path]
HOLD = "import sys, pathlib; from tinct.video import state; state.take(pathlib.Path(sys.argv[1])); print(); input()"


@pytest.fixture
def job(moving: Frames, make_film: Maker, small: ColorizeOptions) -> Job:
    """A film of two frames."""
    source = make_film("in.mkv", moving(count=2))
    folder = source.with_name("state")
    return Job(str(source), str(source.with_name("out.mkv")), FilmOptions(colors=small), state=str(folder))


def carry_out(job: Job, backend: Backend) -> None:
    plan = make_plan(job, backend)
    for shot in plan.survey.shots:
        Studio(plan, backend).colorize_shot(shot)
    finish(job, plan, backend)


def test_shots_serve_for_another_container_and_without_sound(job: Job, backend: Backend) -> None:
    """What is said only when shots are joined needs no shot anew."""
    plan = make_plan(job, backend)
    shots = plan.survey.shots
    Studio(plan, backend).colorize_shot(shots[0])
    for changes in ({"without": ("audio", "subtitle")}, {"target": job.target.replace(".mkv", ".mp4"), "mark": False}):
        other = make_plan(replace(job, **changes), backend)
        assert Studio(other, backend).is_done(shots[0])
    assert not Studio(make_plan(replace(job, quality=30), backend), backend).is_done(shots[0])


@pytest.mark.parametrize("name", ["one.jpg", "plan.json"])
def test_foreign_folder_is_left_alone(name: str, job: Job, backend: Backend) -> None:
    folder = Path(str(job.state))
    (folder / "negatives").mkdir(parents=True)
    (folder / "negatives" / "one.tif").write_bytes(b"mine")
    (folder / name).write_bytes(b"{}")
    with pytest.raises(OutputError, match="no shots of Tinct's"):
        make_plan(job, backend)
    assert sorted(path.name for path in folder.rglob("*")) == sorted(["negatives", name, "one.tif"])


def test_only_own_files_are_deleted(job: Job, backend: Backend) -> None:
    folder = Path(str(job.state))
    folder.mkdir()
    plan = make_plan(job, backend)
    plan.piece(plan.survey.shots[0]).touch()
    (folder / ".tinct-0123.tmp").touch()
    (folder / "notes.txt").write_text("mine")
    carry_out(job, backend)
    assert [path.name for path in folder.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize("there", [False, True])
def test_a_folder_that_was_there_stays(there: bool, job: Job, backend: Backend) -> None:
    folder = Path(str(job.state))
    if there:
        folder.mkdir()
    carry_out(job, backend)
    assert folder.exists() == there
    assert not there or list(folder.iterdir()) == []


def test_a_plan_that_comes_to_nothing_leaves_nothing(job: Job, backend: Backend) -> None:
    late = FilmOptions(hints=(TimedHint(99.0, Hint(1, 1, "#a03020")),))
    with pytest.raises(HintError, match="after the end"):
        make_plan(Job(job.source, job.target, late), backend)
    assert [path.name for path in Path(job.source).parent.iterdir()] == ["in.mkv"]


def test_one_run_at_a_time(job: Job, backend: Backend) -> None:
    """Another process has the folder; once it is killed, it doesn't any more."""
    command = [sys.executable, "-c", HOLD, str(job.state)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(OutputError, match=r"another run is at work .* name another folder"):
            make_plan(job, backend)
        other.kill()
    carry_out(job, backend)
    assert Path(job.target).exists()
    assert not Path(str(job.state)).exists()


def test_a_folder_that_cannot_be_made(job: Job) -> None:
    with pytest.raises(OutputError, match="can't be made"):
        state.take(Path(job.source) / "state")


def test_killed_while_joining(job: Job, backend: Backend) -> None:
    """The half of a film that lies beside the target is gone after the next run; other files stay."""
    plan = make_plan(job, backend)
    Studio(plan, backend).colorize_shot(plan.survey.shots[0])
    half, mine = (Path(job.target).with_name(name) for name in (".tinct-0123.tmp", "mine.txt"))
    half.touch()
    mine.touch()
    state.note_unfinished(plan.folder, mine)
    state.drop_unfinished(plan.folder)
    state.note_unfinished(plan.folder, half)
    finish(job, plan, backend)
    assert (half.exists(), mine.exists()) == (False, True)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such names")
def test_colon_in_a_relative_path(job: Job, backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    """FFmpeg takes what is before it for a protocol."""
    monkeypatch.chdir(Path(job.source).parent)
    Path(job.source).rename("take1:reel2.mkv")
    carry_out(replace(job, source="take1:reel2.mkv", target="take1:reel3.mkv", state=None), backend)
    assert Path("take1:reel3.mkv").exists()
