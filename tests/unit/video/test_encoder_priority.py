"""Encoders don't make this process more urgent than others: SVT-AV1 would, as root."""

from __future__ import annotations

import errno
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tinct.inference.backends import Backend
from tinct.inference.options import ColorizeOptions
from tinct.video.encode import write_shot
from tinct.video.options import FilmOptions
from tinct.video.plan import Job, make_plan
from tinct.video.priority import kept_priority

if sys.platform != "linux":
    pytest.skip("threads have priorities of their own on Linux", allow_module_level=True)


def policies() -> list[int]:
    """Return how each thread of this process is scheduled."""
    found = []
    for name in os.listdir("/proc/self/task"):
        with suppress(ProcessLookupError):  # it has ended
            found.append(os.sched_getscheduler(int(name)))
    return found


def test_a_priority_that_was_taken_is_given_back() -> None:
    over = threading.Event()
    old, new = (threading.Thread(target=over.wait) for _ in range(2))
    old.start()
    assert old.native_id is not None
    try:
        with kept_priority():
            for thread in (0, old.native_id):
                os.sched_setscheduler(thread, os.SCHED_BATCH, os.sched_param(0))
            new.start()  # inherits what its maker has
            assert policies().count(os.SCHED_BATCH) == 3
        assert os.SCHED_BATCH not in policies()
    finally:
        over.set()
        old.join()
        new.join()


def test_an_own_priority_is_kept() -> None:
    os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    try:
        with kept_priority():
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
        assert os.sched_getscheduler(0) == os.SCHED_BATCH
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def test_a_system_that_does_not_tell_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_thread: int) -> int:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    monkeypatch.setattr(os, "sched_getscheduler", refuse)
    with kept_priority():
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    monkeypatch.undo()
    assert os.sched_getscheduler(0) == os.SCHED_BATCH
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def test_av1_takes_no_real_time_priority(
    moving: Any, make_film: Any, backend: Backend, small: ColorizeOptions, tmp_path: Path
) -> None:
    source = make_film("in.mkv", moving(count=3))
    plan = make_plan(Job(str(source), str(tmp_path / "out.webm"), options=FilmOptions(colors=small)), backend)
    assert plan.encoding.encoder == "libsvtav1"
    while_encoding: list[list[int]] = [policies()]

    def frames() -> Iterator[NDArray[np.uint8]]:
        for _ in range(3):
            yield np.zeros((plan.film.height, plan.film.width, 3), np.uint8)
            while_encoding.append(policies())

    assert write_shot(tmp_path / "shot.mkv", plan.film, plan.encoding, frames()) == 3
    while_encoding.append(policies())
    assert len(while_encoding[2]) > len(while_encoding[0])  # the encoder has threads
    assert {policy for found in while_encoding for policy in found} == {os.SCHED_OTHER}
