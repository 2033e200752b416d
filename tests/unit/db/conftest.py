"""An empty database of each kind, made anew for each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tinct.db.repository import Repository


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Address of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/tinct.sqlite"
    made: str = request.getfixturevalue("make_postgresql")("unit")
    return made


@pytest.fixture
def repository_of(url: str) -> Iterator[Callable[[], Repository]]:
    """Returns a function that opens the database once more; its tables are there."""
    opened: list[Repository] = []

    def open_one() -> Repository:
        opened.append(Repository(url))
        if len(opened) == 1:
            opened[0].migrate()
        return opened[-1]

    yield open_one
    for repository in opened:
        repository.close()
