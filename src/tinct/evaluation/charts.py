"""The report's charts, as SVG that scales with the page and takes its colors from it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from tinct.color.gamut import reduce_chroma
from tinct.color.lab import lab_to_srgb
from tinct.evaluation import auc

BINS = 40


def histogram(values: Sequence[float], low: float, high: float) -> str:
    """Draw how values are distributed over low..high, the median a line; what lies outside counts at the ends."""
    counts, _ = np.histogram(np.clip(values, low, high), BINS, (low, high))
    most = max(1, int(counts.max()))
    width, height = 240, 48
    steps = [f"M0 {height}"]
    for index, count in enumerate(counts):
        top = height - (height - 4) * count / most
        steps.append(f"V{top:.1f}H{width * (index + 1) / BINS:.1f}")
    middle = width * (float(np.clip(np.median(values), low, high)) - low) / ((high - low) or 1)
    return (
        f'<svg viewBox="0 0 {width} {height}" class="histogram" role="img" preserveAspectRatio="none">'
        f'<path class="area" d="{"".join(steps)}V{height}Z"/>'
        f'<path class="mark" d="M{middle:.1f} 0V{height}"/></svg>'
    )


def color_map(counts: Sequence[int]) -> str:
    """Draw pixels by color, a to the right and b upwards: each bin in its color, the fainter the rarer."""
    total = sum(counts) or 1
    reach = 11
    parts = [f'<svg viewBox="-{reach}.5 -{reach}.5 {2 * reach + 1} {2 * reach + 1}" class="map" role="img">']
    parts.append(f'<path class="axis" d="M-{reach} 0H{reach}M0 -{reach}V{reach}"/>')
    for (a, b), color, count in zip(auc.bins().tolist(), _bin_colors(), counts, strict=True):
        share = count / total
        if share > 1e-6:
            shown = max(0.08, 1 + math.log10(share) / 6)
            place = f'x="{a / auc.GRID - 0.5:g}" y="{-b / auc.GRID - 0.5:g}"'
            parts.append(f'<rect {place} width="1" height="1" fill="{color}" opacity="{shown:.2f}"/>')
    return "".join([*parts, "</svg>"])


@cache
def _bin_colors() -> list[str]:
    bins = auc.bins()
    lab = np.concatenate([np.full((len(bins), 1), 65, np.float32), bins], axis=1)
    levels = np.rint(np.clip(lab_to_srgb(reduce_chroma(lab)), 0, 1) * 255).astype(int)
    return ["#{:02x}{:02x}{:02x}".format(*row) for row in levels]


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a chart."""

    name: str
    points: Sequence[tuple[float, float]]
    """x and y, x rising."""
    ends: Sequence[tuple[float, float]] = ()
    """Interval of each y."""
    dashed: bool = False


def curves(lines: Sequence[Line], across: str, up: str) -> str:
    """Draw lines over a logarithm of x (0 at the left), with their names.

    Args:
        lines: at least one.
        across: what x is.
        up: what y is.
    """
    width, height, left, bottom = 640.0, 320.0, 46.0, 42.0
    xs = sorted({x for line in lines for x, _ in line.points})
    ys = [y for line in lines for _, y in line.points] + [y for line in lines for ends in line.ends for y in ends]
    low, high = math.floor(min(ys)), math.ceil(max(ys))
    right = math.log1p(max(xs)) or 1

    def place(x: float, y: float) -> tuple[float, float]:
        return (
            left + (width - left - 12) * math.log1p(x) / right,
            height - bottom - (height - bottom - 12) * (y - low) / ((high - low) or 1),
        )

    parts = [f'<svg viewBox="0 0 {width:g} {height:g}" class="curves" role="img">']
    for y in range(low, high + 1, max(1, round((high - low) / 8))):
        row = place(0, y)[1]
        parts.append(f'<path class="grid" d="M{left} {row:.1f}H{width - 12}"/>')
        parts.append(f'<text x="{left - 6}" y="{row + 4:.1f}" text-anchor="end">{y}</text>')
    for x in xs:
        column = place(x, low)[0]
        parts.append(f'<text x="{column:.1f}" y="{height - bottom + 18:g}" text-anchor="middle">{x:g}</text>')
    parts.append(f'<text x="{(left + width) / 2:g}" y="{height - 6:g}" text-anchor="middle">{across}</text>')
    parts.append(f'<text x="{left}" y="10">{up}</text>')
    for number, line in enumerate(lines):
        style = f"line c{number % 8}" + (" dashed" if line.dashed else "")
        spots = [place(x, y) for x, y in line.points]
        parts.append(f'<path class="{style}" d="M{"L".join(f"{x:.1f} {y:.1f}" for x, y in spots)}"/>')
        for (x, _), (least, most) in zip(line.points, line.ends, strict=False):
            (column, top), (_, foot) = place(x, most), place(x, least)
            parts.append(f'<path class="{style}" d="M{column:.1f} {top:.1f}V{foot:.1f}"/>')
    return "".join([*parts, "</svg>"])
