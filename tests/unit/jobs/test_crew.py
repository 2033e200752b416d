"""A crew's rules, on a stand-in for Ray that works in this thread; the real one has tests of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from tinct.errors import ClusterError
from tinct.jobs import crew as module
from tinct.jobs.crew import DEATHS, Crew, Duty, Greeting


class RayError(Exception):
    """Base of Ray's errors."""


class RayTaskError(RayError):
    """A task raised."""


class ActorDied(RayError):
    """An actor is gone."""


class Death(Exception):
    """Raised by a worker to die."""


class FakeActor:
    def __init__(self, worker: Callable[[], Any]) -> None:
        self.make, self.alive, self.made, self.left = worker, True, None, False

    def __getattr__(self, name: str) -> Any:
        if name == "leave":
            self.left = True
        return SimpleNamespace(remote=lambda *items: FakeRef(self, name, items))


class FakeRef:
    def __init__(self, actor: FakeActor, name: str, items: tuple[Any, ...]) -> None:
        self.actor, self.name, self.items = actor, name, items

    def result(self) -> Any:
        actor = self.actor
        if not actor.alive:
            raise ActorDied("exit detail: it was killed. More advice.")
        try:
            if actor.made is None:
                actor.made = actor.make()
            return getattr(actor.made, self.name)(*self.items)
        except Death as error:
            actor.alive = False
            raise ActorDied("exit detail: it was killed. More advice.") from error


class FakeRay:
    """What :class:`Crew` uses of Ray."""

    exceptions = SimpleNamespace(RayError=RayError, RayTaskError=RayTaskError)

    def __init__(self) -> None:
        self.actors: list[FakeActor] = []

    def is_initialized(self) -> bool:
        return True

    def shutdown(self) -> None:
        self.actors.clear()

    def remote(self, kind: type) -> Any:
        def make(*arguments: Any) -> FakeActor:
            self.actors.append(FakeActor(lambda: kind(*arguments)))
            return self.actors[-1]

        return SimpleNamespace(options=lambda **_options: SimpleNamespace(remote=make))

    def wait(self, refs: Sequence[FakeRef], num_returns: int, timeout: float) -> tuple[list[FakeRef], list[FakeRef]]:
        return list(refs[:num_returns]), list(refs[num_returns:])

    def get(self, ref: FakeRef) -> Any:
        return ref.result()

    def kill(self, actor: FakeActor) -> None:
        actor.alive = False


class Doubler:
    """Doubles numbers; some of them kill it."""

    def __init__(self, deadly: set[int], refusal: str | None = None) -> None:
        self.deadly, self.refusal = deadly, refusal

    def greet(self) -> Greeting:
        return Greeting("here", self.refusal)

    def double(self, number: int) -> int:
        if number in self.deadly:
            if number < 0:  # deadly once only
                self.deadly.remove(number)
            raise Death
        return 2 * number


class Stillborn(Doubler):
    def greet(self) -> Greeting:
        raise Death


@pytest.fixture
def ray(monkeypatch: pytest.MonkeyPatch) -> FakeRay:
    made = FakeRay()
    monkeypatch.setattr(module, "_load", lambda *, own: made)
    return made


def duty(deadly: set[int] = frozenset(), width: int = 1, **changes: Any) -> Duty[int, Any]:  # type: ignore[assignment]
    fields: dict[str, Any] = {
        "kind": Doubler,
        "arguments": (set(deadly),),
        "method": "double",
        "again": lambda number: number,
        "lost": lambda number, reason: (number, reason),
        "key": lambda number: number,
        "width": width,
    }
    return Duty(**fields | changes)


def work(crew: Crew, duty: Duty[int, Any], numbers: Any, stop: threading.Event | None = None) -> list[Any]:
    done: list[Any] = []
    crew.run(duty, numbers, done.append, lambda: pytest.fail("no Ctrl-C"), stop or threading.Event())
    return done


def test_everything_is_done_once_and_asked_for_when_there_is_room(ray: FakeRay) -> None:
    asked: list[int] = []
    done: list[int] = []

    def numbers() -> Any:
        for number in range(50):
            asked.append(number)
            assert len(asked) - len(done) <= 6
            yield number

    with Crew("head:1", 3, pytest.fail) as crew:
        crew.run(duty(width=2), numbers(), done.append, lambda: None, threading.Event())
        assert len(ray.actors) == 3
    assert sorted(done) == [2 * number for number in range(50)]


def test_what_a_worker_died_with_is_done_by_another(ray: FakeRay) -> None:
    said: list[str] = []
    with Crew("head:1", 2, said.append) as crew:
        done = work(crew, duty({-3, -5}), range(-8, 4))
        assert len(ray.actors) == 4
    assert sorted(done) == [2 * number for number in range(-8, 4)]
    assert said == ["a worker on here died (it was killed); another does what it was at"] * 2


def test_what_kills_every_worker_is_given_up_and_takes_no_other_along(ray: FakeRay) -> None:
    said: list[str] = []
    with Crew("head:1", 2, said.append) as crew:
        done = work(crew, duty({7}, width=3), range(20))
    assert [found for found in done if isinstance(found, tuple)] == [
        (7, f"its worker died {DEATHS} times while at it (it was killed)")
    ]
    assert sorted(found for found in done if isinstance(found, int)) == [2 * at for at in range(20) if at != 7]


def test_a_worker_that_does_not_fit_ends_the_run(ray: FakeRay) -> None:
    unfit = duty(arguments=(set(), "it has another model"))
    with Crew("head:1", 2, pytest.fail) as crew, pytest.raises(ClusterError, match="here: it has another model"):
        work(crew, unfit, range(5))


def test_workers_that_die_before_they_are_ready_end_the_run(ray: FakeRay) -> None:
    with Crew("head:1", 1, pytest.fail) as crew, pytest.raises(ClusterError, match="died before they were ready"):
        work(crew, duty(kind=Stillborn), range(5))
    assert len(ray.actors) <= DEATHS


def test_workers_stay_for_the_next_run_unless_they_are_made_of_something_else(ray: FakeRay) -> None:
    with Crew("head:1", 2, pytest.fail) as crew:
        same = duty()
        assert sorted(work(crew, same, range(3))) == [0, 2, 4]
        assert sorted(work(crew, same, range(3))) == [0, 2, 4]
        assert len(ray.actors) == 2
        assert not any(actor.left for actor in ray.actors)
        work(crew, duty(width=2), range(3))
        actors = list(ray.actors)
        assert [actor.alive for actor in actors] == [False, False, True, True]
        assert [actor.left for actor in actors] == [True, True, False, False]
    assert all(actor.left for actor in actors)


def test_stopping_finishes_what_is_under_way(ray: FakeRay) -> None:
    stop = threading.Event()
    done: list[int] = []

    def on_done(number: int) -> None:
        done.append(number)
        stop.set()

    with Crew("head:1", 2, pytest.fail) as crew:
        crew.run(duty(), range(100), on_done, lambda: None, stop)
    assert done == [0, 2]


def test_what_the_items_raise_is_raised_after_the_others_are_done(ray: FakeRay) -> None:
    done: list[int] = []

    def numbers() -> Any:
        yield 1
        raise OSError("the disk is full")

    with Crew("head:1", 2, pytest.fail) as crew, pytest.raises(OSError, match="full"):
        crew.run(duty(), numbers(), done.append, lambda: None, threading.Event())
    assert done == [2]


def test_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    for address in ("head", "head:port", ":1", "http://"):
        with pytest.raises(ValueError, match="HOST:PORT"):
            module._reach(address)
    with pytest.raises(OSError, match="refused"):
        module._reach("127.0.0.1:1")
