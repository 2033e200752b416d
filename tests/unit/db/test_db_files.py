from __future__ import annotations

from collections.abc import Callable

import pytest

from tinct.db.repository import Repository
from tinct.db.tables import Artifact, Model


@pytest.fixture
def repository(repository_of: Callable[[], Repository]) -> Repository:
    return repository_of()


def test_what_is_noted_and_never_named_is_found_when_it_is_old(repository: Repository) -> None:
    ann = repository.users.ensure("ann")
    repository.files.note(["picture", "model", "cut short"])
    repository.artifacts.add(
        Artifact(user_id=ann, kind="picture", name="n", media_type="image/png", size=1, sha256="", key="picture")
    )
    repository.models.add(Model(user_id=ann, name="m", sha256="", size=1, key="model"))
    assert repository.files.unnamed(3600) == []
    assert repository.files.unnamed(-60) == ["cut short"]
    assert repository.models.delete(ann, "m") == "model"
    assert set(repository.files.unnamed(-60)) == {"cut short", "model"}
    repository.files.drop(["cut short", "model", "unknown"])
    assert repository.files.unnamed(-60) == []
