"""Workers: they take jobs, keep telling that they live, and take back the jobs of workers that don't."""

from __future__ import annotations

import logging
import os
import platform
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from tinct.db.jobs import Lost
from tinct.db.tables import Job
from tinct.errors import DatabaseError, TinctError
from tinct.web.context import Context
from tinct.web.queues import LANES
from tinct.web.sandbox import Stopped
from tinct.web.tasks import ColorizeTask, Task
from tinct.web.training import TrainTask

IDLE_SECONDS = 0.1
"""Between two looks into an empty queue."""
LOOK_SECONDS = 2.0
"""A lane that had no message for so long looks into the database for jobs whose message was lost."""
BEATS = 5
"""Beats in the time after which a silent worker is taken for dead."""
TIDY_SECONDS = 3600.0

log = logging.getLogger(__name__)


class Worker:
    """Works off jobs on a thread for each lane until it is told to stop.

    Args:
        context: database, queues, files.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._stop = threading.Event()
        self._name = f"{platform.node()[:60]}:{os.getpid()}"

    def run(self) -> None:
        """Work until :meth:`stop` is called; what is under way then is given back to others."""
        threads = [threading.Thread(target=self._lane, args=(lane,), name=f"tinct-{lane}") for lane in LANES]
        threads.append(threading.Thread(target=self._watch, name="tinct-watch"))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def stop(self) -> None:
        """End soon; may be called from a signal's handler."""
        self._stop.set()

    def _lane(self, lane: str) -> None:
        task: Task = ColorizeTask(self._context) if lane == "colorize" else TrainTask(self._context)
        looked = 0.0  # the first look comes at once: what another worker left may be waiting
        try:
            while not self._stop.is_set():
                try:
                    id = self._context.queues.receive(lane)
                    if id is None and time.monotonic() - looked > LOOK_SECONDS:
                        looked = time.monotonic()
                        id = self._context.repository.jobs.next_queued(lane)
                    job = None if id is None else self._context.repository.jobs.claim(id, self._name)
                    if job is None:
                        if id is None:
                            self._stop.wait(IDLE_SECONDS)
                        continue
                    looked = 0.0
                    self._do(task, job)
                except DatabaseError as error:
                    log.warning("%s", error)
                    self._stop.wait(1)
                except Exception:
                    log.exception("a job went wrong in an unexpected way; it will be taken up again")
                    self._stop.wait(1)
        finally:
            task.close()

    def _do(self, task: Task, job: Job) -> None:
        """Do a job, and note how it ended."""
        jobs = self._context.repository.jobs
        with _Pulse(self._context, job, self._stop) as pulse:
            try:
                outcome = task.do(job, pulse.ending)
            except Stopped:
                if pulse.asked:
                    self._note(lambda: jobs.finish(job.id, job.attempt, stopped=True))
                else:
                    with suppress(DatabaseError):
                        jobs.release(job.id, job.attempt)
                return
            except TinctError as error:
                if isinstance(error, DatabaseError):
                    with suppress(DatabaseError):
                        jobs.release(job.id, job.attempt)
                    raise
                said, kind = str(error), type(error).__name__
                self._note(lambda: jobs.fail(job.id, job.attempt, said, kind))
                return
            except Exception as error:
                log.exception("job %s", job.id)
                said, kind = f"unexpected {type(error).__name__} (please report this)", type(error).__name__
                self._note(lambda: jobs.fail(job.id, job.attempt, said, kind))
                return
            kept = self._note(lambda: jobs.finish(job.id, job.attempt, outcome.artifacts, outcome.notes))
            if kept is False:
                self._context.forget([artifact.key for artifact in outcome.artifacts])
            elif kept and job.picture_id is not None:
                with suppress(TinctError):  # files that are left are tidied up, rows go with the next result
                    self._context.forget(self._context.repository.artifacts.make_room(job))

    def _note(self, note: Callable[[], bool]) -> bool | None:
        """Note a job's end, also where the database is away for a while; None where it can't be told whether it was."""
        while True:
            try:
                return note()
            except DatabaseError as error:
                log.warning("%s", error)
                if self._stop.wait(1):
                    return None

    def _watch(self) -> None:
        """Take back the jobs of workers that fell silent, by this process's steady clock."""
        lease = self._context.settings.lease_seconds
        seen: dict[Lost, float] = {}
        tidied = time.monotonic()
        while not self._stop.wait(min(1.0, lease / BEATS)):
            try:
                now = time.monotonic()
                running = self._context.repository.jobs.running()
                seen = {job: seen.get(job, now) for job in running}
                for job, since in seen.items():
                    if now - since > lease and self._context.repository.jobs.take_back(job):
                        log.warning("job %s goes to another worker: its own fell silent", job.id)
                        self._context.queues.send(job.lane, job.id)
                if now - tidied > TIDY_SECONDS:
                    tidied = now
                    self._context.tidy(24 * TIDY_SECONDS)
            except TinctError as error:
                log.warning("%s", error)


class _Pulse:
    """Tells on a thread of its own that a job's worker lives, and hears whether it should stop."""

    def __init__(self, context: Context, job: Job, stop: threading.Event) -> None:
        self._context, self._job, self._stop = context, job, stop
        self._over = threading.Event()
        self.asked = False
        """Whether the user asked for the job's end."""
        self._lost = False
        self._thread = threading.Thread(target=self._beat, daemon=True)

    def ending(self) -> bool:
        """Whether the job's work should end now."""
        return self.asked or self._lost or self._stop.is_set()

    def __enter__(self) -> _Pulse:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _beat(self) -> None:
        interval = min(1.0, self._context.settings.lease_seconds / BEATS)
        while not self._over.wait(interval):
            # Where the database is away the job goes on; who takes it up meanwhile wins.
            with suppress(DatabaseError):
                said = self._context.repository.jobs.beat(self._job.id, self._job.attempt)
                self.asked, self._lost = self.asked or said == "stop", said == "lost"
