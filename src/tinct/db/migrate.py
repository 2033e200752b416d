"""Bringing a database to the tables of this version; several servers may try at once."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from tinct.errors import DatabaseError

LOCK = 0x7469_6E63_7400
"""Number of the lock that PostgreSQL keeps for us: "tinct"."""
WAIT_SECONDS = 120
"""How long one server waits for another's migration."""
RETRY_SECONDS = 0.05


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Migrate a database, in one transaction: it is done as a whole or not at all, and by one server.

    Args:
        engine: of the database, which may be empty.
        revision: to which.

    Raises:
        DatabaseError: it is out of reach, or was made by a newer version of Tinct.
    """
    migrating = create_engine(engine.url, poolclass=NullPool)
    if engine.dialect.name == "sqlite":
        event.listen(migrating, "connect", _set_up)
        # Whoever comes second waits here, and then finds nothing left to do.
        event.listen(migrating, "begin", lambda connection: connection.exec_driver_sql("BEGIN EXCLUSIVE"))
    try:
        with migrating.begin() as connection:
            if engine.dialect.name == "postgresql":
                connection.execute(text(f"SET LOCAL lock_timeout = '{WAIT_SECONDS}s'"))
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, revision)
    except CommandError as error:
        raise DatabaseError(
            f"the database was made by a newer version of Tinct ({error}); install that one, or give another database"
        ) from error
    except DBAPIError as error:
        raise DatabaseError(f"the database can't be migrated ({str(error.orig).strip()})") from error
    finally:
        migrating.dispose()


def current(engine: Engine) -> str | None:
    """Return the revision of a database, None for an empty one."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def head() -> str:
    """Return the revision of this version."""
    found = ScriptDirectory.from_config(_config()).get_current_head()
    assert found is not None
    return found


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    return config


def _set_up(connection: sqlite3.Connection, _record: object) -> None:
    # Foreign keys stay off: a table that is made anew would take all that depends on it away.
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout={WAIT_SECONDS * 1000}")
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            # Outside of a transaction, since it can't be switched inside one.
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            # Of several that switch a new database at once, SQLite refuses some without letting them wait.
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(RETRY_SECONDS)
