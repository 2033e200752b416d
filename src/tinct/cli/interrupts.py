"""Ctrl-C while a command is loading, and the one that stops it at once.

While it is loading there is nothing to finish or to clear away, so the process ends. As an exception Ctrl-C could leave
threads that import modules waiting for each other.
"""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

INTERRUPTED = 130
"""Exit code after Ctrl-C with something left to do, as shells have it (128 + SIGINT)."""


def leave_on_interrupt() -> None:
    """Let Ctrl-C end the process at once, where it isn't ignored."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _leave)


def raise_on_interrupt() -> None:
    """Let Ctrl-C raise KeyboardInterrupt again."""
    if signal.getsignal(signal.SIGINT) is _leave:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def stop_at_once(message: str) -> NoReturn:
    """End the process after a second Ctrl-C, with a word; what was under way leaves no temporary files."""
    import typer

    from tinct.media.atomic import remove_scratch

    typer.secho(message, fg="yellow", err=True)
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:  # closed from the beginning
            stream.flush()
    remove_scratch()
    # Threads may still be inside libvips or onnxruntime, which don't take it well when the interpreter winds down.
    os._exit(INTERRUPTED)


def _leave(_number: int, _frame: FrameType | None) -> None:
    os._exit(INTERRUPTED)
