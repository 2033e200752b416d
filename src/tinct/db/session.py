"""Connections: SQLite for one machine, PostgreSQL for several; what they raise becomes one error of Tinct."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, NoSuchModuleError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from tinct.errors import ConfigError, DatabaseError, MissingExtra

BUSY_SECONDS = 10
"""How long SQLite waits for another process to finish its change."""
_WRITING = "tinct_writing"


def make_engine(url: str) -> Engine:
    """Return an engine for ``sqlite:///FILE`` or ``postgresql+psycopg://...``; nothing is connected yet.

    Raises:
        ConfigError: it is an address of another kind.
        MissingExtra: PostgreSQL, without its library installed.
    """
    try:
        kind = make_url(url).drivername
        if kind in ("sqlite", "sqlite+pysqlite"):
            engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False})
            event.listen(engine, "connect", _set_up_sqlite)
            event.listen(engine, "begin", _begin_sqlite)
            return engine
        if kind == "postgresql+psycopg":
            # Connections that a restarted server has dropped are noticed before they are used.
            return create_engine(url, pool_pre_ping=True, pool_timeout=10, connect_args={"connect_timeout": 5})
    except (ArgumentError, NoSuchModuleError, ValueError) as error:
        raise ConfigError("environment", [f"TINCT_DATABASE_URL can't be read ({error})"]) from error
    except ImportError as error:
        raise MissingExtra("a PostgreSQL database", "web-cluster") from error
    raise ConfigError(
        "environment", [f"TINCT_DATABASE_URL begins with {kind}; give sqlite:///FILE or postgresql+psycopg://..."]
    )


def _set_up_sqlite(connection: Any, _record: Any) -> None:
    # Transactions are begun below; by itself the driver would begin them too late.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads before it writes would fail, not wait, where another one writes between.
    writing = connection.get_execution_options().get(_WRITING, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


class Database:
    """One database; threads may share it.

    Args:
        url: see :func:`make_engine`.
    """

    def __init__(self, url: str) -> None:
        self.engine = make_engine(url)
        """For migrations."""
        self._writing = self.engine.execution_options(**{_WRITING: True})

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Give a session that only reads.

        Raises:
            DatabaseError: the database is out of reach, or locked for too long.
        """
        with _mapped(), Session(self.engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Give a session whose changes are all made when the block ends, or none where it raises.

        Raises:
            DatabaseError: the database is out of reach, or locked for too long.
        """
        with _mapped(), Session(self._writing, expire_on_commit=False) as session, session.begin():
            yield session

    def check(self) -> None:
        """Ask the database something.

        Raises:
            DatabaseError: it doesn't answer.
        """
        with self.read() as session:
            session.execute(text("SELECT 1"))

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


@contextmanager
def _mapped() -> Iterator[None]:
    try:
        yield
    except IntegrityError:
        raise  # what a query expects it handles itself
    except (DBAPIError, PoolTimeout) as error:
        cause = (str(getattr(error, "orig", None) or error).strip().splitlines() or ["no answer"])[0]
        raise DatabaseError(f"the database can't be used just now ({cause}); try again") from error
