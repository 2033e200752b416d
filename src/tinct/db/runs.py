"""Training runs, and the models that came of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import func, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from tinct.db.jobs import enqueue
from tinct.db.session import Database
from tinct.db.tables import FINAL, Job, Model, Point, Run, User
from tinct.errors import Conflict, NotFound


class Runs:
    """Queries on training runs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self, user_id: str, name: str, recipe: str, options: Mapping[str, Any], *, most_queued: int | None = None
    ) -> tuple[Run, Job]:
        """Note a run and the job that starts it, both or none; telling a queue is the caller's.

        Raises:
            TooMany: the user has ``most_queued`` jobs waiting.
        """
        with self._database.write() as session:
            run = Run(user_id=user_id, name=name, recipe=recipe, options=dict(options))
            session.add(run)
            session.flush()
            session.refresh(run)
            job = Job(user_id=user_id, kind="train", lane="train", options={}, run_id=run.id)
            enqueue(session, job, most_queued)
            return run, job

    def get(self, user_id: str, id: str) -> Run:
        """Return a run.

        Raises:
            NotFound: it is not there, or another's.
        """
        with self._database.read() as session:
            return _own(session, user_id, id)

    def find(self, user_id: str, *, limit: int = 100, offset: int = 0) -> Sequence[Run]:
        """Return a user's runs, the newest first."""
        query = select(Run).where(Run.user_id == user_id).order_by(Run.created.desc(), Run.id)
        with self._database.read() as session:
            return session.scalars(query.limit(limit).offset(offset)).all()

    def last_job(self, run_id: str) -> Job | None:
        """Return the job that started or resumed a run last."""
        query = select(Job).where(Job.run_id == run_id, Job.kind == "train")
        # One that is open goes before all others, for the clock may have been set back since those.
        query = query.order_by(Job.state.in_(FINAL), Job.created.desc(), Job.id)
        with self._database.read() as session:
            return session.scalar(query.limit(1))

    def delete(self, user_id: str, id: str) -> None:
        """Delete a run for good; its models stay.

        Raises:
            NotFound: it is not there, or another's.
            Conflict: it is under way.
        """
        with self._database.write() as session:
            run = _own(session, user_id, id)
            busy = select(Job.id).where(Job.run_id == id, Job.state.not_in(FINAL)).limit(1)
            if session.scalar(busy) is not None:
                raise Conflict("this run is under way; stop it first")
            session.delete(run)

    def add_point(self, run_id: str, kind: str, body: Mapping[str, Any]) -> None:
        """Note a report of a run; only the worker that has it may."""
        with self._database.write() as session:
            last = session.scalar(select(func.max(Point.number)).where(Point.run_id == run_id)) or 0
            session.add(Point(run_id=run_id, number=last + 1, kind=kind, body=dict(body)))

    def points(self, run_id: str, after: int = 0, limit: int = 1000) -> Sequence[Point]:
        """Return a run's reports after a number, in their order; whose the run is was checked before."""
        query = select(Point).where(Point.run_id == run_id, Point.number > after).order_by(Point.number).limit(limit)
        with self._database.read() as session:
            return session.scalars(query).all()

    def thinned_points(self, run_id: str, kind: str, most: int) -> Sequence[Point]:
        """Return a run's reports in their order, but of one kind evenly thinned out to ``most``; always the newest."""
        mine = Point.run_id == run_id
        place = func.row_number().over(order_by=Point.number) - 1
        many = select(Point.number, place.label("place")).where(mine, Point.kind == kind).subquery()
        with self._database.read() as session:
            count, last = session.execute(
                select(func.count().filter(Point.kind == kind), func.max(Point.number)).where(mine)
            ).one()
            every = max(1, -(-count // most))
            chosen = select(many.c.number).where(many.c.place % every == 0)
            wanted = or_(Point.kind != kind, Point.number.in_(chosen), Point.number == last)
            return session.scalars(select(Point).where(mine, wanted).order_by(Point.number)).all()


class Models:
    """Queries on models."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, model: Model) -> Model:
        """Note a model whose file is in the store.

        Raises:
            Conflict: the user has one of that name.
        """
        try:
            with self._database.write() as session:
                session.add(model)
                session.flush()
                session.refresh(model)
                return model
        except IntegrityError as error:
            raise Conflict(f"there is a model named {model.name} already; choose another name") from error

    def get(self, user_id: str, id_or_name: str) -> Model:
        """Return a model.

        Raises:
            NotFound: it is not there, or another's.
        """
        with self._database.read() as session:
            return _own_model(session, user_id, id_or_name)

    def find(self, user_id: str) -> Sequence[Model]:
        """Return a user's models, by their names."""
        with self._database.read() as session:
            return session.scalars(select(Model).where(Model.user_id == user_id).order_by(Model.name)).all()

    def default(self, user_id: str) -> Model | str | None:
        """Return the model that the user chose to colorize with, by its name one of the installation; None for none."""
        with self._database.read() as session:
            own = session.scalar(select(Model).where(Model.user_id == user_id, Model.is_default).limit(1))
            return own or session.scalar(select(User.default_model).where(User.id == user_id))

    def choose_installed(self, user_id: str, name: str | None) -> None:
        """Make a model of the installation the user's default, None whichever the server colors with."""
        with self._database.write() as session:
            session.execute(update(Model).where(Model.user_id == user_id).values(is_default=False))
            session.execute(update(User).where(User.id == user_id).values(default_model=name))

    def change(self, user_id: str, id_or_name: str, *, name: str | None, default: bool | None) -> Model:
        """Rename a model, or make it the user's default, or no more.

        Raises:
            NotFound: it is not there, or another's.
            Conflict: the user has one of that name.
        """
        try:
            with self._database.write() as session:
                model = _own_model(session, user_id, id_or_name)
                if name is not None:
                    model.name = name
                if default:
                    others = update(Model).where(Model.user_id == user_id, Model.id != model.id)
                    session.execute(others.values(is_default=False))
                    session.execute(update(User).where(User.id == user_id).values(default_model=None))
                if default is not None:
                    model.is_default = default
                session.flush()
                return model
        except IntegrityError as error:
            raise Conflict(f"there is a model named {name} already; choose another name") from error

    def delete(self, user_id: str, id_or_name: str) -> str:
        """Delete a model for good, and return the key of its file.

        Raises:
            NotFound: it is not there, or another's.
        """
        with self._database.write() as session:
            model = _own_model(session, user_id, id_or_name)
            session.delete(model)
            return model.key


def _own(session: Session, user_id: str, id: str) -> Run:
    found = session.scalar(select(Run).where(Run.id == id, Run.user_id == user_id))
    if found is None:
        raise NotFound("there is no such run")
    return found


def _own_model(session: Session, user_id: str, id_or_name: str) -> Model:
    mine = select(Model).where(Model.user_id == user_id)
    found = session.scalar(mine.where(Model.id == id_or_name)) or session.scalar(mine.where(Model.name == id_or_name))
    if found is None:
        raise NotFound("there is no such model")
    return found
