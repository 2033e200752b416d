"""Every command explains itself, and every option of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from tinct.cli.commands import make_app

PROMISED = {
    "colorize": (
        "--output --recursive --model --mode --vividness --saturation --hint --hints --size --device --format --quality"
        " --overwrite --skip-existing --allow-truncated --max-pixels --layer --mask --no-mark --jobs --json --quiet"
        " --confidence --variants --seed --reference"
    ),
    "batch run": (
        "--dry-run --watch --retry-failed --verify --consistent --reference --jobs --model --mode --vividness"
        " --saturation --value-shift --size --format --quality --layer --no-mark --state --engine --ray-address"
    ),
    "batch review": "--port --no-browser",
    "video": (
        "--output --codec --depth --quality --preview --realtime --no-steady --deflicker --hint --hints --reference"
        " --state --no-mark --json --model --size --jobs"
    ),
    "inspect": "--source --json",
    "reproduce": "--source --output --mask --model",
    "train": "--data --out --budget --seed --resume --init --preset --set --device --tensorboard --adapt --replay",
    "export": "--output",
    "evaluate": (
        "--data --model --command --protocol --mode --count --metrics --report --json --csv --raw-rgb --hint-curve"
        " --time-limit --fid-weights --lpips-weights --report-photos"
    ),
    "turing make": "--data --model --command --count --session --catch --practice --out",
    "turing serve": "--host --port",
    "turing score": "--csv --photos --participants --votes --json",
    "probe": "--data --model --layer --labels --count --plot --csv --json",
}
"""What the documents name."""


def walk(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield path, command
    for name, below in getattr(command, "commands", {}).items():
        yield from walk(below, (*path, name))


COMMANDS = dict(walk(typer.main.get_command(make_app())))


@pytest.mark.parametrize("path", COMMANDS, ids=lambda path: " ".join(("tinct", *path)))
def test_help_runs_and_explains(path: tuple[str, ...]) -> None:
    done = CliRunner().invoke(make_app(path), [*path, "--help"])
    assert done.exit_code == 0
    assert "Usage:" in done.output
    assert COMMANDS[path].help
    assert [parameter.name for parameter in COMMANDS[path].params if not getattr(parameter, "help", None)] == []


@pytest.mark.parametrize("path", [path for path in COMMANDS if hasattr(COMMANDS[path], "commands")])
def test_lists_of_commands_fit_a_narrow_terminal(path: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    done = CliRunner().invoke(make_app(path), [*path, "--help"])
    commands = done.output.partition("Commands:")[2].splitlines()
    assert [line for line in commands if line.endswith("...")] == []


@pytest.mark.parametrize("command", PROMISED)
def test_every_promised_option_is_there(command: str) -> None:
    options = {option for parameter in COMMANDS[tuple(command.split())].params for option in parameter.opts}
    assert set(PROMISED[command].split()) - options == set()
