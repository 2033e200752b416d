from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from tinct.db.jobs import MOST_DEATHS
from tinct.db.repository import Repository
from tinct.db.tables import Artifact
from tinct.errors import Conflict, DatabaseError, NotFound, TooMany


@pytest.fixture
def repository(repository_of: Callable[[], Repository]) -> Repository:
    return repository_of()


@pytest.fixture
def ann(repository: Repository) -> str:
    return repository.users.ensure("ann")


def result(user_id: str, job_id: str) -> Artifact:
    return Artifact(
        user_id=user_id, job_id=job_id, kind="result", name="n", media_type="image/png", size=1, sha256="", key=job_id
    )


def test_a_job_from_beginning_to_end(repository: Repository, ann: str) -> None:
    jobs = repository.jobs
    job = jobs.add(ann, "colorize", "colorize", {"mode": "vivid"})
    assert (job.state, job.attempt, job.revision) == ("queued", 0, 1)
    taken = jobs.claim(job.id, "worker")
    assert taken is not None
    assert (taken.state, taken.attempt) == ("running", 1)
    assert jobs.beat(job.id, 1, progress=0.5, message="half") == "go on"
    assert jobs.get(ann, job.id).progress == 0.5
    assert jobs.finish(job.id, 1, [result(ann, job.id)], ["a note"])
    done = jobs.get(ann, job.id)
    assert (done.state, done.progress, done.notes) == ("done", 1.0, ["a note"])
    assert done.started is not None
    assert done.finished is not None
    assert job.created <= done.started <= done.finished
    assert repository.artifacts.of_job(ann, job.id).key == job.id


