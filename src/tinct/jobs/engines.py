"""What works off the photographs of a batch: threads of this process. Others fit in by the same call."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Literal, Protocol

from tinct.jobs.items import Item
from tinct.jobs.pool import run_all
from tinct.jobs.worker import Setup, Worker

if TYPE_CHECKING:
    from tinct.inference.backends import Backend

Task = Literal["work", "look"]
"""Method of :class:`~tinct.jobs.worker.Worker` to call for each item."""


class Engine(Protocol):
    """Works off items: in threads here, or in processes elsewhere, each with a worker made from the setup."""

    def __call__(
        self,
        setup: Setup,
        items: Iterable[Item],
        task: Task,
        on_done: Callable[[Any], None],
        on_stop: Callable[[], None],
        stop: threading.Event,
    ) -> None:
        """Work on the items, each asked for when there is room for it, until they end or ``stop`` is set.

        Every item that was asked for ends in what the worker's method returns; an item whose worker died is worked on
        again. Both functions are called on the thread of this call.
        """


class Threads:
    """Threads of this process, which share one model.

    Args:
        backend: the model, loaded.
        jobs: how many photographs are under way at once.
    """

    def __init__(self, backend: Backend, jobs: int) -> None:
        self._backend, self._jobs = backend, jobs

    def __call__(
        self,
        setup: Setup,
        items: Iterable[Item],
        task: Task,
        on_done: Callable[[Any], None],
        on_stop: Callable[[], None],
        stop: threading.Event,
    ) -> None:
        """See :class:`Engine`."""
        worker = Worker(setup, self._backend)
        work = worker.work if task == "work" else worker.look
        run_all(items, work, jobs=self._jobs, on_done=on_done, on_stop=on_stop, stop=stop)
