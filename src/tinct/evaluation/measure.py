"""All figures of one result: what the table's means are made of."""

from __future__ import annotations

import hashlib
from collections.abc import Collection

import numpy as np

from tinct.color.figures import CAP, Pixels, colorfulness, mse, psnr
from tinct.color.similarity import RADIUS, SCALES, structure
from tinct.evaluation import auc, metrics
from tinct.evaluation.protocol import Original, to_lab
from tinct.evaluation.store import Measured

NEEDS_LAB = frozenset({"difference", "area", "lab"})


def pixels_hash(pixels: Pixels) -> str:
    """Return what stands for a picture's pixels, in hex."""
    return hashlib.sha256(repr(pixels.shape).encode() + np.ascontiguousarray(pixels).tobytes()).hexdigest()


def measure(original: Original, pixels: Pixels, groups: Collection[str]) -> Measured:
    """Measure a result, uint8 (H, W, 3), against its original.

    Args:
        original: the photograph.
        pixels: of its size.
        groups: of :attr:`tinct.evaluation.catalog.Figure.group`; the rest isn't computed.
    """
    same = np.array_equal(pixels, original.rgb)
    figures: dict[str, float | None] = {
        # Others need it, so it is always there.
        "colorfulness": colorfulness(pixels),
    }
    if "pixels" in groups:
        figures["mse"] = 0.0 if same else mse(original.rgb, pixels)
        figures["psnr"] = CAP if same else psnr(original.rgb, pixels)
        figures["colorfulness_abs"] = colorfulness(pixels, absolute=True)
    if "structure" in groups:
        figures["ssim"], figures["ms_ssim"] = _structure(original.rgb, pixels, same)
    counts = hits = np.zeros(len(auc.bins()), np.int64)
    if NEEDS_LAB & set(groups):
        lab = original.lab if same else to_lab(pixels)
        if "difference" in groups:
            figures["ciede2000"] = 0.0 if same else metrics.ciede2000(original.lab, lab)
        if "lab" in groups:
            figures["lightness_error"] = metrics.lightness_error(original.lab, lab)
            figures["bleeding"], figures["bleeding_reverse"] = metrics.bleeding(lab, original.lightness_slope)
        if "area" in groups:
            counts = auc.count_colors(original.bins if same else auc.nearest_bins(lab[..., 1:]))
            hits = auc.count_hits(lab[..., 1:], original.lab[..., 1:], original.bins)
    return Measured(figures, counts, hits)


def _structure(original: Pixels, pixels: Pixels, same: bool) -> tuple[float | None, float | None]:
    if not same:
        return structure(original, pixels)
    # Whether a picture is large enough for either doesn't depend on what it shows.
    side = min(pixels.shape[:2])
    finest, coarsest = (1.0 if side >> halvings > 2 * RADIUS else None for halvings in (0, len(SCALES) - 1))
    return finest, coarsest
