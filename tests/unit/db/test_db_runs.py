"""What is told of a long training."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
from sqlalchemy import event, insert

from tinct.db.repository import Repository
from tinct.db.tables import Point

COUNT = 12_057


@pytest.fixture
def run(repository_of: Callable[[], Repository]) -> tuple[Repository, str]:
    """A run of many losses, with a validation after each 100, beside another; and its id."""
    repository = repository_of()
    ann = repository.users.ensure("ann")
    ids = [repository.runs.add(ann, name, "tinct", {})[0].id for name in ("other", "long")]
    kinds = ["validation" if number % 100 == 0 else "loss" for number in range(1, COUNT + 1)]
    with repository.database.write() as session:
        for id in ids:
            rows = [{"run_id": id, "number": number, "kind": kind, "body": {}} for number, kind in enumerate(kinds, 1)]
            session.execute(insert(Point), rows)
    return repository, ids[1]


def test_a_long_training_is_told_to_its_end(run: tuple[Repository, str]) -> None:
    repository, id = run
    loaded: list[int] = []

    def note(point: Point, _context: object) -> None:
        loaded.append(point.number)

    event.listen(Point, "load", note)
    try:
        found = repository.runs.thinned_points(id, "loss", 400)
    finally:
        event.remove(Point, "load", note)
    assert {point.run_id for point in found} == {id}
    numbers = [point.number for point in found]
    assert numbers == sorted(set(numbers))
    assert numbers == loaded  # the others stay in the database
    assert numbers[-1] == COUNT
    assert [point.number for point in found if point.kind == "validation"] == list(range(100, COUNT, 100))
    losses = [point.number for point in found if point.kind == "loss"]
    assert 350 < len(losses) <= 401
    assert max(after - before for before, after in pairwise(losses)) <= 31  # evenly


def test_a_short_training_is_told_whole(run: tuple[Repository, str]) -> None:
    repository, id = run
    assert len(repository.runs.thinned_points(id, "loss", COUNT)) == COUNT


def test_of_a_training_that_said_nothing_there_is_nothing(repository_of: Callable[[], Repository]) -> None:
    repository = repository_of()
    run, _ = repository.runs.add(repository.users.ensure("ann"), "new", "tinct", {})
    assert repository.runs.thinned_points(run.id, "loss", 10) == []
