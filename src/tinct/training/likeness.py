"""How far off colors are once hints are spread by a model's likeness, as :mod:`tinct.inference.kriging` spreads them.

Kriging is differentiable, so the likeness learns what it is for: from the true colors of a few places, as people give
them, the colors of all others (deep kernel learning, Wilson 2016).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional as F

from tinct.models.kernels import CAST, LEARNED, Kernel

MOST: Final = 50
"""Hints on a photo; their number is log-uniform up to this, the same for all photos of a batch."""
JUDGED: Final = 256
"""Places at which each photo's colors are compared with the true ones."""
DRAWS: Final = 4
"""How often hints are drawn for each batch; the network, which costs most, runs once."""
FLOOR: Final = 3.0
"""Added to a photo's squared error before its logarithm, in squared Lab units."""


@dataclass(frozen=True)
class Places:
    """Some places of each photo of a batch."""

    at: Tensor
    """(N, M, 2), y and x as shares of the short side."""
    lightness: Tensor
    """(N, M), L in 0..100."""
    vectors: Tensor
    """(N, M, K), the likeness."""
    error: Tensor
    """(N, M, 1), how far each errs."""
    missing: Tensor
    """(N, M, 2), true a and b less those that the model gave."""

    def __getitem__(self, part: slice) -> Places:
        planes = (self.at, self.lightness, self.vectors, self.error, self.missing)
        return Places(*(plane[:, part] for plane in planes))


def hinted_error(likeness: Tensor, lightness: Tensor, found: Tensor, true: Tensor) -> Tensor:
    """Return the share of the squared error of a and b that hints leave, as a geometric mean over photos.

    Args:
        likeness: (N, C, h, w), see :attr:`tinct.models.registry.ModelSpec.likeness`.
        lightness: (N, 1, H, W), L in 0..100.
        found: (N, 2, h, w), a and b that the model gave, in Lab units.
        true: (N, 2, h, w), what hints tell.
    """
    ratios = []
    for _ in range(DRAWS):
        count = round(math.exp(float(torch.rand(())) * math.log(MOST)))
        places = _look(likeness, lightness, found.detach(), true, count)
        hints, judged = places[:count], places[count:]
        before = judged.missing.square().sum(-1).mean(1)
        after = (judged.missing - spread(hints, judged)).square().sum(-1).mean(1)
        ratios.append(((after + FLOOR) / (before + FLOOR)).log().mean())
    return torch.stack(ratios).mean().exp()


def spread(hints: Places, others: Places) -> Tensor:
    """Return what the colors of places change by, (N, M, 2), where those of the hints lack what they lack."""
    missing = hints.missing
    cast = missing / (1 + missing.square().sum(-1, keepdim=True) / CAST**2)
    wide = _alike(hints, hints, LEARNED.wide)
    factors = _solve(wide, cast / hints.error, LEARNED.wide_noise)
    rest = missing / hints.error - wide @ factors
    near = _solve(_alike(hints, hints, LEARNED.near), rest, LEARNED.near_noise)
    change = _alike(others, hints, LEARNED.wide) @ factors + _alike(others, hints, LEARNED.near) @ near
    return change * others.error


def _alike(first: Places, second: Places, kernels: tuple[Kernel, ...]) -> Tensor:
    """Return how errors of the first places vary with those of the second, (N, M, M')."""
    distance = _squares(first.at, second.at)
    lightness = (first.lightness.unsqueeze(2) - second.lightness.unsqueeze(1)).square()
    likeness = _squares(first.vectors, second.vectors)
    return torch.stack(
        [
            kernel.variance
            * (distance / kernel.reach**2 + lightness / kernel.lightness**2 + likeness / kernel.likeness**2)
            .mul(-0.5)
            .exp()
            for kernel in kernels
        ]
    ).sum(0)


def _squares(first: Tensor, second: Tensor) -> Tensor:
    lengths = first.square().sum(-1).unsqueeze(2) + second.square().sum(-1).unsqueeze(1)
    return (lengths - 2 * first @ second.transpose(1, 2)).clamp_min(0)


def _solve(covariance: Tensor, values: Tensor, noise: float) -> Tensor:
    size = covariance.shape[-1]
    found: Tensor = torch.linalg.solve(covariance + noise * torch.eye(size, device=covariance.device), values)
    return found


def _look(likeness: Tensor, lightness: Tensor, found: Tensor, true: Tensor, count: int) -> Places:
    """Return ``count`` random places, mostly about the middle as people's hints are, then others from all over."""
    number, _, height, width = likeness.shape
    middle = (0.5 + 0.25 * torch.randn(number, count, 2)).clamp(0, 1 - 1e-6)
    share = torch.cat([middle, torch.rand(number, JUDGED, 2)], 1).to(likeness.device)
    size = torch.tensor([height, width], device=likeness.device)
    cells = (share * size).long().clamp_max(size - 1)
    index = (cells[..., 0] * width + cells[..., 1]).unsqueeze(1)
    light = F.adaptive_avg_pool2d(lightness, (height, width))
    planes = [
        plane.float().flatten(2).gather(2, index.expand(-1, plane.shape[1], -1)).transpose(1, 2)
        for plane in (light, likeness, true - found)
    ]
    vectors, error = planes[1].tensor_split((likeness.shape[1] - 1,), -1)
    return Places((cells + 0.5) / min(height, width), planes[0].squeeze(-1), vectors, error, planes[2])
