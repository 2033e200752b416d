"""Jobs: what is to be done, who is at it, what came of it.

A worker that takes a job gets its number of attempts, and may change the job only while that is the same. So a worker
that was thought dead, and lives, can't finish what another one has taken up, and no job gives two results. Whether
one is dead is told by its beats, which an observer counts against its own steady clock: no clock that jumps matters.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import CursorResult, case, func, select, update
from sqlalchemy.orm import Session

from tinct.db.session import Database
from tinct.db.tables import FINAL, Artifact, Job, now
from tinct.errors import Conflict, NotFound, TooMany

MOST_DEATHS = 5
"""A job at which so many workers died is given up: it may be what kills them."""


@dataclass(frozen=True, slots=True)
class Lost:
    """A job whose worker may be dead."""

    id: str
    lane: str
    attempt: int
    beat: int


class Jobs:
    """Queries on jobs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self,
        user_id: str,
        kind: str,
        lane: str,
        options: Mapping[str, Any],
        *,
        picture_id: str | None = None,
        run_id: str | None = None,
        batch_id: str | None = None,
        most_queued: int | None = None,
    ) -> Job:
        """Note that something is to be done; telling a queue is the caller's.

        Raises:
            Conflict: the run has a job that isn't finished.
            TooMany: the user has ``most_queued`` jobs waiting.
        """
        with self._database.write() as session:
            if run_id is not None:
                busy = select(Job.id).where(Job.run_id == run_id, Job.state.not_in(FINAL))
                if session.scalar(busy.limit(1)) is not None:
                    raise Conflict("this run is under way already; stop it first, or wait for its end")
            job = Job(
                user_id=user_id,
                kind=kind,
                lane=lane,
                options=dict(options),
                picture_id=picture_id,
                run_id=run_id,
                batch_id=batch_id,
            )
            enqueue(session, job, most_queued)
            return job

    def get(self, user_id: str, id: str) -> Job:
        """Return a job.

        Raises:
            NotFound: it is not there, or another's.
        """
        with self._database.read() as session:
            return _own(session, user_id, id)

    def find(
        self,
        user_id: str,
        *,
        limit: int = 100,
        offset: int = 0,
        batch_id: str | None = None,
        run_id: str | None = None,
        kind: str | None = None,
        state: str | None = None,
    ) -> Sequence[Job]:
        """Return a user's jobs, the newest first."""
        query = select(Job).where(Job.user_id == user_id).order_by(Job.created.desc(), Job.id)
        given = {Job.batch_id: batch_id, Job.run_id: run_id, Job.kind: kind, Job.state: state}
        for column, value in given.items():
            if value is not None:
                query = query.where(column == value)
        with self._database.read() as session:
            return session.scalars(query.limit(limit).offset(offset)).all()

    def counts(self) -> dict[str, int]:
        """Return how many jobs of all users are in each state."""
        with self._database.read() as session:
            rows = session.execute(select(Job.state, func.count()).group_by(Job.state)).all()
        return {str(state): int(count) for state, count in rows}

    def claim(self, id: str, worker: str) -> Job | None:
        """Take a job that is waiting; None where it isn't, because another has it, or it is done or gone."""
        with self._database.write() as session:
            taken = _change(
                session,
                (Job.id == id, Job.state == "queued"),
                state="running",
                worker=worker,
                attempt=Job.attempt + 1,
                beat=0,
                progress=0.0,
                started=func.coalesce(Job.started, now()),
            )
            return session.get(Job, id) if taken else None

    def beat(
        self, id: str, attempt: int, *, progress: float | None = None, message: str | None = None
    ) -> Literal["go on", "stop", "lost"]:
        """Say that the worker lives, and how far it is.

        Returns:
            What it should do: ``lost`` means that the job isn't its any more.
        """
        news: dict[str, Any] = {"beat": Job.beat + 1}
        if progress is not None:
            news |= {"progress": progress, "message": message, "revision": Job.revision + 1}
        with self._database.write() as session:
            mine = (Job.id == id, Job.attempt == attempt, Job.state == "running")
            done: CursorResult[Any] = session.execute(update(Job).where(*mine).values(**news))  # type: ignore[assignment]
            if done.rowcount == 0:
                return "lost"
            return "stop" if session.scalar(select(Job.stop_asked).where(Job.id == id)) else "go on"

    def finish(
        self,
        id: str,
        attempt: int,
        artifacts: Iterable[Artifact] = (),
        notes: Sequence[str] = (),
        *,
        stopped: bool = False,
    ) -> bool:
        """Note a job's end together with all that it made; again does no harm.

        Returns:
            False where nothing that it made is noted: the job isn't this worker's any more, or its picture was deleted,
            which stops it.
        """
        with self._database.write() as session:
            unwanted = not stopped and not _keep_picture(session, id)
            state = "stopped" if stopped or unwanted else "done"
            done = _change(
                session,
                (Job.id == id, Job.attempt == attempt, Job.state == "running"),
                state=state,
                progress=1.0 if state == "done" else Job.progress,
                message=None,
                notes=list(notes),
                finished=now(),
                worker=None,
            )
            if unwanted:
                return False
            if done:
                session.add_all(artifacts)
                return True
            # The answer to the first time may have been lost on its way here.
            noted = select(Job.id).where(Job.id == id, Job.attempt == attempt, Job.state == state)
            return session.scalar(noted) is not None

    def fail(self, id: str, attempt: int, error: str, kind: str) -> bool:
        """Note that a job can't be done, and why; False where it isn't this worker's any more."""
        with self._database.write() as session:
            mine = (Job.id == id, Job.attempt == attempt, Job.state == "running")
            return _change(session, mine, state="failed", error=error, error_kind=kind, finished=now(), worker=None)

    def release(self, id: str, attempt: int) -> bool:
        """Give a job back because the worker is told to end; False where it isn't this worker's any more."""
        with self._database.write() as session:
            mine = (Job.id == id, Job.attempt == attempt, Job.state == "running")
            return _change(session, mine, state="queued", worker=None, message=None)

    def stop(self, user_id: str, id: str) -> Job:
        """Ask for a job's end: at once where it is waiting, else by its worker.

        Raises:
            NotFound: it is not there, or another's.
            Conflict: it is at its end already.
        """
        with self._database.write() as session:
            _own(session, user_id, id)
            waiting = _change(session, (Job.id == id, Job.state == "queued"), state="stopped", finished=now())
            if not waiting and not _change(session, (Job.id == id, Job.state == "running"), stop_asked=True):
                raise Conflict("this job is at its end already")
            session.expire_all()
            return _own(session, user_id, id)

    def delete(self, user_id: str, id: str) -> list[str]:
        """Delete a job and all that it made for good.

        Returns:
            The keys of its files in the store, which are the caller's to delete.

        Raises:
            NotFound: it is not there, or another's.
            Conflict: a worker is at it.
        """
        with self._database.write() as session:
            job = _own(session, user_id, id)
            if job.state == "running":
                raise Conflict("this job is under way; stop it first")
            keys = list(session.scalars(select(Artifact.key).where(Artifact.job_id == id)))
            session.delete(job)
            return keys

    def ended(self, seconds: float) -> Sequence[Job]:
        """Return the jobs of all users that color pictures and ended some seconds ago."""
        query = select(Job).where(Job.picture_id.is_not(None), Job.finished < now() - seconds)
        with self._database.read() as session:
            return session.scalars(query).all()

    def running(self) -> Sequence[Lost]:
        """Return the jobs that workers are at, with their beats."""
        query = select(Job.id, Job.lane, Job.attempt, Job.beat).where(Job.state == "running")
        with self._database.read() as session:
            return [Lost(*row) for row in session.execute(query)]

    def next_queued(self, lane: str) -> str | None:
        """Return the id of the job that has waited longest in a lane, None where none waits."""
        query = select(Job.id).where(Job.state == "queued", Job.lane == lane).order_by(Job.created, Job.id)
        with self._database.read() as session:
            return session.scalar(query.limit(1))

    def take_back(self, lost: Lost) -> bool:
        """Let another worker take a job whose worker died, or give it up where too many did.

        Returns:
            Whether it is waiting again; False also where its worker is alive after all.
        """
        with self._database.write() as session:
            dead = (Job.id == lost.id, Job.attempt == lost.attempt, Job.beat == lost.beat, Job.state == "running")
            given_up = _change(
                session,
                (*dead, Job.deaths >= MOST_DEATHS - 1, Job.run_id.is_(None)),
                state="failed",
                error=f"{MOST_DEATHS} workers ended at it without a word; it may need more memory than there is",
                error_kind="WorkerDied",
                finished=now(),
                worker=None,
            )
            # One that was to be stopped anyway needn't be begun again.
            return not given_up and _change(
                session,
                dead,
                state=case((Job.stop_asked, "stopped"), else_="queued"),
                finished=case((Job.stop_asked, now()), else_=None),
                deaths=Job.deaths + 1,
                worker=None,
            )


