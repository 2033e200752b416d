"""Resampling against Pillow, whose figures everybody else computes with."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from tinct.evaluation.resample import resize

SIZES = [
    (256, 340, 256, 256),
    (340, 256, 256, 256),
    (300, 200, 256, 256),
    (200, 300, 256, 256),
    (100, 90, 256, 256),
    (700, 555, 256, 256),
    (382, 220, 39, 47),
    (5, 7, 3, 30),
    (64, 64, 64, 64),
    (1, 9, 4, 3),
]


@pytest.mark.parametrize("size", SIZES)
def test_equals_pillow_to_the_bit(size: tuple[int, int, int, int]) -> None:
    rows, columns, height, width = size
    pixels = np.random.default_rng(0).integers(0, 256, (rows, columns, 3), dtype=np.uint8)
    theirs = np.asarray(Image.fromarray(pixels).resize((width, height), Image.Resampling.BICUBIC))
    np.testing.assert_array_equal(resize(pixels, height, width), theirs)


def test_keeps_what_has_the_size() -> None:
    pixels = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    np.testing.assert_array_equal(resize(pixels, 4, 4), pixels)
