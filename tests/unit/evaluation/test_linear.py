"""The linear classifier. Oracle: SciPy's minimizer on the same loss, written anew."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from tinct.evaluation.linear import fit, learn


def make(
    count: int, classes: int, size: int, apart: float, seed: int = 0
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    rng = np.random.default_rng(seed)
    centers = np.random.default_rng(99).normal(size=(classes, size)) * apart
    labels = rng.integers(0, classes, count)
    return (centers[labels] + rng.normal(size=(count, size))).astype(np.float32), labels


@pytest.mark.parametrize("penalty", [0.1, 0.001])
def test_the_fit_is_that_of_scipy(penalty: float) -> None:
    x, y = make(120, 3, 6, 0.8)
    truth = np.eye(3)[y]

    def loss(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        weights, offsets = flat[:18].reshape(6, 3), flat[18:]
        scores = x @ weights + offsets
        slope = (softmax(scores, axis=1) - truth) / len(x)
        value = -(truth * log_softmax(scores, axis=1)).sum() / len(x) + penalty / 2 * (weights**2).sum()
        return value, np.concatenate([(x.T @ slope + penalty * weights).ravel(), slope.sum(0)])

    best = minimize(loss, np.zeros(21), jac=True, method="BFGS")
    weights, offsets = fit(torch.from_numpy(x), torch.from_numpy(y), 3, penalty)
    mine = loss(np.concatenate([weights.numpy().ravel(), offsets.numpy()]).astype(float))[0]
    assert mine == pytest.approx(best.fun, abs=1e-5)


def test_it_tells_apart_what_can_be_and_guesses_what_cannot() -> None:
    x, y = make(600, 4, 10, 2.0)
    other, truth = make(300, 4, 10, 2.0, seed=1)
    assert (learn(x, y, 4).predict(other) == truth).mean() > 0.97
    noise = np.random.default_rng(2).normal(size=(900, 10)).astype(np.float32)
    assert (learn(noise[:600], y, 4).predict(noise[600:]) == truth).mean() < 0.36


def test_units_of_features_and_dead_ones_do_not_matter() -> None:
    x, y = make(200, 3, 5, 1.0)
    spread = np.concatenate([x * [1e-3, 1, 1e3, 7, 0.1] + 50, np.full((200, 2), 3.0)], axis=1).astype(np.float32)
    plain, scaled = learn(x, y, 3), learn(spread, y, 3)
    assert (plain.predict(x) == scaled.predict(spread)).mean() > 0.98
    assert torch.isfinite(scaled.weights).all()
