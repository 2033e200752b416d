"""Losses."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from tinct.color.gamut import soft_encode_table


class BinsLoss(nn.Module):
    """Loss of a distribution over ab bins: rebalanced cross-entropy, and Huber on its faithful mean.

    The cross-entropy is Zhang 2016, eq. 2, with soft-encoded targets; a pixel weighs as its nearest bin does. The
    faithful mean is that of softmax(z) / w, renormalized, which takes the rebalancing out again.

    Args:
        bins: (Q, 2) centers.
        weights: (Q,) rebalancing weights.
        neighbours: bins that share a pixel's target.
        sigma: of the Gaussian that shares it, in Lab units.
        cross_entropy: factor of the first term.
        huber: factor of the second.
        beta: of the Huber loss, on ab / 110.
    """

    def __init__(
        self,
        bins: NDArray[np.float32],
        weights: NDArray[np.float32],
        *,
        neighbours: int = 5,
        sigma: float = 5.0,
        cross_entropy: float = 0.5,
        huber: float = 15.0,
        beta: float = 0.1,
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
        self.cross_entropy = cross_entropy
        self.huber = huber
        self.beta = beta

    def forward(self, logits: Tensor, ab: Tensor) -> dict[str, Tensor]:
        """Return ``loss``, the weighted sum, and its terms ``cross_entropy`` and ``huber``.

        Args:
            logits: (N, Q, h, w).
            ab: (N, 2, H, W) true colors in Lab units, with H and W multiples of h and w.
        """
        target = F.adaptive_avg_pool2d(ab, (logits.shape[2], logits.shape[3])).permute(0, 2, 3, 1)
        nearest = target.round().clamp(-110, 110).long() + 110
        cell = nearest[..., 0] * 221 + nearest[..., 1]
        indices = self.indices[cell]
        # Bins last: a softmax along the memory's order is several times faster.
        log_p = logits.permute(0, 2, 3, 1).float().log_softmax(-1)
        entropy = -(log_p.gather(-1, indices) * self.shares[cell]).sum(-1)
        # The table lists the nearest bin first.
        entropy = (entropy * self.weights[indices[..., 0]]).mean()
        mean = (log_p - self.weights.log()).softmax(-1) @ self.centers
        huber = F.smooth_l1_loss(mean / 110, target / 110, beta=self.beta)
        return {
            "loss": self.cross_entropy * entropy + self.huber * huber,
            "cross_entropy": entropy.detach(),
            "huber": huber.detach(),
        }
