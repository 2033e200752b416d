"""Photographs for the benchmarks: the corpus, and those of a folder or a tar, by name."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from tinct.evaluation.protocol import open_dataset, read_original


def corpus() -> Path:
    """Return the folder of real photographs, as tests take it: that of ``TINCT_DATA``, or one beside the checkout."""
    given = os.environ.get("TINCT_DATA")
    return Path(given) if given else Path(__file__).resolve().parents[2] / "shared" / "data"


def held_photos() -> Path:
    """Return those of the corpus that the models of the package haven't seen."""
    return corpus() / "photos" / "val.tar"


def read_photos(source: Path, count: int | None = None) -> Iterator[tuple[str, Image.Image]]:
    """Yield names and RGB pictures, in the order of their names; ``count`` of them, the same ones each time."""
    for item in open_dataset(source, count).items:
        yield item.source.name, Image.fromarray(read_original(item.source, "native").rgb)
