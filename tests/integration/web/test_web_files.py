"""What workers delete of the store, and what never: whatever database they have, and whatever answer is lost."""

from __future__ import annotations

import dataclasses
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from tinct.db.tables import Artifact, Job
from tinct.errors import DatabaseError, NotFound
from tinct.settings import ServerSettings
from tinct.web import worker as working
from tinct.web.context import Context
from tinct.web.tasks import Outcome
from tinct.web.worker import Worker

YEAR = 365 * 86_400


@pytest.fixture
def open_context(tmp_path: Path) -> Iterator[Callable[[str], Context]]:
    """Returns a function that opens a database of a name, on the same data folder."""
    opened: list[Context] = []

    def open_one(name: str) -> Context:
        opened.append(Context.open(ServerSettings(tmp_path / "data", f"sqlite:///{tmp_path}/{name}.sqlite")))
        return opened[-1]

    yield open_one
    for context in opened:
        context.close()


def store(context: Context, *, named: bool = True) -> str:
    """Put a file into the store that is a year old, and return its key."""
    (key,) = context.new_keys()
    with context.storage.staging() as folder:
        (folder / "file").write_bytes(b"content")
        os.utime(folder / "file", (time.time() - YEAR,) * 2)
        context.storage.put(folder / "file", key)
    if named:
        ann = context.repository.users.ensure("ann")
        row = Artifact(user_id=ann, kind="picture", name="n", media_type="image/png", size=7, sha256="", key=key)
        context.repository.artifacts.add(row)
    return key


def is_there(context: Context, key: str) -> bool:
    try:
        with context.storage.fetch(key):
            return True
    except NotFound:
        return False


def test_what_was_cut_short_goes_and_what_is_named_stays(open_context: Callable[[str], Context]) -> None:
    context = open_context("own")
    named, cut_short = store(context), store(context, named=False)
    context.tidy(3600)
    assert is_there(context, cut_short)  # it may be named yet
    context.tidy(-60)
    assert not is_there(context, cut_short)
    assert is_there(context, named)
    assert context.repository.files.unnamed(-60) == []


def test_a_worker_with_another_database_deletes_nothing(open_context: Callable[[str], Context]) -> None:
    own, wrong = open_context("own"), open_context("wrong")
    named = store(own)
    wrong.tidy(-60)
    assert is_there(own, named)


def test_a_database_of_a_backup_deletes_nothing_that_came_later(
    open_context: Callable[[str], Context], tmp_path: Path
) -> None:
    own = open_context("own")
    before = store(own)
    with sqlite3.connect(tmp_path / "own.sqlite") as source, sqlite3.connect(tmp_path / "restored.sqlite") as target:
        source.backup(target)
    source.close()
    target.close()
    later = store(own)
    restored = open_context("restored")
    newer = store(restored)
    restored.tidy(-60)
    assert [is_there(own, key) for key in (before, later, newer)] == [True] * 3


def test_the_first_tidying_is_not_at_the_start(
    open_context: Callable[[str], Context], monkeypatch: pytest.MonkeyPatch
) -> None:
    context, tidied = open_context("own"), []
    worker = Worker(context)
    monkeypatch.setattr(Context, "tidy", lambda *_: tidied.append(time.monotonic()) or worker.stop())
    monkeypatch.setattr(working, "TIDY_SECONDS", 2.5)
    began = time.monotonic()
    worker._watch()
    assert tidied[0] - began > 2.5


