from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text

from tinct.db import migrate
from tinct.db.repository import Repository
from tinct.db.session import make_engine
from tinct.db.tables import Base
from tinct.errors import ConfigError, DatabaseError


def differences(url: str) -> list[object]:
    engine = make_engine(url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        found: list[object] = compare_metadata(context, Base.metadata)
    engine.dispose()
    return found


def test_an_empty_database_gets_the_tables_of_the_code(url: str) -> None:
    repository = Repository(url)
    assert migrate.current(repository.database.engine) is None
    repository.migrate()
    assert migrate.current(repository.database.engine) == migrate.head()
    assert differences(url) == []
    repository.migrate()  # nothing is left to do
    repository.close()


def test_the_previous_revision_is_migrated_with_what_is_in_it(url: str) -> None:
    repository = Repository(url)
    engine = repository.database.engine
    migrate.upgrade(engine, "0004")
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO users (id, name, created) VALUES ('u', 'ann', 1)"))
        connection.execute(
            text(
                "INSERT INTO artifacts (id, user_id, kind, name, media_type, size, sha256, key, facts, created) "
                "VALUES ('p', 'u', 'picture', 'n', 'image/png', 1, 'h', 'k', '{}', 1)"
            )
        )
        connection.execute(
            text(
                "INSERT INTO hints (picture_id, user_id, body, revision, updated) "
                """VALUES ('p', 'u', '[{"x"\\:1,"y"\\:2,"color"\\:"#a03020"}]', 1, 1)"""
            )
        )
    repository.migrate()
    assert differences(url) == []
    found = repository.artifacts.hints("u", "p")
    assert found is not None
    assert found.body == [{"x": 1, "y": 2, "color": "#a03020"}]
    # The picture's file is known, so it is cleared up should its deletion be cut short.
    assert repository.files.unnamed(60) == []
    repository.artifacts.delete("u", "p")
    assert repository.files.unnamed(60) == ["k"]
    repository.close()


def test_several_servers_may_migrate_at_once(url: str) -> None:
    code = "import sys; from tinct.db.repository import Repository; Repository(sys.argv[1]).migrate()"
    servers = [subprocess.Popen([sys.executable, "-c", code, url], stderr=subprocess.PIPE, text=True) for _ in range(3)]
    said = [server.communicate(timeout=120)[1] for server in servers]
    assert [server.returncode for server in servers] == [0, 0, 0], said
    assert differences(url) == []


def test_many_may_set_up_a_new_file_at_once(tmp_path: Path) -> None:
    """Six connections switch a new database's journal at the same moment, twenty times: none is turned away."""

    def set_up(place: tuple[Path, threading.Barrier]) -> None:
        path, together = place
        with closing(sqlite3.connect(path)) as connection:
            together.wait(timeout=30)
            migrate._set_up(connection, None)
            assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)

    with ThreadPoolExecutor(6) as pool:
        for number in range(20):
            together = threading.Barrier(6)
            list(pool.map(set_up, [(tmp_path / f"{number}.sqlite", together)] * 6))


def test_a_newer_database_is_refused(repository_of: Callable[[], Repository]) -> None:
    repository = repository_of()
    with repository.database.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(DatabaseError, match="newer version"):
        repository.migrate()


@pytest.mark.parametrize("address", ["mysql://x", "nonsense", "", "postgresql://localhost/x"])
def test_other_addresses_are_refused(address: str) -> None:
    with pytest.raises(ConfigError, match="TINCT_DATABASE_URL"):
        Repository(address)


def test_a_database_out_of_reach_is_said(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError):
        Repository(f"sqlite:///{tmp_path}/no/folder.sqlite").database.check()
    with pytest.raises(DatabaseError):
        Repository("postgresql+psycopg://tinct@127.0.0.1:9/x").migrate()


def test_what_was_left_of_deleted_pictures_and_earlier_masks_goes(url: str) -> None:
    repository = Repository(url)
    engine = repository.database.engine
    migrate.upgrade(engine, "0005")
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO users (id, name, created) VALUES ('u', 'ann', 1)"))
        rows = [
            ("p", None, "picture", 1),
            ("old", "p", "mask", 2),
            ("new", "p", "mask", 4),
            ("new too", "p", "mask", 4),
            ("copy", "p", "preview", 1),
            ("first", "p", "result", 2),
            ("second", "p", "result", 3),
            ("left", "gone", "result", 3),
        ]
        connection.execute(
            text(
                "INSERT INTO artifacts (id, picture_id, kind, created, user_id, name, media_type, size, sha256, key, "
                "facts) VALUES (:id, :picture, :kind, :created, 'u', 'n', 'image/png', 1, 'h', :id, '{}')"
            ),
            [dict(zip(("id", "picture", "kind", "created"), row, strict=True)) for row in rows],
        )
    repository.migrate()
    assert differences(url) == []
    with engine.connect() as connection:
        left = set(connection.scalars(text("SELECT id FROM artifacts")))
    assert left == {"p", "new too", "copy", "first", "second"}
    repository.close()
