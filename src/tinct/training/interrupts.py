"""Ctrl-C and SIGTERM that wait for the end of a step, so that what is saved then is the state between two."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def terminable() -> Iterator[None]:
    """Let SIGTERM interrupt the block as Ctrl-C does: clusters and containers send it a while before they kill.

    Nothing is changed outside of the main thread, and where somebody else handles or ignores SIGTERM.

    Raises:
        KeyboardInterrupt: SIGTERM came.
    """
    if not _is_main_thread() or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


@contextmanager
def held_interrupts() -> Iterator[None]:
    """Hold the first interruption back until the block ends; the second one interrupts it at once.

    Interruptions are SIGINT, and SIGTERM where it is :func:`terminable`. Nothing is changed outside of the main thread,
    and where somebody else handles or ignores them.

    Raises:
        KeyboardInterrupt: one came.
    """
    ours = (signal.default_int_handler, _interrupt)
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    held = {number: handler for number, handler in before.items() if handler in ours}
    if not _is_main_thread() or not held:
        yield
        return
    interrupted = False

    def release() -> None:
        for number, handler in held.items():
            signal.signal(number, handler)

    def on_interrupt(_number: int, _frame: FrameType | None) -> None:
        nonlocal interrupted
        interrupted = True
        release()

    for number in held:
        signal.signal(number, on_interrupt)
    try:
        yield
    finally:
        release()
    if interrupted:
        raise KeyboardInterrupt


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _is_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()
