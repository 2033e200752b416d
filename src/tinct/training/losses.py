"""Losses: what a network gave against the true colors.

Colors are regressed as ab / 110 or as RGB in 0..1, so that errors of both are of one size.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tinct.color.gamut import REACH
from tinct.color.tensors import lab_to_srgb, srgb_to_lab
from tinct.models.registry import Knot, Output
from tinct.training.distribution import BinTable, divergence, log_softmax, mean_color, soft_cross_entropy
from tinct.training.likeness import hinted_error
from tinct.training.structure import dissimilarity
from tinct.training.teacher import Teacher

BETA = 0.1
"""Where the Huber loss turns from squares to absolute errors."""
FLOOR = 1e-4
"""Added to a photo's squared error before its logarithm: about 1 Lab unit, below which nothing is to be won."""
EPSILON = 1e-8
FAITHFUL = Knot(0.0, 1.0, 1.0, 1.0)
"""The mean of a distribution without its rebalancing."""
SHOWN = frozenset({"perceptual", "colorfulness"})
"""Terms that judge a distribution by its vivid colors, and not by its faithful mean."""


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


@dataclass(frozen=True)
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

    @cached_property
    def rgb(self) -> Tensor:
        """The colors as RGB in 0..1, at the size of the lightness."""
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
        teacher: needed for ``distillation``.
        vivid: the read-out of a distribution that :data:`SHOWN` terms judge, which is what people look at.
    """

    def __init__(
        self,
        output: Output,
        factors: Mapping[str, float],
        table: BinTable | None = None,
        distance: PerceptualDistance | None = None,
        teacher: Teacher | None = None,
        vivid: Knot = FAITHFUL,
    ) -> None:
        super().__init__()
        self.output = output
        self.factors = dict(factors)
        self.table = table
        self.distance = distance
        self.teacher = teacher
        # Once, here: on a GPU the comparison would hold up each step.
        self.bin_by_bin = teacher is not None and teacher.shares_bins(table)
        self.vivid = vivid

    def found(self, output: Tensor, lightness: Tensor) -> Colors:
        """Return the colors that a network's output means; of a distribution, its faithful mean."""
        if self.output != "bins":
            return Colors(output, lightness)
        return Colors(self._read(self._log_p(output), FAITHFUL), lightness)

    def _log_p(self, output: Tensor) -> Tensor:
        """Return the logarithms of the distribution; what tells the likeness of places follows its logits."""
        assert self.table is not None
        return log_softmax(output[:, : len(self.table.centers)])

    def _read(self, log_p: Tensor, knot: Knot) -> Tensor:
        assert self.table is not None
        return knot.chroma * mean_color(log_p, self.table, knot.division, knot.temperature).permute(0, 3, 1, 2)

    def _of_distribution(
        self, log_p: Tensor, lightness: Tensor, target: Tensor, hints: Tensor | None
    ) -> dict[str, Tensor]:
        """Return the terms that only a distribution has."""
        assert self.table is not None
        terms: dict[str, Tensor] = {}
        if "cross_entropy" in self.factors:
            terms["cross_entropy"] = soft_cross_entropy(log_p, target.permute(0, 2, 3, 1), self.table)
        if "distillation" in self.factors and self.bin_by_bin:
            assert self.teacher is not None
            terms["distillation"] = divergence(log_p, self.teacher.log_p(lightness, hints, self.table))
        return terms

    def forward(self, output: Tensor, lightness: Tensor, ab: Tensor, hints: Tensor | None = None) -> dict[str, Tensor]:
        """Return ``loss``, the weighted sum, and each of its terms without its factor.

        Args:
            output: what the network gave, see :class:`~tinct.models.registry.ModelSpec`.
            lightness: (N, 1, H, W), L in 0..100, as the network saw it.
            ab: (N, 2, H, W), true colors in Lab units, with H and W multiples of the output's.
            hints: (N, 3, H, W), as the network saw them, or would have if it took any; for a teacher that takes them.
        """
        whole = Colors(ab, lightness)
        target = F.adaptive_avg_pool2d(ab, (output.shape[2], output.shape[3]))
        true, unit = (whole.rgb, 1) if self.output == "rgb" else (target, REACH)
        terms: dict[str, Tensor] = {}
        shown = found = Colors(output, lightness)
        if self.output == "bins":
            log_p = self._log_p(output)
            terms = self._of_distribution(log_p, lightness, target, hints)
            if self.factors.keys() - terms.keys() - SHOWN:
                found = Colors(self._read(log_p, FAITHFUL), lightness)
            if self.factors.keys() & SHOWN:
                shown = Colors(self._read(log_p, self.vivid), lightness)
        for name in self.factors:
            if name in terms:
                continue
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
                terms[name] = self.distance(shown.rgb, whole.rgb)
            elif name == "ssim":
                terms[name] = dissimilarity(found.rgb, whole.rgb)
            elif name == "colorfulness":
                terms[name] = colorfulness_gap(shown.rgb, whole.rgb)
            elif name == "distillation":
                assert self.teacher is not None
                taught = Colors(self.teacher.colors(lightness, hints), lightness)
                like = taught.rgb if self.output == "rgb" else taught.ab()
                height, width = found.plane.shape[2:]
                terms[name] = huber(found.plane / unit, F.adaptive_avg_pool2d(like, (height, width)) / unit)
            elif name == "likeness":
                assert self.table is not None
                terms[name] = hinted_error(output[:, len(self.table.centers) :], lightness, found.plane, true)
        total = torch.stack([self.factors[name] * value for name, value in terms.items()]).sum()
        return {"loss": total, **{name: value.detach() for name, value in terms.items()}}
