"""Workers that are killed, queues and databases that go and come back: nothing is lost, nothing is done twice."""

from __future__ import annotations

import random
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

LEASE = {"TINCT_LEASE_SECONDS": "2"}
"""For servers; workers of the tests have it too."""


def finish(client: Any, count: int, seconds: float) -> list[dict[str, Any]]:
    """Wait for the end of all jobs, and return them."""
    deadline = time.monotonic() + seconds
    while True:
        open_ones = sum(len(client.get(f"jobs?state={state}&limit=1").json()) for state in ("queued", "running"))
        if not open_ones:
            break
        assert time.monotonic() < deadline, "jobs are left"
        time.sleep(0.3)
    found: list[dict[str, Any]] = []
    while len(found) < count:
        page = client.get(f"jobs?limit=500&offset={len(found)}").json()
        assert page
        found += page
    return found


def wait_for_more(client: Any, before: int) -> int:
    """Wait until more jobs are done than before, and return how many."""
    deadline = time.monotonic() + 300
    done = before
    while done == before:
        assert time.monotonic() < deadline, "nothing is done any more"
        time.sleep(0.2)
        while page := client.get(f"jobs?state=done&limit=500&offset={done}").json():
            done += len(page)
    return done


def kill_at_random(
    client: Any, add_worker: Callable[..., Any], picture: str, count: int, kills: int, seconds: float, **settings: str
) -> None:
    """Have a picture colored often, kill workers meanwhile, and see that there are as many results as jobs."""
    rng = random.Random(0)
    ids = {client.post(f"pictures/{picture}/jobs", json={"mode": "vivid"}).json()["id"] for _ in range(count)}
    assert len(ids) == count
    workers = [add_worker(**settings), add_worker(**settings)]
    done = 0
    for number in range(kills):
        # Some before they have begun, most at work, however slow the machine is.
        if number % 4:
            done = wait_for_more(client, done)
        time.sleep(rng.uniform(0.2, 2))
        workers.pop(rng.randrange(len(workers))).kill()
        workers.append(add_worker(**settings))
    assert client.get("jobs?state=done&limit=1").json()
    assert client.get("jobs?state=queued&limit=1").json() or count < 100, "the last kill came after the last job"
    jobs = finish(client, count, seconds)
    assert {job["id"] for job in jobs} == ids
    assert {job["state"] for job in jobs} == {"done"}
    for job in rng.sample(jobs, min(20, count)):
        assert client.get(f"jobs/{job['id']}/result").status_code == 200


def count_results(url: str) -> tuple[int, int]:
    """Return how many results there are, and of how many jobs."""
    engine = create_engine(url)
    with engine.connect() as connection:
        query = text("SELECT count(*), count(DISTINCT job_id) FROM artifacts WHERE kind = 'result'")
        results, jobs = connection.execute(query).one()
    engine.dispose()
    return results, jobs


