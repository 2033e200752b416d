"""The report: one HTML file that needs nothing else, no network, no server."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np

import tinct
from tinct.color.figures import Pixels, psnr
from tinct.errors import MissingExtra
from tinct.evaluation import charts, hints
from tinct.evaluation.catalog import BY_KEY, NOT_AVAILABLE, Figure
from tinct.evaluation.output import readable
from tinct.evaluation.request import Evaluation, Row
from tinct.evaluation.resample import resize
from tinct.evaluation.runner import Views
from tinct.media.vips import vips

try:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
except ImportError as missing:
    raise MissingExtra("a report", "train") from missing

SHOWN = 3
"""Photographs of each kind: worst, median, best, and of each kind of failure."""
SIDE = 128
"""Of a small picture, in pixels."""
SPREAD = ("psnr", "ssim", "ciede2000", "colorfulness", "lightness_error", "bleeding")
"""Figures whose distribution is drawn."""

Photos = Path | Literal["measured", "none"]
"""Which photographs a report shows: of those measured, none, or those of a folder."""


def to_html(evaluation: Evaluation, views: Views, photos: Photos = "measured") -> str:
    """Return the report.

    Args:
        evaluation: what was found.
        views: makes pictures anew.
        photos: ``measured`` shows the worst, the median and the best of the photographs, and failures; ``none`` shows
            none, nor their names; a folder shows what models make of the photographs in it, for a report that is to be
            passed on where those measured may not be.

    Raises:
        DataError: there is no photograph in the folder.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    request = evaluation.request
    return environment.get_template("report.html").render(
        version=tinct.__version__,
        request=request,
        manifest=evaluation.manifest_sha256,
        sets=[_set(evaluation, name, views, photos) for name in evaluation.manifest],
        shows=photos if isinstance(photos, str) else "others",
        others=_others(evaluation.rows, views, photos) if isinstance(photos, Path) else [],
        figures=request.figures,
        warnings=evaluation.warnings,
        reasons=evaluation.reasons,
        titles={key: figure.title for key, figure in BY_KEY.items()},
        not_available=NOT_AVAILABLE,
    )


def _set(evaluation: Evaluation, name: str, views: Views, photos: Photos) -> dict[str, Any]:
    photographs = evaluation.manifest[name]
    rows = [row for row in evaluation.rows if row.data == name]
    figures = evaluation.request.figures
    return {
        "name": name,
        "hash": evaluation.hashes[name],
        "measured": sum(p.status == "measured" for p in photographs),
        "near_gray": sum(p.status == "near gray" for p in photographs),
        "unreadable": [p for p in photographs if p.status == "unreadable"],
        "rows": [_row(row, figures) for row in rows],
        "failed": [(row.name, row.faults) for row in rows if row.faults and not row.baseline],
        "comparisons": [_comparison(found) for found in evaluation.comparisons if found["data"] == name],
        "spreads": _spreads(rows),
        "maps": [(row.name, charts.color_map(row.colors)) for row in rows if any(row.colors) and row.name != "gray"],
        "costs": _costs(rows, figures),
        "curves": _curves([point for point in evaluation.curve if point["data"] == name]),
        "galleries": [
            (row.name, _galleries(row, rows, partial(views.measured, name, row.name)))
            for row in rows
            if photos == "measured" and not row.baseline and "psnr" in row.per_photo
        ],
    }


def _row(row: Row, figures: Sequence[Figure]) -> dict[str, Any]:
    cells = []
    for figure in figures:
        value, interval = row.figures[figure.key], row.intervals[figure.key]
        cells.append(
            {
                "order": "" if isinstance(value, str) else repr(value),
                "value": readable(figure, value),
                "interval": interval and "{} – {}".format(*(readable(figure, end) for end in interval)),
            }
        )
    return {"name": row.name, "baseline": row.baseline, "photos": len(row.names), "cells": cells}


def _comparison(found: dict[str, Any]) -> dict[str, Any]:
    figure = BY_KEY[found["figure"]]
    low, high = found["ci95"]
    sign = {"high": 1, "low": -1}.get(figure.better, 0) * (1 if found["difference"] > 0 else -1)
    verdict = "" if low <= 0 <= high or not sign else "better" if sign > 0 else "worse"
    shown = {
        key: f"{value:+.{figure.digits}f}"
        for key, value in (("mean", found["difference"]), ("low", low), ("high", high))
    }
    return found | shown | {"title": figure.title, "unit": figure.unit, "verdict": verdict}


def _costs(rows: Sequence[Row], figures: Sequence[Figure]) -> dict[str, Any] | None:
    """Return what the models cost, by themselves, as the wide table has it at its far end."""
    shown = [figure for figure in figures if figure.group == "cost"]
    measured = [row for row in rows if not row.baseline]
    if not shown or not measured:
        return None
    titles = [f"{figure.title}{', ' * bool(figure.unit)}{figure.unit}" for figure in shown]
    return {
        "titles": titles,
        "rows": [(row.name, [readable(figure, row.figures[figure.key]) for figure in shown]) for row in measured],
    }


