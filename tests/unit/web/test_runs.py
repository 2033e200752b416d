"""What is told of a long training."""

from __future__ import annotations

from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest

from tinct.db.tables import Point
from tinct.web.api import runs


def test_a_long_training_is_told_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    kinds = ["validation" if number % 100 == 0 else "loss" for number in range(1, 1258)]
    points = [Point(run_id="r", number=number, kind=kind, body={}) for number, kind in enumerate(kinds, 1)]

    def page(_id: str, after: int, limit: int) -> list[Point]:
        return points[after : after + limit]

    monkeypatch.setattr(runs, "MOST_LOSSES", 40)
    monkeypatch.setattr(runs, "AT_ONCE", 100)
    context: Any = SimpleNamespace(repository=SimpleNamespace(runs=SimpleNamespace(points=page)))
    found = runs._points(context, "r")
    numbers = [point.number for point in found]
    assert numbers == sorted(set(numbers))
    assert numbers[-1] == 1257
    assert [point.number for point in found if point.kind == "validation"] == list(range(100, 1257, 100))
    losses = [point.number for point in found if point.kind == "loss"]
    assert 20 < len(losses) <= 41
    assert max(after - before for before, after in pairwise(losses)) <= 34  # evenly
