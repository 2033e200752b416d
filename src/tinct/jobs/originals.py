"""What of a listing is to be colorized: all but results that lie beside their originals."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Iterator

from tinct.jobs.naming import is_picture, is_result, original_stem
from tinct.jobs.places import Entry, Trouble


class Originals:
    """A listing without the results of earlier runs.

    A name like a result's is left out only where its original is in the same folder; else it is a photograph's own.

    Args:
        listing: of a place, folder by folder.
    """

    def __init__(self, listing: Iterable[Entry | Trouble]) -> None:
        self._listing = listing
        self.left_out = 0
        """How many results there were, so far."""

    def __iter__(self) -> Iterator[Entry | Trouble]:
        for _, listed in itertools.groupby(self._listing, lambda entry: os.path.dirname(entry.name)):
            together = list(listed)
            stems = {_stem(entry.name) for entry in together if is_picture(entry.name)}
            for entry in together:
                if is_result(entry.name) and original_stem(_stem(entry.name)) in stems:
                    self.left_out += 1
                else:
                    yield entry


def _stem(name: str) -> str:
    return os.path.splitext(name)[0]
