"""Losses: what a network gave against the true colors.

Colors are regressed as ab / 110 or as RGB in 0..1, so that errors of both are of one size.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from tinct.color.gamut import soft_encode_table
from tinct.color.tensors import lab_to_srgb, srgb_to_lab
from tinct.models.registry import Knot, Output

REACH = 110
"""a and b lie in -110..110; errors are measured as shares of it."""
BETA = 0.1
"""Where the Huber loss turns from squares to absolute errors."""
FLOOR = 1e-4
"""Added to a photo's squared error before its logarithm: about 1 Lab unit, below which nothing is to be won."""
EPSILON = 1e-8
FAITHFUL = Knot(0.0, 1.0, 1.0, 1.0)
"""The mean of a distribution without its rebalancing."""
SHOWN = frozenset({"perceptual", "colorfulness"})
"""Terms that judge a distribution by its vivid colors, and not by its faithful mean."""


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


def mean_color(log_p: Tensor, table: BinTable, division: float = 1.0, temperature: float = 1.0) -> Tensor:
    """Return the annealed mean ab, (..., 2), of p / w^division, as :func:`tinct.color.gamut.read_out` reads it.

    With division 1 the rebalancing is taken out of the distribution: the faithful mean.
    """
    mean: Tensor = ((log_p - division * table.weights.log()) / temperature).softmax(-1) @ table.centers
    return mean


def huber(found: Tensor, true: Tensor) -> Tensor:
    """Return the mean of e^2 / 2 BETA up to BETA, of |e| - BETA / 2 beyond."""
    return F.smooth_l1_loss(found, true, beta=BETA)


def log_mse(found: Tensor, true: Tensor) -> Tensor:
    """Return the mean over photos of ln(mean squared error): what a mean of PSNRs is of, so that muted photos count.

    Args:
        found: (N, C, H, W).
        true: as ``found``.
    """
    mean: Tensor = ((found - true).square().mean((1, 2, 3)) + FLOOR).log().mean()
    return mean


def rebalanced_mse(found: Tensor, true: Tensor, table: BinTable) -> Tensor:
    """Return the mean over pixels of w(ab) |ab - ab^|^2, with both as shares of 110.

    The color rebalancing loss of AMCEC 2025, with the weights of Zhang 2016.

    Args:
        found: (N, 2, H, W) in Lab units.
        true: as ``found``.
        table: of the bins in which rare colors are counted.
    """
    weights = table(true.permute(0, 2, 3, 1))[2]
    mean: Tensor = (weights * ((found - true) / REACH).square().sum(1)).mean()
    return mean


def colorfulness(rgb: Tensor) -> Tensor:
    """Return the colorfulness of each picture, (N,), as :func:`tinct.color.figures.colorfulness` has it.

    Args:
        rgb: (N, 3, H, W), sRGB in 0..1.
    """
    red, green, blue = (255 * rgb).unbind(1)
    opponents = torch.stack([red - green, (red + green) / 2 - blue], 1).flatten(2)
    spread = opponents.var(2, correction=0).sum(1)
    found: Tensor = (spread + EPSILON).sqrt() + 0.3 * (opponents.mean(2).square().sum(1) + EPSILON).sqrt()
    return found


def colorfulness_gap(found: Tensor, true: Tensor) -> Tensor:
    """Return the squared difference of two batches' mean colorfulness, as a share of the true one's.

    Means over a batch: which photos are lively is for other terms to say. (DDColor, Kang 2023, 3.4, has a term that
    only asks for more.)

    Args:
        found: (N, 3, H, W), sRGB in 0..1.
        true: as ``found``.
    """
    share: Tensor = colorfulness(found).mean() / colorfulness(true).mean().clamp_min(1) - 1
    return share.square()


class PerceptualDistance(nn.Module):
    """Distance of two pictures in the features of a frozen network: as LPIPS (Zhang 2018), but with equal weights.

    Each feature vector is brought to length 1; the squared distances are averaged over places, then over layers.

    Args:
        features: takes RGB in 0..1, (N, 3, H, W); returns a list of feature maps, the finest first.
        skipped: how many of them don't count.
    """

    def __init__(self, features: nn.Module, skipped: int = 0) -> None:
        super().__init__()
        self.features = features.requires_grad_(False).eval()
        self.skipped = skipped

    def forward(self, found: Tensor, true: Tensor) -> Tensor:
        """Return the distance of two batches of RGB in 0..1, (N, 3, H, W)."""
        with torch.no_grad():
            wanted = self.features(true)[self.skipped :]
        layers = [
            (_unit(one.float()) - _unit(other.float())).square().sum(1).mean()
            for one, other in zip(self.features(found)[self.skipped :], wanted, strict=True)
        ]
        return torch.stack(layers).mean()


