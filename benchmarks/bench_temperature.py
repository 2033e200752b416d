"""What the temperature of the annealed mean does to colors: figures and a plot for T = 1 ... 0.1.

    python benchmarks/bench_temperature.py MODEL [MODEL ...] [--photos PHOTOS] [--count 200] [--plot PLOT.png]

Models with a distribution over color bins. It is read as Zhang 2016 (3.3) reads it, the mean of softmax(log p / T) with
nothing divided out, and joined as ever. Whole photographs stretched to 256x256, figures as `tinct evaluate` has them; a
line of JSON for each model and temperature.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from photos import held_photos
from tinct import Colorizer
from tinct.color.figures import colorfulness, psnr
from tinct.data.inventory import take_inventory
from tinct.data.split import pick
from tinct.evaluation import auc
from tinct.evaluation.protocol import LEAST_CHROMA, read_original, to_lab
from tinct.inference.backends import Backend, load_backend
from tinct.inference.options import ColorizeOptions
from tinct.models.registry import Knot

TEMPERATURES = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.45, 0.38, 0.3, 0.2, 0.1)
FIGURES = {
    "psnr": "PSNR, dB",
    "colorfulness": "colorfulness",
    "auc": "AuC, %",
    "auc_rebalanced": "AuC, rebalanced, %",
}


class AtTemperature:
    """A model with one read-out; it runs its network once for each photograph, whatever the temperature."""

    def __init__(self, backend: Backend) -> None:
        self._backend, self.spec, self.model_hash = backend, backend.spec, backend.model_hash
        self._last: tuple[bytes, NDArray[np.float32]] | None = None

    def set(self, temperature: float) -> None:
        """Read distributions at a temperature from now on."""
        self.spec = dataclasses.replace(self._backend.spec, path=(Knot(0.0, 0.0, temperature, 1.0),))

    def run(self, lightness: NDArray[np.float32], hints: NDArray[np.float32] | None) -> NDArray[np.float32]:
        """See :class:`~tinct.inference.backends.Backend`."""
        if self._last is None or self._last[0] != lightness.tobytes():
            self._last = lightness.tobytes(), self._backend.run(lightness, hints)
        return self._last[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", metavar="MODEL")
    parser.add_argument("--photos", type=Path, default=held_photos())
    parser.add_argument("--count", type=int, default=200, help="draw this many photographs")
    parser.add_argument("--plot", type=Path)
    options = parser.parse_args()
    curves = {model: sweep(model, options.photos, options.count) for model in options.models}
    if options.plot:
        draw(curves, options.plot)


def sweep(model: str, photos: Path, count: int) -> list[dict[str, float]]:
    """Measure a model at every temperature, and print it."""
    backend = AtTemperature(load_backend(model))
    if backend.spec.output != "bins":
        raise SystemExit(f"{model} gives {backend.spec.output}, no distribution; name one that has a temperature")
    colorizer = Colorizer(backend)
    values: dict[float, list[tuple[float, float]]] = {temperature: [] for temperature in TEMPERATURES}
    hits = dict.fromkeys(TEMPERATURES, np.zeros(len(auc.bins()), np.int64))
    counts = np.zeros(len(auc.bins()), np.int64)
    for source in pick(take_inventory(photos).sources, count):
        original = read_original(source, "stretch256")
        if np.hypot(*np.moveaxis(original.lab[..., 1:], -1, 0)).mean() < LEAST_CHROMA:
            continue
        counts += auc.count_colors(original.bins)
        for temperature in TEMPERATURES:
            backend.set(temperature)
            found = colorizer.colorize(original.levels, ColorizeOptions()).photo.to_numpy().astype(np.uint8)
            values[temperature].append((psnr(found, original.rgb), float(colorfulness(found))))
            hits[temperature] = hits[temperature] + auc.count_hits(
                to_lab(found)[..., 1:], original.lab[..., 1:], original.bins
            )
    rows = []
    for temperature in TEMPERATURES:
        means = np.mean(values[temperature], axis=0)
        areas = (auc.area(hits[temperature], counts, weights) for weights in (None, auc.rebalancing(counts)))
        rows.append({"temperature": temperature, **dict(zip(FIGURES, map(float, (*means, *areas)), strict=True))})
        said = {name: round(value, 3) for name, value in rows[-1].items()}
        print(json.dumps({"model": model, "photos": len(values[temperature]), **said}), flush=True)
    return rows


def draw(curves: dict[str, list[dict[str, float]]], path: Path) -> None:
    """Plot the figures over the temperature."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 3.2), layout="constrained")
    for axes, (key, title) in zip(figure.subplots(1, len(FIGURES)), FIGURES.items(), strict=True):
        for model, rows in curves.items():
            axes.plot(
                [row["temperature"] for row in rows], [row[key] for row in rows], marker=".", label=Path(model).stem
            )
        axes.set(xlabel="temperature", title=title)
        axes.invert_xaxis()
    axes.legend(fontsize=8)
    figure.savefig(path, dpi=90)


if __name__ == "__main__":
    main()
