"""What ``tinct batch`` does with its options once they are read."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from tinct.cli.interrupts import INTERRUPTED, stop_at_once
from tinct.cli.progress import RateBar, duration
from tinct.errors import StoreError
from tinct.jobs.batch import Batch, Job, opened, opened_manifest
from tinct.jobs.deciding import left_over
from tinct.jobs.engines import Engine, Threads
from tinct.jobs.items import Outcome, name_of
from tinct.jobs.manifest import Manifest
from tinct.jobs.places import local_path
from tinct.jobs.report import write_report
from tinct.jobs.summary import Summary
from tinct.jobs.watching import Watch

if TYPE_CHECKING:
    from tinct.inference.backends import Backend

FAILED = 1
MOST_JOBS = 4
"""More photographs at once, unless asked for, take memory and win little: libvips uses several cores by itself."""
WAITING = 4
"""Further ones where a bucket is involved: they wait for the network most of the time."""
MOST_NAMES = 20
"""More photographs are counted, not named."""
_LABELS = (("done", "done"), ("kept", "found to be right"), ("failed", "failed"), ("gone", "deleted during the run"))


@dataclass(frozen=True, slots=True)
class Asked:
    """One call of the command."""

    job: Job
    jobs: int | None
    """Photographs under way at once, with Ray workers; None chooses."""
    engine: str = "local"
    """``local`` or ``ray``."""
    ray_address: str | None = None
    """Of a cluster's head; see :class:`~tinct.jobs.crew.Crew`."""
    dry_run: bool = False
    watch: float | None = None
    """Seconds between two looks at the sources; None looks once."""
    quiet: bool = False


class _Teller:
    """Tells the user what the batch tells it."""

    def __init__(self, bar: RateBar, quiet: bool) -> None:
        self._bar, self._quiet = bar, quiet

    def begin(self, total: int) -> None:
        self._bar.begin(total)

    def add(self, outcome: Outcome) -> None:
        if outcome.error is not None:
            self.complain(f"{outcome.source}: {outcome.error}")
        elif not self._quiet:
            for note in outcome.notes:
                self._bar.say(f"{outcome.source}: {note}", "yellow")
        self._bar.advance()

    def say(self, text: str) -> None:
        if not self._quiet:
            self._bar.say(text)

    def complain(self, text: str) -> None:
        self._bar.say(text, "red")

    def stopping(self) -> None:
        self._bar.say("Stopping after what is under way; press Ctrl-C again to stop at once.", "yellow")


def run_batch(asked: Asked) -> int:
    """Work a batch off, and tell the user about it.

    Returns:
        The exit code.

    Raises:
        OptionError: the command was used wrongly.
        TinctError: nothing can be done: a place or the model can't be used.
    """
    from tinct.inference.backends import load_backend

    job = asked.job
    backend = load_backend(job.model, job.device)
    try:
        with RateBar("photos", quiet=asked.quiet) as bar:
            teller = _Teller(bar, asked.quiet)
            with opened(job, backend, teller, dry=asked.dry_run) as batch, _engine(asked, backend, teller) as engine:
                return _carry_out(asked, engine, batch, teller, bar)
    except KeyboardInterrupt:  # the second Ctrl-C, or one before the first photograph
        stop_at_once("Stopped; run the same command again to go on.")


@contextmanager
def _engine(asked: Asked, backend: Backend, teller: _Teller) -> Iterator[Engine]:
    """Give what works the photographs off; a dry run stays on this machine."""
    if asked.engine == "local" or asked.dry_run:
        yield Threads(backend, asked.jobs or _choose_jobs(asked.job))
        return
    from tinct.jobs.cluster import Cluster
    from tinct.jobs.crew import Crew

    with Crew(asked.ray_address, asked.jobs, teller.complain) as crew:
        yield Cluster(crew, backend)


def _carry_out(asked: Asked, engine: Engine, batch: Batch, teller: _Teller, bar: RateBar) -> int:
    if asked.watch is not None:
        summary = Watch(batch, engine, asked.watch, teller).run()
    else:
        summary = batch.prepare(engine)
        _tell_plan(batch.manifest, batch.number, summary, teller)
        if asked.dry_run:
            _list_plan(batch.manifest, batch.number)
            _tell_left_alone(summary, teller)
            return FAILED if summary.states.get("failed") or summary.troubles else 0
        batch.run(engine, summary)
    bar.stop()
    return _finish(asked, batch, summary, teller)


