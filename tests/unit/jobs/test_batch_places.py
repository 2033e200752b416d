"""Which addresses name one place."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest

from tinct.errors import OptionError
from tinct.jobs.batch import Job, opened, state_folder
from tinct.jobs.places import canonical, is_within
from tinct.jobs.recipe import Recipe

NAMES = [["s3://box/scans", "s3a://box/scans", "s3://box/scans/", "s3a://box/scans//", "s3:///box/scans"],
         ["gs://box/scans", "gcs://box/scans", "gs://box/scans/", "gcs://box/scans/"]]  # fmt: skip


@pytest.mark.parametrize("names", NAMES)
def test_a_place_by_any_of_its_names_is_one(names: list[str]) -> None:
    assert len({canonical(name) for name in names}) == len({state_folder(name) for name in names}) == 1
    for source, target in product(names, names):
        with (
            pytest.raises(OptionError, match="can't go where the photographs are"),
            opened(Job(source, target, Recipe()), None, None),  # type: ignore[arg-type]
        ):
            pass


def test_what_lies_in_a_place() -> None:
    assert is_within("s3a://box/x/y", "s3://box/x")
    assert is_within("s3://box/x/y", "s3a://box/x/")
    assert is_within("s3://box/x", "s3://box")
    for other in ("s3://box/xy", "s3://box", "gs://box/x", "s3://box//x", "box/x"):
        assert not is_within(other, "s3://box/x")
    assert not is_within("s3://box/x", "/")


def test_files_in_folders() -> None:
    assert is_within("a/b/../c", "a")
    assert is_within(Path("a/b").absolute().as_uri(), "a/")
    assert not is_within("ab", "a")
