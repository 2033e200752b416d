"""Distributions over ab bins, as losses see them: lookups of the true colors, and what a distribution means."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tinct.color.gamut import REACH, soft_encode_table


class BinTable(nn.Module):
    """The soft encoding and the rebalancing weight of every whole-numbered color: a lookup in place of a search.

    Args:
        bins: (Q, 2) centers.
        weights: (Q,) rebalancing weights.
        neighbours: bins that share a color.
        sigma: of the Gaussian that shares it, in Lab units.
    """

    def __init__(
        self, bins: NDArray[np.float32], weights: NDArray[np.float32], *, neighbours: int = 5, sigma: float = 5.0
    ) -> None:
        super().__init__()
        indices, shares = soft_encode_table(bins, neighbours, sigma)
        self.register_buffer("indices", torch.from_numpy(indices.astype(np.int64)).flatten(0, 1))
        self.register_buffer("shares", torch.from_numpy(shares).flatten(0, 1))
        self.register_buffer("weights", torch.from_numpy(np.asarray(weights, np.float32)))
        self.register_buffer("centers", torch.from_numpy(np.asarray(bins, np.float32)))
        self.indices: Tensor
        self.shares: Tensor
        self.weights: Tensor
        self.centers: Tensor

    def forward(self, ab: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Look up colors, (..., 2) in Lab units.

        Returns:
            Indices of the nearest bins, nearest first, and their shares, (..., neighbours) each; and the weight of the
            nearest, (...).
        """
        nearest = ab.round().clamp(-REACH, REACH).long() + REACH
        cell = nearest[..., 0] * (2 * REACH + 1) + nearest[..., 1]
        indices = self.indices[cell]
        return indices, self.shares[cell], self.weights[indices[..., 0]]


def soft_cross_entropy(log_p: Tensor, target: Tensor, table: BinTable) -> Tensor:
    """Return the rebalanced cross-entropy of Zhang 2016, eq. 2; a pixel weighs as its nearest bin does.

    Args:
        log_p: (..., Q), logarithms of probabilities.
        target: (..., 2), true a and b in Lab units.
        table: of the bins.
    """
    indices, shares, weights = table(target)
    entropy = -(log_p.gather(-1, indices) * shares).sum(-1)
    mean: Tensor = (entropy * weights).mean()
    return mean


def divergence(log_p: Tensor, log_q: Tensor) -> Tensor:
    """Return the mean over places of Kullback and Leibler's divergence of p, (..., Q), from q, in nats."""
    mean: Tensor = (log_q.exp() * (log_q - log_p)).sum(-1).mean()
    return mean


def mean_color(log_p: Tensor, table: BinTable, division: float = 1.0, temperature: float = 1.0) -> Tensor:
    """Return the annealed mean ab, (..., 2), of p / w^division, as :func:`tinct.color.gamut.read_out` reads it.

    With division 1 the rebalancing is taken out of the distribution: the faithful mean.
    """
    mean: Tensor = ((log_p - division * table.weights.log()) / temperature).softmax(-1) @ table.centers
    return mean


def log_softmax(logits: Tensor) -> Tensor:
    """Return the logarithms of probabilities, float32 (N, h, w, Q), of logits (N, Q, h, w)."""
    # Bins last: a softmax along the memory's order is several times faster.
    return logits.permute(0, 2, 3, 1).float().log_softmax(-1)