def enqueue(session: Session, job: Job, most_queued: int | None) -> None:
    """Note a job together with what else a transaction does.

    Raises:
        TooMany: its user has ``most_queued`` jobs waiting.
    """
    if most_queued is not None:
        waiting = select(func.count()).select_from(Job).where(Job.user_id == job.user_id, Job.state == "queued")
        if (session.scalar(waiting) or 0) >= most_queued:
            raise TooMany(f"{most_queued} jobs are waiting already; try again when some are done")
    session.add(job)
    session.flush()
    session.refresh(job)


def _own(session: Session, user_id: str, id: str) -> Job:
    job = session.scalar(select(Job).where(Job.id == id, Job.user_id == user_id))
    if job is None:
        raise NotFound("there is no such job")
    return job


def _keep_picture(session: Session, job_id: str) -> bool:
    """Keep a job's picture from being deleted before the transaction's end; say whether it is there, if it has one."""
    id = session.scalar(select(Job.picture_id).where(Job.id == job_id))
    return id is None or session.scalar(select(Artifact.id).where(Artifact.id == id).with_for_update()) is not None


def _change(session: Session, where: Sequence[Any], **values: Any) -> bool:
    """Change a job where it is as expected; say whether it was."""
    statement = update(Job).where(*where).values(revision=Job.revision + 1, **values)
    done: CursorResult[Any] = session.execute(  # type: ignore[assignment]
        statement, execution_options={"synchronize_session": False}
    )
    return done.rowcount == 1
