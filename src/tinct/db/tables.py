"""The tables. Times are seconds since 1970 by the database's own clock; ids are 32 random hex digits, made here."""

from __future__ import annotations

import secrets
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Text,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.sql.expression import FunctionElement

STATES = ("queued", "running", "done", "failed", "stopped")
"""Of a job: queued -> running -> one of the last three; a job whose worker died goes back to queued."""
FINAL = ("done", "failed", "stopped")

CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_name)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}


class now(FunctionElement[float]):  # noqa: N801 - an SQL function
    """The time by the database's clock, in seconds since 1970."""

    type = Double()
    inherit_cache = True


@compiles(now, "sqlite")
def _sqlite_now(_element: now, _compiler: Any, **_options: Any) -> str:
    return "((julianday('now') - 2440587.5) * 86400.0)"


@compiles(now, "postgresql")
def _postgresql_now(_element: now, _compiler: Any, **_options: Any) -> str:
    return "CAST(extract(epoch FROM clock_timestamp()) AS double precision)"


def new_id() -> str:
    """Return a new id; nobody can guess another's."""
    return secrets.token_hex(16)


class Base(DeclarativeBase):
    """All tables."""

    metadata = MetaData(naming_convention=CONVENTION)


class Keyed:
    """Columns that most tables have."""

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    created: Mapped[float] = mapped_column(Double, default=now())


class Owned(Keyed):
    """A row that belongs to a user, who alone sees it."""

    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)


class User(Keyed, Base):
    """Somebody whose things are apart from others'."""

    __tablename__ = "users"

    name: Mapped[str] = mapped_column(String(100), unique=True)
    default_model: Mapped[str | None] = mapped_column(String(200))
    """The model of the installation that the user chose to colorize with, where none of their own is the default."""


class Token(Owned, Base):
    """What lets a client in; only its hash is kept."""

    __tablename__ = "tokens"

    kind: Mapped[str] = mapped_column(String(10))
    """``token`` for programs, ``session`` for a browser's cookie."""
    hash: Mapped[str] = mapped_column(String(64), unique=True)
    """SHA-256 in hex."""
    expires: Mapped[float | None] = mapped_column(Double)


class Run(Owned, Base):
    """A training run; the jobs that started and resumed it name it."""

    __tablename__ = "runs"

    name: Mapped[str] = mapped_column(String(100))
    recipe: Mapped[str] = mapped_column(String(100))
    options: Mapped[dict[str, Any]] = mapped_column(JSON)
    """data, budget, seed, init, presets, settings."""


class Point(Base):
    """One report of a run: losses, a validation, a picture. Numbered by the one worker that has the run."""

    __tablename__ = "points"

    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(String(20))
    body: Mapped[dict[str, Any]] = mapped_column(JSON)
    created: Mapped[float] = mapped_column(Double, default=now())


class Job(Owned, Base):
    """Something to be done by a worker, and the truth about how far it is; queues hold no more than its id."""

    __tablename__ = "jobs"

    kind: Mapped[str] = mapped_column(String(20))
    lane: Mapped[str] = mapped_column(String(20))
    """The queue it goes through, so that a training keeps no photograph waiting."""
    state: Mapped[str] = mapped_column(String(10), default="queued", index=True)
    options: Mapped[dict[str, Any]] = mapped_column(JSON)
    picture_id: Mapped[str | None] = mapped_column(String(32), index=True)
    """The picture to colorize; it may be gone by the time."""
    run_id: Mapped[str | None] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"), index=True)
    batch_id: Mapped[str | None] = mapped_column(String(32), index=True)
    progress: Mapped[float] = mapped_column(Double, default=0.0)
    """0..1."""
    message: Mapped[str | None] = mapped_column(Text)
    """What is being done."""
    notes: Mapped[list[str]] = mapped_column(JSON, default=list)
    error: Mapped[str | None] = mapped_column(Text)
    error_kind: Mapped[str | None] = mapped_column(String(50))
    started: Mapped[float | None] = mapped_column(Double)
    finished: Mapped[float | None] = mapped_column(Double)
    attempt: Mapped[int] = mapped_column(Integer, default=0)
    """How often it was begun; a worker may change a job only while this is as when it took it."""
    deaths: Mapped[int] = mapped_column(Integer, default=0)
    """How many workers died at it."""
    worker: Mapped[str | None] = mapped_column(String(100))
    beat: Mapped[int] = mapped_column(Integer, default=0)
    """Grows while the worker lives."""
    stop_asked: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    revision: Mapped[int] = mapped_column(Integer, default=1)
    """Grows with every change that a user can see."""