def test_of_many_workers_one_gets_a_job(repository_of: Callable[[], Repository]) -> None:
    first = repository_of()
    ann = first.users.ensure("ann")
    ids = [first.jobs.add(ann, "colorize", "colorize", {}).id for _ in range(10)]
    got: list[str] = []
    others = [repository_of() for _ in range(4)]

    def take(other: Repository) -> None:
        got.extend(id for id in ids if other.jobs.claim(id, "w") is not None)

    threads = [threading.Thread(target=take, args=(other,)) for other in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == sorted(ids)


def test_a_worker_thought_dead_can_t_finish(repository: Repository, ann: str) -> None:
    jobs = repository.jobs
    id = jobs.add(ann, "colorize", "colorize", {}).id
    assert jobs.claim(id, "first")
    assert jobs.take_back(jobs.running()[0])
    assert jobs.claim(id, "second")
    assert jobs.beat(id, 1) == "lost"
    assert not jobs.finish(id, 1, [result(ann, id)])
    assert not jobs.fail(id, 1, "no", "Error")
    assert not jobs.release(id, 1)
    with pytest.raises(NotFound):
        repository.artifacts.of_job(ann, id)
    assert jobs.finish(id, 2, [result(ann, id)])


def test_a_worker_may_finish_again_where_the_answer_was_lost(repository: Repository, ann: str) -> None:
    jobs = repository.jobs
    for stopped in (False, True):
        id = jobs.add(ann, "colorize", "colorize", {}).id
        assert jobs.claim(id, "w")
        made = [] if stopped else [result(ann, id)]
        assert jobs.finish(id, 1, made, stopped=stopped)
        revision = jobs.get(ann, id).revision
        assert jobs.finish(id, 1, made, stopped=stopped)
        assert jobs.get(ann, id).revision == revision
        assert not jobs.finish(id, 1, made, stopped=not stopped)


def test_a_worker_that_beats_keeps_its_job(repository: Repository, ann: str) -> None:
    jobs = repository.jobs
    id = jobs.add(ann, "colorize", "colorize", {}).id
    assert jobs.claim(id, "first")
    seen = jobs.running()[0]
    jobs.beat(id, 1)
    assert not jobs.take_back(seen)
    assert jobs.get(ann, id).state == "running"


def test_what_kills_every_worker_is_given_up(repository: Repository, ann: str) -> None:
    jobs = repository.jobs
    id = jobs.add(ann, "colorize", "colorize", {}).id
    for death in range(MOST_DEATHS):
        assert jobs.claim(id, "w") is not None
        assert jobs.release(id, jobs.get(ann, id).attempt)  # which is no death
        assert jobs.claim(id, "w") is not None
        assert jobs.take_back(jobs.running()[0]) == (death < MOST_DEATHS - 1)
    assert jobs.get(ann, id).state == "failed"
    assert jobs.get(ann, id).error_kind == "WorkerDied"


def test_stopping(repository: Repository, ann: str) -> None:
    jobs = repository.jobs
    waiting, running, dying = (jobs.add(ann, "colorize", "colorize", {}).id for _ in range(3))
    assert jobs.stop(ann, waiting).state == "stopped"
    assert jobs.claim(waiting, "w") is None
    assert jobs.claim(running, "w")
    assert jobs.stop(ann, running).state == "running"
    assert jobs.beat(running, 1) == "stop"
    assert jobs.finish(running, 1, stopped=True)
    with pytest.raises(Conflict):
        jobs.stop(ann, running)
    assert jobs.claim(dying, "w")
    jobs.stop(ann, dying)
    jobs.take_back(jobs.running()[0])
    assert jobs.get(ann, dying).state == "stopped"


def test_others_jobs_are_out_of_reach(repository: Repository, ann: str) -> None:
    bob = repository.users.ensure("bob")
    id = repository.jobs.add(ann, "colorize", "colorize", {}).id
    for act in (repository.jobs.get, repository.jobs.stop, repository.jobs.delete):
        with pytest.raises(NotFound):
            act(bob, id)
    assert repository.jobs.find(bob) == []


def test_limits(repository: Repository, ann: str) -> None:
    repository.jobs.add(ann, "colorize", "colorize", {}, most_queued=1)
    with pytest.raises(TooMany):
        repository.jobs.add(ann, "colorize", "colorize", {}, most_queued=1)
    with pytest.raises(TooMany):
        repository.runs.add(ann, "n", "r", {}, most_queued=1)
    assert repository.runs.find(ann) == []
    run, job = repository.runs.add(ann, "n", "r", {})
    with pytest.raises(Conflict):
        repository.jobs.add(ann, "train", "train", {}, run_id=run.id)
    repository.jobs.stop(ann, job.id)
    repository.jobs.add(ann, "train", "train", {}, run_id=run.id)


def test_deleting_gives_the_keys_of_the_files(repository: Repository, ann: str) -> None:
    jobs = repository.jobs
    id = jobs.add(ann, "colorize", "colorize", {}).id
    jobs.claim(id, "w")
    with pytest.raises(Conflict):
        jobs.delete(ann, id)
    jobs.finish(id, 1, [result(ann, id)])
    assert jobs.delete(ann, id) == [id]
    with pytest.raises(NotFound):
        repository.artifacts.of_job(ann, id)


def test_a_locked_database_is_said_and_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tinct.db.session.BUSY_SECONDS", 0.1)
    repository = Repository(f"sqlite:///{tmp_path}/x.sqlite")
    repository.migrate()
    ann = repository.users.ensure("ann")
    with repository.database.engine.connect() as other:
        other.rollback()
        other.exec_driver_sql("COMMIT")
        other.exec_driver_sql("BEGIN EXCLUSIVE")
        with pytest.raises(DatabaseError, match="locked"):
            repository.jobs.add(ann, "colorize", "colorize", {})
        other.execute(text("ROLLBACK"))
        other.exec_driver_sql("BEGIN")
    assert repository.jobs.add(ann, "colorize", "colorize", {}).state == "queued"
    repository.close()


def test_a_run_s_open_job_is_its_last_whatever_the_clock_says(repository: Repository, ann: str) -> None:
    run, first = repository.runs.add(ann, "mine", "cifar-cnn", {})
    assert repository.jobs.claim(first.id, "w")
    assert repository.jobs.finish(first.id, 1, stopped=True)
    second = repository.jobs.add(ann, "train", "train", {}, run_id=run.id)
    with repository.database.write() as session:  # it was begun, then the clock was set back
        session.execute(text("UPDATE jobs SET created = created + 86400 WHERE id = :id"), {"id": first.id})
    last = repository.runs.last_job(run.id)
    assert last is not None
    assert last.id == second.id
