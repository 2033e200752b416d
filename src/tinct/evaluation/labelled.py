"""Photographs with labels, for a classifier to learn and be tested on."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from tinct.color.figures import Pixels
from tinct.data.inventory import take_inventory
from tinct.data.source import Source
from tinct.data.split import pick
from tinct.errors import DataError, OptionError, PhotoError
from tinct.evaluation.protocol import Original
from tinct.evaluation.resample import resize

Labels = Literal["class", "source"]
"""``class``: what the data set says, or the folder a photograph lies in. ``source``: the first part of its name."""
LABELS: tuple[Labels, ...] = get_args(Labels)
TEST_SHARE = 0.2
"""Of the photographs of each class, where they are not divided."""
LEAST = 5
"""Photographs of a class, in each of both parts, below which it is left out."""
_AHEAD = 64


@dataclass(frozen=True, slots=True)
class Labelled:
    """Photographs of several classes, in two parts."""

    classes: tuple[str, ...]
    train: tuple[Source, ...]
    test: tuple[Source, ...]
    train_labels: NDArray[np.int64]
    """(n,): numbers of classes."""
    test_labels: NDArray[np.int64]
    left_out: dict[str, int]
    """Class that has too few photographs -> how many."""
    sha256: str
    """Stands for both parts: names, labels and order."""


def open_labelled(path: Path, labels: Labels | None = None, count: int | None = None) -> Labelled:
    """Find photographs and their labels.

    Args:
        path: see :func:`tinct.data.inventory.take_inventory`.
        labels: what counts as label; None takes classes where every photograph has one, else sources.
        count: draw so many photographs of each part together with the other, by a hash of their names.

    Raises:
        DataError: there are no photographs, or none of two classes.
        OptionError: a count too small, or labels of another kind.
    """
    if labels is not None and labels not in LABELS:
        raise OptionError(f"--labels is {labels!r}; choose one of {', '.join(LABELS)}")
    if count is not None and count < 1:
        raise OptionError(f"--count is {count}, expected a whole number from 1 up")
    sources = take_inventory(path).sources
    if count is not None:
        sources = pick(sources, count)
    named = {source.name: _label(source, labels or _usual(sources)) for source in sources}
    parts = {source.part for source in sources}
    if "train" in parts and len(parts) > 1:
        held = "test" if "test" in parts else "val"
        train, test = ([s for s in sources if s.part == part] for part in ("train", held))
    else:
        train, test = _split(sources, named)
    of_train, of_test = (Counter(named[source.name] for source in part) for part in (train, test))
    classes = sorted(name for name in of_train | of_test if min(of_train[name], of_test[name]) >= LEAST)
    left_out = {name: n for name, n in sorted((of_train + of_test).items()) if name not in classes}
    if len(classes) < 2:
        seen = ", ".join(f"{name} {n}" for name, n in list(left_out.items())[:5]) or classes[0]
        raise DataError(
            f"{path}: a classifier needs two classes of at least {LEAST} photographs to learn from and {LEAST} to be "
            f"tested on; there are {len(classes)} ({seen}); put each class into a folder, or give --labels source"
        )
    number = {name: place for place, name in enumerate(classes)}
    train, test = ([s for s in sorted(part, key=lambda s: s.name) if named[s.name] in number] for part in (train, test))
    digest = hashlib.sha256()
    for source in (*train, *test):
        digest.update(f"{source.name}\0{named[source.name]}\n".encode(errors="surrogateescape"))
    return Labelled(
        tuple(classes),
        tuple(train),
        tuple(test),
        np.array([number[named[source.name]] for source in train]),
        np.array([number[named[source.name]] for source in test]),
        left_out,
        digest.hexdigest(),
    )


def _split(sources: Sequence[Source], named: Mapping[str, str]) -> tuple[list[Source], list[Source]]:
    """Hold back the same share of each class, chosen by hashes of names."""
    train: list[Source] = []
    test: list[Source] = []
    for label in dict.fromkeys(named.values()):
        ranked = pick((source for source in sources if named[source.name] == label), len(sources))
        held = round(TEST_SHARE * len(ranked))
        test += ranked[:held]
        train += ranked[held:]
    return train, test


def _usual(sources: Sequence[Source]) -> Labels:
    return "class" if all(source.label is not None for source in sources) else "source"


def _label(source: Source, labels: Labels) -> str:
    first, *between, _ = source.name.split("/") if "/" in source.name else ("", "")
    if labels == "source":
        return first
    return source.label or (between[-1] if between else first)


def read_levels(sources: Sequence[Source], side: int, jobs: int) -> Iterator[Pixels | None]:
    """Give each photograph as a colorizer gets it: gray levels of its middle square, (side, side); None if unreadable.

    Args:
        sources: the photographs.
        side: in pixels.
        jobs: threads that decode.
    """

    def read(source: Source) -> Pixels | None:
        try:
            rgb = source.load(side)
        except (PhotoError, OSError):
            return None
        height, width = rgb.shape[:2]
        short = min(height, width)
        top, left = (height - short) // 2, (width - short) // 2
        square = resize(np.ascontiguousarray(rgb[top : top + short, left : left + short]), side, side)
        return Original(square).levels

    with ThreadPoolExecutor(jobs) as pool:
        # A few ahead and no more, so that memory stays flat.
        for start in range(0, len(sources), _AHEAD):
            yield from pool.map(read, sources[start : start + _AHEAD])
