"""Photographs for the benchmarks: from a folder or a tar, by name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from tinct.evaluation.protocol import open_dataset, read_original


def read_photos(source: Path, count: int | None = None) -> Iterator[tuple[str, Image.Image]]:
    """Yield names and RGB pictures, in the order of their names; ``count`` of them, the same ones each time."""
    for item in open_dataset(source, count).items:
        yield item.source.name, Image.fromarray(read_original(item.source, "native").rgb)
