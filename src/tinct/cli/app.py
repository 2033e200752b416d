"""The command ``tinct``: its commands, and the exit code of everything that can go wrong.

0: all done. 1: some or all failed, each named with its reason. 2: wrong usage. 130: stopped by Ctrl-C.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Annotated, NoReturn

import typer

import tinct
from tinct.cli import batch, data, develop, evaluate, inspect, runs, serve, suggest, use
from tinct.cli.options import GroupedCommand
from tinct.errors import ConfigError, OptionError, TinctError, UnknownModel

USAGE_ERRORS = (OptionError, UnknownModel, ConfigError)
"""Errors that the command line itself is to blame for."""
FAILED, WRONG_USAGE = 1, 2


app = typer.Typer(
    name="tinct",
    help="Color for black-and-white photographs.",
    epilog="Begin with: tinct colorize PHOTO.jpg",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    # Help drawn by rich takes twice as long, most of it to import.
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
app.command("colorize", no_args_is_help=True, cls=GroupedCommand)(use.colorize)
app.add_typer(batch.batch, name="batch")
app.command("inspect", no_args_is_help=True)(inspect.inspect)
app.command("reproduce", no_args_is_help=True)(inspect.reproduce)
app.command("suggest", no_args_is_help=True, cls=GroupedCommand)(suggest.suggest)
app.add_typer(use.models, name="models")
app.command("doctor")(use.doctor)
app.command("train", no_args_is_help=True)(develop.train)
app.command("export", no_args_is_help=True)(develop.export)
app.command("evaluate", no_args_is_help=True, cls=GroupedCommand)(evaluate.evaluate)
app.add_typer(data.data, name="data")
app.command("serve")(serve.serve)
app.command("worker")(serve.worker)
app.add_typer(serve.token, name="token")
app.add_typer(runs.runs, name="runs")


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"tinct {tinct.__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """Color for black-and-white photographs."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and exit; the arguments are those of the process unless given."""
    try:
        app(args=arguments, prog_name="tinct")
    except TinctError as error:
        typer.secho(f"Error: {error}", fg="red", err=True)
        sys.exit(WRONG_USAGE if isinstance(error, USAGE_ERRORS) else FAILED)


def run() -> NoReturn:
    """Be the process: run the command, then leave at once.

    Taking the network's session and the libraries down in good order takes as long as colorizing a small photograph,
    and the system does it anyway. Where torch was loaded, workers may still have to be waited for.
    """
    code: object = 0
    try:
        main()
    except SystemExit as error:
        code = error.code
    if "torch" in sys.modules or not (code is None or isinstance(code, int)):
        sys.exit(code)  # type: ignore[arg-type]
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:  # whoever read the output has gone
        code = code or FAILED
    os._exit(code or 0)
