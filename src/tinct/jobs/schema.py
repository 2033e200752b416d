"""The tables of a batch's list, in SQLite."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from contextlib import closing, suppress
from pathlib import Path

from tinct.errors import StoreError

VERSION = 2
# Table made: what this batch may have put below the results, by the target's name and what was added to it; former
# targets too.
# Fields of listed: as the source was seen last. Fields of source_ and output_: of the result that is there.
_SCHEMA = """
CREATE TABLE IF NOT EXISTS files (
    id INTEGER PRIMARY KEY,
    source NOT NULL UNIQUE,
    plain NOT NULL,
    target NOT NULL,
    folded NOT NULL UNIQUE,
    series NOT NULL,
    scan INTEGER NOT NULL,
    listed_size INTEGER,
    listed_stamp TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'pending',
    reason TEXT NOT NULL DEFAULT 'new',
    error TEXT,
    attempts INTEGER NOT NULL DEFAULT 0,
    seconds REAL,
    notes TEXT NOT NULL DEFAULT '[]',
    wanted TEXT NOT NULL DEFAULT '',
    settings TEXT,
    source_size INTEGER,
    source_stamp TEXT,
    source_hash TEXT,
    output_size INTEGER,
    output_stamp TEXT,
    output_hash TEXT,
    review TEXT NOT NULL DEFAULT '',
    override TEXT,
    tried TEXT
);
CREATE INDEX IF NOT EXISTS files_by_state ON files (state, id);
CREATE INDEX IF NOT EXISTS files_by_series ON files (series);
CREATE TABLE IF NOT EXISTS settings (hash TEXT PRIMARY KEY, content TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS series (name PRIMARY KEY, prior TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS signatures (id INTEGER PRIMARY KEY, made_of TEXT NOT NULL, content TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS made (
    name NOT NULL,
    suffix TEXT NOT NULL,
    hash TEXT NOT NULL,
    finished INTEGER NOT NULL,
    PRIMARY KEY (name, suffix, hash)
) WITHOUT ROWID;
"""


def prepare(database: sqlite3.Connection, name: str) -> None:
    """Bring a database to this version's form.

    Args:
        database: empty, or a list.
        name: what the user knows it by.

    Raises:
        StoreError: a newer version of Tinct wrote it.
    """
    found = database.execute("PRAGMA user_version").fetchone()[0]
    if found > VERSION:
        raise StoreError(f"{name} was written by a newer version of Tinct; install that")
    database.execute("PRAGMA journal_mode = WAL")
    # What became of a photograph is on the disk before it counts: a power cut loses nothing either.
    database.execute("PRAGMA synchronous = FULL")
    database.executescript(_SCHEMA)
    if found == 1:
        database.execute(
            "INSERT OR IGNORE INTO made SELECT target, '', output_hash, 1 FROM files WHERE output_hash IS NOT NULL"
        )
    if found != VERSION:
        database.execute(f"PRAGMA user_version = {VERSION}")


def read_into(database: sqlite3.Connection, path: Path) -> None:
    """Copy a list's content; nothing is written in its folder, which may be read-only.

    Args:
        database: takes it.
        path: the list; a run may be at work on it.

    Raises:
        StoreError: it can't be read, or copied to where temporary files go.
    """
    if path.with_name(f"{path.name}-shm").exists():  # a run is at work, or was killed
        address = f"{path.absolute().as_uri()}?mode=ro"
        with suppress(sqlite3.Error), closing(sqlite3.connect(address, uri=True)) as there:
            there.backup(database)
            return
    try:
        with tempfile.TemporaryDirectory() as folder:
            for suffix in ("", "-wal"):
                with suppress(FileNotFoundError):
                    shutil.copyfile(f"{path}{suffix}", Path(folder, path.name + suffix))
            with closing(sqlite3.connect(Path(folder, path.name))) as there:
                there.backup(database)
    except OSError as error:
        raise StoreError(f"the batch's list {path} can't be looked at ({error.strerror or error})") from error
