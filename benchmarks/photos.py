"""Photographs for the benchmarks: from a folder or a tar, by name."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff"}


def read_photos(source: Path, count: int | None = None, seed: int = 0) -> Iterator[tuple[str, Image.Image]]:
    """Yield names and RGB pictures, in the order of their names; ``count`` of them drawn by ``seed``."""
    if source.is_dir():
        names = sorted(str(path.relative_to(source)) for path in source.rglob("*") if path.suffix.lower() in SUFFIXES)
        for name in _draw(names, count, seed):
            yield name, Image.open(source / name).convert("RGB")
        return
    with tarfile.open(source) as tar:
        names = sorted(name for name in tar.getnames() if Path(name).suffix.lower() in SUFFIXES)
        for name in _draw(names, count, seed):
            member = tar.extractfile(name)
            assert member is not None
            yield name, Image.open(io.BytesIO(member.read())).convert("RGB")


def _draw(names: list[str], count: int | None, seed: int) -> list[str]:
    if count is None or count >= len(names):
        return names
    chosen = np.random.default_rng(seed).choice(len(names), count, replace=False)
    return [names[index] for index in sorted(chosen)]


def stretched(picture: Image.Image, side: int) -> NDArray[np.uint8]:
    """Return a picture stretched to a square, (side, side, 3)."""
    return np.asarray(picture.resize((side, side), Image.Resampling.BICUBIC))
