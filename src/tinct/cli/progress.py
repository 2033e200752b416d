"""How far a long job is: a bar with photographs a second and the time left, or now and then a line."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import typer

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

SECONDS = 10.0
"""Between two lines where standard error is no terminal."""


class RateBar:
    """A bar on standard error; where that is no terminal, a line every ten seconds.

    Args:
        what: what is counted, in the plural.
        quiet: draw nothing.
        clock: seconds that only go forward.
    """

    def __init__(self, what: str, *, quiet: bool = False, clock: Callable[[], float] = time.monotonic) -> None:
        self._what, self._quiet, self._clock = what, quiet, clock
        self._progress: Progress | None = None
        self._bar: TaskID | None = None
        self._total = self._done = 0
        self._started = self._told = clock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def begin(self, total: int) -> None:
        """Draw the bar for so many."""
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self.stop()
        self._total, self._done = total, 0
        self._started = self._told = self._clock()
        console = Console(stderr=True)
        if self._quiet or not total or not console.is_terminal:
            return
        self._progress = Progress(
            TextColumn("Colorizing"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(elapsed_when_finished=True),
            console=console,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._bar = self._progress.add_task("", total=total, rate="")
        self._progress.start()

    def advance(self) -> None:
        """One more is done."""
        self._done += 1
        now = self._clock()
        if self._progress is not None and self._bar is not None:
            self._progress.update(self._bar, advance=1, rate=f"{self.rate:.1f} {self._what}/s")
        elif not self._quiet and now - self._told >= SECONDS and self._done < self._total:
            self._told = now
            left = (self._total - self._done) / max(self.rate, 1e-9)
            text = f"{self._done:,} of {self._total:,}, {self.rate:.1f} {self._what}/s, {duration(left)} left"
            typer.echo(text, err=True)

    @property
    def rate(self) -> float:
        """How many were done a second, so far."""
        return self._done / max(self._clock() - self._started, 1e-9)

    def say(self, text: str, color: str | None = None) -> None:
        """Write a line to standard error, above the bar where there is one."""
        text = text.encode(errors="replace").decode()  # names may be no Unicode
        if self._progress is None:
            typer.secho(text, fg=color, err=True)
        else:
            options: Any = {"markup": False, "highlight": False, "soft_wrap": True}
            self._progress.console.print(text, style=color, **options)

    def stop(self) -> None:
        """Take the bar away."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None


def duration(seconds: float) -> str:
    """Return a stretch of time for a reader.

    >>> duration(4000)
    '1:06:40'
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
