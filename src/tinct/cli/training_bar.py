"""The progress bar of ``tinct train``: stage, step, photos a second, losses, time left."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, TaskProgressColumn, TextColumn
from rich.progress import Progress as Bar

from tinct.cli.progress import duration
from tinct.training.progress import Progress

FIGURES = ("psnr", "colorfulness")
"""Figures of a validation that are shown, by the beginnings of their names; all are in the run's tables."""


class TrainingBar:
    """Draws what a run reports, on standard error.

    Args:
        quiet: draw nothing.
    """

    def __init__(self, quiet: bool) -> None:
        self._bar = Bar(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[said]}"),
            console=Console(stderr=True),
            disable=quiet,
        )
        self._task = self._bar.add_task("starting", total=1.0, said="")
        self._stage = ""
        self._quiet = quiet

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._bar.stop()

    def update(self, progress: Progress) -> None:
        """Show a report; the figures of a validation stay above the bar as a line."""
        self._bar.start()
        if progress.note:
            self.tell(progress.note)
            return
        said = [f"step {progress.step}"] if progress.step else []
        if progress.photos_per_second:
            said.append(f"{progress.photos_per_second:.0f} photos/s")
        if progress.seconds_left is not None:
            said.append(f"{duration(progress.seconds_left)} left")
        measured = self._stage == "validating" and bool(progress.figures)
        shown = {name: value for name, value in progress.figures.items() if not measured or name.startswith(FIGURES)}
        said += [f"{name} {value:.4g}" for name, value in shown.items()]
        if measured:
            self.tell(f"validation at {', '.join(said)}")
        self._stage = progress.stage
        self._bar.update(self._task, description=progress.stage, completed=progress.done, said=", ".join(said))

    def tell(self, line: str) -> None:
        """Print a line above the bar, where it stays."""
        if not self._quiet:
            self._bar.console.print(line, highlight=False, markup=False, soft_wrap=True)