@pytest.fixture
def places(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[dict[str, str]]:
    """Variables that say where database and queue are."""
    if request.param == "sqlite":
        yield {"TINCT_DATABASE_URL": f"sqlite:///{tmp_path}/data/tinct.sqlite"}
        return
    found = {"TINCT_DATABASE_URL": request.getfixturevalue("make_postgresql")("killed")}
    if request.param == "postgresql":
        yield found
        return
    yield {**found, **request.getfixturevalue("start_redis")().queue}


def lose_nothing(
    launch: Callable[..., Any],
    add_worker: Callable[..., Any],
    photo: Path,
    places: dict[str, str],
    count: int,
    kills: int,
) -> None:
    """See that as many results are there as jobs, each once."""
    server = launch("--no-worker", **LEASE, **places)
    client = server.client()
    kill_at_random(client, add_worker, client.upload(photo), count, kills, 300 + 2 * count, **places)
    assert count_results(places["TINCT_DATABASE_URL"]) == (count, count)
    assert (server.data / "queue.sqlite").exists() == ("TINCT_QUEUE_URL" not in places)


@pytest.mark.parametrize("places", ["sqlite", "postgresql and redis"], indirect=True)
def test_killed_workers_lose_nothing_and_do_nothing_twice(
    launch: Callable[..., Any], add_worker: Callable[..., Any], small_photo: Path, places: dict[str, str]
) -> None:
    lose_nothing(launch, add_worker, small_photo, places, 40, 3)


@pytest.mark.slow
@pytest.mark.parametrize("places", ["sqlite", "postgresql", "postgresql and redis"], indirect=True)
def test_a_thousand_jobs_and_twenty_kills(
    launch: Callable[..., Any], add_worker: Callable[..., Any], small_photo: Path, places: dict[str, str]
) -> None:
    lose_nothing(launch, add_worker, small_photo, places, 1000, 20)


def test_two_servers_and_a_worker_on_postgresql(
    launch: Callable[..., Any],
    add_worker: Callable[..., Any],
    make_postgresql: Callable[[str], str],
    small_photo: Path,
) -> None:
    url = make_postgresql("servers")
    first, second = (launch("--no-worker", TINCT_DATABASE_URL=url, **LEASE) for _ in range(2))
    add_worker(TINCT_DATABASE_URL=url)
    picture = first.client().upload(small_photo)
    job = second.client().post(f"pictures/{picture}/jobs", json={}).json()["id"]
    assert first.client().wait(job)["state"] == "done"
    assert second.client().get(f"jobs/{job}/result").status_code == 200


def test_lost_messages_are_made_up_for(
    launch: Callable[..., Any], add_worker: Callable[..., Any], small_photo: Path
) -> None:
    server = launch("--no-worker")
    client = server.client()
    picture = client.upload(small_photo)
    ids = [client.post(f"pictures/{picture}/jobs", json={}).json()["id"] for _ in range(3)]
    with sqlite3.connect(server.data / "queue.sqlite") as queue:
        assert queue.execute("DELETE FROM task").rowcount == 3
    queue.close()
    add_worker()
    assert [client.wait(id)["state"] for id in ids] == ["done"] * 3


def test_a_queue_that_is_gone_only_delays(
    launch: Callable[..., Any], add_worker: Callable[..., Any], small_photo: Path
) -> None:
    away = {"TINCT_QUEUE_URL": "redis://127.0.0.1:9/0"}
    client = launch("--no-worker", **away).client()
    health = client.get("health")
    assert (health.status_code, health.json()["queue"]) == (200, False)
    job = client.post(f"pictures/{client.upload(small_photo)}/jobs", json={})
    assert job.status_code == 202
    add_worker(**away)
    assert client.wait(job.json()["id"])["state"] == "done"


def test_a_database_that_is_locked_is_503_and_comes_back(launch: Callable[..., Any], small_photo: Path) -> None:
    server = launch("--no-worker")
    client = server.client()
    picture = client.upload(small_photo)
    database = server.data / "tinct.sqlite"
    lock = sqlite3.connect(database, isolation_level=None)
    lock.execute("BEGIN EXCLUSIVE")
    try:
        answer = client.post(f"pictures/{picture}/jobs", json={})
        assert answer.status_code == 503
        assert answer.json()["kind"] == "DatabaseError"
        assert "Retry-After" in answer.headers
        assert client.get("health").status_code == 200  # reading goes on
    finally:
        lock.execute("ROLLBACK")
        lock.close()
    assert client.post(f"pictures/{picture}/jobs", json={}).status_code == 202


def test_a_server_that_is_killed_leaves_no_worker_and_goes_on_when_it_is_back(
    launch: Callable[..., Any], small_photo: Path
) -> None:
    server = launch(**LEASE)
    client = server.client()
    picture = client.upload(small_photo)
    ids = [client.post(f"pictures/{picture}/jobs", json={}).json()["id"] for _ in range(5)]
    server.process.kill()
    server.process.wait()
    again = launch(data=server.data, **LEASE).client()
    assert [again.wait(id)["state"] for id in ids] == ["done"] * 5
    assert count_results(f"sqlite:///{server.data}/tinct.sqlite") == (5, 5)


def test_sigterm_ends_it_within_ten_seconds_with_streams_open(launch: Callable[..., Any], small_photo: Path) -> None:
    server = launch("--no-worker")
    client = server.client()
    job = client.post(f"pictures/{client.upload(small_photo)}/jobs", json={}).json()["id"]
    stream = client.get(f"jobs/{job}/events", stream=True)
    assert next(stream.iter_lines()) == b"retry: 2000"
    assert server.stop(signal.SIGTERM) < 10
    assert server.process.returncode == 0
    stream.close()


def test_a_deleted_picture_stops_its_jobs(launch: Callable[..., Any], small_photo: Path) -> None:
    server = launch("--no-worker")
    client = server.client()
    picture = client.upload(small_photo)
    job = client.post(f"pictures/{picture}/jobs", json={}).json()["id"]
    assert client.delete(f"pictures/{picture}").status_code == 204
    assert client.get(f"jobs/{job}").json()["state"] == "stopped"
    assert client.get(f"jobs/{job}/result").status_code == 409
    assert client.post(f"pictures/{picture}/jobs", json={}).status_code == 404
    assert list((server.data / "files").glob("[0-9a-f][0-9a-f]/*")) == []  # for good


def test_a_queue_in_redis_that_goes_and_comes_back(
    launch: Callable[..., Any], add_worker: Callable[..., Any], start_redis: Callable[..., Any], small_photo: Path
) -> None:
    redis = start_redis()
    server = launch("--no-worker", **redis.queue)
    client = server.client()
    add_worker(**redis.queue)
    picture = client.upload(small_photo)

    def color() -> None:
        job = client.post(f"pictures/{picture}/jobs", json={}).json()["id"]
        assert client.wait(job)["state"] == "done"

    assert client.get("health").json()["queue"]
    color()
    assert not (server.data / "queue.sqlite").exists()
    redis.stop()
    color()
    start_redis(redis.port)
    color()
