"""Ctrl-C while a command is loading: it ends the process at once, for there is nothing to finish or to clear away.

As an exception it could leave threads that import modules waiting for each other.
"""

from __future__ import annotations

import os
import signal
from types import FrameType

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


def _leave(_number: int, _frame: FrameType | None) -> None:
    os._exit(INTERRUPTED)
