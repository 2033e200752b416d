"""What a data set holds: how many photos of which source, how large, how colorful."""

from __future__ import annotations

import json
import math
import os
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinct.color.gamut import ab_bins, rebalancing_weights, smooth_prior
from tinct.data.inventory import Inventory, take_inventory
from tinct.data.photos import NEARLY_GRAY, PhotoSet
from tinct.data.source import LEAST_CHROMA, Source, fingerprint
from tinct.errors import OptionError, OutputError, PhotoError
from tinct.media.atomic import atomic_path
from tinct.training.statistics import bin_counts, color_histogram, load_histogram, sample

SHOWN = 12
"""Sources, classes, sizes and unreadable photos that the summary names."""


@dataclass(frozen=True, slots=True)
class Survey:
    """A data set in figures."""

    inventory: Inventory
    settings: dict[str, float]
    """``grid``, ``sigma``, ``mixing`` and ``short_side``."""
    examined: int
    """Photos of which sizes and colors were taken."""
    left_out: dict[str, int]
    """Reason -> how many of these training leaves out."""
    unreadable: dict[str, str]
    """Photo that can't be decoded -> what is wrong with it."""
    sizes: dict[str, int]
    """``WIDTHxHEIGHT`` as stored -> how many of these; most frequent first."""
    bins: NDArray[np.float32]
    """(Q, 2), a and b."""
    counts: NDArray[np.float64]
    """(Q,), pixels in each bin."""
    probability: NDArray[np.float32]
    """(Q,), smoothed, summing to 1."""
    weights: NDArray[np.float32]
    """(Q,), what training multiplies each color's error by; their mean under the probability is 1."""

    def facts(self) -> dict[str, Any]:
        """Return all but the colors, fit for JSON."""
        sources = self.inventory.sources
        labels = Counter(source.label for source in sources if source.label is not None)
        return {
            "path": str(self.inventory.path),
            "photos": len(sources),
            "parts": dict(Counter(source.part for source in sources)),
            "sources": dict(Counter(_origin(source) for source in sources).most_common()),
            "classes": dict(labels.most_common()),
            "damaged": self.inventory.damaged,
            "examined": self.examined,
            "left_out": self.left_out,
            "unreadable": self.unreadable,
            "sizes": self.sizes,
            "settings": self.settings,
            "bins": len(self.bins),
        }

    def summary(self) -> str:
        """Return lines for a reader."""
        facts = self.facts()
        share = self.left_out.get(NEARLY_GRAY, 0) / self.examined
        rare = float((self.weights > 1).mean())
        heaviest = self.bins[int(self.weights.argmax())]
        lines = {
            "photos": f"{facts['photos']:,}" + (f" ({_listed(facts['parts'])})" if len(facts["parts"]) > 1 else ""),
            "sources": _listed(facts["sources"]) if set(facts["sources"]) - {".", *facts["parts"]} else "",
            "classes": _listed(facts["classes"]),
            "damaged": "; ".join(f"{name} {what}" for name, what in self.inventory.damaged.items()),
            "examined": f"{self.examined:,}, chosen by hash" if self.examined < facts["photos"] else "all",
            "nearly gray": f"{self.left_out.get(NEARLY_GRAY, 0):,} of these ({share:.1%})",
            "unusable": _listed({reason: n for reason, n in self.left_out.items() if reason != NEARLY_GRAY}),
            "unreadable": "; ".join(f"{name}: {why}" for name, why in list(self.unreadable.items())[:SHOWN]),
            "sizes": _listed(self.sizes),
            "colors": f"{len(self.bins)} bins of {self.settings['grid']:g}; weights {self.weights.min():.2g} to "
            f"{self.weights.max():.3g} (at a {heaviest[0]:g}, b {heaviest[1]:g}), above 1 for {rare:.0%} of the bins",
        }
        return "\n".join(f"{name:12} {said}" for name, said in lines.items() if said)


