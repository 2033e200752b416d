"""A hot folder: whatever comes into it is colorized once it is complete."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from tinct.errors import StoreError
from tinct.jobs.batch import Batch
from tinct.jobs.engines import Engine
from tinct.jobs.places import Entry, Trouble
from tinct.jobs.summary import Observer, Summary

SHARE = 5
"""The sources are listed for at most one part in so many of the time."""

Listing = dict[str, Entry | Trouble]


class Watch:
    """Looks at a batch's sources again and again.

    A file counts once its size and time of change stay the same from one look to the next, so that one which is still
    being copied waits.

    Args:
        batch: opened.
        engine: works photographs off.
        interval: seconds between two looks, or more where a look takes long.
        observer: is told what happens.
    """

    def __init__(self, batch: Batch, engine: Engine, interval: float, observer: Observer) -> None:
        self._batch, self._engine, self._interval, self._observer = batch, engine, interval, observer
        self._stop = threading.Event()
        self._told: set[Trouble] = set()

    def run(self) -> Summary:
        """Watch until Ctrl-C or a request to end (SIGTERM), and return what it all came to.

        Raises:
            StoreError: the results can't be written; sources out of reach are waited for.
        """
        total = Summary()
        before: Listing = {}
        done: Listing | None = None
        self._observer.say("watching; Ctrl-C ends it")
        with self._interrupts():
            while not self._stop.is_set():
                started = time.monotonic()
                try:
                    now: Listing = {entry.name: entry for entry in self._batch.sources.pictures()}
                except StoreError as error:
                    self._observer.say(f"{error}; looking again")
                    now = before
                settled = {name: entry for name, entry in now.items() if before.get(name) == entry}
                if settled != done:
                    done = settled
                    # What is still changing must not count as deleted.
                    entries = [settled.get(name, Trouble(name, "")) for name in now]
                    if not self._pass(entries, total):
                        done = None
                before = now
                self._stop.wait(max(self._interval, SHARE * (time.monotonic() - started) if settled == done else 0))
        return total

    def _pass(self, entries: list[Entry | Trouble], total: Summary) -> bool:
        """Work off what is there; say whether that was possible."""
        summary = self._batch.prepare(self._engine, entries)
        self._tell([*summary.troubles, *summary.taken])
        if not total.states:
            total.failed_before = summary.failed_before
        if summary.states.get("pending"):
            self._batch.run(self._engine, summary)
        total.counts.update(summary.counts)
        total.parts.update(summary.parts)
        total.seconds += summary.seconds
        total.states = summary.states
        total.troubles, total.taken = summary.troubles, summary.taken
        if summary.interrupted:
            self._stop.set()
        if summary.halt is not None:
            self._observer.say(f"{summary.halt}; trying again")
        return summary.halt is None

    def _tell(self, troubles: list[Trouble]) -> None:
        """Name what keeps photographs from being done, where it wasn't so at the look before."""
        for trouble in troubles:
            if trouble not in self._told:
                self._observer.complain(trouble.text)
        self._told = set(troubles)

    @contextmanager
    def _interrupts(self) -> Iterator[None]:
        """Let Ctrl-C end the watch between two looks, and SIGTERM, by which services are ended, do what Ctrl-C does."""

        def on_interrupt(_number: int, _frame: FrameType | None) -> None:
            self._stop.set()

        def on_end(_number: int, _frame: FrameType | None) -> None:
            signal.raise_signal(signal.SIGINT)

        handlers = {signal.SIGINT: on_interrupt, signal.SIGTERM: on_end}
        before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
