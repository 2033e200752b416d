"""How much a film's colors flicker.

*Warp error*: the mean difference of a and b between each place and where it was in the frame before, in Lab units, over
what the flow of the lightness can follow (as in Lai et al., "Learning Blind Video Temporal Consistency", 2018, on
chroma). *CDC*, color distribution consistency: the Jensen-Shannon divergence, to base 2, of the histograms of red,
green and blue of frames 1, 2 and 4 apart (Liu et al., "Temporally Consistent Video Colorization with Deep Feature
Propagation and Self-regularization Learning", 2021, section 4.1).
"""

from __future__ import annotations

from collections import deque

import cv2
import numpy as np
from numpy.typing import NDArray

from tinct.color.figures import colorfulness
from tinct.color.lab import srgb_to_lab
from tinct.video.flow import Linker

Floats = NDArray[np.float32]

STEPS = (1, 2, 4)
"""Distances of the frames that CDC compares."""
SIDE = 288
"""Short side at which frames are compared."""


class Flicker:
    """Takes the frames of one shot in order, and tells how steady they were."""

    def __init__(self) -> None:
        self._before: Floats | None = None
        self._linker: Linker | None = None
        self._histograms: deque[NDArray[np.float64]] = deque(maxlen=max(STEPS) + 1)
        self._errors: list[float] = []
        self._colorfulness: list[float] = []
        self._divergences: dict[int, list[float]] = {step: [] for step in STEPS}

    def add(self, rgb: NDArray[np.uint8]) -> None:
        """Take the next frame, (H, W, 3) sRGB."""
        scale = min(1.0, SIDE / min(rgb.shape[:2]))
        small = cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        lab = srgb_to_lab(small.astype(np.float32) / np.float32(255))
        self._colorfulness.append(colorfulness(small))
        if self._before is not None:
            if self._linker is None:
                self._linker = Linker((lab.shape[0], lab.shape[1]), 1)
            back = self._linker.link(self._before[..., 0].copy(), lab[..., 0].copy()).back
            change = np.abs(lab[..., 1:] - back.bring(self._before[..., 1:].copy())).mean(axis=-1)
            self._errors.append(float((change * back.trust).sum() / max(float(back.trust.sum()), 1.0)))
        self._before = lab
        counts = [np.bincount(rgb[..., channel].ravel(), minlength=256) for channel in range(3)]
        self._histograms.append(np.array(counts, np.float64) / rgb[..., 0].size)
        for step in STEPS:
            if len(self._histograms) > step:
                divergence = _divergence(self._histograms[-1], self._histograms[-1 - step])
                self._divergences[step].append(divergence)

    @property
    def warp_error(self) -> float:
        """Mean, in Lab units; 0 for fewer than two frames."""
        return float(np.mean(self._errors)) if self._errors else 0.0

    @property
    def cdc(self) -> float:
        """Mean over the distances, 0..1; 0 for fewer than two frames."""
        means = [float(np.mean(found)) for found in self._divergences.values() if found]
        return float(np.mean(means)) if means else 0.0

    @property
    def colorfulness(self) -> float:
        """Mean of Hasler and Suesstrunk's M3."""
        return float(np.mean(self._colorfulness)) if self._colorfulness else 0.0


def _divergence(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Return the Jensen-Shannon divergence, to base 2, of histograms (channels, bins), averaged over the channels."""
    middle = (first + second) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = [np.where(part > 0, part * np.log2(part / middle), 0.0).sum(axis=-1) for part in (first, second)]
    return float(((terms[0] + terms[1]) / 2).mean())