def survey(
    path: Path,
    *,
    grid: int = 10,
    sigma: float = 5.0,
    mixing: float = 0.5,
    short_side: int = 160,
    cache: Path | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Survey:
    """Count the photos of a data set and their colors.

    Args:
        path: see :func:`tinct.data.inventory.take_inventory`.
        grid: distance of two bins in a and b.
        sigma: of the Gaussian that smooths the distribution, in Lab units.
        mixing: share of the uniform distribution in the weights, see :func:`tinct.color.gamut.rebalancing_weights`.
        short_side: photos are brought down to this before their colors are counted, in pixels.
        cache: a folder to keep counts in; what is there already is not counted again. None keeps nothing.
        progress: called with the number of photos decoded, and of all to decode.

    Raises:
        DataError: no photo is there, or none is usable.
        OptionError: a setting is out of range.
    """
    if not math.isfinite(sigma):
        raise OptionError(f"sigma is {sigma}, expected a number above 0")
    bins = ab_bins(grid)
    smooth_prior(np.ones(len(bins)), bins, sigma)  # a setting out of range is told before minutes of counting
    rebalancing_weights(np.full(len(bins), 1 / len(bins)), mixing)
    inventory = take_inventory(path)
    chosen = sample(inventory.of("train") or inventory.sources)
    key = fingerprint(chosen, short_side, LEAST_CHROMA)
    histogram = load_histogram(cache, key)
    facts = _load(cache, key)
    if histogram is None or facts is None:
        photos = PhotoSet(
            chosen,
            short_side,
            progress=lambda done: progress(done, len(chosen)),
            workers=os.cpu_count() or 1,
        )
        histogram = color_histogram(photos, cache)
        facts = {"left_out": photos.left_out(), "unreadable": photos.unreadable(), "sizes": _sizes(chosen)}
        _save(cache, key, facts)
    counts = bin_counts(histogram, bins)
    probability = smooth_prior(counts, bins, sigma)
    return Survey(
        inventory=inventory,
        settings={"grid": grid, "sigma": sigma, "mixing": mixing, "short_side": short_side},
        examined=len(chosen),
        left_out=facts["left_out"],
        unreadable=facts["unreadable"],
        sizes=facts["sizes"],
        bins=bins,
        counts=counts,
        probability=probability,
        weights=rebalancing_weights(probability, mixing),
    )


def _origin(source: Source) -> str:
    """Return the first folder of a photo's name below its part; none for photos that lie in no folder."""
    first, _, rest = source.name.partition("/")
    return first if rest else "."


def _listed(counts: dict[str, int]) -> str:
    shown = ", ".join(f"{name} {count:,}" for name, count in list(counts.items())[:SHOWN])
    more = len(counts) - SHOWN
    return f"{shown} and {more:,} more" if more > 0 else shown


def _sizes(sources: list[Source]) -> dict[str, int]:
    def size(source: Source) -> str:
        try:
            height, width = source.shape()
        except (PhotoError, OSError):
            return ""
        return f"{width}x{height}"

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        found = Counter(pool.map(size, sources))
    found.pop("", None)
    return dict(found.most_common())


def _place(cache: Path, key: str) -> Path:
    return cache / "statistics" / f"{key}.json"


def _load(cache: Path | None, key: str) -> dict[str, Any] | None:
    if cache is None:
        return None
    try:
        facts = json.loads(_place(cache, key).read_text("utf-8"))
        return {
            **{name: {str(k): int(v) for k, v in facts[name].items()} for name in ("left_out", "sizes")},
            "unreadable": {str(k): str(v) for k, v in facts["unreadable"].items()},
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _save(cache: Path | None, key: str, facts: dict[str, Any]) -> None:
    if cache is not None:
        # A cache that can't be written costs the counting again next time, no more.
        with suppress(OSError, OutputError), atomic_path(_place(cache, key), overwrite=True) as path:
            path.write_text(json.dumps(facts), "utf-8")
