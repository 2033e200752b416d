"""Photographs that count together with the XMP in a file beside them."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tinct.jobs.places import Entry, Place, Trouble, digest
from tinct.media.sidecar import SUFFIX, find_sidecar, is_sidecar, names_of_sidecars


class WithSidecars:
    """A place in which a photograph has changed when its sidecar has; see :class:`~tinct.jobs.places.Place`.

    Args:
        place: of the photographs; it lists sidecars too, in the folder of what they belong to.
    """

    def __init__(self, place: Place) -> None:
        self._place = place
        self.name = place.name

    def check(self, *, writable: bool) -> None:
        """See :class:`~tinct.jobs.places.Place`."""
        self._place.check(writable=writable)

    def pictures(self) -> Iterator[Entry | Trouble]:
        """See :class:`~tinct.jobs.places.Place`."""
        for _, listed in itertools.groupby(self._place.pictures(), lambda entry: os.path.dirname(entry.name)):
            together = list(listed)
            sidecars = {entry.name: entry for entry in together if isinstance(entry, Entry) and is_sidecar(entry.name)}
            for entry in together:
                if isinstance(entry, Trouble):
                    yield entry
                elif not is_sidecar(entry.name):
                    yield _with(entry, _first(map(sidecars.get, names_of_sidecars(entry.name))))

    def stat(self, name: str) -> Entry | None:
        """See :class:`~tinct.jobs.places.Place`."""
        entry = self._place.stat(name)
        return None if entry is None else _with(entry, self._sidecar(name))

    @contextmanager
    def fetch(self, name: str, folder: Path) -> Iterator[Path]:
        """See :class:`~tinct.jobs.places.Place`; a sidecar is beside the file that it gives."""
        with self._place.fetch(name, folder) as path:
            # A file in its own place has its sidecar beside it already; nothing is moved or written there.
            sidecar = self._sidecar(name) if path.parent == folder else None
            if sidecar is None:
                yield path
                return
            beside = path.with_name(path.name + SUFFIX)
            try:
                with self._place.fetch(sidecar.name, folder) as copy:
                    os.replace(copy, beside)
                yield path
            finally:
                beside.unlink(missing_ok=True)

    def publish(self, file: Path, name: str, *, replace: bool) -> Entry:
        """See :class:`~tinct.jobs.places.Place`."""
        return self._place.publish(file, name, replace=replace)

    def set_aside(self, name: str) -> str:
        """See :class:`~tinct.jobs.places.Place`."""
        return self._place.set_aside(name)

    def _sidecar(self, name: str) -> Entry | None:
        return _first(map(self._place.stat, names_of_sidecars(name)))


def _first(found: Iterable[Entry | None]) -> Entry | None:
    return next((entry for entry in found if entry is not None), None)


def _with(entry: Entry, sidecar: Entry | None) -> Entry:
    return entry if sidecar is None else Entry(entry.name, entry.size, f"{entry.stamp} {sidecar.stamp}")


def whole_digest(path: Path, *, sidecar: bool) -> str:
    """Return the SHA-256 of a photograph in hex; with a plus and that of its sidecar, where it counts and there is one.

    Raises:
        UnreadablePhoto: one of them can't be read.
    """
    beside = find_sidecar(path) if sidecar else None
    return digest(path) if beside is None else f"{digest(path)}+{digest(beside)}"
