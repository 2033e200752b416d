"""The list of a batch's photographs and what became of each, in SQLite; it is the truth that a batch goes on from."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tinct.errors import StoreError, StoreFull
from tinct.jobs.items import ATTEMPT, SELECT, Item, Outcome, item_of, name_of, pack
from tinct.jobs.naming import distinct, folded
from tinct.jobs.places import Entry, full
from tinct.jobs.schema import prepare, read_into
from tinct.media.sidecar import SUFFIX


class Manifest:
    """One batch's list; several threads may share it.

    Args:
        path: the file, made where missing; None keeps it in memory.

    Raises:
        StoreError: it can't be opened, or a newer version of Tinct wrote it.
    """

    def __init__(self, path: Path | None) -> None:
        self._name = "the list in memory" if path is None else str(path)
        self._folder = Path() if path is None else path.parent
        self._lock = threading.RLock()
        with self._guarded():
            self._database = sqlite3.connect(
                ":memory:" if path is None else path, timeout=60, isolation_level=None, check_same_thread=False
            )
            self._database.row_factory = sqlite3.Row
            prepare(self._database, self._name)

    @classmethod
    def copy(cls, path: Path) -> Manifest:
        """Return a copy in memory, for looking at what would be done; an empty one where there is no file."""
        copy = cls(None)
        if path.exists():
            copy._name = str(path)
            with copy._guarded():
                read_into(copy._database, path)
                prepare(copy._database, copy._name)
        return copy

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._database.close()

    def facts(self) -> dict[str, str]:
        """Return what is noted of the batch as a whole."""
        return {row["name"]: name_of(row["value"]) for row in self.query("SELECT name, value FROM facts")}

    def note(self, name: str, value: str) -> None:
        """Note something of the batch as a whole."""
        self.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, pack(value)))

    def note_settings(self, hash: str, content: str) -> None:
        """Note what a hash of settings stands for."""
        self.execute("INSERT OR IGNORE INTO settings VALUES (?, ?)", (hash, content))

    def scan(self, entries: Iterable[Entry], plain: Callable[[str], str], number: int) -> int:
        """Take over a listing of the sources, give the new ones their targets, and mark what is to be done again.

        Args:
            entries: the listing.
            plain: gives the target that a source should have if nothing else has it.
            number: of the scan; each is larger than the ones before.

        Returns:
            How many entries there were.
        """
        count = 0
        for batch in _batches(entries):
            with self.transaction():
                for entry in batch:
                    self._see(entry, plain(entry.name), number)
            count += len(batch)
        return count

    def keep(self, name: str, number: int) -> None:
        """Count a photograph, or all below a folder, as seen in a scan; an empty name stands for all there are."""
        if not name:
            self.execute("UPDATE files SET scan = ?", (number,))
            return
        self.execute("UPDATE files SET scan = ? WHERE source = ?", (number, pack(name)))
        low, high = os.fsencode(f"{name}/"), os.fsencode(f"{name}0")  # "0" is what comes after "/"
        for kind in ("TEXT", "BLOB"):
            self.execute(
                f"UPDATE files SET scan = ? WHERE source > CAST(? AS {kind}) AND source < CAST(? AS {kind})",
                (number, low, high),
            )

    def _see(self, entry: Entry, plain: str, number: int) -> None:
        row = self._one("SELECT id, plain, state FROM files WHERE source = ?", (pack(entry.name),))
        if row is None:
            target = self._free(plain, entry.name)
            self._run(
                "INSERT INTO files (source, plain, target, folded, series, scan, listed_size, listed_stamp)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *map(pack, (entry.name, plain, target, folded(target), os.path.dirname(entry.name))),
                    number,
                    entry.size,
                    entry.stamp,
                ),
            )
            return
        if name_of(row["plain"]) != plain:  # another format is wanted now
            self._run("UPDATE files SET folded = '' || id || char(0) WHERE id = ?", (row["id"],))
            target = self._free(plain, entry.name)
            self._run(
                "UPDATE files SET plain = ?, target = ?, folded = ?, output_hash = NULL WHERE id = ?",
                (*map(pack, (plain, target, folded(target))), row["id"]),
            )
        if row["state"] == "gone":
            self._run("UPDATE files SET state = 'pending', reason = 'back' WHERE id = ?", (row["id"],))
        self._run(
            "UPDATE files SET scan = ?, listed_size = ?, listed_stamp = ? WHERE id = ?",
            (number, entry.size, entry.stamp, row["id"]),
        )

    def _free(self, plain: str, source: str) -> str:
        """Return a target that no other file system could take for another's."""
        target = plain
        while self._one("SELECT 1 FROM files WHERE folded = ?", (pack(folded(target)),)) is not None:
            target = distinct(target, source)
        return target

    def claim(self, number: int) -> Iterator[Item]:
        """Yield what is to be done, each marked as running when it is asked for."""
        last = 0
        while rows := self.query(
            f"{SELECT} WHERE state = 'pending' AND scan = ? AND id > ? ORDER BY id LIMIT 200", (number, last)
        ):
            for row in rows:
                last = row["id"]
                self.execute("UPDATE files SET state = 'running', attempts = attempts + 1 WHERE id = ?", (last,))
                yield item_of(row)

    def finish(self, outcome: Outcome) -> None:
        """Note what became of a photograph."""
        if outcome.halt is not None:
            self.release(outcome.id)
            return
        if outcome.state != "done":
            self.execute(
                "UPDATE files SET state = ?, error = ?, seconds = ?,"
                f" tried = CASE WHEN ? THEN NULL ELSE {ATTEMPT} END WHERE id = ?",
                (outcome.state, _text(outcome.error), outcome.seconds, outcome.taken, outcome.id),
            )
            return
        assert outcome.origin is not None
        assert outcome.output is not None
        with self.transaction():
            self._run(
                "UPDATE files SET state = 'done', reason = '', error = NULL, settings = ?, source_size = ?,"
                " source_stamp = ?, source_hash = ?, output_size = ?, output_stamp = ?, output_hash = ?,"
                " seconds = CASE WHEN ? THEN seconds ELSE ? END, notes = CASE WHEN ? THEN notes ELSE ? END,"
                " review = CASE WHEN ? THEN review ELSE '' END WHERE id = ?",
                (
                    outcome.settings,
                    outcome.origin.size,
                    outcome.origin.stamp,
                    outcome.source_hash,
                    outcome.output.size,
                    outcome.output.stamp,
                    outcome.output_hash,
                    outcome.kept,
                    outcome.seconds,
                    outcome.kept,
                    json.dumps(outcome.notes),
                    outcome.kept,
                    outcome.id,
                ),
            )
            for suffix, hash in (("", outcome.output_hash), (SUFFIX, outcome.sidecar_hash)):
                if hash is not None:
                    name = pack(outcome.target)
                    self._run("DELETE FROM made WHERE name = ? AND suffix = ?", (name, suffix))
                    self._run("INSERT INTO made VALUES (?, ?, ?, 1)", (name, suffix, hash))

    def release(self, id: int) -> None:
        """Give back what was claimed and not finished."""
        self.execute(
            "UPDATE files SET state = 'pending', attempts = attempts - 1 WHERE id = ? AND state = 'running'",
            (id,),
        )

    def add_made(self, id: int, suffix: str, hash: str) -> None:
        """Note what may have been published of a photograph; ``suffix`` is what is added to the result's name."""
        self.execute("INSERT OR IGNORE INTO made SELECT target, ?, ?, 0 FROM files WHERE id = ?", (suffix, hash, id))

    def fill(self, table: str, entries: Iterable[Entry]) -> None:
        """Put a listing into a table of names, sizes and stamps."""
        for batch in _batches(entries):
            with self.transaction():
                rows = [(pack(entry.name), entry.size, entry.stamp) for entry in batch]
                self._database.executemany(f"INSERT OR REPLACE INTO {table} VALUES (?, ?, ?)", rows)

    def counts(self, number: int) -> dict[str, int]:
        """Return how many photographs of a scan are in each state, and how many have gone in all."""
        rows = self.query("SELECT state, COUNT(*) AS n FROM files WHERE scan = ? GROUP BY state", (number,))
        gone = self.query("SELECT COUNT(*) AS n FROM files WHERE state = 'gone'")
        return {row["state"]: row["n"] for row in rows} | {"gone": gone[0]["n"]}

    def query(self, text: str, values: Iterable[Any] = ()) -> list[sqlite3.Row]:
        """Return all rows of a query."""
        with self._guarded():
            return self._database.execute(text, tuple(values)).fetchall()

    def execute(self, text: str, values: Iterable[Any] = ()) -> int:
        """Change something, durably; return how many rows that touched."""
        with self._guarded():
            return self._run(text, values)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make everything inside the block happen together or not at all."""
        with self._guarded():
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._database.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    self._database.execute("ROLLBACK")
                raise

    def _run(self, text: str, values: Iterable[Any] = ()) -> int:
        return self._database.execute(text, tuple(values)).rowcount

    def _one(self, text: str, values: Iterable[Any]) -> Any:
        return self._database.execute(text, tuple(values)).fetchone()

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            with self._lock:
                yield
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL:
                raise StoreFull(full(self._folder)) from error
            raise StoreError(f"the batch's list {self._name} can't be used ({error})") from error


def _batches(entries: Iterable[Entry], size: int = 1000) -> Iterator[list[Entry]]:
    batch: list[Entry] = []
    for entry in entries:
        batch.append(entry)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def _text(value: str | None) -> str | None:
    """Return a message without what isn't Unicode in it."""
    return None if value is None else value.encode(errors="backslashreplace").decode()
