"""Errors cross the borders of processes, and the tree at the top of their module shows all of them."""

from __future__ import annotations

import inspect
import pickle  # noqa: TID251 - process pools hand errors over by it
import re

import pytest

from tinct import errors
from tinct.errors import ConfigError, MissingExtra, TinctError, UnknownModel

CLASSES = [thing for thing in vars(errors).values() if inspect.isclass(thing) and issubclass(thing, TinctError)]
WITH_FIELDS: dict[type[TinctError], TinctError] = {
    UnknownModel: UnknownModel("tint", ["default", "tinct"]),
    ConfigError: ConfigError("mine.yaml", ["one", "another"]),
    MissingExtra: MissingExtra("training", "train"),
}


@pytest.mark.parametrize("kind", CLASSES)
def test_an_error_survives_being_pickled(kind: type[TinctError]) -> None:
    error = WITH_FIELDS.get(kind) or kind("what was wrong, and what to do")
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert type(copy) is kind
    assert str(copy) == str(error)
    assert vars(copy) == vars(error)


def test_the_tree_shows_every_class() -> None:
    drawn = re.findall(r"^    [│ ]*(?:[├└]── )?([A-Z]\w+)(?= |$)", errors.__doc__ or "", re.MULTILINE)
    assert drawn == [kind.__name__ for kind in CLASSES]
