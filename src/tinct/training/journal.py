"""What a run leaves to read: losses and validation figures as CSV, and their curves as a picture."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from tinct.media.atomic import atomic_path

LOSSES, VALIDATION, CURVES = "losses.csv", "validation.csv", "curves.png"


class Journal:
    """The CSV files of a run.

    Args:
        run: the run's folder.
        step: rows after this step, written by a part of the run that a resume does again, are dropped.
    """

    def __init__(self, run: Path, step: int) -> None:
        self.run = run
        for name in (LOSSES, VALIDATION):
            path = run / name
            rows = read_rows(path)
            kept = [row for row in rows if float(row["step"]) <= step]
            if len(kept) < len(rows):
                with atomic_path(path, overwrite=True) as temporary:
                    _write(temporary, kept)

    def add(self, name: str, row: dict[str, Any]) -> None:
        """Append a row to one of the files; the first row names the columns."""
        path = self.run / name
        rounded = {key: f"{value:.6g}" if isinstance(value, float) else value for key, value in row.items()}
        fresh = not path.exists() or path.stat().st_size == 0
        with path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(rounded))
            if fresh:
                writer.writeheader()
            writer.writerow(rounded)

    def draw(self) -> None:
        """Draw the curves of both files into one PNG."""
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        losses, figures = read_rows(self.run / LOSSES), read_rows(self.run / VALIDATION)
        figure = Figure(figsize=(11, 4), layout="constrained")
        FigureCanvasAgg(figure)
        left, right = figure.subplots(1, 2)
        for column in losses[0] if losses else ():
            if column.startswith("loss") or column in ("cross_entropy", "huber"):
                left.plot([float(r["seen"]) for r in losses], [float(r[column]) for r in losses], label=column)
        for column in figures[0] if figures else ():
            if column.startswith("psnr"):
                right.plot([float(r["seen"]) for r in figures], [float(r[column]) for r in figures], "o-", label=column)
        left.set(xlabel="photos seen", title="training loss", yscale="log")
        right.set(xlabel="photos seen", ylabel="dB", title="validation PSNR")
        for axes in (left, right):
            axes.grid(alpha=0.3)
            if axes.lines:
                axes.legend()
        with atomic_path(self.run / CURVES, overwrite=True) as path:
            figure.savefig(path, format="png", dpi=100)


def read_rows(path: Path) -> list[dict[str, str]]:
    """Read a CSV file; a last row cut short by a kill is left out."""
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [row for row in rows if None not in row.values() and None not in row]


def _write(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        if rows:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
