"""The table as JSON, as CSV, and for a terminal."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from typing import Any

import tinct
from tinct.evaluation.catalog import NOT_AVAILABLE, Figure
from tinct.evaluation.request import Evaluation, Row

SHOWN = (
    "psnr",
    "ssim",
    "ms_ssim",
    "ciede2000",
    "auc",
    "auc_rebalanced",
    "colorfulness",
    "semantic_top1",
    "milliseconds",
)
"""Figures that fit a terminal's width."""


def as_dict(evaluation: Evaluation) -> dict[str, Any]:
    """Return everything that was found, as plain values."""
    request = evaluation.request
    return {
        "tinct": tinct.__version__,
        "protocol": request.protocol,
        "mode": request.mode,
        "raw_rgb": request.raw_rgb,
        "command": request.command,
        "part": request.part,
        "held_of": None if request.held_of is None else str(request.held_of),
        "warnings": evaluation.warnings,
        "manifest_sha256": evaluation.manifest_sha256,
        "data": [
            {
                "name": name,
                "manifest_sha256": evaluation.hashes[name],
                "photos": len(photographs),
                "measured": sum(p.status == "measured" for p in photographs),
                "near_gray": sum(p.status == "near gray" for p in photographs),
                "unreadable": sum(p.status == "unreadable" for p in photographs),
            }
            for name, photographs in evaluation.manifest.items()
        ],
        "rows": [_row(row) for row in evaluation.rows],
        "comparisons": evaluation.comparisons,
        "hint_curve": evaluation.curve,
        "not_available": evaluation.reasons,
        "manifest": [
            {"data": name, "name": p.name, "sha256": p.sha256, "status": p.status}
            | ({"reason": p.reason} if p.reason else {})
            for name, photographs in evaluation.manifest.items()
            for p in photographs
        ],
    }


def _row(row: Row) -> dict[str, Any]:
    found: dict[str, Any] = {
        "data": row.data,
        "name": row.name,
        "baseline": row.baseline,
        "photos": len(row.names),
        "failed": len(row.faults),
        "faults": row.faults,
    }
    for key, value in row.figures.items():
        found[key] = value
        interval = row.intervals[key]
        found[f"{key}_ci95"] = None if interval is None else list(interval)
    return found


def to_json(evaluation: Evaluation) -> str:
    """Return everything that was found as one object of JSON."""
    return json.dumps(as_dict(evaluation), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def to_csv(evaluation: Evaluation) -> str:
    """Return the table as CSV: a line a row, three columns a figure."""
    text = io.StringIO()
    keys = [figure.key for figure in evaluation.request.figures]
    columns = [column for key in keys for column in (key, f"{key}_low", f"{key}_high")]
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["data", "name", "photos", "failed", *columns])
    for row in evaluation.rows:
        values: list[object] = [row.data, row.name, len(row.names), len(row.faults)]
        for key in keys:
            values += [row.figures[key], *(row.intervals[key] or ("", ""))]
        writer.writerow(values)
    return text.getvalue()


def readable(figure: Figure, value: float | str) -> str:
    """Return a figure as people read it."""
    if isinstance(value, str):
        return value
    return f"{value:,.{figure.digits}f}"


def to_text(evaluation: Evaluation) -> str:
    """Return the table for a terminal, its main figures, with what else is to be said."""
    figures = [f for f in evaluation.request.figures if f.key in SHOWN] or list(evaluation.request.figures)
    lines: list[str] = []
    for name, photographs in evaluation.manifest.items():
        rows = [row for row in evaluation.rows if row.data == name]
        measured = sum(p.status == "measured" for p in photographs)
        gray = sum(p.status == "near gray" for p in photographs)
        said = f"{name}: {measured} photographs, protocol {evaluation.request.protocol}"
        lines += ["", said + (f"; {gray} near gray left out" if gray else "")]
        lines += _aligned(
            [["", *(f"{f.title} {f.unit}".strip() for f in figures)]]
            + [[row.name, *(_short(f, row.figures[f.key]) for f in figures)] for row in rows]
        )
    for difference in evaluation.comparisons:
        if difference["figure"] == "psnr":
            low, high = difference["ci95"]
            lines.append(
                f"{difference['first']} over {difference['second']}: {difference['difference']:+.3f} dB PSNR "
                f"({low:+.3f} to {high:+.3f}), p {_chance(difference['p'])}"
            )
    lines.append(f"manifest {evaluation.manifest_sha256}")
    return "\n".join(lines[1:]) + "\n"


def _short(figure: Figure, value: float | str) -> str:
    return "-" if value == NOT_AVAILABLE else readable(figure, value)


def _chance(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"= {p:.3f}"


def _aligned(table: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return [
        "  ".join(cell.ljust(width) if not index else cell.rjust(width) for index, (cell, width) in enumerate(pairs))
        for pairs in (list(zip(line, widths, strict=True)) for line in table)
    ]
