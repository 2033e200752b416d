"""What happens to a photo between memory and network: crops, flips, turns, and the tones of other cameras and films."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F


def random_crop(
    photo: NDArray[np.uint8],
    size: int,
    rng: np.random.Generator,
    *,
    least: float = 0.45,
    flip: bool = True,
    turn: bool = False,
) -> Tensor:
    """Cut a random square out of a photo and bring it to ``size``.

    Args:
        photo: (H, W, 3).
        size: side of the result, in pixels; at least 2.
        rng: source of all choices.
        least: smallest side of the square as a share of the photo's short side.
        flip: mirror half of them.
        turn: turn by a random multiple of 90 degrees.

    Returns:
        uint8 (3, size, size).
    """
    height, width = photo.shape[:2]
    side = max(1, round(min(height, width) * rng.uniform(least, 1.0)))
    top = int(rng.integers(height - side + 1))
    left = int(rng.integers(width - side + 1))
    crop = photo[top : top + side, left : left + side]
    if flip and rng.random() < 0.5:
        crop = crop[:, ::-1]
    if turn:
        crop = np.rot90(crop, int(rng.integers(4)))
    # A copy also of what numpy calls contiguous: a single mirrored pixel keeps a negative stride, which torch refuses.
    planes = torch.from_numpy(crop.transpose(2, 0, 1).copy())
    if side == size:
        return planes
    return F.interpolate(planes[None], (size, size), mode="bilinear", antialias=True, align_corners=False)[0]


def vary_tone(lightness: Tensor, rng: np.random.Generator, share: float) -> Tensor:
    """Give a share of lightness planes the exposure, contrast, sharpness and grain of another camera or film.

    Only the input is changed; the colors to learn stay those of the photo.

    Args:
        lightness: (N, 1, H, W), L in 0..100.
        rng: source of all choices.
        share: of the planes to change, 0..1.

    Returns:
        A new tensor of the same shape, L in 0..100.
    """
    planes = lightness.clone()
    for index in np.flatnonzero(rng.random(len(lightness)) < share):
        plane = planes[index] / 100
        plane = plane ** float(np.exp(rng.normal(0, 0.2)))
        low, high = rng.uniform(0, 0.12), rng.uniform(0.88, 1.0)
        plane = low + (high - low) * plane
        if rng.random() < 0.3:
            height, width = plane.shape[-2:]
            factor = rng.uniform(1.3, 2.5)
            small = (max(1, round(height / factor)), max(1, round(width / factor)))
            blurred = F.interpolate(plane[None], small, mode="bilinear", antialias=True, align_corners=False)
            plane = F.interpolate(blurred, (height, width), mode="bilinear", align_corners=False)[0]
        if rng.random() < 0.5:
            grain = rng.normal(0, rng.uniform(0.005, 0.05), tuple(plane.shape)).astype(np.float32)
            plane = plane + torch.from_numpy(grain)
        planes[index] = (plane * 100).clamp(0, 100)
    return planes
