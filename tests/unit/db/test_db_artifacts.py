"""What belongs to a picture: one of a kind, whoever sends it at once, and gone with it, whatever is under way."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from sqlalchemy import select, update

from tinct.db.repository import Repository
from tinct.db.tables import Artifact, Job
from tinct.errors import Conflict, NotFound


@pytest.fixture
def repository(repository_of: Callable[[], Repository]) -> Repository:
    return repository_of()


@pytest.fixture
def ann(repository: Repository) -> str:
    return repository.users.ensure("ann")


def row(user_id: str, kind: str, key: str, picture_id: str | None = None, job_id: str | None = None) -> Artifact:
    return Artifact(
        user_id=user_id,
        picture_id=picture_id,
        job_id=job_id,
        kind=kind,
        name="n",
        media_type="image/png",
        size=1,
        sha256="",
        key=key,
    )


@pytest.fixture
def picture(repository: Repository, ann: str) -> str:
    """The id of a picture."""
    kept = row(ann, "picture", "picture")
    repository.artifacts.add(kept)
    return kept.id


def keys(repository: Repository) -> list[str]:
    with repository.database.read() as session:
        return sorted(session.scalars(select(Artifact.key)))


def begin(repository: Repository, user_id: str, picture: str, batch_id: str | None = None) -> Job:
    """Have a worker take a job."""
    id = repository.jobs.add(user_id, "colorize", "colorize", {}, picture_id=picture, batch_id=batch_id).id
    job = repository.jobs.claim(id, "w")
    assert job is not None
    return job


def at_once(*acts: Callable[[], object]) -> None:
    """Have all done at the same moment."""
    together = threading.Barrier(len(acts))

    def do(act: Callable[[], object]) -> None:
        together.wait(timeout=30)
        act()

    with ThreadPoolExecutor(len(acts)) as pool:
        list(pool.map(do, acts))


def test_of_masks_sent_at_once_one_stays(
    repository: Repository, repository_of: Callable[[], Repository], ann: str, picture: str
) -> None:
    replaced: list[str] = []

    def send(other: Repository, key: str) -> None:
        replaced.extend(other.artifacts.replace(row(ann, "mask", key, picture)))

    sent = [f"mask {number}" for number in range(4)]
    at_once(*(partial(send, repository_of(), key) for key in sent))
    (kept,) = set(sent) - set(replaced)
    assert len(replaced) == 3
    assert repository.artifacts.of_picture(ann, picture, "mask").key == kept
    assert repository.artifacts.replace(row(ann, "mask", "last", picture)) == [kept]
    assert repository.artifacts.of_picture(ann, picture, "mask").key == "last"


def test_what_is_under_way_makes_nothing_of_a_deleted_picture(repository: Repository, ann: str, picture: str) -> None:
    jobs = repository.jobs
    job = begin(repository, ann, picture)
    assert repository.artifacts.delete(ann, picture) == ["picture"]
    assert jobs.beat(job.id, 1) == "stop"
    made = row(ann, "result", "result", picture, job.id)
    for _ in range(2):  # the answer to the first time may be lost
        assert not jobs.finish(job.id, 1, [made])
    assert jobs.get(ann, job.id).state == "stopped"
    with pytest.raises(NotFound):
        repository.artifacts.replace(row(ann, "mask", "mask", picture))
    assert keys(repository) == []


def test_a_result_noted_while_its_picture_is_deleted_goes_too(
    repository: Repository, repository_of: Callable[[], Repository], ann: str
) -> None:
    deleting, finishing = repository_of(), repository_of()
    for number in range(10):
        kept = row(ann, "picture", f"picture {number}")
        repository.artifacts.add(kept)
        job = begin(repository, ann, kept.id)
        made = row(ann, "result", f"result {number}", kept.id, job.id)
        at_once(
            partial(deleting.artifacts.delete, ann, kept.id),
            partial(finishing.jobs.finish, job.id, job.attempt, [made]),
        )
    assert keys(repository) == []


def test_a_data_set_that_is_trained_on_stays(repository: Repository, ann: str) -> None:
    first, second, third = (row(ann, "dataset", key) for key in ("first", "second", "third"))
    repository.artifacts.add(first, second, third)
    _, training = repository.runs.add(ann, "run", "cifar-cnn", {"data": first.id})
    test = repository.jobs.add(ann, "turing", "train", {"data": second.id})
    assert repository.jobs.claim(test.id, "w")
    for kept in (first, second):
        with pytest.raises(Conflict, match="uses this data set"):
            repository.artifacts.delete(ann, kept.id)
    assert repository.artifacts.delete(ann, third.id) == ["third"]
    repository.jobs.stop(ann, training.id)
    assert repository.jobs.finish(test.id, 1)
    assert [repository.artifacts.delete(ann, gone.id) for gone in (first, second)] == [["first"], ["second"]]


def test_downloaded_results_make_room_for_a_newer_one(repository: Repository, ann: str, picture: str) -> None:
    other = row(ann, "picture", "other")
    repository.artifacts.add(other)
    jobs = [begin(repository, ann, id, batch) for id, batch in [(picture, None)] * 3 + [(picture, "b")] * 2]
    jobs.append(begin(repository, ann, other.id))
    results = [row(ann, "result", f"result {number}", job.picture_id, job.id) for number, job in enumerate(jobs)]
    for job, made in zip(jobs, results, strict=True):
        assert repository.jobs.finish(job.id, job.attempt, [made])
    assert repository.artifacts.make_room(jobs[0]) == []
    fetched = [repository.artifacts.of_job(ann, jobs[number].id) for number in (0, 1, 3, 5)]
    for _ in range(2):
        repository.artifacts.note_fetched(fetched)
    # Of its own batch and of another picture none goes, nor one that nobody has downloaded.
    assert repository.artifacts.make_room(jobs[4]) == ["result 0", "result 1"]
    assert repository.artifacts.make_room(jobs[2]) == ["result 3"]
    assert keys(repository) == ["other", "picture", "result 2", "result 4", "result 5"]


def test_pictures_that_nothing_was_done_with_are_found(repository: Repository, ann: str) -> None:
    kinds = ("left", "hinted", "masked", "colored", "waiting")
    pictures = {kind: row(ann, "picture", kind) for kind in kinds}
    repository.artifacts.add(*pictures.values())
    ids = {kind: picture.id for kind, picture in pictures.items()}
    job = begin(repository, ann, ids["colored"])
    with repository.database.write() as session:  # all that was long ago
        session.execute(update(Artifact).values(created=Artifact.created - 100))
        session.execute(update(Job).values(created=Job.created - 100))
    repository.artifacts.set_hints(ann, ids["hinted"], [], revision=None)
    repository.artifacts.replace(row(ann, "mask", "mask", ids["masked"]))
    repository.jobs.add(ann, "colorize", "colorize", {}, picture_id=ids["waiting"])
    assert repository.jobs.finish(job.id, job.attempt)
    assert [picture.id for picture in repository.artifacts.unused(50)] == [ids["left"]]
    assert repository.artifacts.unused(150) == []
    assert repository.jobs.ended(50) == []
    assert [ended.id for ended in repository.jobs.ended(-50)] == [job.id]
