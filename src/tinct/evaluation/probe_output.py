"""What a probe found, as JSON, as CSV, for a terminal, and as a plot."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import tinct
from tinct.evaluation.probe import PIXELS, LayerRow, Probed
from tinct.media.atomic import atomic_path

COLUMNS = tuple(
    "network kind layer output features accuracy accuracy_low accuracy_high over_random over_random_low"
    " over_random_high p".split()
)
PLOTS = (".png", ".svg", ".pdf")
"""Endings of plots."""
_STYLES = {"model": "-", "random": ":", "imagenet": "--"}


def to_json(found: Probed) -> str:
    """Return everything as one object of JSON."""
    plain = asdict(found) | {"tinct": tinct.__version__}
    return json.dumps(plain, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def to_csv(found: Probed) -> str:
    """Return a line a layer."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in found.rows:
        writer.writerow(_flat(row))
    return text.getvalue()


def _flat(row: LayerRow) -> dict[str, Any]:
    low, high = row.over_random_ci95 or (None, None)
    return {
        "network": row.network,
        "kind": row.kind,
        "layer": row.layer,
        "output": "x".join(map(str, row.shape)),
        "features": row.features,
        "accuracy": row.accuracy,
        "accuracy_low": row.ci95[0],
        "accuracy_high": row.ci95[1],
        "over_random": row.over_random,
        "over_random_low": low,
        "over_random_high": high,
        "p": row.p,
    }


def to_text(found: Probed) -> str:
    """Return the table for a terminal."""
    head = f"{found.train} photographs to learn from, {found.test} to test on, {len(found.classes)} classes"
    lines = [f"{head}, {found.size}x{found.size} pixels; always the most common class: {found.most_common:.1f} %"]
    width = max(len(f"{row.network} {row.layer}") for row in found.rows)
    for row in found.rows:
        line = f"{f'{row.network} {row.layer}':{width}}  {row.accuracy:5.1f} % ({row.ci95[0]:.1f} to {row.ci95[1]:.1f})"
        if row.over_random is not None and row.over_random_ci95 is not None:
            low, high = row.over_random_ci95
            line += f"  over random {row.over_random:+.1f} ({low:+.1f} to {high:+.1f})"
        lines.append(line)
    for name, count in found.left_out.items():
        lines.append(f"left out for too few photographs: {name} ({count})")
    return "\n".join(lines) + "\n"


def plot(found: Probed, path: Path) -> None:
    """Draw accuracy over layers, a line a network, with its intervals.

    Args:
        found: what is drawn.
        path: a PNG, SVG or PDF; replaced where it exists.

    Raises:
        OutputError: it can't be written.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 5.5), layout="constrained")
    axes = figure.subplots()
    axes.set_xlabel("Layer, in the order of running")
    axes.set_ylabel("Test photographs told right, %")
    networks = list(dict.fromkeys(row.network for row in found.rows if row.kind != PIXELS))
    rows_of = {network: [row for row in found.rows if row.network == network] for network in networks}
    names = [row.layer for row in max(rows_of.values(), key=len)]
    for network, rows in rows_of.items():
        places = _places([row.layer for row in rows], names)
        style = _STYLES[rows[0].kind]
        (line,) = axes.plot(places, [row.accuracy for row in rows], style, marker="o", markersize=4, label=network)
        low, high = zip(*(row.ci95 for row in rows), strict=True)
        axes.fill_between(places, low, high, color=line.get_color(), alpha=0.12)
    pixels = next(row for row in found.rows if row.kind == PIXELS)
    axes.axhline(pixels.accuracy, color="0.4", linewidth=1, label="bare pixels")
    axes.axhline(found.most_common, color="0.7", linewidth=1, label="most common class")
    axes.set_xticks(range(len(names)), names, rotation=40, ha="right")
    axes.set_ylim(bottom=0)
    axes.grid(axis="y", color="0.9")
    axes.legend(fontsize=8)
    axes.set_title(f"A linear classifier on frozen features: {len(found.classes)} classes, {found.train} photographs")
    with atomic_path(path, overwrite=True) as file:
        figure.savefig(file, format=path.suffix[1:].lower(), dpi=150)


def _places(layers: list[str], names: list[str]) -> list[float]:
    """Return where layers stand among the names of the network with most: at theirs, else evenly from end to end."""
    if set(layers) <= set(names):
        return [names.index(layer) for layer in layers]
    step = (len(names) - 1) / max(1, len(layers) - 1)
    return [place * step for place in range(len(layers))]