def _choose_jobs(job: Job) -> int:
    remote = any(local_path(address) is None for address in (job.source, job.target))
    return min(os.cpu_count() or 1, MOST_JOBS) + (WAITING if remote else 0)


def _tell_plan(manifest: Manifest, number: int, summary: Summary, teller: _Teller) -> None:
    for trouble in (*summary.troubles, *summary.taken):
        teller.complain(trouble.text)
    states = summary.states
    if not sum(states.values()):
        teller.say("no pictures were found")
    if states.get("gone"):
        rows = manifest.query("SELECT source FROM files WHERE state = 'gone' ORDER BY id LIMIT ?", (MOST_NAMES,))
        _name_some(
            "gone from the source; their results stay", [name_of(row["source"]) for row in rows], states["gone"], teller
        )
    if left := left_over(manifest):
        what = "results of former formats are still there, under names no longer used"
        _name_some(what, left[:MOST_NAMES], len(left), teller)
    if states.get("done"):
        teller.say(f"{states['done']:,} done before")
    renamed = manifest.query(
        "SELECT source, target FROM files WHERE scan = ? AND plain <> target LIMIT ?", (number, MOST_NAMES + 1)
    )
    if renamed:
        pairs = [f"{name_of(row['source'])} -> {name_of(row['target'])}" for row in renamed[:MOST_NAMES]]
        _name_some(
            "would share their results' names with others, and got names of their own", pairs, len(renamed), teller
        )


def _name_some(what: str, names: Sequence[str], count: int, teller: _Teller) -> None:
    more = [f"and {count - len(names):,} more"] if count > len(names) else []
    teller.say("\n  ".join([f"{count:,} {what}:", *names, *more]))


def _list_plan(manifest: Manifest, number: int) -> None:
    """Write what a run would do to standard output, a line each, and how much of what."""
    last, counts = 0, dict[str, int]()
    query = "SELECT * FROM files WHERE scan = ? AND state = 'pending' AND id > ? ORDER BY id LIMIT 1000"
    while rows := manifest.query(query, (number, last)):
        last = rows[-1]["id"]
        for row in rows:
            counts[row["reason"]] = counts.get(row["reason"], 0) + 1
            line = f"{name_of(row['source'])} -> {name_of(row['target'])} ({row['reason']})"
            typer.echo(line.encode(errors="replace").decode())
    said = ", ".join(f"{count:,} {reason}" for reason, count in counts.items())
    typer.secho(f"to do: {said or 'nothing'}", err=True)


def _tell_left_alone(summary: Summary, teller: _Teller) -> None:
    if summary.failed_before:
        teller.complain(f"{summary.failed_before:,} failed before and were left alone; --retry-failed tries them again")
    if summary.taken:
        teller.complain(
            f"{len(summary.taken):,} left alone, as files that this batch didn't make have their results' names;"
            " --overwrite replaces those files"
        )


def _finish(asked: Asked, batch: Batch, summary: Summary, teller: _Teller) -> int:
    states = summary.states
    if summary.halt is not None:
        teller.complain(f"Stopped: {summary.halt}")
    else:
        _tell_left_alone(summary, teller)
    try:
        index = write_report(batch.manifest, asked.job.folder, asked.job.target)
    except StoreError as error:
        if summary.halt is None:
            teller.complain(str(error))
            summary.halt = str(error)
    else:
        teller.say(f"report: {index}")
    said = [f"{summary.counts[key]:,} {label}" for key, label in _LABELS if summary.counts[key]]
    left = states.get("pending", 0)
    said += [f"{left:,} left to do"] if left else []
    if summary.counts["done"] and summary.seconds > 0:
        rate = summary.counts["done"] / summary.seconds
        said.append(f"{duration(summary.seconds)}, {rate:.1f} photos/s")
    teller.say(", ".join(said) or "nothing to do")
    if summary.halt is not None or states.get("failed") or summary.troubles:
        return FAILED
    return INTERRUPTED if summary.interrupted and left else 0


def serve_review(target: str, state: Path | None, port: int, *, browser: bool) -> None:
    """Serve the review of a batch until Ctrl-C.

    Raises:
        StoreError: there is no batch, its results are out of reach, or the port is taken.
    """
    import webbrowser

    from tinct.jobs.review import ReviewServer
    from tinct.jobs.reviewing import Review

    with (
        opened_manifest(target, state) as (manifest, folder),
        ReviewServer(Review(manifest, folder, target), port) as server,
    ):
        typer.echo(f"Review at {server.address}\nCtrl-C ends it.", err=True)
        if browser:
            webbrowser.open(server.address)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            typer.echo("Ended.", err=True)
