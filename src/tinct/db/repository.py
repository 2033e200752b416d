"""All queries on one database, by what they are about; nothing outside of this package knows SQL."""

from __future__ import annotations

from tinct.db import migrate
from tinct.db.artifacts import Artifacts
from tinct.db.files import Files
from tinct.db.jobs import Jobs
from tinct.db.runs import Models, Runs
from tinct.db.session import Database
from tinct.db.turing import TuringTests
from tinct.db.users import Users


class Repository:
    """The database as the web app sees it; threads may share it.

    Args:
        url: ``sqlite:///FILE`` or ``postgresql+psycopg://...``.
        token: of the server's settings; see :class:`~tinct.db.users.Users`.
    """

    def __init__(self, url: str, token: str | None = None) -> None:
        self.database = Database(url)
        self.users = Users(self.database, token)
        self.artifacts = Artifacts(self.database)
        self.files = Files(self.database)
        self.jobs = Jobs(self.database)
        self.runs = Runs(self.database)
        self.models = Models(self.database)
        self.tests = TuringTests(self.database)

    def migrate(self) -> None:
        """Bring the database to this version's tables.

        Raises:
            DatabaseError: it is out of reach, or of a newer version.
        """
        migrate.upgrade(self.database.engine)

    def close(self) -> None:
        """Close all connections."""
        self.database.close()
