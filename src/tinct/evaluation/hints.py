"""How much hints help: PSNR over their number, by the two protocols of the literature."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, get_args

import numpy as np

from tinct.color.figures import psnr
from tinct.color.gamut import reduce_chroma
from tinct.color.lab import lab_to_srgb
from tinct.evaluation import protocol
from tinct.evaluation.makers import ModelMaker
from tinct.evaluation.protocol import Original
from tinct.evaluation.statistics import mean_intervals
from tinct.inference.options import ColorizeOptions, Hint

Placement = Literal["6x6 normal", "2x2 uniform"]
"""``6x6 normal``: patches of 6x6 pixels with their mean a and b, at positions normal about the center with a standard
deviation of a quarter of the side (Zhang et al., "Real-Time User-Guided Image Colorization", 2017, section 4.1).
``2x2 uniform``: cells of 2x2 pixels, drawn without repetition (Yun et al., "iColoriT", 2023, section 4.2)."""
PLACEMENTS: tuple[Placement, ...] = get_args(Placement)
COUNTS = (0, 1, 2, 5, 10, 20, 50, 100, 200, 500)
PUBLISHED = {0: 24.43, 1: 25.37, 2: 26.20, 5: 27.39, 10: 28.42, 20: 29.34, 50: 30.42, 100: 31.13, 500: 32.14}
"""siggraph17 in dB, ``6x6 normal``, 1,000 photographs of ImageNet's validation set at 256x256."""


def draw_hints(original: Original, placement: Placement, count: int, seed: str) -> list[Hint]:
    """Draw hints that tell a photograph's true colors; the first ones of a larger number are those of a smaller.

    Args:
        original: the photograph.
        placement: where, and how large.
        count: how many; fewer where the picture has no more cells.
        seed: of the places, hexadecimal.
    """
    height, width = original.rgb.shape[:2]
    rng = np.random.default_rng([int(seed[:16], 16), PLACEMENTS.index(placement)])
    if placement == "6x6 normal":
        radius = 3
        places = rng.normal((width / 2, height / 2), (width / 4, height / 4), (count, 2)).astype(int)
        places = np.clip(places, radius, (max(radius, width - radius), max(radius, height - radius)))
    else:
        radius = 1
        across, down = max(1, width // 2), max(1, height // 2)
        cells = rng.permutation(across * down)[:count]
        places = np.stack([2 * (cells % across) + radius, 2 * (cells // across) + radius], axis=1)
    hints = []
    for x, y in places.tolist():
        patch = original.lab[max(0, y - radius) : y + radius, max(0, x - radius) : x + radius]
        color = reduce_chroma(patch.reshape(-1, 3).mean(axis=0))
        levels = np.rint(np.clip(lab_to_srgb(color), 0, 1) * 255).astype(int)
        hints.append(Hint(min(x, width - 1), min(y, height - 1), "#{:02x}{:02x}{:02x}".format(*levels), radius))
    return hints


def measure_curve(model: ModelMaker, original: Original, seed: str) -> dict[str, float]:
    """Return the PSNR of a photograph with more and more hints, in dB, by ``"6x6 normal 10"``."""
    prepared = model.colorizer.prepare(original.levels)
    found: dict[str, float] = {}
    for placement in PLACEMENTS:
        hints = draw_hints(original, placement, max(COUNTS), seed)
        for count in COUNTS:
            options = ColorizeOptions(mode=model.options.mode, hints=tuple(hints[:count]))
            pixels = protocol.eight_bits(model.colorizer.colorize(prepared, options).photo.to_numpy())
            found[f"{placement} {count}"] = psnr(original.rgb, pixels)
    return found


def summarize(data: str, name: str, curves: Sequence[dict[str, float]]) -> list[dict[str, Any]]:
    """Return the points of a model's curves, with their 95 % intervals.

    Args:
        data: name of the data set.
        name: of the model.
        curves: of each photograph, see :func:`measure_curve`.
    """
    columns = [(placement, count) for placement in PLACEMENTS for count in COUNTS]
    values = np.array([[curve[f"{placement} {count}"] for placement, count in columns] for curve in curves])
    points = []
    for (placement, count), mean, interval in zip(columns, values.mean(axis=0), mean_intervals(values), strict=True):
        points.append(
            {
                "data": data,
                "name": name,
                "protocol": placement,
                "hints": count,
                "photos": len(values),
                "psnr": float(mean),
                "psnr_ci95": list(interval),
            }
        )
    return points
