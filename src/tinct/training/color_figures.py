"""The colors of a training set drawn in the ab plane: which there are, how frequent each is, how much each counts.

The three figures are those of the paper of system S5 (AMCEC 2025), and of Zhang 2016, figure 3.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tinct.color.gamut import in_gamut, reduce_chroma
from tinct.color.lab import lab_to_srgb
from tinct.media.atomic import atomic_path
from tinct.training.survey import Survey

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLORS, PROBABILITY, WEIGHT = "ab-colors.png", "ab-probability.png", "ab-weight.png"
TABLE, FACTS = "colors.csv", "stats.json"
LIGHTNESS = 50.0
"""L at which colors are shown."""


def bin_colors(bins: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the sRGB color of each bin at :data:`LIGHTNESS`, (Q, 3) in 0..1; of less chroma where sRGB lacks it."""
    lab = np.column_stack([np.full(len(bins), LIGHTNESS, np.float32), bins])
    return lab_to_srgb(reduce_chroma(lab)).clip(0, 1)


def write_figures(survey: Survey, folder: Path) -> None:
    """Write the three figures, a table of all bins and the facts of a survey into a folder, replacing older ones.

    Raises:
        OutputError: they can't be written.
    """
    colors = bin_colors(survey.bins)
    grid = survey.settings["grid"]
    with _figure(folder / COLORS, f"{len(survey.bins)} colors in ab at L = {LIGHTNESS:g}") as axes:
        # What sRGB lacks at this lightness is drawn smaller.
        lab = np.column_stack([np.full(len(survey.bins), LIGHTNESS, np.float32), survey.bins])
        _squares(axes, survey.bins, np.where(in_gamut(lab), grid, grid / 3), facecolors=colors)
    mixing, sigma = survey.settings["mixing"], survey.settings["sigma"]
    whole = np.full(len(survey.bins), grid)
    with _figure(folder / PROBABILITY, f"probability in the training set, smoothed ($\\sigma$ = {sigma:g})") as axes:
        _squares(axes, survey.bins, whole, survey.probability, label="probability")
    with _figure(folder / WEIGHT, f"adjusted weight ($\\lambda$ = {mixing:g})") as axes:
        _squares(axes, survey.bins, whole, survey.weights, label="weight")
    with atomic_path(folder / TABLE, overwrite=True) as path, path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["a", "b", "red", "green", "blue", "count", "probability", "weight"])
        for place, (a, b) in enumerate(survey.bins):
            rgb = [round(255 * float(value)) for value in colors[place]]
            shares = [f"{survey.probability[place]:.6g}", f"{survey.weights[place]:.6g}"]
            writer.writerow([f"{a:g}", f"{b:g}", *rgb, int(survey.counts[place]), *shares])
    with atomic_path(folder / FACTS, overwrite=True) as path:
        path.write_text(json.dumps(survey.facts(), indent=2) + "\n", "utf-8")


@contextmanager
def _figure(target: Path, title: str) -> Iterator[Axes]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 5.6), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    axes.set(title=title, xlabel="a (green to red)", ylabel="b (blue to yellow)", aspect="equal")
    axes.grid(alpha=0.3)
    axes.set_axisbelow(True)
    yield axes
    with atomic_path(target, overwrite=True) as path:
        figure.savefig(path, format="png", dpi=120)


def _squares(
    axes: Axes,
    bins: NDArray[np.float32],
    sides: NDArray[Any],
    values: NDArray[np.float32] | None = None,
    *,
    facecolors: NDArray[np.float32] | None = None,
    label: str = "",
) -> None:
    """Draw a square at each bin, in its own color or, on a logarithmic scale, in that of its value."""
    from matplotlib.collections import PolyCollection
    from matplotlib.colors import LogNorm

    corners = np.array([(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)])
    squares = bins[:, None, :] + corners[None] * sides[:, None, None]
    drawn = PolyCollection(list(squares), facecolors=facecolors, edgecolors="none")
    if values is not None:
        # A color that never occurs may have a share that underflows to 0.
        drawn.set_array(np.maximum(values, 1e-12))
        drawn.set_norm(LogNorm(max(values.max() * 1e-7, values.min(), 1e-12), values.max()))
        drawn.set_cmap("viridis")
        axes.figure.colorbar(drawn, ax=axes, label=label, shrink=0.85)
    axes.add_collection(drawn)
    axes.autoscale_view()
