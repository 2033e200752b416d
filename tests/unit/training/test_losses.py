from __future__ import annotations

import numpy as np
import torch

from tinct.color.gamut import ab_bins
from tinct.training.losses import BinsLoss


def test_loss_agrees_with_a_plain_retyping() -> None:
    rng = np.random.default_rng(0)
    bins = ab_bins(20)
    weights = rng.uniform(0.5, 4, len(bins)).astype(np.float32)
    logits = rng.normal(size=(1, len(bins), 2, 2)).astype(np.float32)
    ab = np.rint(rng.uniform(-60, 60, (1, 2, 2, 2))).astype(np.float32)
    # One target value for each output pixel: the mean of 2x2 equal ones.
    full = ab.repeat(2, axis=2).repeat(2, axis=3)
    entropies, errors = [], []
    for y in range(2):
        for x in range(2):
            target, z = ab[0, :, y, x], logits[0, :, y, x].astype(np.float64)
            distance = ((bins - target) ** 2).sum(1)
            nearest = np.argsort(distance, kind="stable")[:5]
            soft = np.exp(-distance[nearest] / (2 * 5**2))
            soft /= soft.sum()
            p = np.exp(z) / np.exp(z).sum()
            entropies.append(-weights[nearest[0]] * (soft * np.log(p[nearest])).sum())
            faithful = p / weights
            mean = (faithful / faithful.sum()) @ bins
            difference = np.abs(mean - target) / 110
            errors += [d * d / 0.2 if d < 0.1 else d - 0.05 for d in difference]
    terms = BinsLoss(bins, weights, cross_entropy=2.0, huber=3.0)(torch.from_numpy(logits), torch.from_numpy(full))
    np.testing.assert_allclose(terms["cross_entropy"], np.mean(entropies), rtol=1e-5)
    np.testing.assert_allclose(terms["huber"], np.mean(errors), rtol=1e-5)
    np.testing.assert_allclose(terms["loss"], 2 * np.mean(entropies) + 3 * np.mean(errors), rtol=1e-5)


def test_the_truth_costs_less_than_anything_else() -> None:
    bins = ab_bins(20)
    loss = BinsLoss(bins, np.ones(len(bins), np.float32))
    chosen = 17
    ab = torch.from_numpy(bins[chosen]).view(1, 2, 1, 1)
    costs = []
    for index in range(len(bins)):
        logits = torch.zeros(1, len(bins), 1, 1)
        logits[0, index] = 9.0
        costs.append(float(loss(logits, ab)["loss"]))
    assert int(np.argmin(costs)) == chosen
