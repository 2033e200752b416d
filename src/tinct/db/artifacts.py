"""Pictures and other files in the store, and the hints of pictures. Rows only: the files are the caller's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import CompoundSelect, CursorResult, func, or_, select, union_all, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from tinct.db.session import Database
from tinct.db.tables import FINAL, Artifact, Hints, Job, Run, now
from tinct.errors import Conflict, NotFound

PICTURE = "picture"
"""Kind of what a user uploaded to be colorized."""
DATASET = "dataset"
"""Kind of what a user uploaded to be trained on."""
CORRECTION = "correction"
"""Kind of a picture in colors that the user accepted, for a model to learn from."""


class Artifacts:
    """Queries on files and hints."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, *artifacts: Artifact) -> None:
        """Note files that are in the store, all or none."""
        with self._database.write() as session:
            session.add_all(artifacts)
            session.flush()
            for artifact in artifacts:
                session.refresh(artifact)

    def get(self, user_id: str, id: str, kind: str | None = None) -> Artifact:
        """Return a file.

        Raises:
            NotFound: it is not there, another's, or of another kind.
        """
        with self._database.read() as session:
            return _own(session, user_id, id, kind)

    def find(self, user_id: str, kind: str, *, limit: int = 100, offset: int = 0) -> Sequence[Artifact]:
        """Return a user's files of a kind, the newest first."""
        query = select(Artifact).where(Artifact.user_id == user_id, Artifact.kind == kind)
        query = query.order_by(Artifact.created.desc(), Artifact.id).limit(limit).offset(offset)
        with self._database.read() as session:
            return session.scalars(query).all()

    def all(self, user_id: str, kind: str) -> Sequence[Artifact]:
        """Return all of a user's files of a kind, the oldest first."""
        query = select(Artifact).where(Artifact.user_id == user_id, Artifact.kind == kind)
        with self._database.read() as session:
            return session.scalars(query.order_by(Artifact.created, Artifact.id)).all()

    def replace(self, artifact: Artifact) -> list[str]:
        """Note what shows a picture in another way, in place of all of its kind.

        Returns:
            The keys of the files that it takes the place of, which are the caller's to delete.

        Raises:
            NotFound: the picture is not there, or another's.
        """
        with self._database.write() as session:
            _own(session, artifact.user_id, artifact.picture_id or "", PICTURE, locked=True)
            old = session.scalars(
                select(Artifact).where(
                    Artifact.user_id == artifact.user_id,
                    Artifact.picture_id == artifact.picture_id,
                    Artifact.kind == artifact.kind,
                )
            ).all()
            for row in old:
                session.delete(row)
            session.flush()  # by itself it would insert before it deletes
            session.add(artifact)
            session.flush()
            session.refresh(artifact)
            return [row.key for row in old]

    def of_picture(self, user_id: str, picture_id: str, kind: str) -> Artifact:
        """Return what shows a picture in another way.

        Raises:
            NotFound: there is none, or it is another's.
        """
        return self._one(Artifact.user_id == user_id, Artifact.picture_id == picture_id, Artifact.kind == kind)

    def of_job(self, user_id: str, job_id: str, kind: str = "result") -> Artifact:
        """Return what a job made.

        Raises:
            NotFound: there is none, or it is another's.
        """
        return self._one(Artifact.user_id == user_id, Artifact.job_id == job_id, Artifact.kind == kind)

    def of_batch(self, user_id: str, batch_id: str) -> Sequence[Artifact]:
        """Return the results of a batch's jobs, by the names of their pictures."""
        query = select(Artifact).join(Job, Artifact.job_id == Job.id)
        query = query.where(Job.user_id == user_id, Job.batch_id == batch_id, Artifact.kind == "result")
        with self._database.read() as session:
            return session.scalars(query.order_by(Artifact.name, Artifact.id)).all()

    def note_fetched(self, results: Iterable[Artifact]) -> None:
        """Note that results are downloaded."""
        ids = [result.id for result in results if not result.fetched]
        if ids:
            with self._database.write() as session:
                session.execute(update(Artifact).where(Artifact.id.in_(ids)).values(fetched=True))

    def make_room(self, job: Job) -> list[str]:
        """Delete the downloaded results of the picture of a job that is done, but those of the job and of its batch.

        Returns:
            The keys of their files, which are the caller's to delete.
        """
        together = func.coalesce(Job.batch_id, Job.id) == (job.batch_id or job.id)
        earlier = select(Artifact).join(Job, Artifact.job_id == Job.id).where(~together, Artifact.fetched)
        with self._database.write() as session:
            gone = session.scalars(earlier.where(Artifact.picture_id == job.picture_id)).all()
            for row in gone:
                session.delete(row)
            return [row.key for row in gone]

    def unused(self, seconds: float) -> Sequence[Artifact]:
        """Return the pictures of all users that came some seconds ago, and that nothing was done with since."""
        since = now() - seconds
        used: CompoundSelect[str | None] = union_all(
            select(Artifact.picture_id).where(Artifact.picture_id.is_not(None), Artifact.created >= since),
            select(Job.picture_id).where(
                Job.picture_id.is_not(None), or_(Job.finished.is_(None), Job.finished >= since)
            ),
            select(Hints.picture_id).where(Hints.updated >= since),
        )
        query = select(Artifact).where(Artifact.kind == PICTURE, Artifact.created < since, Artifact.id.not_in(used))
        with self._database.read() as session:
            return session.scalars(query).all()

    def _one(self, *conditions: Any) -> Artifact:
        with self._database.read() as session:
            found = session.scalar(select(Artifact).where(*conditions).limit(1))
        if found is None:
            raise NotFound("there is no such file")
        return found

    def delete(self, user_id: str, id: str) -> list[str]:
        """Delete a picture or data set for good, with all that was made of it.

        Returns:
            The keys of its files in the store, which are the caller's to delete.

        Raises:
            NotFound: it is not there, or another's.
            Conflict: it is a data set that is trained on.
        """
        with self._database.write() as session:
            artifact = _own(session, user_id, id, None, locked=True)
            if artifact.kind == DATASET and _is_trained_on(session, artifact):
                raise Conflict("a training or a Turing test uses this data set; stop it first, or wait for its end")
            made = select(Artifact).where(
                Artifact.user_id == user_id,
                or_(
                    Artifact.picture_id == id,
                    Artifact.job_id.in_(select(Job.id).where(Job.picture_id == id, Job.user_id == user_id)),
                ),
            )
            gone = [artifact, *session.scalars(made)]
            # No job has anything to do any more; what is under way can't note a result, see Jobs.finish.
            jobs = update(Job).where(Job.picture_id == id, Job.user_id == user_id).values(revision=Job.revision + 1)
            session.execute(jobs.where(Job.state == "queued").values(state="stopped", finished=now()))
            session.execute(jobs.where(Job.state == "running").values(stop_asked=True))
            for row in gone:
                session.delete(row)
            return [row.key for row in gone]

    def hints(self, user_id: str, picture_id: str) -> Hints | None:
        """Return a picture's hints, None where it has none yet.

        Raises:
            NotFound: the picture is not there, or another's.
        """
        with self._database.read() as session:
            _own(session, user_id, picture_id, PICTURE)
            return session.get(Hints, picture_id)

    def set_hints(self, user_id: str, picture_id: str, body: list[dict[str, Any]], *, revision: int | None) -> Hints:
        """Keep a picture's hints.

        Args:
            user_id: whose picture it is.
            picture_id: the picture.
            body: the hints.
            revision: the one that was changed, 0 for none; None replaces whatever is there.

        Raises:
            NotFound: the picture is not there, or another's.
            Conflict: they were changed meanwhile, as in another tab.
        """
        changed = Conflict("the hints were changed meanwhile, perhaps in another tab; load them again")
        try:
            with self._database.write() as session:
                _own(session, user_id, picture_id, PICTURE)
                found = session.get(Hints, picture_id)
                if found is None:
                    if revision not in (None, 0):
                        raise changed
                    session.add(Hints(picture_id=picture_id, user_id=user_id, body=body))
                else:
                    same = Hints.revision == (found.revision if revision is None else revision)
                    done: CursorResult[Any] = session.execute(  # type: ignore[assignment]
                        update(Hints)
                        .where(Hints.picture_id == picture_id, same)
                        .values(body=body, revision=Hints.revision + 1, updated=now())
                    )
                    if done.rowcount == 0:
                        raise changed
                session.flush()
                session.expire_all()
                kept = session.get(Hints, picture_id)
                assert kept is not None
                return kept
        except IntegrityError as error:
            raise changed from error

    def count(self, user_id: str, kind: str) -> int:
        """Return how many files of a kind a user has."""
        query = select(func.count()).select_from(Artifact).where(Artifact.user_id == user_id, Artifact.kind == kind)
        with self._database.read() as session:
            return session.scalar(query) or 0


def _is_trained_on(session: Session, dataset: Artifact) -> bool:
    """Say whether a training or a Turing test that a data set is for isn't at its end."""
    asked = or_(Run.options["data"].as_string() == dataset.id, Job.options["data"].as_string() == dataset.id)
    query = select(Job.id).outerjoin(Run, Job.run_id == Run.id)
    query = query.where(Job.user_id == dataset.user_id, Job.state.not_in(FINAL), asked)
    return session.scalar(query.limit(1)) is not None


def _own(session: Session, user_id: str, id: str, kind: str | None, *, locked: bool = False) -> Artifact:
    """Return a user's file; ``locked`` keeps it as it is until the transaction's end."""
    query = select(Artifact).where(Artifact.id == id, Artifact.user_id == user_id)
    if kind is not None:
        query = query.where(Artifact.kind == kind)
    found = session.scalar(query.with_for_update() if locked else query)
    if found is None:
        raise NotFound(f"there is no such {kind or 'file'}")
    return found
