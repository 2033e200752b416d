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
    if sys.platform != "linux":
        yield
        return
    own = _scheduling(0)
    before = {thread: _scheduling(thread) for thread in _threads()}
    try:
        yield
    finally:
        for thread in _threads():
            # A thread may end meanwhile; what may not be undone is left, since nothing is lost by it.
            with suppress(ProcessLookupError, PermissionError):
                policy, priority = before.get(thread, own)
                if _scheduling(thread) != (policy, priority):
                    os.sched_setscheduler(thread, policy, os.sched_param(priority))


if sys.platform == "linux":

    def _threads() -> list[int]:
        return [int(name) for name in os.listdir(THREADS)]

    def _scheduling(thread: int) -> tuple[int, int]:
        """Return policy and priority of a thread; 0 is the one that asks."""
        return os.sched_getscheduler(thread), os.sched_getparam(thread).sched_priority
