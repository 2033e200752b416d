"""The reference of the command line names exactly the options, commands and variables that there are."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any, get_args

import pytest
from typer.main import get_command

from tinct.cli.commands import make_app
from tinct.settings import PREFIX, Folder, Settings

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "reference" / "cli.md").read_text(encoding="utf-8")


def section(command: str) -> str:
    found = re.search(rf"^## (?:tinct [a-z ]+, )*tinct {command}\b.*?(?=^## )", TEXT, re.MULTILINE | re.DOTALL)
    assert found, command
    return found[0]


def options(command: Any) -> set[str]:
    return {name for parameter in command.params for name in parameter.opts if name.startswith("-")}


@pytest.mark.parametrize(
    "name",
    [
        "colorize",
        "train",
        "export",
        "data fetch",
        "data stats",
        "suggest",
        "inspect",
        "reproduce",
        "batch run",
        "video",
        "evaluate",
        "probe",
        "turing make",
        "turing serve",
        "turing score",
        "serve",
        "worker",
        "export-web",
    ],
)
def test_options(name: str) -> None:
    command: Any = get_command(make_app())
    for word in name.split():
        command = command.commands[word]
    listed = {option for line in section(name.removesuffix(" run")).splitlines() for option in _listed(line)}
    there = options(command) | {option for parameter in command.params for option in parameter.secondary_opts}
    assert listed == there - {"--help", "-h"}


def _listed(line: str) -> list[str]:
    return re.findall(r"`(-{1,2}[a-z][a-z-]*)[^`]*`", line) if line.startswith("`") else []


def test_every_command_has_its_section() -> None:
    root = get_command(make_app())
    for name in root.commands:  # type: ignore[attr-defined]
        assert f"## tinct {name}" in TEXT
    assert all(option in TEXT for option in options(root))


def test_every_variable_is_named() -> None:
    listed = set(re.findall(rf"^\| `{PREFIX}([A-Z_]+)`", TEXT, re.MULTILINE))
    names = {field.name for field in dataclasses.fields(Settings)} | set(get_args(Folder))
    assert listed == {name.upper() for name in names}