def _spreads(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return the distributions of each figure, of all rows on one scale."""
    found = []
    for key in SPREAD:
        values = {row.name: [v for v in row.per_photo.get(key, ()) if v is not None] for row in rows}
        shown = {name: some for name, some in values.items() if some and name != "original"}
        if not shown:
            continue
        everything = np.concatenate(list(shown.values()))
        low, high = (float(end) for end in np.quantile(everything, (0.005, 0.995)))
        figure = BY_KEY[key]
        if high > low:
            drawn = [
                (name, charts.histogram(some, low, high), readable(figure, float(np.median(some))))
                for name, some in shown.items()
            ]
            ends = (readable(figure, low), readable(figure, high))
            found.append({"title": figure.title, "unit": figure.unit, "rows": drawn, "ends": ends})
    return found


def _curves(points: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    found = []
    for placement in hints.PLACEMENTS:
        lines = []
        for name in dict.fromkeys(point["name"] for point in points):
            own = [p for p in points if p["name"] == name and p["protocol"] == placement]
            spots = [(float(p["hints"]), p["psnr"]) for p in own]
            lines.append(charts.Line(name, spots, [tuple(p["psnr_ci95"]) for p in own]))
        if not lines:
            continue
        if placement == "6x6 normal":
            spots = [(float(count), value) for count, value in hints.PUBLISHED.items()]
            lines.append(charts.Line("siggraph17, published (ImageNet)", spots, dashed=True))
        drawn = charts.curves(lines, "hints", "PSNR, dB")
        found.append({"placement": placement, "svg": drawn, "names": [line.name for line in lines]})
    return found


def _galleries(
    row: Row, rows: Sequence[Row], look: Callable[[Sequence[str]], Iterable[tuple[str, Pixels, Pixels]]]
) -> Any:
    """Return the titled strips of a row: worst, median and best by PSNR, then kinds of failure."""
    original = next(other for other in rows if other.name == "original")
    truth = dict(zip(original.names, original.per_photo["colorfulness"], strict=True))
    values = {key: np.array([np.nan if v is None else v for v in column]) for key, column in row.per_photo.items()}
    change = values["colorfulness"] - np.array([truth[name] or 0.0 for name in row.names])
    ranked = np.argsort(values["psnr"])
    middle = max(0, len(ranked) // 2 - SHOWN // 2)
    kinds: list[tuple[str, Any]] = [
        ("Worst by PSNR", ranked[:SHOWN]),
        ("Median by PSNR", ranked[middle : middle + SHOWN]),
        ("Best by PSNR", ranked[::-1][:SHOWN]),
    ]
    if "ciede2000" in values:
        kinds.append(("Failures: largest color difference", np.argsort(-values["ciede2000"])[:SHOWN]))
    kinds.append(("Failures: too dull", np.argsort(change)[:SHOWN]))
    kinds.append(("Failures: too lively", np.argsort(-change)[:SHOWN]))
    if "bleeding" in values:
        kinds.append(("Failures: most color where lightness has no edge", np.argsort(-values["bleeding"])[:SHOWN]))
    wanted = list(dict.fromkeys(row.names[index] for _, chosen in kinds for index in chosen))
    pictures = {name: (_picture(_gray(one)), _picture(two), _picture(one)) for name, one, two in look(wanted)}

    def card(index: int) -> dict[str, Any]:
        name = row.names[index]
        told = [
            f"{BY_KEY[key].title} {readable(BY_KEY[key], float(values[key][index]))} {BY_KEY[key].unit}".strip()
            for key in ("psnr", "ciede2000")
            if key in values
        ]
        return {"name": name, "pictures": pictures[name], "told": ", ".join(told)}

    return [(title, [card(int(index)) for index in chosen]) for title, chosen in kinds]


def _others(rows: Sequence[Row], views: Views, folder: Path) -> list[tuple[str, list[dict[str, Any]]]]:
    """Return what each model makes of the photographs of a folder."""
    found = []
    for name in dict.fromkeys(row.name for row in rows if not row.baseline):
        cards = []
        for title, original, result in views.other(name, folder):
            pictures = _picture(_gray(original)), _picture(result), _picture(original)
            told = f"PSNR {readable(BY_KEY['psnr'], psnr(original, result))} dB"
            cards.append({"name": title, "pictures": pictures, "told": told})
        if cards:
            found.append((name, cards))
    return found


def _gray(rgb: Pixels) -> Pixels:
    from tinct.evaluation.protocol import Original

    return np.repeat(Original(rgb).levels[..., np.newaxis], 3, axis=-1)


def _picture(pixels: Pixels) -> str:
    """Return a small JPEG as the address of an image."""
    height, width = pixels.shape[:2]
    scale = min(1.0, SIDE / min(height, width))
    small = resize(pixels, max(1, round(height * scale)), max(1, round(width * scale)))
    data: bytes = vips().Image.new_from_array(small).copy(interpretation="srgb").jpegsave_buffer(Q=82)
    return "data:image/jpeg;base64," + base64.b64encode(data).decode()
