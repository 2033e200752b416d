"""Distances of features: KID against torchmetrics, Frechet against SciPy's root of a matrix."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import scipy.linalg
import torch
from torchmetrics.image.kid import KernelInceptionDistance

from tinct.data.source import Source
from tinct.evaluation import distances
from tinct.evaluation.catalog import PER_PHOTO, choose
from tinct.evaluation.distances import Spread, combine_kid, frechet_distance, kid_block
from tinct.evaluation.makers import Gray, Same
from tinct.evaluation.protocol import Item
from tinct.evaluation.rows import Gathered, make_row
from tinct.evaluation.store import Measured, Output, Store

WIDTH = 24


@pytest.fixture
def features() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    first = rng.gamma(1.0, 1.0, (80, WIDTH)).astype(np.float32)
    return first, (first * 0.8 + rng.normal(0.3, 0.4, first.shape)).astype(np.float32)


class _Given(torch.nn.Module):
    """Stands in for a network: gives its input back."""

    num_features = WIDTH

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.flatten(1)


@pytest.mark.filterwarnings("ignore:Metric `Kernel Inception Distance` will save")
def test_kid_is_torchmetrics(features: tuple[np.ndarray, np.ndarray]) -> None:
    # A subset of all photographs is all of them.
    theirs = KernelInceptionDistance(feature=_Given(), subsets=1, subset_size=80)
    for vectors, real in zip(features, (True, False), strict=True):
        theirs.update(torch.from_numpy(vectors).double()[:, :, None, None], real=real)
    mean, _ = theirs.compute()
    value, variance = kid_block(*features)
    assert value == pytest.approx(float(mean), rel=1e-6)
    assert variance > 0


def test_kid_is_the_same_under_other_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks are drawn from all classes, also where folders, and so names, are sorted by class."""
    monkeypatch.setattr(distances, "BLOCK", 50)
    rng = np.random.default_rng(0)
    classes = np.repeat([0, 1], 100)
    true = (rng.normal(0, 1, (2, WIDTH))[classes] + rng.normal(0, 1, (200, WIDTH))).astype(np.float32)
    made = (true * 0.7 + 0.3 * rng.normal(0, 1, true.shape)).astype(np.float32)
    hashes = [hashlib.sha256(vector.tobytes()).hexdigest() for vector in true]
    figures = dict.fromkeys(PER_PHOTO, 0.0)
    counts, same, other = np.zeros(229, np.int64), Same("original"), Gray("gray")
    found = []
    with Store(None, "one") as store:
        for place, digest in enumerate(hashes):
            outputs = {"original": Output("true", None), "gray": Output("made", None)}
            pairs = [
                (name, Measured(figures, counts, counts, vectors[place]))
                for name, vectors in (("true", true), ("made", made))
            ]
            store.keep(digest, "measured", outputs, pairs)
        for order in (np.arange(200), rng.permutation(200)):
            items = [Item(Source(f"{name:03}.png", Path("photos")), hashes[place]) for name, place in enumerate(order)]
            gathered = Gathered(store, other, items, same, None)
            found.append(make_row("photos", other, gathered, choose(("kid_efficientnet_lite0",)), {}))
    assert found[0].figures == found[1].figures
    assert found[0].intervals == found[1].intervals


def test_kid_of_blocks(features: tuple[np.ndarray, np.ndarray]) -> None:
    value, variance = kid_block(*features)
    mean, (low, high) = combine_kid([(value, variance, 1000)] * 4)
    assert mean == pytest.approx(value)
    assert high - low == pytest.approx(2 * 1.96 * np.sqrt(variance) / 2)
    # Four photographs more weigh as much as they are, however far off their own estimate is.
    mean, (low, high) = combine_kid([(value, variance, 1000)] * 4 + [(9.0, variance, 4)])
    assert mean == pytest.approx((4000 * value + 4 * 9.0) / 4004)
    assert high - low == pytest.approx(2 * 1.96 * np.sqrt(variance) / 2, rel=2e-3)


def test_jackknife_covers_what_other_draws_give() -> None:
    rng = np.random.default_rng(1)

    def draw() -> tuple[np.ndarray, np.ndarray]:
        first = rng.normal(0, 1, (60, 6)).astype(np.float32)
        return first, (first + rng.normal(0.4, 0.6, first.shape)).astype(np.float32)

    found = [kid_block(*draw()) for _ in range(200)]
    spread = np.std([value for value, _ in found])
    assert np.mean([np.sqrt(variance) for _, variance in found]) == pytest.approx(spread, rel=0.35)


def test_frechet_distance_is_the_formula(features: tuple[np.ndarray, np.ndarray]) -> None:
    spreads = []
    for vectors in features:
        spread = Spread(WIDTH)
        for part in np.array_split(vectors, 3):
            spread.add(part)
        spreads.append(spread)
    one, two = (np.cov(vectors.astype(float), rowvar=False) for vectors in features)
    apart = features[0].mean(axis=0, dtype=float) - features[1].mean(axis=0, dtype=float)
    wanted = apart @ apart + np.trace(one + two - 2 * scipy.linalg.sqrtm(one @ two).real)
    assert frechet_distance(*spreads) == pytest.approx(wanted, rel=1e-6)
    assert frechet_distance(spreads[0], spreads[0]) == pytest.approx(0, abs=1e-6)


def test_fewer_photographs_than_features(features: tuple[np.ndarray, np.ndarray]) -> None:
    few = [vectors[:9].astype(np.float64) for vectors in features]
    spreads = [Spread(WIDTH), Spread(WIDTH)]
    for spread, vectors in zip(spreads, few, strict=True):
        spread.add(vectors[:4].astype(np.float32))
        spread.add(vectors[4:].astype(np.float32))
    one, two = (np.cov(vectors, rowvar=False) for vectors in few)
    apart = few[0].mean(axis=0) - few[1].mean(axis=0)
    wanted = apart @ apart + np.trace(one) + np.trace(two) - 2 * np.sqrt(np.abs(np.linalg.eigvals(one @ two))).sum()
    assert frechet_distance(*spreads) == pytest.approx(wanted, rel=1e-3)
    assert frechet_distance(spreads[0], spreads[0]) == pytest.approx(0, abs=1e-6)
