"""What ``tinct video`` does with its options once they are read."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from tinct.cli.interrupts import stop_at_once
from tinct.cli.progress import RateBar, duration
from tinct.errors import MissingExtra
from tinct.inference.options import ColorizeOptions

if TYPE_CHECKING:
    from tinct.inference.backends import Backend, Device
    from tinct.video.plan import Job, Plan
    from tinct.video.shots import Shot

FAILED = 1
LIBRARIES = ("av", "cv2", "scenedetect")
SMALL_MODEL = "tinct-small"
"""Name of the model for --realtime."""
REALTIME_SIZE = 128
"""Short side that the usual model sees with --realtime, where there is no small one."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One call of the command."""

    source: Path
    output: Path
    colors: ColorizeOptions
    codec: str | None
    depth: int | None
    quality: int | None
    without: tuple[str, ...]
    """Kinds of streams that aren't copied."""
    overwrite: bool
    mark: bool
    preview: float | None
    realtime: bool
    steady: bool
    deflicker: bool
    hints: tuple[str, ...]
    hints_file: Path | None
    references: tuple[str, ...]
    model: str | None
    """None takes the usual one, or the one for --realtime."""
    state: Path | None
    device: Device
    jobs: int | None
    """Frames worked on at once, or workers of a cluster; None takes one for each core."""
    engine: str
    """``local`` or ``ray``."""
    ray_address: str | None
    """See :class:`~tinct.jobs.crew.Crew`."""
    as_json: bool
    quiet: bool


def require_libraries() -> None:
    """Make sure that films can be worked on.

    Raises:
        MissingExtra: a library isn't installed.
    """
    if any(importlib.util.find_spec(name) is None for name in LIBRARIES):
        raise MissingExtra("working on films", "video")


def run_video(asked: Asked, usual_model: str) -> int:
    """Colorize a film, and tell the user about it.

    Returns:
        The exit code.

    Raises:
        OptionError: the command was used wrongly.
        TinctError: the film can't be read or written.
    """
    require_libraries()
    from tinct.inference.backends import load_backend

    started = time.monotonic()
    model, colors, notes = _choose_model(asked, usual_model)
    try:
        job = _make_job(dataclasses.replace(asked, colors=colors))
        with RateBar("frames", quiet=asked.quiet) as bar:
            return _carry_out(asked, job, model, load_backend(model, asked.device, 1), bar, notes, started)
    except KeyboardInterrupt:
        stop_at_once("Stopped; run the same command again to go on.")


def _choose_model(asked: Asked, usual: str) -> tuple[str, ColorizeOptions, list[str]]:
    from tinct.weights.store import list_models

    if not asked.realtime or asked.model is not None:
        return usual if asked.model is None else asked.model, asked.colors, []
    if SMALL_MODEL in list_models():
        return SMALL_MODEL, asked.colors, []
    size = asked.colors.size or REALTIME_SIZE
    note = (
        f"there is no small model here ({SMALL_MODEL}); --realtime shows the usual one copies of {size} pixels, which "
        "is faster and coarser"
    )
    return usual, dataclasses.replace(asked.colors, size=size), [note]


def _make_job(asked: Asked) -> Job:
    from tinct.video.options import FilmOptions, TimedHint, TimedReference, load_hints
    from tinct.video.plan import Job

    from_file = () if asked.hints_file is None else load_hints(asked.hints_file)
    options = FilmOptions(
        colors=asked.colors,
        steady=asked.steady,
        deflicker=asked.deflicker,
        hints=(*from_file, *map(TimedHint.parse, asked.hints)),
        references=tuple(map(TimedReference.parse, asked.references)),
        seconds=asked.preview,
    )
    return Job(
        source=str(asked.source),
        target=str(asked.output),
        options=options,
        codec=asked.codec,
        depth=asked.depth,
        quality=asked.quality,
        without=asked.without,
        state=None if asked.state is None else str(asked.state),
        mark=asked.mark,
        overwrite=asked.overwrite,
    )


def _carry_out(
    asked: Asked, job: Job, model: str, backend: Backend, bar: RateBar, notes: list[str], started: float
) -> int:
    from tinct.video.plan import make_plan
    from tinct.video.shots import clock
    from tinct.video.work import Studio, finish

    def say(text: str) -> None:
        if not asked.quiet:
            bar.say(text)

    say(f"Looking through {asked.source}")
    plan = make_plan(job, backend)
    studio = Studio(plan, backend, asked.jobs or os.cpu_count() or 1)
    left = [shot for shot in plan.survey.shots if not studio.is_done(shot)]
    frames = sum(shot.count for shot in left)
    shots, length = len(plan.survey.shots), plan.times[-1] + float(1 / plan.film.rate)
    done = f", {shots - len(left)} of them done before" if len(left) < shots else ""
    say(
        f"{len(plan.survey.ticks):,} frames, {clock(length)}, {plan.film.width} x {plan.film.height}, "
        f"{shots} shot{'s' * (shots > 1)}{done}"
    )
    begun = time.monotonic()
    bar.begin(frames)
    if asked.engine == "ray":
        film_notes = _film_far(asked, plan, left, model, backend, bar)
    else:
        for shot in left:
            studio.colorize_shot(shot, bar.advance)
        film_notes = studio.notes
    rate = frames / max(time.monotonic() - begun, 1e-9)
    bar.stop()
    finish(job, plan, backend)
    return _tell(asked, plan, [*notes, *plan.notes, *film_notes], frames, rate, time.monotonic() - started)


def _film_far(asked: Asked, plan: Plan, left: list[Shot], model: str, backend: Backend, bar: RateBar) -> list[str]:
    """Colorize shots on a Ray cluster, and return what the user should know."""
    from tinct.jobs.crew import Crew
    from tinct.jobs.films import film_shots

    def advance(shot: Shot) -> None:
        for _ in range(shot.count):
            bar.advance()

    if not left:
        return []
    with Crew(asked.ray_address, asked.jobs, bar.say) as crew:
        return film_shots(crew, plan, left, model, asked.device, backend, advance)


def _tell(asked: Asked, plan: Plan, notes: list[str], frames: int, rate: float, seconds: float) -> int:
    if not asked.quiet:
        for note in notes:
            typer.secho(f"note: {note}", fg="yellow", err=True)
        typer.echo(
            f"{asked.output}: {frames:,} frames in {duration(seconds)}, {rate:.1f} frames/s while colorizing", err=True
        )
    for line in plan.survey.damage:
        typer.secho(f"{asked.source}: {line}", fg="red", err=True)
    if asked.as_json:
        facts = {
            "input": str(asked.source),
            "output": str(asked.output),
            "frames": len(plan.survey.ticks),
            "shots": len(plan.survey.shots),
            "seconds": round(seconds, 3),
            "frames_per_second": round(rate, 3),
            "notes": notes,
            "damage": list(plan.survey.damage),
        }
        typer.echo(json.dumps(facts))
    return FAILED if plan.survey.damage else 0
