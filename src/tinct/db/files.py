"""Which files of the store are this database's: every key is noted before its file is there, until it is deleted.

So whatever is cut short leaves a note of what to clear up, and nothing else is ever cleared up: what a database doesn't
know may be another one's, or its own from after the backup that it was restored from.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import delete, select, union_all

from tinct.db.session import Database
from tinct.db.tables import Artifact, File, Model, now


class Files:
    """Queries on the notes of files."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def note(self, keys: Iterable[str]) -> None:
        """Note files that are about to be put into the store."""
        with self._database.write() as session:
            session.add_all(File(key=key) for key in keys)

    def unnamed(self, older_than: float) -> Sequence[str]:
        """Return the keys noted some seconds ago that no picture, result or model has: cut short, or half deleted."""
        named = union_all(select(Artifact.key), select(Model.key))
        query = select(File.key).where(File.created < now() - older_than, File.key.not_in(named))
        with self._database.read() as session:
            return session.scalars(query.order_by(File.created)).all()

    def drop(self, keys: Iterable[str]) -> None:
        """Drop the notes of files that are deleted."""
        with self._database.write() as session:
            for key in keys:
                session.execute(delete(File).where(File.key == key))
