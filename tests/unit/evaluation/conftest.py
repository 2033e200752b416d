"""Pictures to measure: photographs of a kind, made here, with slopes, edges and grain."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]


def make_scene(seed: int, height: int = 192, width: int = 224) -> Pixels:
    """Return a colored picture, (height, width, 3): a sky, a ground, some things, grain."""
    rng = np.random.default_rng(seed)
    down, across = np.mgrid[0:height, 0:width]
    scene = np.empty((height, width, 3))
    scene[:] = rng.integers(60, 230, 3)
    scene += (down / height)[..., None] * rng.integers(-60, 60, 3)
    for _ in range(6):
        y, x, radius = rng.integers(0, height), rng.integers(0, width), rng.integers(12, 50)
        scene[(down - y) ** 2 + (across - x) ** 2 < radius**2] = rng.integers(0, 256, 3)
    return np.clip(scene + rng.normal(0, 4, scene.shape), 0, 255).astype(np.uint8)


@pytest.fixture
def scene() -> Callable[..., Pixels]:
    """Returns :func:`make_scene`."""
    return make_scene


@pytest.fixture(scope="session")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of six colored photographs, two of them named by ImageNet ids, and one that is gray."""
    folder = tmp_path_factory.mktemp("photographs")
    (folder / "imagenet").mkdir()
    names = ["a.png", "b.png", "c.png", "d.png", "imagenet/n01443537_goldfish.png", "imagenet/n02123045_cat.png"]
    for seed, name in enumerate(names):
        Image.fromarray(make_scene(seed, 64 + 8 * seed, 80)).save(folder / name)
    Image.fromarray(make_scene(9, 64, 64)).convert("L").save(folder / "gray.png")
    return folder
