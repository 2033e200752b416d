"""``tinct`` exports what it says, lazily, and nothing else."""

from __future__ import annotations

import inspect
import subprocess
import sys
from importlib.metadata import version

import pytest

import tinct


@pytest.mark.parametrize("name", tinct.__all__)
def test_every_name_is_there(name: str) -> None:
    assert getattr(tinct, name) is not None
    assert name in dir(tinct)


def test_the_names_of_the_readme_are_there() -> None:
    assert {"colorize", "Colorizer", "ColorizeOptions", "Hint", "Photo", "list_models"} <= set(tinct.__all__)


def test_errors_are_there_before_anything_else() -> None:
    code = "import tinct; print(tinct.errors.HintError.__name__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "HintError\n", done.stderr


def test_every_public_callable_is_documented() -> None:
    exported = [getattr(tinct, name) for name in tinct.__all__]
    assert [thing for thing in exported if callable(thing) and not inspect.getdoc(thing)] == []


def test_a_typo_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="colourise"):
        _ = tinct.colourise


def test_version_is_the_distribution_s() -> None:
    assert tinct.__version__ == version("tinct")


def test_nothing_else_is_public() -> None:
    code = "import tinct; print(*(n for n in vars(tinct) if not n.startswith('_') and n not in tinct.__all__))"
    names = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert set(names) <= {"annotations"}
