"""From a network's raw output to colors: a and b on its grid, more or less vivid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinct.color.enhance import scale_saturation
from tinct.color.gamut import read_out, reduce_chroma
from tinct.color.lab import Floats, lab_to_srgb, srgb_to_lab
from tinct.inference.options import Mode
from tinct.models.registry import Knot, ModelSpec

PLAIN = Knot(0.0, 0.0, 1.0, 1.0)
"""The read-out of a model that brings no path: its colors as they are."""


@dataclass(frozen=True, slots=True)
class Choice:
    """How to read an output."""

    knot: Knot
    note: str | None
    """What to tell the user; None where everything is as asked."""


def choose(spec: ModelSpec, mode: Mode, vividness: float | None) -> Choice:
    """Find the read-out for a mode or a vividness; a model with a single one uses that, with a note.

    Args:
        spec: of the model.
        mode: counts where ``vividness`` is None.
        vividness: 0..1.
    """
    if len(spec.path) < 2 or mode not in spec.modes:
        knot = spec.path[0] if spec.path else PLAIN
        return Choice(knot, f"the model {spec.name} has one read-out; mode and vividness change nothing")
    return Choice(spec.knot(spec.modes[mode] if vividness is None else vividness), None)


def read_colors(output: NDArray[np.float32], spec: ModelSpec, knot: Knot) -> NDArray[np.float32]:
    """Read a network's output (C, h, w) into a and b, float32 (h, w, 2), in Lab units."""
    planes = np.moveaxis(output, 0, -1)
    if spec.output == "bins":
        bins, weights = np.array(spec.bins, np.float32), np.array(spec.weights, np.float32)
        return read_out(planes[..., : len(bins)], bins, weights, knot.division, knot.temperature, knot.chroma)
    ab = planes if spec.output == "ab" else srgb_to_lab(np.clip(planes, 0, 1))[..., 1:]
    return ab * np.float32(knot.chroma)


def saturate(lightness: Floats, ab: Floats, saturation: float) -> Floats:
    """Put colors through the HSV stage; the lightness that it changes is not theirs anyway."""
    lab = reduce_chroma(np.concatenate([lightness[..., np.newaxis], ab], axis=-1))
    return srgb_to_lab(scale_saturation(np.clip(lab_to_srgb(lab), 0, 1), saturation))[..., 1:]
