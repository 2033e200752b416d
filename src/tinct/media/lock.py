"""A lock between processes: one has it, and it ends with that process, however that ends."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from tinct.errors import OutputError


def take_lock(file: Path) -> sqlite3.Connection | None:
    """Take the lock that a file stands for, until what is returned is closed; None where another has it.

    Args:
        file: a file for nothing else, made where there is none; its folder must exist.

    Raises:
        OutputError: it can't be made or written.
    """
    try:
        # Another thread may be the one that closes it.
        database = sqlite3.connect(file, timeout=0, isolation_level=None, check_same_thread=False)
        try:
            database.execute("BEGIN EXCLUSIVE")
        except sqlite3.Error:
            database.close()
            raise
    except sqlite3.Error as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
            return None
        raise OutputError(f"the folder {file.parent} can't be used ({error})") from error
    return database
