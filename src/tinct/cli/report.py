"""What the user is told: lines and a progress bar on standard error, JSON on standard output."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self

import typer

from tinct.cli.inputs import STANDARD

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

Status = Literal["done", "skipped", "failed", "left"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one input."""

    input: str
    output: str | None
    status: Status
    model: str | None = None
    seconds: float | None = None
    """Wall time from opening the input to the finished output; None where no work was done."""
    notes: tuple[str, ...] = ()
    error: str | None = None

    def to_json(self) -> str:
        """Return one line of JSON; names that are no valid Unicode keep their bytes as surrogate escapes."""
        seconds = None if self.seconds is None else round(self.seconds, 3)
        return json.dumps(
            {
                "input": self.input,
                "output": self.output,
                "status": self.status,
                "model": self.model,
                "seconds": seconds,
                "notes": list(self.notes),
                "error": self.error,
            }
        )


class Report:
    """Tells the user what becomes of each input, and counts.

    Args:
        total: how many inputs there are; a progress bar is drawn for more than one.
        quiet: say only what failed.
        as_json: write one line of JSON an input on standard output, and on standard error only what failed.
    """

    def __init__(self, total: int, *, quiet: bool = False, as_json: bool = False) -> None:
        self._quiet = quiet
        self._as_json = as_json
        self._total = total
        self._progress: Progress | None = None
        self._bar: TaskID | None = None
        self.counts: dict[Status, int] = {"done": 0, "skipped": 0, "failed": 0, "left": 0}

    def __enter__(self) -> Self:
        # A bar on the terminal that the JSON goes to would tear its lines.
        if self._total > 1 and not self._quiet and not (self._as_json and sys.stdout.isatty()):
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

            self._progress = Progress(
                TextColumn("Colorizing"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeRemainingColumn(),
                console=Console(stderr=True),
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._bar = self._progress.add_task("", total=self._total)
            self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._progress is not None:
            self._progress.stop()
            self._progress = None
        if kind is None and self._total > 1 and not self._quiet:
            said = ", ".join(f"{count} {status}" for status, count in self.counts.items() if count)
            self.say(said or "nothing to do")

    def add(self, outcome: Outcome) -> None:
        """Report one finished input."""
        self.counts[outcome.status] += 1
        if self._as_json:
            typer.echo(outcome.to_json())
        if outcome.status == "failed":
            reason = outcome.error or ""
            self.say(reason if outcome.input in reason else f"{outcome.input}: {reason}", "red")
        elif not self._quiet and not self._as_json:
            if outcome.status == "done" and outcome.output != STANDARD:
                self.say(f"{outcome.input} -> {outcome.output}")
            elif outcome.status == "skipped":
                self.say(f"{outcome.input}: skipped, {outcome.output} exists")
            for note in outcome.notes:
                self.say(f"  note: {note}", "yellow")
        if self._progress is not None and self._bar is not None and outcome.status != "left":
            self._progress.advance(self._bar)

    def note(self, text: str) -> None:
        """Say something that isn't about one input, unless quiet."""
        if not self._quiet:
            self.say(text, "yellow")

    def say(self, text: str, color: str | None = None) -> None:
        """Write a line to standard error, above the bar where there is one."""
        if self._progress is None:
            typer.secho(text, fg=color, err=True)
        else:
            self._progress.console.print(text, style=color, markup=False, highlight=False, soft_wrap=True)
