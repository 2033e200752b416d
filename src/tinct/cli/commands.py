"""The commands of ``tinct``: where each is, and the application that is made of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Annotated, Final

import typer

import tinct
from tinct.cli.options import GroupedCommand
from tinct.settings import add_file


@dataclass(frozen=True, slots=True)
class _Entry:
    """Where a command is: a function of a module of this package, or a group of commands."""

    module: str
    name: str
    needs_arguments: bool = True
    """Whether it shows its help where it is given none."""
    grouped: bool = False
    """Whether its help has its options in groups."""
    goes_on_loading: bool = False
    """Whether it loads on more than one thread, and says itself from when on Ctrl-C raises."""


COMMANDS: Final = {
    "colorize": _Entry("use", "colorize", grouped=True, goes_on_loading=True),
    "batch": _Entry("batch", "batch"),
    "video": _Entry("video", "video", grouped=True),
    "inspect": _Entry("inspect", "inspect"),
    "reproduce": _Entry("inspect", "reproduce"),
    "suggest": _Entry("suggest", "suggest", grouped=True),
    "models": _Entry("use", "models"),
    "doctor": _Entry("use", "doctor", needs_arguments=False),
    "train": _Entry("develop", "train"),
    "export": _Entry("develop", "export"),
    "evaluate": _Entry("evaluate", "evaluate", grouped=True),
    "turing": _Entry("turing", "turing"),
    "probe": _Entry("probe", "probe"),
    "data": _Entry("data", "data"),
    "serve": _Entry("serve", "serve", needs_arguments=False),
    "worker": _Entry("serve", "worker", needs_arguments=False),
    "token": _Entry("serve", "token"),
    "export-web": _Entry("export_web", "export_web"),
    "runs": _Entry("runs", "runs"),
}
"""In the order of the help."""


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"tinct {tinct.__version__}")
        raise typer.Exit


def _root(
    version: Annotated[  # noqa: ARG001 - its callback acts
        bool, typer.Option("--version", help="Show the version and exit.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """Color for black-and-white photographs."""
    add_file()


def make_app(words: Sequence[str] = ()) -> typer.Typer:
    """Return the command; where its first word names a subcommand, with that one alone, as all take long to make."""
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
    app.callback()(_root)
    for word in words[:1] if words and words[0] in COMMANDS else COMMANDS:
        entry = COMMANDS[word]
        command = getattr(import_module(f"tinct.cli.{entry.module}"), entry.name)
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=word)
        else:
            kind = GroupedCommand if entry.grouped else None
            app.command(word, no_args_is_help=entry.needs_arguments, cls=kind)(command)
    return app
