"""The Turing tests of the page: sets of pairs, sittings of them, votes."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from tinct.db.session import Database
from tinct.db.tables import Sitting, TuringTest, Vote
from tinct.errors import Conflict, NotFound


class TuringTests:
    """Queries on Turing tests."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, test: TuringTest) -> None:
        """Note a test whose pairs are there; nothing happens where it is noted already."""
        try:
            with self._database.write() as session:
                session.add(test)
        except IntegrityError:
            return

    def get(self, user_id: str, id: str) -> TuringTest:
        """Return a test.

        Raises:
            NotFound: it is not there, or another's.
        """
        with self._database.read() as session:
            return _own(session, user_id, id)

    def find(self, user_id: str) -> Sequence[TuringTest]:
        """Return a user's tests, the newest first."""
        with self._database.read() as session:
            query = (
                select(TuringTest)
                .where(TuringTest.user_id == user_id)
                .order_by(TuringTest.created.desc(), TuringTest.id)
            )
            return session.scalars(query).all()

    def delete(self, user_id: str, id: str) -> None:
        """Delete a test for good, with its sittings and votes.

        Raises:
            NotFound: it is not there, or another's.
        """
        with self._database.write() as session:
            session.delete(_own(session, user_id, id))

    def sit(self, user_id: str, test_id: str) -> Sitting:
        """Begin a sitting: one participant's way through a test.

        Raises:
            NotFound: the test is not there, or another's.
        """
        with self._database.write() as session:
            _own(session, user_id, test_id)
            last = session.scalar(select(func.max(Sitting.number)).where(Sitting.test_id == test_id))
            sitting = Sitting(user_id=user_id, test_id=test_id, number=0 if last is None else last + 1)
            session.add(sitting)
            session.flush()
            session.refresh(sitting)
            return sitting

    def sitting(self, user_id: str, id: str) -> Sitting:
        """Return a sitting.

        Raises:
            NotFound: it is not there, or another's.
        """
        with self._database.read() as session:
            found = session.scalar(select(Sitting).where(Sitting.id == id, Sitting.user_id == user_id))
        if found is None:
            raise NotFound("there is no such sitting")
        return found

    def votes(self, sitting_id: str) -> Sequence[Vote]:
        """Return a sitting's votes, in their order; whose it is was checked before."""
        with self._database.read() as session:
            query = select(Vote).where(Vote.sitting_id == sitting_id).order_by(Vote.created, Vote.id)
            return session.scalars(query).all()

    def votes_of(self, test_id: str) -> Sequence[tuple[Sitting, Vote]]:
        """Return all votes of a test with their sittings, in their order; whose it is was checked before."""
        query = select(Sitting, Vote).join(Vote, Vote.sitting_id == Sitting.id).where(Sitting.test_id == test_id)
        with self._database.read() as session:
            return [(row[0], row[1]) for row in session.execute(query.order_by(Vote.created, Vote.id))]

    def vote(self, vote: Vote) -> None:
        """Keep an answer.

        Raises:
            Conflict: this trial of the sitting is answered already.
        """
        try:
            with self._database.write() as session:
                session.add(vote)
        except IntegrityError as error:
            raise Conflict("this pair is answered already, perhaps in another tab") from error


def _own(session: Session, user_id: str, id: str) -> TuringTest:
    found = session.scalar(select(TuringTest).where(TuringTest.id == id, TuringTest.user_id == user_id))
    if found is None:
        raise NotFound("there is no such test")
    return found
