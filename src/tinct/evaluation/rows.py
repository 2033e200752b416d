"""From what each photograph gave to the rows of the table: means, ratios, distances, their intervals, differences."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinct.color.figures import CAP
from tinct.evaluation import auc, distances
from tinct.evaluation.catalog import LITE0, NOT_AVAILABLE, PER_PHOTO, SEEN, Figure
from tinct.evaluation.features import class_of
from tinct.evaluation.makers import Maker, Same
from tinct.evaluation.protocol import Item
from tinct.evaluation.request import Row
from tinct.evaluation.statistics import (
    Interval,
    mean_intervals,
    paired_differences,
    percentile_interval,
    ratio_interval,
    resampled_sums,
)
from tinct.evaluation.store import Measured, Store

Column = NDArray[np.float64]
Cost = Mapping[str, float | list[float] | None]


def count_originals(store: Store, same: Same, items: Sequence[Item]) -> auc.Counts:
    """Return how many pixels of all originals lie in each color bin, (229,)."""
    counts = np.zeros(len(auc.bins()), np.int64)
    for item in items:
        counts += _measured(store, same, item).colors
    return counts


def _measured(store: Store, maker: Maker, item: Item) -> Measured:
    output = store.output(item.sha256, maker.identity(item))
    assert output is not None
    assert output.pixels is not None
    return store.get(item.sha256, output.pixels)


class Gathered:
    """What a maker gave on the photographs of a data set; feature vectors stay in the store.

    Args:
        store: where it is kept.
        maker: who gave it.
        items: the photographs that count.
        same: the maker of the originals.
        weights: of the color bins, see :func:`tinct.evaluation.auc.rebalancing`; None without areas.
    """

    def __init__(self, store: Store, maker: Maker, items: Sequence[Item], same: Same, weights: Column | None) -> None:
        self._store, self._maker, self._same = store, maker, same
        self.faults: dict[str, str] = {}
        self.items: list[Item] = []
        """In the order of their names."""
        self.colors = np.zeros(len(auc.bins()), np.int64)
        lines: list[list[float]] = []
        areas: list[tuple[float, ...]] = []
        for item in items:
            output = store.output(item.sha256, maker.identity(item))
            if output is None or output.pixels is None:
                self.faults[item.source.name] = "not measured" if output is None else output.fault or ""
                continue
            found, original = store.get(item.sha256, output.pixels), _measured(store, same, item)
            lines.append(_line(found, original, item.source.name))
            if weights is not None:
                hits, colors = found.hits, original.colors
                areas.append(
                    tuple(float(part) for part in (hits.sum(), colors.sum(), weights @ hits, weights @ colors))
                )
            self.colors += found.colors
            self.items.append(item)
        self.values: Column = np.array(lines, np.float64).reshape(-1, len(PER_PHOTO) + 1)
        """(n, k + 1): the figures of :data:`PER_PHOTO`, NaN where one has none, and the change of colorfulness."""
        self.areas: Column = np.array(areas, np.float64).reshape(-1, 4)
        """(n, 4): (pixel, threshold) pairs held and pixels; then the same, weighed. Empty without areas."""
        self._drawn = sorted(self.items, key=lambda item: item.sha256)

    def vectors(self, name: str, start: int) -> tuple[NDArray[np.float32], NDArray[np.float32]] | None:
        """Return the feature vectors of a block of originals and of results, (n, d) each; None where there are none.

        Blocks follow the photographs' hashes, so each is drawn from all of the set, whatever they are called.
        """
        ours, theirs = [], []
        for item in self._drawn[start : start + distances.BLOCK]:
            ours.append(getattr(_measured(self._store, self._same, item), name))
            theirs.append(getattr(_measured(self._store, self._maker, item), name))
        if any(vector is None for vector in (*ours, *theirs)):
            return None
        return np.stack(ours), np.stack(theirs)


def _line(found: Measured, original: Measured, name: str) -> list[float]:
    change = (found.figures["colorfulness"] or 0.0) - (original.figures["colorfulness"] or 0.0)
    figures = found.figures | {"dcf_abs": abs(change), "semantic_top1": _recognized(found, name)}
    values = (figures.get(key) for key in PER_PHOTO)
    return [*(np.nan if value is None else value for value in values), change]


def _recognized(found: Measured, name: str) -> float | None:
    seen, wanted = found.figures.get(SEEN), class_of(name)
    return None if seen is None or wanted is None else 100.0 * (seen == wanted)


def make_row(
    data: str,
    maker: Maker,
    gathered: Gathered,
    figures: Sequence[Figure],
    cost: Cost,
) -> Row:
    """Make a row of the table.

    Args:
        data: name of the data set.
        maker: who gave the results.
        gathered: what they gave.
        figures: asked for.
        cost: figures of the maker itself; ``milliseconds`` may be a list.
    """
    row = Row(data, maker.name, maker.baseline, faults=gathered.faults)
    row.names = [item.source.name for item in gathered.items]
    row.colors = [int(count) for count in gathered.colors]
    found: dict[str, tuple[float, Interval | None]] = {}
    if gathered.items:
        wanted = {figure.key for figure in figures}
        found |= _means(gathered.values, row)
        found |= _of_sets(gathered, wanted)
        found |= _of_features(gathered, wanted)
    for key, value in cost.items():
        if isinstance(value, list):
            found[key] = float(np.mean(value)), mean_intervals(np.array(value, np.float64)[:, np.newaxis])[0]
        elif value is not None:
            found[key] = float(value), None
    for figure in figures:
        mean, interval = found.get(figure.key, (NOT_AVAILABLE, None))
        row.figures[figure.key] = mean
        row.intervals[figure.key] = interval
    return row


def _means(values: Column, row: Row) -> dict[str, tuple[float, Interval | None]]:
    found: dict[str, tuple[float, Interval | None]] = {}
    full = [index for index in range(len(PER_PHOTO)) if not np.isnan(values[:, index]).any()]
    for index, interval in zip(full, mean_intervals(values[:, full]), strict=True):
        found[PER_PHOTO[index]] = float(values[:, index].mean()), interval
    for index in set(range(len(PER_PHOTO))) - set(full):
        some = values[~np.isnan(values[:, index]), index]
        if len(some):
            found[PER_PHOTO[index]] = float(some.mean()), mean_intervals(some[:, np.newaxis])[0]
    for index, key in enumerate(PER_PHOTO):
        if key in found:
            row.per_photo[key] = [None if np.isnan(value) else float(value) for value in values[:, index]]
    return found


def _of_sets(gathered: Gathered, wanted: Collection[str]) -> dict[str, tuple[float, Interval | None]]:
    found: dict[str, tuple[float, Interval | None]] = {}
    values = gathered.values
    if "psnr_of_mse" in wanted:
        errors = values[:, PER_PHOTO.index("mse")]
        low, high = mean_intervals(errors[:, np.newaxis])[0]
        found["psnr_of_mse"] = _decibels(float(errors.mean())), (_decibels(high), _decibels(low))
    if "dcf" in wanted:
        change = values[:, -1]
        means = np.abs(resampled_sums(change[:, np.newaxis])[:, 0]) / len(change)
        found["dcf"] = float(abs(change.mean())), percentile_interval(means)
    for key, held, pixels in (("auc", 0, 1), ("auc_rebalanced", 2, 3)):
        if key in wanted:
            above, below = 100 * gathered.areas[:, held], auc.THRESHOLDS * gathered.areas[:, pixels]
            found[key] = float(above.sum() / below.sum()), ratio_interval(above, below)
    return found


def _decibels(error: float) -> float:
    return CAP if error <= 0 else min(CAP, float(10 * np.log10(255**2 / error)))


def _of_features(gathered: Gathered, wanted: Collection[str]) -> dict[str, tuple[float, Interval | None]]:
    """Return the distances of features; each block of vectors is read once."""
    found: dict[str, tuple[float, Interval | None]] = {}
    count = len(gathered.items)
    for name, kid, fd in (("features", f"kid_{LITE0}", f"fd_{LITE0}"), ("inception", "", "fid")):
        if count < distances.LEAST or not {kid, fd} & set(wanted):
            continue
        parts: list[tuple[float, float, int]] = []
        spreads: tuple[distances.Spread, distances.Spread] | None = None
        for start in range(0, count, distances.BLOCK):
            block = gathered.vectors(name, start)
            if block is None:
                break
            if spreads is None:
                spreads = distances.Spread(block[0].shape[1]), distances.Spread(block[0].shape[1])
            for spread, vectors in zip(spreads, block, strict=True):
                spread.add(vectors)
            if kid in wanted and len(block[0]) >= distances.LEAST:
                parts.append((*distances.kid_block(*block), len(block[0])))
        else:
            assert spreads is not None
            if parts:
                found[kid] = distances.combine_kid(parts)
            if fd in wanted:
                found[fd] = distances.frechet_distance(*spreads), None
    return found


def compare(data: str, rows: Sequence[tuple[Maker, Gathered]], figures: Sequence[Figure]) -> list[dict[str, Any]]:
    """Compare each two colorizers on the photographs that both have, and each with gray.

    Args:
        data: name of the data set.
        rows: each maker and what it gave.
        figures: asked for.
    """
    wanted = [figure.key for figure in figures if figure.key in PER_PHOTO]
    compared = [(maker, gathered) for maker, gathered in rows if not maker.baseline]
    gray = [(maker, gathered) for maker, gathered in rows if maker.name == "gray"]
    pairs = [*combinations(compared, 2), *((one, two) for one in compared for two in gray)]
    found: list[dict[str, Any]] = []
    for (first, one), (second, two) in pairs:
        places = {item.source.name: place for place, item in enumerate(two.items)}
        both = [(place, places[item.source.name]) for place, item in enumerate(one.items) if item.source.name in places]
        if len(both) < 2:
            continue
        mine, other = np.array(both).T
        left, right = one.values[mine, :-1], two.values[other, :-1]
        keys = [key for key in wanted if not np.isnan([left[:, _at(key)], right[:, _at(key)]]).any()]
        columns = [_at(key) for key in keys]
        for key, difference in zip(keys, paired_differences(left[:, columns], right[:, columns]), strict=True):
            found.append(
                {
                    "data": data,
                    "first": first.name,
                    "second": second.name,
                    "figure": key,
                    "photos": len(both),
                    "difference": difference.mean,
                    "ci95": [difference.low, difference.high],
                    "p": difference.p,
                }
            )
    return found


def _at(key: str) -> int:
    return PER_PHOTO.index(key)
