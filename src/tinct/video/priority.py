"""Encoders that take real-time priority give it back.

SVT-AV1 takes it where it may, which is as root, and so in most containers: for its own threads, and for the thread that
opens it. That thread would keep it, hand it on to whatever it starts, and leave nothing to the rest of the machine.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

THREADS = Path("/proc/self/task")
"""Holds a folder for each thread of this process, on Linux."""


@contextmanager
def kept_priority() -> Iterator[None]:
    """Leave every thread of this process the scheduling that it had, and new ones that of this thread."""
    before = _scheduling()
    try:
        yield
    finally:
        _restore(before)


def _scheduling() -> dict[int, tuple[int, int]]:
    """Return policy and priority of each thread by its number, of this one also by 0.

    Empty where the system doesn't tell them: only Linux does, and some of its C libraries can't.
    """
    found: dict[int, tuple[int, int]] = {}
    if sys.platform == "linux":
        with suppress(OSError):
            for thread in (0, *map(int, os.listdir(THREADS))):
                with suppress(ProcessLookupError):
                    found[thread] = os.sched_getscheduler(thread), os.sched_getparam(thread).sched_priority
    return found


def _restore(before: dict[int, tuple[int, int]]) -> None:
    if sys.platform == "linux":
        for thread, now in _scheduling().items():
            wanted = before.get(thread, before.get(0, now))
            # A thread may have ended, and more priority may be forbidden; then it stays as it is.
            with suppress(OSError):
                if now != wanted:
                    os.sched_setscheduler(thread, wanted[0], os.sched_param(wanted[1]))
