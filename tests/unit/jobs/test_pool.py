from __future__ import annotations

import os
import signal
import sys
import threading

import pytest

from tinct.jobs.pool import run_all


def test_does_everything_once_on_several_threads() -> None:
    together = threading.Barrier(3, timeout=10)
    done: list[int] = []
    left = run_all(
        range(30),
        lambda item: (together.wait() if item < 3 else None, item)[1],
        jobs=3,
        on_done=done.append,
        on_stop=lambda: pytest.fail("nobody stopped it"),
    )
    assert (sorted(done), list(left)) == (list(range(30)), [])


def test_results_are_reported_on_the_caller_s_thread() -> None:
    threads: list[threading.Thread] = []
    run_all([1, 2], abs, jobs=2, on_done=lambda _: threads.append(threading.current_thread()), on_stop=lambda: None)
    assert threads == [threading.current_thread()] * 2


def test_nothing_to_do() -> None:
    assert list(run_all([], abs, jobs=2, on_done=lambda _: None, on_stop=lambda: None)) == []


@pytest.mark.skipif(sys.platform == "win32", reason="raise_signal ends a process on Windows")
def test_an_interrupt_finishes_what_is_under_way() -> None:
    before = signal.getsignal(signal.SIGINT)
    begun, told = threading.Event(), threading.Event()
    done: list[int] = []

    def work(item: int) -> int:
        if item == 1:
            begun.set()
            assert told.wait(10)
        return item

    def interrupt() -> None:
        begun.wait(10)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt).start()
    left = run_all(range(5), work, jobs=1, on_done=done.append, on_stop=told.set)
    assert (done, list(left)) == ([0, 1], [2, 3, 4])
    assert signal.getsignal(signal.SIGINT) == before


@pytest.mark.skipif(sys.platform == "win32", reason="raise_signal ends a process on Windows")
def test_a_second_interrupt_raises() -> None:
    begun, told, release = threading.Event(), threading.Event(), threading.Event()

    def work(_item: int) -> bool:
        begun.set()
        return release.wait(10)

    def interrupt() -> None:
        for event in (begun, told):
            event.wait(10)
            os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt).start()
    with pytest.raises(KeyboardInterrupt):
        run_all([1], work, jobs=1, on_done=lambda _: None, on_stop=told.set)
    release.set()


def test_items_are_asked_for_when_a_thread_is_free() -> None:
    asked, worked, done = [], [], []
    stop = threading.Event()

    def items():  # type: ignore[no-untyped-def]
        for item in range(1000):
            asked.append(item)
            yield item

    def work(item: int) -> int:
        assert len(asked) - len(worked) <= 2
        worked.append(item)
        return item

    def on_done(item: int) -> None:
        done.append(item)
        stop.set()

    left = run_all(items(), work, jobs=2, on_done=on_done, on_stop=lambda: pytest.fail("no Ctrl-C"), stop=stop)
    assert sorted([*done, *left]) == list(range(1000))


def test_what_the_items_raise_is_raised_here() -> None:
    def items():  # type: ignore[no-untyped-def]
        yield 1
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        run_all(items(), abs, jobs=2, on_done=lambda _: None, on_stop=lambda: None)
