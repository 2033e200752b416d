"""Structural similarity as a loss: what a picture in color lacks to the true one, window by window."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

from tinct.color.similarity import RADIUS, SIGMA

C1: Final = 0.01**2
"""Keeps the comparison of brightness steady where both are dark (Wang 2004), for values in 0..1."""
C2: Final = 0.03**2
"""Likewise that of contrast, where both are flat."""


def dissimilarity(found: Tensor, true: Tensor) -> Tensor:
    """Return 1 - SSIM, the mean over pictures, channels and windows; as :func:`tinct.color.similarity.ssim` has it.

    A picture under 11 pixels a side is looked at through the largest window that fits.

    Args:
        found: (N, C, H, W) in 0..1.
        true: the same.

    Source: Zhao, Gallo, Frosio, Kautz, "Loss functions for image restoration with neural networks" (2017), equation 6.
    """
    radius = min(RADIUS, (min(found.shape[2:]) - 1) // 2)
    down, across = (_windows(side, radius, found.device) for side in found.shape[2:])
    # Variances are small differences of large numbers.
    with torch.autocast(found.device.type, enabled=False):
        x, y = found.float(), true.float()
        mean_x, mean_y, squares, product = down @ torch.stack([x, y, x * x + y * y, x * y]) @ across.T
        energy, covariance = mean_x.square() + mean_y.square(), mean_x * mean_y
        luminance = (2 * covariance + C1) / (energy + C1)
        structure = (2 * (product - covariance) + C2) / (squares - energy + C2)
        missing: Tensor = 1 - (luminance * structure).mean()
    return missing


def _windows(side: int, radius: int, device: torch.device) -> Tensor:
    """Return the weights of the windows that lie wholly inside, (side - 2 radius, side); as matrices, for speed."""
    start, place = torch.arange(side - 2 * radius, device=device), torch.arange(side, device=device)
    distance = place - start.unsqueeze(1) - radius
    weights = (-distance.square() / (2 * SIGMA**2)).exp() * (distance.abs() <= radius)
    return weights / weights.sum(1, keepdim=True)
