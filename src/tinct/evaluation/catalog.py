"""Which figures there are, and what to say about each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from tinct.errors import OptionError

NOT_AVAILABLE = "not available"
"""What stands in place of a figure that can't be had; never 0."""
LITE0 = "efficientnet_lite0"
SEEN = "class_seen"
"""Key beside those of figures: the number of the class that EfficientNet-Lite0 sees in a result. ``semantic_top1``
follows from it and from the photograph's name."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure."""

    key: str
    """In JSON, CSV and ``--metrics``."""
    title: str
    unit: str
    digits: int
    """After the point, where people read it."""
    better: Literal["high", "low", "near", ""]
    """``near``: the nearer to the original's the better."""
    group: str
    """What has to be computed for it: figures of a group come together."""
    note: str
    """In a sentence."""


FIGURES: tuple[Figure, ...] = (
    Figure("mse", "MSE", "", 2, "low", "pixels", "mean squared difference of 8-bit RGB"),
    Figure("psnr", "PSNR", "dB", 3, "high", "pixels", "mean of the photographs' own, each at most 50"),
    Figure(
        "psnr_of_mse", "PSNR of the mean MSE", "dB", 3, "high", "pixels", "as papers that average MSE first give it"
    ),
    Figure("ssim", "SSIM", "", 4, "high", "structure", "Gaussian window, three channels"),
    Figure("ms_ssim", "MS-SSIM", "", 4, "high", "structure", "five scales; photographs of at least 176 pixels a side"),
    Figure("ciede2000", "CIEDE2000", "", 3, "low", "difference", "mean color difference"),
    Figure("auc", "AuC", "%", 3, "high", "area", "area under the cumulative curve of ab errors"),
    Figure("auc_rebalanced", "AuC rebalanced", "%", 3, "high", "area", "rare colors weigh as much as common ones"),
    Figure("colorfulness", "Colorfulness", "", 2, "near", "pixels", "Hasler and Suesstrunk, with signs"),
    Figure(
        "colorfulness_abs", "Colorfulness, abs form", "", 2, "near", "pixels", "as the code of several papers has it"
    ),
    Figure("dcf", "dCF of means", "", 2, "low", "pixels", "distance of the mean colorfulness from the originals'"),
    Figure("dcf_abs", "dCF, mean absolute", "", 2, "low", "pixels", "mean distance, photograph by photograph"),
    Figure("lightness_error", "Lightness error", "L", 3, "low", "lab", "mean difference of L from the original's"),
    Figure("bleeding", "Bleeding", "ab/px", 3, "near", "lab", "slope of color where lightness has no edge"),
    Figure(
        "bleeding_reverse", "Bleeding, reverse", "L/px", 3, "near", "lab", "slope of lightness where color has none"
    ),
    Figure(f"kid_{LITE0}", "KID, EfficientNet-Lite0", "", 5, "low", "features", "kernel distance of the features"),
    Figure(f"fd_{LITE0}", "FD, EfficientNet-Lite0", "", 2, "low", "features", "Frechet distance of the features"),
    Figure("fid", "FID", "", 2, "low", "fid", "Inception-v3 of 2015, weights given by --fid-weights"),
    Figure("lpips", "LPIPS", "", 4, "low", "lpips", "AlexNet, weights given by --lpips-weights"),
    Figure("semantic_top1", "Recognized", "%", 2, "high", "features", "top-1 on files named by ImageNet id"),
    Figure("milliseconds", "Time a photo", "ms", 1, "low", "cost", "from gray pixels to colored ones"),
    Figure("parameters", "Parameters", "", 0, "low", "cost", "trainable"),
    Figure("gmacs", "GMACs at 256", "", 2, "low", "cost", "of the network, for 256x256"),
    Figure("peak_memory_mb", "Peak memory", "MB", 0, "low", "cost", "of a process that colorizes"),
)
BY_KEY = {figure.key: figure for figure in FIGURES}
PER_PHOTO = tuple(
    "mse psnr ssim ms_ssim ciede2000 colorfulness colorfulness_abs dcf_abs lightness_error bleeding bleeding_reverse"
    " lpips semantic_top1".split()
)
"""Figures that are a mean over photographs, in this order; two colorizers are compared by them."""


def choose(names: Iterable[str]) -> tuple[Figure, ...]:
    """Return the figures asked for, all where none is named, in the catalog's order.

    Args:
        names: keys, or several with commas between.

    Raises:
        OptionError: there is no such figure; the message lists all.
    """
    wanted = [name.strip() for text in names for name in text.split(",") if name.strip()]
    for name in wanted:
        if name not in BY_KEY:
            raise OptionError(f"unknown metric {name!r}; choose from {', '.join(BY_KEY)}")
    return tuple(figure for figure in FIGURES if not wanted or figure.key in wanted)
