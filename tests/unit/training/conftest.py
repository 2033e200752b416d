"""Small pictures to train on, and settings of a small network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of 12 colorful pictures of 64x48."""
    folder = tmp_path_factory.mktemp("photos")
    rng = np.random.default_rng(0)
    for index in range(12):
        small = rng.integers(0, 256, (6, 8, 3)).astype(np.uint8)
        Image.fromarray(small).resize((64, 48), Image.Resampling.BICUBIC).save(folder / f"{index}.png")
    return folder


@pytest.fixture(scope="session")
def small() -> tuple[str, ...]:
    """Settings with which three layers of four channels are trained in a moment."""
    return (
        "options.widths=[4, 4, 4]",
        "data.sizes={32: 1}",
        "data.batch=4",
        "validation={photos: 2, size: 32}",
        "precision=fp32",
    )
