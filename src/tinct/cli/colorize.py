"""What ``tinct colorize`` does with its options once they are read."""

from __future__ import annotations

import dataclasses
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tinct.cli.inputs import Gathered, gather
from tinct.cli.interrupts import INTERRUPTED, raise_on_interrupt, stop_at_once
from tinct.cli.outputs import Plan, Task, find_confidence, find_destination, make_folders, make_plan
from tinct.cli.report import Outcome, Report
from tinct.errors import OptionError, PhotoError, TinctError, TruncatedPhoto, UnreadablePhoto
from tinct.jobs.naming import RESULT
from tinct.jobs.pool import run_all
from tinct.media.pages import join_notes

if TYPE_CHECKING:
    from pathlib import Path

    from tinct.inference.loading import LoadingBackend
    from tinct.inference.options import ColorizeOptions
    from tinct.inference.pipeline import Colorizer
    from tinct.media.credentials import Signer
    from tinct.media.pages import Pages
    from tinct.media.photo import Photo

MOST_JOBS = 4
"""More photographs at once, unless asked for, take memory and win little: libvips uses several cores by itself."""
MOST_NAMES = 20
"""More photographs that are left after Ctrl-C are counted, not named."""


@dataclass(frozen=True, slots=True)
class Request:
    """One run of the command."""

    inputs: Sequence[str]
    """Files, folders, patterns, or ``-`` alone."""
    output: str | None
    """What ``-o`` was given."""
    recursive: bool
    """Whether folders' subfolders are looked into."""
    backend: LoadingBackend
    """The model, on its way since before the other options were read."""
    options: ColorizeOptions
    """How to colorize."""
    needed: Sequence[Path]
    """Files that the options were read from, or name; no result replaces them."""
    variants: int | None
    """How many other ways of coloring each photograph gets; None for the usual one alone."""
    seed: int
    """Of the variants."""
    confidence: str | None
    """File or folder for maps of how sure the colors are."""
    format: str | None
    """Of the results; None keeps each input's."""
    quality: int | None
    """1..100 for formats that lose."""
    overwrite: bool
    """Whether existing outputs may be replaced."""
    skip_existing: bool
    """Whether photographs with an existing output are left alone."""
    allow_truncated: bool
    """Whether what is there of a damaged file is used."""
    max_pixels: int
    """A photograph with more is refused."""
    pages: Pages | None
    """Which pages of a TIFF; None takes the first, with a note where there are others."""
    mark: bool
    """Whether results say that a model colored them."""
    signer: Signer | None
    """Signs results; None leaves them unsigned."""
    sidecar: bool
    """Whether XMP is read from a file beside each photograph, and written to one beside each result."""
    jobs: int | None
    """Photographs under way at once; None chooses."""
    as_json: bool
    """One line of JSON an input on standard output."""
    quiet: bool
    """Say only what failed."""


def colorize_all(request: Request) -> int:
    """Colorize everything asked for, and tell the user about it.

    Returns:
        The exit code: 0 all done, 1 some failed, 130 stopped by Ctrl-C with something left.

    Raises:
        OptionError: the command was used wrongly.
        TinctError: nothing can be done, for the model or the output folder can't be used.
    """
    destination = find_destination(request.output, request.inputs)
    if destination.standard:
        _check_standard_output(request)
    request = dataclasses.replace(request, options=_with_pictures(request.options, request.max_pixels))
    if request.variants is not None and request.confidence is not None:
        raise OptionError("--confidence says how sure the usual colors are; leave --variants out, or run it apart")
    if request.pages is not None and request.pages.one is None and request.confidence is not None:
        raise OptionError("--confidence makes a map of one page; give one (--pages 2), or run it apart")
    confidence = find_confidence(request.confidence, request.inputs)
    gathered = gather(request.inputs, recursive=request.recursive, avoid=destination.folder)
    plan = make_plan(
        gathered,
        destination,
        confidence=confidence,
        variants=request.variants,
        format=request.format,
        layer=request.options.layer,
        sidecar=request.sidecar,
        overwrite=request.overwrite,
        skip_existing=request.skip_existing,
        needed=request.needed,
    )
    try:
        return _carry_out(gathered, plan, request)
    except KeyboardInterrupt:  # the second Ctrl-C
        stop_at_once("Stopped.")


def _carry_out(gathered: Gathered, plan: Plan, request: Request) -> int:
    with Report(len(gathered.sources) + len(gathered.problems), quiet=request.quiet, as_json=request.as_json) as report:
        if gathered.earlier:
            count = len(gathered.earlier)
            report.note(f"left out {count} result{'s' * (count != 1)} of an earlier run (*{RESULT}.*)")
        for name, reason in gathered.problems:
            report.add(Outcome(name, None, "failed", error=reason))
        for task, reason in plan.refused:
            report.add(Outcome(task.source.name, task.output, "failed", error=reason))
        for task in plan.skipped:
            report.add(Outcome(task.source.name, task.output, "skipped"))
        left = _work_off(plan, request, report)
    if left:
        return INTERRUPTED
    return 1 if report.counts["failed"] else 0