_BUT_RESULTS: Any = {f"{dialect}_where": text("kind <> 'result'") for dialect in ("sqlite", "postgresql")}


class Artifact(Owned, Base):
    """A file in the store: an uploaded picture, a result, a data set."""

    __tablename__ = "artifacts"
    __table_args__ = (
        UniqueConstraint("job_id", "kind", name="uq_artifacts_job_id"),
        Index("uq_artifacts_picture_id", "picture_id", "kind", unique=True, **_BUT_RESULTS),
    )

    job_id: Mapped[str | None] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), index=True)
    """The job that made it; one job makes one of a kind."""
    picture_id: Mapped[str | None] = mapped_column(String(32), index=True)
    """The picture that it shows in another size or in color, or is kept beside; one of a kind but of results."""
    kind: Mapped[str] = mapped_column(String(20))
    name: Mapped[str] = mapped_column(String(200))
    """As the user called it; only ever shown, never a path."""
    media_type: Mapped[str] = mapped_column(String(100))
    size: Mapped[int] = mapped_column(Integer)
    sha256: Mapped[str] = mapped_column(String(64))
    key: Mapped[str] = mapped_column(String(100))
    """Where it is in the store."""
    facts: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """Width, height and what else is known of it."""
    fetched: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    """Of a result: whether it was downloaded, so that it may make room for a newer one of its picture."""


class File(Base):
    """A key of the store that this database gave to a file, which may not be there yet; see :mod:`tinct.db.files`."""

    __tablename__ = "files"

    key: Mapped[str] = mapped_column(String(100), primary_key=True)
    created: Mapped[float] = mapped_column(Double, default=now())


class Hints(Base):
    """The hints of a picture, as in a file of hints."""

    __tablename__ = "hints"

    picture_id: Mapped[str] = mapped_column(ForeignKey("artifacts.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    body: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    revision: Mapped[int] = mapped_column(Integer, default=1)
    """Grows with every change, so that of two tabs none overwrites the other's unseen."""
    updated: Mapped[float] = mapped_column(Double, default=now(), onupdate=now())


class Model(Owned, Base):
    """A model that was trained or imported here; its file is in the store."""

    __tablename__ = "models"
    __table_args__ = (UniqueConstraint("user_id", "name", name="uq_models_user_id"),)

    name: Mapped[str] = mapped_column(String(100))
    recipe: Mapped[str | None] = mapped_column(String(100))
    facts: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """Architecture, parameters, figures of its validation."""
    sha256: Mapped[str] = mapped_column(String(64))
    size: Mapped[int] = mapped_column(Integer)
    key: Mapped[str] = mapped_column(String(100))
    run_id: Mapped[str | None] = mapped_column(ForeignKey("runs.id", ondelete="SET NULL"), index=True)
    is_default: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())


class TuringTest(Owned, Base):
    """A set of pairs, whose pictures lie in the data folder."""

    __tablename__ = "tests"

    name: Mapped[str] = mapped_column(String(100))
    facts: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """photos, models, data."""


class Sitting(Owned, Base):
    """One way through a test."""

    __tablename__ = "sittings"
    __table_args__ = (UniqueConstraint("test_id", "number", name="uq_sittings_test_id"),)

    test_id: Mapped[str] = mapped_column(ForeignKey("tests.id", ondelete="CASCADE"))
    number: Mapped[int] = mapped_column(Integer)
    """Decides, with the test's id, which pairs are shown in which order."""


class Vote(Owned, Base):
    """An answer in a Turing test."""

    __tablename__ = "votes"
    __table_args__ = (UniqueConstraint("sitting_id", "trial", name="uq_votes_sitting_id"),)

    sitting_id: Mapped[str] = mapped_column(ForeignKey("sittings.id", ondelete="CASCADE"))
    trial: Mapped[str] = mapped_column(String(100))
    """Which pair of pictures was shown."""
    model: Mapped[str] = mapped_column(String(100))
    fooled: Mapped[bool] = mapped_column(Boolean)
    """Whether the colorized picture was taken for the real one."""
    seconds: Mapped[float] = mapped_column(Double)