def _unit(maps: Tensor) -> Tensor:
    return maps / (maps.square().sum(1, keepdim=True) + EPSILON).sqrt()


@dataclass(frozen=True, slots=True)
class Colors:
    """The colors of a batch of pictures."""

    plane: Tensor
    """ab in Lab units or RGB in 0..1, (N, 2 or 3, h, w)."""
    lightness: Tensor
    """(N, 1, H, W), L in 0..100."""

    def ab(self) -> Tensor:
        """Return them as ab at the size of the lightness."""
        ab = srgb_to_lab(self.plane)[:, 1:] if self.plane.shape[1] == 3 else self.plane
        return F.interpolate(ab, self.lightness.shape[2:], mode="bilinear", align_corners=False)

    def rgb(self) -> Tensor:
        """Return them as RGB in 0..1 at the size of the lightness."""
        if self.plane.shape[1] == 3:
            return self.plane
        return lab_to_srgb(torch.cat([self.lightness, self.ab()], 1)).clamp(0, 1)


class ColorLoss(nn.Module):
    """The weighted sum of a recipe's terms, for any kind of output.

    Args:
        output: what the network gives.
        factors: term (see :data:`tinct.training.config.TERMS`) -> its factor, those above 0.
        table: of the bins; for ``bins`` the network's own. Needed for ``bins`` and for ``rebalanced_mse``.
        distance: needed for ``perceptual``.
        vivid: the read-out of a distribution that :data:`SHOWN` terms judge, which is what people look at.
    """

    def __init__(
        self,
        output: Output,
        factors: Mapping[str, float],
        table: BinTable | None = None,
        distance: PerceptualDistance | None = None,
        vivid: Knot = FAITHFUL,
    ) -> None:
        super().__init__()
        self.output = output
        self.factors = dict(factors)
        self.table = table
        self.distance = distance
        self.vivid = vivid

    def found(self, output: Tensor, lightness: Tensor) -> Colors:
        """Return the colors that a network's output means; of a distribution, its faithful mean."""
        if self.output != "bins":
            return Colors(output, lightness)
        return Colors(self._read(_log_softmax(output), FAITHFUL), lightness)

    def _read(self, log_p: Tensor, knot: Knot) -> Tensor:
        assert self.table is not None
        return knot.chroma * mean_color(log_p, self.table, knot.division, knot.temperature).permute(0, 3, 1, 2)

    def forward(self, output: Tensor, lightness: Tensor, ab: Tensor) -> dict[str, Tensor]:
        """Return ``loss``, the weighted sum, and each of its terms without its factor.

        Args:
            output: what the network gave, see :class:`~tinct.models.registry.ModelSpec`.
            lightness: (N, 1, H, W), L in 0..100, as the network saw it.
            ab: (N, 2, H, W), true colors in Lab units, with H and W multiples of the output's.
        """
        whole = Colors(ab, lightness)
        target = F.adaptive_avg_pool2d(ab, (output.shape[2], output.shape[3]))
        true, unit = (whole.rgb(), 1) if self.output == "rgb" else (target, REACH)
        terms: dict[str, Tensor] = {}
        shown = output
        if self.output == "bins":
            log_p = _log_softmax(output)
            if "cross_entropy" in self.factors:
                assert self.table is not None
                terms["cross_entropy"] = soft_cross_entropy(log_p, target.permute(0, 2, 3, 1), self.table)
            if self.factors.keys() - terms.keys() - SHOWN:
                output = self._read(log_p, FAITHFUL)
            if self.factors.keys() & SHOWN:
                shown = self._read(log_p, self.vivid)
        found = Colors(output, lightness)
        for name in self.factors:
            if name == "huber":
                terms[name] = huber(found.plane / unit, true / unit)
            elif name == "mse":
                terms[name] = F.mse_loss(found.plane / unit, true / unit)
            elif name == "log_mse":
                terms[name] = log_mse(found.plane / unit, true / unit)
            elif name == "rebalanced_mse":
                assert self.table is not None
                terms[name] = rebalanced_mse(found.plane, true, self.table)
            elif name == "perceptual":
                assert self.distance is not None
                terms[name] = self.distance(Colors(shown, lightness).rgb(), whole.rgb())
            elif name == "colorfulness":
                terms[name] = colorfulness_gap(Colors(shown, lightness).rgb(), whole.rgb())
        total = torch.stack([self.factors[name] * value for name, value in terms.items()]).sum()
        return {"loss": total, **{name: value.detach() for name, value in terms.items()}}


def _log_softmax(logits: Tensor) -> Tensor:
    # Bins last: a softmax along the memory's order is several times faster.
    return logits.permute(0, 2, 3, 1).float().log_softmax(-1)
