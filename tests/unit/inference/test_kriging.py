"""What hints change around them."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from tinct.color.gamut import ab_bins
from tinct.inference.confidence import Belief
from tinct.inference.guidance import place
from tinct.inference.kriging import SURE, Scene, alike, remaining, spread
from tinct.inference.options import Hint
from tinct.models.kernels import BELIEVED, Kernel

RED, BLUE = "#a03020", "#2030a0"
SCALE = (10.0, 10.0)


def flat(height: int, width: int, lightness: float = 50) -> NDArray[np.float32]:
    return np.full((height, width), lightness, np.float32)


def believing(*parts: tuple[slice, tuple[float, float], float], height: int = 40, width: int = 60) -> Belief:
    """Return a belief by columns: a Gaussian around a color, with a deviation."""
    bins = ab_bins(10).astype(np.float32)
    chances = np.zeros((height, width, len(bins)), np.float32)
    for columns, color, deviation in parts:
        chances[:, columns] = np.exp(-((bins - color) ** 2).sum(axis=1) / (2 * deviation**2))
    return Belief(flat(height, width), chances / chances.sum(axis=-1, keepdims=True), bins)


def test_differences_spread_to_like_cells_nearby() -> None:
    lightness = flat(40, 60, 30)
    lightness[:, 30:] = 80
    ab = np.zeros((40, 60, 2), np.float32)
    placed = place([Hint(260, 200, RED, 5)], 400, 600)
    changed = spread(placed, Scene.of_colors(lightness, ab), ab, SCALE)
    asked = Hint(0, 0, RED).ab()
    assert changed[20, 26] == pytest.approx(asked, rel=0.15)
    share = np.linalg.norm(changed, axis=-1) / np.linalg.norm(asked)
    assert share[20, 22] > 0.5
    # Across the edge, four cells away as well, and far off, a strong color is no cast.
    assert share[20, 30:].max() < 0.2
    assert share[0, 0] < 0.3


def test_a_small_difference_is_a_cast_of_all_that_looks_alike() -> None:
    ab = np.zeros((40, 60, 2), np.float32)
    ab[:, 40:] = (0, 60)
    placed = place([Hint(100, 200, "#807a70", 5)], 400, 600)
    changed = spread(placed, Scene.of_colors(flat(40, 60), ab), ab, SCALE) - ab
    asked = float(np.linalg.norm(Hint(0, 0, "#807a70").ab()))
    share = np.linalg.norm(changed, axis=-1) / asked
    assert share[20, 10] == pytest.approx(1, abs=0.1)
    assert 0.5 < share[20, 35] < 0.9
    assert share[20, 45] < 0.3


def test_what_is_believed_alike_follows_though_it_lies_beyond_something_else() -> None:
    """Two lawns with a path between them: the farther lawn follows, the path does not."""
    lawn, path = (-30.0, 35.0), (5.0, 10.0)
    belief = believing((slice(0, 20), lawn, 12), (slice(20, 30), path, 12), (slice(30, 60), lawn, 12))
    ab = (belief.chances @ belief.bins).astype(np.float32)
    placed = place([Hint(100, 200, "#7a8a3c", 5)], 400, 600)
    moved = np.linalg.norm(spread(placed, Scene.of_belief(belief), ab, SCALE) - ab, axis=-1)
    assert moved[20, 35] > 2 * moved[20, 25]


def test_unsure_cells_follow_further_than_sure_ones() -> None:
    belief = believing((slice(0, 30), (0.0, 0.0), 20), (slice(30, 60), (0.0, 0.0), 20))
    belief.chances[:, 30:] = believing((slice(0, 60), (0.0, 0.0), 14)).chances[:, 30:]
    scene = Scene.of_belief(belief)
    deviation = scene.doubt**2
    assert deviation[0, 0] == pytest.approx(
        np.hypot(np.sqrt(belief.variance(belief.chances @ belief.bins)[0, 0]), SURE)
    )
    ab = np.zeros((40, 60, 2), np.float32)
    placed = place([Hint(300, 200, RED, 10)], 400, 600)
    moved = np.linalg.norm(spread(placed, scene, ab, SCALE), axis=-1)
    assert moved[20, 24] > moved[20, 35]


def covariance(squared: float, kernels: tuple[Kernel, ...]) -> float:
    return float(sum(kernel.variance * np.exp(-squared / (2 * kernel.reach**2)) for kernel in kernels))


def test_agreement_with_a_plain_kriging_of_one_hint() -> None:
    """Oracle: Rasmussen and Williams 2006, eq. 2.25, for one observation: value * k(x, s) / (k(s, s) + noise)."""
    ab = np.zeros((20, 20, 2), np.float32)
    placed = place([Hint(105, 105, RED, 5)], 200, 200)
    scene = Scene.of_colors(flat(20, 20), ab)
    changed = spread(placed, scene, ab, SCALE)
    missing = Hint(0, 0, RED).ab().astype(np.float64)
    squared = (3**2 + 2**2) / 20**2

    def krige(value: NDArray[np.float64], squared: float, kernels: tuple[Kernel, ...], noise: float) -> object:
        return value * covariance(squared, kernels) / (covariance(0, kernels) + noise)

    cast = missing / (1 + (missing @ missing) / 20**2)
    rest = missing - krige(cast, 0, BELIEVED.wide, BELIEVED.wide_noise)
    near, noise = BELIEVED.near, BELIEVED.near_noise
    expected = krige(cast, squared, BELIEVED.wide, BELIEVED.wide_noise) + krige(rest, squared, near, noise)
    assert changed[12, 13] == pytest.approx(expected, rel=1e-4)
    # Eq. 2.26: k(x, x) - k(x, s)^2 / (k(s, s) + noise), as a share of k(x, x).
    total = covariance(0, near)
    left = 1 - covariance(squared, near) ** 2 / (total + noise) / total
    assert remaining(placed, scene, SCALE)[12, 13] == pytest.approx(left, rel=1e-4)
    assert remaining(placed, scene, SCALE)[10, 10] == pytest.approx(0, abs=1e-6)


def test_likeness_is_the_distance_of_hellinger() -> None:
    """Oracle: H^2 = 1 - sum of the roots of p q, half the squared distance of the roots."""
    rng = np.random.default_rng(0)
    first, second = rng.dirichlet(np.ones(7), 2)
    rows = np.array([[0.2, 0.3, 50, *np.sqrt(first)], [0.2, 0.3, 50, *np.sqrt(second)]])
    hellinger = 1 - np.sqrt(first * second).sum()
    expected = 2.0 * np.exp(-0.5 * 2 * hellinger / 0.6**2)
    assert alike(rows, rows, [Kernel(2.0, 0.5, 10.0, 0.6)])[0, 1] == pytest.approx(expected)


def test_nothing_changes_where_the_prediction_is_right() -> None:
    asked = Hint(0, 0, BLUE).ab()
    ab = np.broadcast_to(asked, (10, 10, 2)).astype(np.float32)
    placed = place([Hint(50, 50, BLUE, 20)], 100, 100)
    changed = spread(placed, Scene.of_colors(flat(10, 10), ab), ab, SCALE)
    assert changed == pytest.approx(ab, abs=1e-4)