def _with_pictures(options: ColorizeOptions, max_pixels: int) -> ColorizeOptions:
    """Open the mask and the reference, and decode them, before the first photograph fails for them."""
    given: dict[str, Any] = {"mask": options.mask, "reference": options.reference}
    opened: dict[str, Any] = {}
    for name, picture in given.items():
        if picture is None:
            continue
        from tinct.inference.reference import SIDE, read_colors
        from tinct.media.photo import read_photo

        try:
            opened[name] = found = read_photo(picture, max_pixels=max_pixels)
            if name == "reference":
                read_colors(found, SIDE, SIDE)
            else:
                found.small(SIDE, SIDE)
        except TruncatedPhoto as error:
            raise OptionError(f"--{name}: {picture} is cut short or damaged; give the whole file") from error
        except PhotoError as error:
            raise OptionError(f"--{name}: {error}") from error
    return dataclasses.replace(options, **opened)


def _check_standard_output(request: Request) -> None:
    if request.sidecar:
        raise OptionError("standard output takes a picture alone, and no --sidecar; give -o a file")
    if request.as_json:
        raise OptionError("--json and the picture can't both go to standard output; give -o a file")
    if sys.stdout is None:
        raise OptionError("standard output is closed; give -o a file")
    if sys.stdout.isatty():
        raise OptionError("a picture isn't written to the terminal; give -o a file, or pipe the output on")


def _work_off(plan: Plan, request: Request, report: Report) -> list[Task]:
    if not plan.tasks:
        return []
    make_folders(plan)
    from tinct.inference.pipeline import Colorizer

    colorizer = Colorizer(request.backend)

    def stopping() -> None:
        report.say("Stopping after what is under way; press Ctrl-C again to stop at once.", "yellow")

    raise_on_interrupt()
    left = list(
        run_all(
            plan.tasks,
            lambda task: _colorize_one(task, colorizer, request),
            jobs=min(request.jobs or min(os.cpu_count() or 1, MOST_JOBS), len(plan.tasks)),
            on_done=report.add,
            on_stop=stopping,
        )
    )
    if left:
        names = [task.source.name for task in left[:MOST_NAMES]]
        more = [f"and {len(left) - MOST_NAMES} more"] if len(left) > MOST_NAMES else []
        report.say("\n  ".join(["Stopped. Left to do (--skip-existing goes on with it):", *names, *more]), "yellow")
    for task in left:
        report.add(Outcome(task.source.name, task.output, "left"))
    return left


def _convert(task: Task, colorizer: Colorizer, request: Request) -> tuple[str, ...]:
    """Colorize one photograph, or pages of it, and write it; return what the user should know."""
    from tinct.inference.options import Variant
    from tinct.media.photo import write_pages
    from tinct.media.sidecar import sidecar_beside

    options = request.options
    if task.variant is not None and request.variants is not None:
        options = dataclasses.replace(options, variant=Variant(task.variant, request.variants, request.seed))
    said: list[tuple[str, ...]] = []
    last = None

    def results() -> Iterator[Photo]:
        nonlocal last
        for photo in _read(task, request):
            result = last = colorizer.colorize(photo, options)
            if task.confidence is not None:
                result.confidence()  # a model that can't say it is found out before anything is written
            said.append(result.notes)
            colored = result.photo if request.mark else dataclasses.replace(result.photo, mark=None)
            if beside is not None and task.target is not None and len(said) == 1:
                beside.take(colored, task.target, request.format, request.quality)
            yield colored

    with ExitStack() as stack:
        beside = None
        if task.target is not None and task.sidecar is not None and task.sidecar not in task.kept:
            beside = stack.enter_context(sidecar_beside(task.target, overwrite=request.overwrite))
        if task.target in task.kept:
            next(results())
        else:
            write_pages(
                results(),
                sys.stdout.buffer if task.target is None else task.target,
                format=request.format or ("png" if task.target is None and request.options.layer else None),
                quality=request.quality,
                overwrite=request.overwrite,
                signer=request.signer,
            )
    if task.confidence is not None and task.confidence not in task.kept and last is not None:
        last.save_confidence(task.confidence, overwrite=request.overwrite)
    return join_notes(said)


def _read(task: Task, request: Request) -> Iterator[Photo]:
    from tinct.media.sidecar import read_scan

    if task.source.is_standard and sys.stdin is None:
        raise UnreadablePhoto("standard input is closed; pipe a photograph into it, or name a file")
    return read_scan(
        sys.stdin.buffer.read() if task.source.is_standard else task.source.name,
        request.pages,
        sidecar=request.sidecar,
        max_pixels=request.max_pixels,
        allow_truncated=request.allow_truncated,
    )


def _colorize_one(task: Task, colorizer: Colorizer, request: Request) -> Outcome:
    started = time.perf_counter()
    notes: tuple[str, ...] = ()
    error: str | None = None
    try:
        notes = _convert(task, colorizer, request)
    except TinctError as problem:
        request.backend.wait()  # raises where it is the model's fault: no other photograph would fare better
        error = str(problem)
    except Exception as problem:  # noqa: BLE001 - one photograph's surprise must not take the others with it
        error = f"unexpected {type(problem).__name__}: {problem} (please report this)"
    return Outcome(
        input=task.source.name,
        output=task.output,
        status="failed" if error else "done",
        model=colorizer.spec.name,
        seconds=time.perf_counter() - started,
        notes=notes,
        error=error,
    )
