"""What a run leaves to read: losses and validation figures as CSV, their curves as a picture, TensorBoard if wanted."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tinct.errors import MissingExtra, OutputError
from tinct.media.atomic import atomic_path

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LOSSES, VALIDATION, CURVES, EVENTS = "losses.csv", "validation.csv", "curves.png", "tensorboard"
PLACES = ("step", "seen", "seconds")
"""Columns that say where a row stands; the others are its figures."""


class Journal:
    """The CSV files of a run, and its event files.

    Args:
        run: the run's folder.
        step: rows after this step, written by a part of the run that a resume does again, are dropped.
        tensorboard: write event files as well, into the run's folder ``tensorboard``.

    Raises:
        MissingExtra: TensorBoard isn't installed.
    """

    def __init__(self, run: Path, step: int, *, tensorboard: bool = False) -> None:
        self.run = run
        self._events: Any = _make_events(run / EVENTS, step) if tensorboard else None
        for name in (LOSSES, VALIDATION):
            self.cut(name, step)

    def cut(self, name: str, step: int) -> None:
        """Drop the rows of one of the files after a step, and what a kill left of a last one."""
        path = self.run / name
        rows = read_rows(path)
        kept = [row for row in rows if float(row["step"]) <= step]
        if len(kept) < len(rows) or not _read(path).endswith("\n"):
            with atomic_path(path, overwrite=True) as temporary:
                _write(temporary, kept)

    def add(self, name: str, row: Mapping[str, float]) -> None:
        """Append a row to one of the files; the first row names the columns, and later ones have the same.

        Raises:
            OutputError: it can't be written; what of it was is dropped when the run goes on.
        """
        path = self.run / name
        rounded = {key: f"{value:.6g}" if isinstance(value, float) else value for key, value in row.items()}
        try:
            fresh = not path.exists() or path.stat().st_size == 0
            with path.open("a", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, list(rounded))
                if fresh:
                    writer.writeheader()
                writer.writerow(rounded)
        except OSError as error:
            raise OutputError(f"{path} can't be written ({error.strerror or error})") from error
        if self._events is not None:
            group = name.removesuffix(".csv")
            for key in row.keys() - set(PLACES):
                if math.isfinite(row[key]):
                    self._events.add_scalar(f"{group}/{key}", row[key], row["step"])

    def close(self) -> None:
        """Finish the event files."""
        if self._events is not None:
            self._events.close()

    def draw(self) -> None:
        """Draw the curves of both files into one PNG."""
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        losses, figures = read_rows(self.run / LOSSES), read_rows(self.run / VALIDATION)
        figure = Figure(figsize=(15, 4), layout="constrained")
        FigureCanvasAgg(figure)
        left, middle, right = figure.subplots(1, 3)
        apart = {*PLACES, "rate", "photos_per_second", "accuracy"}
        terms = [name for name in (losses[0] if losses else ()) if name not in apart and not _is_colorfulness(name)]
        _plot(left, losses, terms, ".-" if len(losses) < 50 else "-")
        _plot(middle, figures, [name for name in (figures[0] if figures else ()) if name.startswith("psnr")], "o-")
        _plot(right, figures, [name for name in (figures[0] if figures else ()) if _is_colorfulness(name)], "o-")
        left.set(xlabel="photos seen", title="training loss and its terms", yscale="log")
        middle.set(xlabel="photos seen", ylabel="dB", title="validation PSNR")
        right.set(xlabel="photos seen", title="validation colorfulness")
        with atomic_path(self.run / CURVES, overwrite=True) as path:
            figure.savefig(path, format="png", dpi=100)


def _is_colorfulness(name: str) -> bool:
    return name.startswith("colorfulness")


def _plot(axes: Axes, rows: Sequence[Mapping[str, str]], columns: Sequence[str], style: str) -> None:
    for column in columns:
        seen, values = ([float(row[name]) for row in rows] for name in ("seen", column))
        if any(map(math.isfinite, values)):
            axes.plot(seen, values, style, markersize=4, label=column)
    axes.grid(alpha=0.3)
    if axes.lines:
        axes.legend(fontsize="small")


def _make_events(folder: Path, step: int) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise MissingExtra("--tensorboard", "tensorboard") from error
    # Events of a part that a resume does again are hidden by those after them.
    return SummaryWriter(folder, purge_step=step + 1 if step else None)


def read_rows(path: Path) -> list[dict[str, str]]:
    """Read a CSV file; a last row cut short by a kill is left out."""
    text = _read(path)
    rows = list(csv.DictReader(io.StringIO(text[: text.rfind("\n") + 1], newline="")))
    return [row for row in rows if None not in row.values() and None not in row]


def _read(path: Path) -> str:
    """Return the text of a file; of one that isn't there or is empty, a newline."""
    return (path.read_bytes().decode() if path.exists() else "") or "\n"


def lower_is_better(figure: str) -> bool:
    """Tell whether less of a validation figure is better."""
    return figure.startswith("mse")


def _write(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        if rows:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