class Done:
    """A task that makes a file."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.key = ""

    def do(self, job: Job, _ending: Any) -> Outcome:
        self.key = store(self._context, named=False)
        row = Artifact(
            user_id=job.user_id, job_id=job.id, kind="result", name="n", media_type="x", size=7, sha256="", key=self.key
        )
        return Outcome([row])

    def close(self) -> None:
        """Nothing is to be done."""


@pytest.mark.parametrize("stopping", [False, True])
def test_a_result_stays_where_the_answer_to_its_note_is_lost(
    open_context: Callable[[str], Context], monkeypatch: pytest.MonkeyPatch, stopping: bool
) -> None:
    context = open_context("own")
    jobs, ann = context.repository.jobs, context.repository.users.ensure("ann")
    job = jobs.claim(jobs.add(ann, "colorize", "colorize", {}).id, "w")
    assert job is not None
    worker, task, finish = Worker(context), Done(context), jobs.finish

    def lose(*arguments: Any, **options: Any) -> bool:
        finish(*arguments, **options)
        monkeypatch.undo()
        if stopping:
            worker.stop()
        raise DatabaseError("the connection was lost")

    monkeypatch.setattr(jobs, "finish", lose)
    worker._do(task, job)
    assert jobs.get(ann, job.id).state == "done"
    assert context.repository.artifacts.of_job(ann, job.id).key == task.key
    assert is_there(context, task.key)


def test_a_result_that_came_too_late_is_deleted(open_context: Callable[[str], Context]) -> None:
    context = open_context("own")
    jobs, ann = context.repository.jobs, context.repository.users.ensure("ann")
    job = jobs.claim(jobs.add(ann, "colorize", "colorize", {}).id, "w")
    assert job is not None
    assert jobs.take_back(jobs.running()[0])
    assert jobs.claim(job.id, "other")
    task = Done(context)
    Worker(context)._do(task, job)
    assert not is_there(context, task.key)


def test_a_mask_of_a_picture_that_was_deleted_meanwhile_is_deleted(open_context: Callable[[str], Context]) -> None:
    context = open_context("own")
    ann, key = context.repository.users.ensure("ann"), store(context, named=False)
    mask = Artifact(user_id=ann, picture_id="0" * 32, kind="mask", name="n", media_type="x", size=7, sha256="", key=key)
    with pytest.raises(NotFound):
        context.put_beside(mask)
    assert not is_there(context, key)
    assert context.repository.artifacts.count(ann, "mask") == 0


def test_what_is_old_is_kept_for_the_days_that_are_set(open_context: Callable[[str], Context]) -> None:
    for_ever = open_context("own")
    context = dataclasses.replace(for_ever, settings=dataclasses.replace(for_ever.settings, keep_days=3))
    jobs, ann = context.repository.jobs, context.repository.users.ensure("ann")
    old, young = store(context), store(context)
    pictures = {row.key: row.id for row in context.repository.artifacts.all(ann, "picture")}
    results = [color(context, ann, pictures[key]) for key in (old, young, young)]
    with context.repository.database.write() as session:
        long_ago = {"artifacts": f"key != '{young}'", "jobs": f"id != '{results[2].job_id}'"}
        for table, which in long_ago.items():
            session.execute(text(f"UPDATE {table} SET created = created - 300000 WHERE {which}"))
        session.execute(text(f"UPDATE jobs SET finished = finished - 300000 WHERE {long_ago['jobs']}"))
    for_ever.tidy(3600)
    kept = [old, young, *(result.key for result in results)]
    assert all(is_there(context, key) for key in kept)
    for _ in range(2):
        context.tidy(3600)
    assert [is_there(context, key) for key in kept] == [False, True, False, False, True]
    assert [job.id for job in jobs.find(ann)] == [results[2].job_id]
    assert [row.key for row in context.repository.artifacts.all(ann, "picture")] == [young]


def color(context: Context, user_id: str, picture_id: str) -> Artifact:
    """Note a job that is done, and return its result."""
    jobs = context.repository.jobs
    job = jobs.claim(jobs.add(user_id, "colorize", "colorize", {}, picture_id=picture_id).id, "w")
    assert job is not None
    result = Artifact(
        user_id=user_id,
        job_id=job.id,
        picture_id=picture_id,
        kind="result",
        name="n",
        media_type="x",
        size=7,
        sha256="",
        key=store(context, named=False),
    )
    assert jobs.finish(job.id, job.attempt, [result])
    return result
