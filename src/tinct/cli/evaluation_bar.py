"""The progress bar of ``tinct evaluate``: what is being done, how many photographs, time left."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


class EvaluationBar:
    """Draws what an evaluation reports, on standard error.

    Args:
        quiet: draw nothing.
    """

    def __init__(self, quiet: bool) -> None:
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            redirect_stdout=False,
            disable=quiet,
        )
        self._task = self._bar.add_task("starting", total=None)
        self._what = ""

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._bar.stop()

    def update(self, what: str, done: int, total: int) -> None:
        """Show what is being done, and how far it is; a total of 0 stands for one that nobody knows."""
        if what != self._what:
            self._what = what
            self._bar.reset(self._task, total=total or None, description=what, completed=done)
        self._bar.update(self._task, completed=done, total=total or None)
