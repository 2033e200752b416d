"""Run tasks side by side, so that one photograph is decoded while the network sees another and a third is written."""

from __future__ import annotations

import queue
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TypeVar

from tinct.media.atomic import remove_scratch

Item = TypeVar("Item")
Done = TypeVar("Done")

_POLL_SECONDS = 0.2  # On Windows a waiting main thread sees Ctrl-C only when it wakes up.


def run_all(
    items: Iterable[Item],
    work: Callable[[Item], Done],
    *,
    jobs: int,
    on_done: Callable[[Done], None],
    on_stop: Callable[[], None],
    stop: threading.Event | None = None,
) -> Iterator[Item]:
    """Do the work for every item on ``jobs`` threads; the libraries below release the interpreter while they compute.

    After the first Ctrl-C no further item is begun and those under way are finished; a second one raises
    KeyboardInterrupt at once.

    Args:
        items: what to work on, begun in this order, each asked for when a thread is free for it, by one at a time.
        work: called on a thread of its own; it must not raise.
        jobs: how many items are under way at once.
        on_done: called on this thread with each result, in the order in which they finish.
        on_stop: called on this thread after the first Ctrl-C.
        stop: set by Ctrl-C, or by the caller, so that no further item is begun.

    Returns:
        The items that were not begun.
    """
    waiting = iter(items)
    taking = threading.Lock()
    finished: queue.SimpleQueue[tuple[Done] | BaseException | None] = queue.SimpleQueue()
    halt = threading.Event() if stop is None else stop

    def loop() -> None:
        try:
            while not halt.is_set():
                with taking:
                    item = next(waiting)
                finished.put((work(item),))
        except StopIteration:
            pass
        except BaseException as error:  # noqa: BLE001 - handed over to the caller's thread
            halt.set()
            finished.put(error)
        finally:
            finished.put(None)

    running = jobs
    told = False
    failure: BaseException | None = None
    with interrupts(halt) as interrupted:
        # Daemons, so that a second Ctrl-C needn't wait for them; results are renamed into place, never half there.
        for number in range(running):
            threading.Thread(target=loop, name=f"colorize-{number}", daemon=True).start()
        while running:
            if interrupted.is_set() and not told:
                told = True
                on_stop()
            try:
                result = finished.get(timeout=_POLL_SECONDS)
            except queue.Empty:
                continue
            if result is None:
                running -= 1
            elif isinstance(result, BaseException):
                failure = result
            else:
                on_done(result[0])
    if failure is not None:
        raise failure
    return waiting


@contextmanager
def interrupts(stop: threading.Event) -> Iterator[threading.Event]:
    """Let the first SIGINT set ``stop``, also where a shell had it ignored, and the second raise.

    SIGTERM, where nobody else handles it, ends the process as ever, but without its temporary files.
    Gives an event that only SIGINT sets.
    """
    interrupted = threading.Event()

    def on_interrupt(_number: int, _frame: FrameType | None) -> None:
        interrupted.set()
        stop.set()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    if threading.current_thread() is not threading.main_thread():
        yield interrupted
        return
    before = signal.signal(signal.SIGINT, on_interrupt)
    ours = signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    if ours:
        signal.signal(signal.SIGTERM, _end)
    try:
        yield interrupted
    finally:
        signal.signal(signal.SIGINT, before or signal.SIG_DFL)
        if ours:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _end(_number: int, _frame: FrameType | None) -> None:
    remove_scratch()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.raise_signal(signal.SIGTERM)
