"""Run tasks side by side, so that one photograph is decoded while the network sees another and a third is written."""

from __future__ import annotations

import queue
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import TypeVar

Item = TypeVar("Item")
Done = TypeVar("Done")

_POLL_SECONDS = 0.2  # On Windows a waiting main thread sees Ctrl-C only when it wakes up.


def run_all(
    items: Sequence[Item],
    work: Callable[[Item], Done],
    *,
    jobs: int,
    on_done: Callable[[Done], None],
    on_stop: Callable[[], None],
) -> list[Item]:
    """Do the work for every item on ``jobs`` threads; the libraries below release the interpreter while they compute.

    After the first Ctrl-C no further item is begun and those under way are finished; a second one raises
    KeyboardInterrupt at once.

    Args:
        items: what to work on, begun in this order.
        work: called on a thread of its own; it must not raise.
        jobs: how many items are under way at once.
        on_done: called on this thread with each result, in the order in which they finish.
        on_stop: called on this thread after the first Ctrl-C.

    Returns:
        The items that were not begun.
    """
    waiting: queue.SimpleQueue[Item] = queue.SimpleQueue()
    for item in items:
        waiting.put(item)
    finished: queue.SimpleQueue[Done | None] = queue.SimpleQueue()
    stop = threading.Event()

    def loop() -> None:
        try:
            while not stop.is_set():
                finished.put(work(waiting.get_nowait()))
        except queue.Empty:
            pass
        finally:
            finished.put(None)

    running = min(jobs, len(items))
    told = False
    with _interrupts(stop):
        # Daemons, so that a second Ctrl-C needn't wait for them; results are renamed into place, never half there.
        for number in range(running):
            threading.Thread(target=loop, name=f"colorize-{number}", daemon=True).start()
        while running:
            if stop.is_set() and not told:
                told = True
                on_stop()
            try:
                result = finished.get(timeout=_POLL_SECONDS)
            except queue.Empty:
                continue
            if result is None:
                running -= 1
            else:
                on_done(result)
    left: list[Item] = []
    while True:
        try:
            left.append(waiting.get_nowait())
        except queue.Empty:
            return left


@contextmanager
def _interrupts(stop: threading.Event) -> Iterator[None]:
    """Let the first SIGINT set ``stop``, also where a shell had it ignored, and the second raise."""

    def on_interrupt(_number: int, _frame: FrameType | None) -> None:
        stop.set()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before or signal.SIG_DFL)
