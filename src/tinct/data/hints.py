"""Simulated hints, so that a network learns what a person's clicks mean."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

MOST = 128
"""The largest number of hints on one photo."""


def hint_count(rng: np.random.Generator, without: float = 0.5) -> int:
    """Draw a number of hints: none, or else geometric with p = 1/8 (60 %) or log-uniform in 1..128 (40 %).

    The geometric part is that of Zhang 2017 ("Real-Time User-Guided Image Colorization", 3.2).

    Args:
        rng: source of all choices.
        without: share of photos that have none, 0..1.
    """
    kind = rng.random()
    if kind < without:
        return 0
    if kind < without + 0.6 * (1 - without):
        return int(min(rng.geometric(1 / 8), MOST))
    return int(np.exp(rng.uniform(0, np.log(MOST))))


def simulate_hints(ab: Tensor, rng: np.random.Generator, without: float = 0.5) -> Tensor:
    """Put random patches of the true color on each picture.

    A patch is a square of 1 to 9 pixels that carries its mean ab; half of the pictures have them anywhere, half mostly
    about the middle.

    Args:
        ab: (N, 2, H, W), true a and b in Lab units.
        rng: source of all choices.
        without: share of pictures that get no hint, 0..1.

    Returns:
        (N, 3, H, W): mask, a, b.
    """
    count, _, height, width = ab.shape
    truth = ab.numpy()
    hints = np.zeros((count, 3, height, width), np.float32)
    for index in range(count):
        central = rng.random() < 0.5
        for _ in range(hint_count(rng, without)):
            side = int(rng.integers(1, 10))
            if central:
                y = int(np.clip(rng.normal(height / 2, height / 4), 0, height - 1))
                x = int(np.clip(rng.normal(width / 2, width / 4), 0, width - 1))
            else:
                y, x = int(rng.integers(height)), int(rng.integers(width))
            rows = slice(max(0, y - side // 2), y - side // 2 + side)
            columns = slice(max(0, x - side // 2), x - side // 2 + side)
            hints[index, 0, rows, columns] = 1
            hints[index, 1:, rows, columns] = truth[index, :, rows, columns].mean((1, 2))[:, None, None]
    return torch.from_numpy(hints)
