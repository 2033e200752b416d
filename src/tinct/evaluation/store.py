"""What has been measured, so that a run that was killed goes on where it stopped: one SQLite file.

A figure is known by the photograph, by the pixels that it was measured on, and by the context: protocol, code and what
was asked for. Two colorizers that give the same pixels share it, and are exactly alike in the table.
"""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from tinct.errors import OutputError

_SCHEMA = """
CREATE TABLE IF NOT EXISTS photo (context TEXT, photo TEXT, status TEXT, PRIMARY KEY (context, photo)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS output (
    context TEXT, photo TEXT, maker TEXT, pixels TEXT, fault TEXT, PRIMARY KEY (context, photo, maker)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS measured (
    context TEXT, photo TEXT, pixels TEXT, figures TEXT, colors BLOB, hits BLOB, features BLOB, inception BLOB,
    PRIMARY KEY (context, photo, pixels)
);
CREATE TABLE IF NOT EXISTS note (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Measured:
    """What one photograph and one result of it gave."""

    figures: dict[str, float | None]
    """Key -> value, None for a figure that this photograph has none of; and the class seen in it, see
    :data:`tinct.evaluation.catalog.SEEN`. Nothing here depends on the photograph's name."""
    colors: NDArray[np.int64]
    """(229,), pixels of the result by color bin."""
    hits: NDArray[np.int64]
    """(229,), see :func:`tinct.evaluation.auc.count_hits`."""
    features: NDArray[np.float32] | None = None
    """(1280,), of EfficientNet-Lite0."""
    inception: NDArray[np.float32] | None = None
    """(2048,)."""


@dataclass(frozen=True, slots=True)
class Output:
    """What a maker gave for a photograph: the hash of its pixels, or why it gave none."""

    pixels: str | None
    fault: str | None


class Store:
    """Keeps what has been measured; one thread uses it.

    Args:
        path: the file, made where it is missing; None keeps everything in memory.
        context: what the figures depend on beside photograph and pixels.

    Raises:
        OutputError: the file can't be made, or is no store.
    """

    def __init__(self, path: Path | None, context: str) -> None:
        self.context = context
        self._path = path
        with self._mapped("remove it, or give another file"):
            self._base = sqlite3.connect(":memory:" if path is None else path)
            # A crash may cost the last photographs, which are then measured again; it never breaks the file.
            self._base.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;" + _SCHEMA)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        empty = self._base.execute("SELECT 1 FROM photo UNION ALL SELECT 1 FROM note LIMIT 1").fetchone() is None
        self._base.close()
        if empty and self._path is not None:
            self._path.unlink(missing_ok=True)

    def status(self, photo: str) -> str | None:
        """Return what is known of a photograph, None where nothing is."""
        found = self._one("SELECT status FROM photo WHERE context = ? AND photo = ?", photo)
        return found[0] if found else None

    def output(self, photo: str, maker: str) -> Output | None:
        """Return what a maker gave, None where it hasn't been asked."""
        found = self._one(
            "SELECT pixels, fault FROM output WHERE context = ? AND photo = ? AND maker = ?", photo, maker
        )
        return Output(*found) if found else None

    def has(self, photo: str, pixels: str) -> bool:
        """Tell whether these pixels have been measured against this photograph."""
        found = self._one("SELECT 1 FROM measured WHERE context = ? AND photo = ? AND pixels = ?", photo, pixels)
        return found is not None

    def get(self, photo: str, pixels: str) -> Measured:
        """Return what was measured; it must be there."""
        columns = "figures, colors, hits, features, inception"
        found = self._one(
            f"SELECT {columns} FROM measured WHERE context = ? AND photo = ? AND pixels = ?", photo, pixels
        )
        assert found is not None
        figures, colors, hits, features, inception = found
        return Measured(json.loads(figures), _counts(colors), _counts(hits), _vector(features), _vector(inception))

    def keep(
        self, photo: str, status: str, outputs: dict[str, Output], measured: Iterable[tuple[str, Measured]]
    ) -> None:
        """Note all that became of a photograph, whole or not at all.

        Args:
            photo: its hash.
            status: of :data:`tinct.evaluation.protocol.Status`.
            outputs: by maker.
            measured: hash of the pixels, and what they gave.

        Raises:
            OutputError: the file can't be written.
        """
        with self._writing() as base:
            base.execute("INSERT OR REPLACE INTO photo VALUES (?, ?, ?)", (self.context, photo, status))
            for maker, output in outputs.items():
                values = (self.context, photo, maker, output.pixels, output.fault)
                base.execute("INSERT OR REPLACE INTO output VALUES (?, ?, ?, ?, ?)", values)
            for pixels, found in measured:
                row = (
                    *(self.context, photo, pixels, json.dumps(found.figures)),
                    *(zlib.compress(counts.tobytes(), 1) for counts in (found.colors, found.hits)),
                    *(None if v is None else v.tobytes() for v in (found.features, found.inception)),
                )
                base.execute("INSERT OR REPLACE INTO measured VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)

    def note(self, key: str) -> str | None:
        """Return a note of this context."""
        found = self._base.execute("SELECT value FROM note WHERE key = ?", (f"{self.context} {key}",)).fetchone()
        return None if found is None else str(found[0])

    def set_note(self, key: str, value: str) -> None:
        """Keep a note of this context.

        Raises:
            OutputError: the file can't be written.
        """
        with self._writing() as base:
            base.execute("INSERT OR REPLACE INTO note VALUES (?, ?)", (f"{self.context} {key}", value))

    @contextmanager
    def _mapped(self, remedy: str) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise OutputError(f"{self._path} can't keep what is measured ({error}); {remedy}") from error

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """Give the base; what is done to it is kept whole or not at all."""
        with self._mapped("free some space, or wait for other evaluations that use it; then start again"), self._base:
            yield self._base

    def _one(self, query: str, *keys: str) -> tuple[str, ...] | None:
        found: tuple[str, ...] | None = self._base.execute(query, (self.context, *keys)).fetchone()
        return found


def _counts(blob: str | bytes) -> NDArray[np.int64]:
    assert isinstance(blob, bytes)
    return np.frombuffer(zlib.decompress(blob), np.int64)


def _vector(blob: str | bytes | None) -> NDArray[np.float32] | None:
    assert not isinstance(blob, str)
    return None if blob is None else np.frombuffer(blob, np.float32)
