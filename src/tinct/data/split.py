"""Which photos are for training and which are kept apart: by the data set's own parts, or by a hash of each name."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tinct.data.inventory import take_inventory
from tinct.data.source import Source
from tinct.errors import DataError


@dataclass(frozen=True, slots=True)
class Division:
    """A data set in two parts without a photo in common."""

    train: list[Source]
    held: list[Source]
    """For validation."""
    damaged: dict[str, str]
    """File -> what is wrong with it."""
    published: bool = False
    """Whether this is the data set's own division."""


def divide(path: Path, share: float, *, seed: int = 0, published: bool = True, least: int = 1) -> Division:
    """Divide the photos at a place into those to learn from and those to validate with.

    Args:
        path: see :func:`tinct.data.inventory.take_inventory`.
        share: of the photos to hold back, above 0 and below 1, where they are divided by a hash.
        seed: of that hash.
        published: take the data set's own division where it has one: a part ``val``, else ``test``. Without it, or
            where there is none, photos are divided by a hash of their names.
        least: hold back at least so many where they are divided by a hash, but no more than a third of all.

    Raises:
        DataError: there is no such path, or there are less than two photos.
    """
    inventory = take_inventory(path)
    sources = inventory.of("train")
    held = inventory.of("val") or inventory.of("test")
    if sources and held and published:
        return Division(sources, held, inventory.damaged, published=True)
    sources = inventory.sources
    if len(sources) < 2:
        raise DataError(
            f"{path} holds one photo; training needs two at the very least, one to learn from and one to validate "
            "with, and some hundreds to learn something of use"
        )
    train, apart = split_by_hash(sources, share, seed)
    # Of a few photos a hash may put all on one side.
    least = max(1, min(least, len(sources) // 3))
    if len(apart) < least or not train:
        ranked = pick(sources, len(sources))
        train, apart = (ranked[least:], ranked[:least]) if len(apart) < least else (ranked[:1], ranked[1:])
    return Division(train, apart, inventory.damaged)


def _rank(name: str) -> bytes:
    return hashlib.sha1(name.encode(errors="surrogateescape"), usedforsecurity=False).digest()


def pick(sources: Iterable[Source], count: int) -> list[Source]:
    """Pick some photos by hash: a fair mix, in mixed order, that changes little when others come or go."""
    return sorted(sources, key=lambda source: _rank(source.name))[:count]


def hold_back(sources: Iterable[Source], counts: Mapping[str, int]) -> list[Source]:
    """Leave out the given number of photos of each named source (first part of the name), chosen by hash.

    The choice stays the same when other photos come or go.
    """
    sources = list(sources)
    held: set[str] = set()
    for prefix, count in counts.items():
        of_source = (source for source in sources if source.name.split("/", 1)[0] == prefix)
        held.update(source.name for source in pick(of_source, count))
    return [source for source in sources if source.name not in held]


def split_by_hash(sources: Iterable[Source], share: float, seed: int = 0) -> tuple[list[Source], list[Source]]:
    """Split into two parts, the second with about ``share`` of the photos, by a hash of the seed and each name.

    A photo stays on its side when others come or go; one that is in the second part at a share is there at every
    larger one.
    """
    first: list[Source] = []
    second: list[Source] = []
    for source in sources:
        position = int.from_bytes(_rank(f"{seed}\n{source.name}" if seed else source.name)[:4], "big") / 2**32
        (second if position < share else first).append(source)
    return first, second
