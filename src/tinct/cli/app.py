"""The command ``tinct`` as a process: the exit code of everything that can go wrong, Ctrl-C from the beginning.

0: all done. 1: some or all failed, each named with its reason. 2: wrong usage. 130: stopped by Ctrl-C.
What takes long to import, as ``typing`` does, is imported after :func:`run` has begun, which is ready for Ctrl-C.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from tinct.cli.interrupts import leave_on_interrupt, raise_on_interrupt
from tinct.errors import ConfigError, OptionError, TinctError, UnknownModel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

USAGE_ERRORS = (OptionError, UnknownModel, ConfigError)
"""Errors that the command line itself is to blame for."""
FAILED, WRONG_USAGE = 1, 2


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and exit; the arguments are those of the process unless given."""
    words = sys.argv[1:] if arguments is None else arguments
    try:
        from tinct.cli.commands import COMMANDS, make_app

        app = make_app(words)
        if not (words and words[0] in COMMANDS and COMMANDS[words[0]].goes_on_loading):
            raise_on_interrupt()
        app(args=words, prog_name="tinct")
    except TinctError as error:
        import typer

        typer.secho(f"Error: {error}", fg="red", err=True)
        sys.exit(WRONG_USAGE if isinstance(error, USAGE_ERRORS) else FAILED)


def run() -> NoReturn:
    """Be the process: run the command, then leave at once.

    Taking the network's session and the libraries down in good order takes as long as colorizing a small photograph,
    and the system does it anyway. Where torch was loaded, workers may still have to be waited for.
    """
    leave_on_interrupt()
    code: object = 0
    try:
        main()
    except SystemExit as error:
        code = error.code
    if "torch" in sys.modules or not (code is None or isinstance(code, int)):
        sys.exit(code)  # type: ignore[arg-type]
    try:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:  # closed from the beginning
                stream.flush()
    except OSError:  # whoever read the output has gone
        code = code or FAILED
    os._exit(code or 0)
