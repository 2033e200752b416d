"""Workers on the machines of a Ray cluster: started, given one item after the other, replaced where they die.

It knows nothing of photographs: whatever is to be worked on says what its workers are and do.
"""

from __future__ import annotations

import os
import re
import secrets
import socket
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from tinct.errors import ClusterError, MissingExtra
from tinct.jobs.pool import interrupts

Item = TypeVar("Item")
Done = TypeVar("Done")

DEATHS = 3
"""An item whose worker died as often is given up, and so is a cluster where as many workers in a row died unready."""
STORE = 128 << 20
"""Bytes of the object store of a cluster that is started here; only small answers and a model's file go through it."""
QUIET = {"log_to_driver": False, "logging_level": "error"}
"""What Ray is told; workers' errors are in what they answer."""
_POLL_SECONDS, _REACH_SECONDS, _PATIENCE_SECONDS, _LEAVE_SECONDS = 0.2, 5.0, 30.0, 5.0


@dataclass(frozen=True, slots=True)
class Greeting:
    """What a worker says when it is ready."""

    host: str
    """Name of its machine."""
    refusal: str | None = None
    """Why it can't be used, as on a machine with another model."""


@dataclass(frozen=True, slots=True)
class Duty(Generic[Item, Done]):
    """What the workers are, and what they are called for."""

    kind: type
    """Class of a worker; made with ``arguments``, it has the methods ``greet() -> Greeting`` and, for its end,
    ``leave() -> None``."""
    arguments: tuple[Any, ...]
    """Workers made with others are replaced."""
    method: str
    """Called with an item; it doesn't raise."""
    again: Callable[[Item], Item]
    """Gives the item for another worker, after one died with it."""
    lost: Callable[[Item, str], Done]
    """Gives what becomes of an item that is given up, with the reason."""
    key: Callable[[Item], Hashable]
    """Tells an item from others, also after ``again``."""
    width: int = 1
    """How many items a worker has under way at once, on threads."""
    gpus: int = 0
    """How many each worker takes."""


@dataclass(slots=True, eq=False)
class _Member:
    actor: Any
    host: str = ""
    under_way: int = 0
    alone: bool = False
    """Whether it has an item that a worker died with, which must not take others along again."""


@dataclass(slots=True)
class _Pass(Generic[Item, Done]):
    """One run over some items."""

    duty: Duty[Item, Done]
    items: Iterator[Item]
    on_done: Callable[[Done], None]
    stop: threading.Event
    again: deque[Item]
    """To be done before further ones are asked for."""
    tasks: dict[Any, tuple[_Member, Item]] = field(default_factory=dict)
    deaths: Counter[Hashable] = field(default_factory=Counter)
    ended: bool = False
    """Whether there are no further ones."""
    failure: Exception | None = None
    """What asking for one raised, to be raised once those under way are finished."""


class Crew:
    """The workers, for as long as the ``with`` block lasts.

    Args:
        address: ``HOST:PORT`` of a cluster's head; None takes ``RAY_ADDRESS``, and where that isn't set starts a
            cluster of this machine alone, which ends with the block.
        workers: how many; None takes one for each processor of the cluster.
        tell: is told what happens to workers.

    Raises:
        MissingExtra: Ray isn't installed.
    """

    def __init__(self, address: str | None, workers: int | None, tell: Callable[[str], None]) -> None:
        self._address = address or os.environ.get("RAY_ADDRESS") or "local"
        self._ray = _load(own=self._address == "local")
        self._wanted, self._tell = workers, tell
        self._made_of: tuple[Any, ...] | None = None
        self._ready: list[_Member] = []
        self._greetings: dict[Any, _Member] = {}
        self._stillborn = 0
        self._seen = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is None:  # else it is to end at once
            self._dismiss()
        self._ray.shutdown()

    def put(self, value: Any) -> Any:
        """Send a value to the cluster once, for the arguments of all workers.

        Raises:
            ClusterError: the cluster is out of reach.
        """
        self._connect()
        return self._ray.put(value)

    def run(
        self,
        duty: Duty[Item, Done],
        items: Iterable[Item],
        on_done: Callable[[Done], None],
        on_stop: Callable[[], None],
        stop: threading.Event,
    ) -> None:
        """Work on the items, each asked for when a worker is free for it, until they end or ``stop`` is set.

        Every item that was asked for ends in what the workers' method returns, or is given up. All functions are
        called on this thread.

        Raises:
            ClusterError: the cluster is out of reach, or its workers can't be used.
        """
        self._connect()
        self._equip(duty)
        work = _Pass(duty, iter(items), on_done, stop, deque())
        told = False
        with interrupts(stop) as interrupted:
            while True:
                if interrupted.is_set() and not told:
                    told = True
                    on_stop()
                self._hand_out(work)
                if not work.tasks and not work.again and (work.ended or stop.is_set()):
                    break
                for ref in self._wait(work.tasks):
                    if ref in self._greetings:
                        self._take_in(ref, duty)
                    else:
                        self._take_back(ref, work)
        if work.failure is not None:
            raise work.failure

    def _connect(self) -> None:
        if self._ray.is_initialized():
            return
        try:
            if self._address == "local":
                self._ray.init(
                    address="local",
                    num_cpus=self._wanted or os.cpu_count() or 1,
                    object_store_memory=STORE,
                    include_dashboard=False,
                    _system_config={"worker_niceness": 0},
                    **QUIET,
                )
            else:
                _reach(self._address)
                self._ray.init(address=self._address, **QUIET)
        except Exception as error:  # Ray raises all kinds, without a common base
            said = str(error.__cause__ or error).partition(". ")[0]
            if self._address == "local":
                raise ClusterError(f"Ray can't be started here ({said}); run it again, or use threads") from error
            raise ClusterError(
                f"the Ray cluster at {self._address} can't be used ({said}); --ray-address takes HOST:PORT of the "
                "machine where `ray start --head` was called; RAY_AUTH_MODE and RAY_AUTH_TOKEN hold what it asks for"
            ) from error

    def _equip(self, duty: Duty[Any, Any]) -> None:
        """Start workers, unless those for this duty are there."""
        made_of = (duty.kind, duty.arguments, duty.width)
        if self._made_of != made_of:
            self._dismiss()
            for member in (*self._ready, *self._greetings.values()):
                self._ray.kill(member.actor)
            self._made_of, self._ready, self._greetings = made_of, [], {}
        count = self._wanted or int(self._ray.cluster_resources().get("CPU", 1)) or 1
        while len(self._ready) + len(self._greetings) < count:
            self._hire(duty)

    def _dismiss(self) -> None:
        """Let the workers that are ready clear up where they are; those killed are cleared up after by later ones."""
        with suppress(Exception):  # the cluster may be out of reach, of which Ray raises all kinds
            leaving = [member.actor.leave.remote() for member in self._ready]
            if leaving:
                self._ray.wait(leaving, num_returns=len(leaving), timeout=_LEAVE_SECONDS)

    def _hire(self, duty: Duty[Any, Any]) -> None:
        """Start one more worker; it counts once it has greeted."""
        made = self._ray.remote(duty.kind).options(num_cpus=1, num_gpus=duty.gpus, max_concurrency=duty.width)
        actor = made.remote(*duty.arguments)
        self._greetings[actor.greet.remote()] = _Member(actor)

    def _hand_out(self, work: _Pass[Any, Any]) -> None:
        """Give items to all workers that are free: first those that a worker died with, to idle ones."""
        for member in self._ready:
            width = 1 if work.again else work.duty.width
            while not member.alone and member.under_way < width:
                if work.again:
                    item = work.again.popleft()
                    member.alone = True
                elif work.ended or work.stop.is_set():
                    return
                else:
                    try:
                        item = next(work.items)
                    except StopIteration:
                        work.ended = True
                        return
                    except Exception as error:  # noqa: BLE001 - raised when those under way are finished
                        work.ended, work.failure = True, error
                        return
                member.under_way += 1
                work.tasks[getattr(member.actor, work.duty.method).remote(item)] = (member, item)

    def _wait(self, tasks: Iterable[Any]) -> list[Any]:
        """Return what has finished, tasks and greetings; nothing where that takes longer than a moment."""
        refs = [*tasks, *self._greetings]
        now = time.monotonic()
        if self._ready:
            self._seen = now
        elif now - self._seen > _PATIENCE_SECONDS:
            self._seen = now
            free = self._ray.available_resources().get("CPU", 0)
            self._tell(f"waiting for a worker; {free:g} processors of the cluster are free")
        if not self._ray.wait(refs, num_returns=1, timeout=_POLL_SECONDS)[0]:
            return []
        return list(self._ray.wait(refs, num_returns=len(refs), timeout=0)[0])

    def _take_in(self, ref: Any, duty: Duty[Any, Any]) -> None:
        """Count a worker that is ready; replace one that died before."""
        member = self._greetings.pop(ref)
        try:
            greeting: Greeting = self._ray.get(ref)
        except self._ray.exceptions.RayError as error:
            self._stillborn += 1
            if self._stillborn >= DEATHS:
                said = f"{DEATHS} workers in a row died before they were ready: {_reason(error)}"
                raise ClusterError(said) from error
            self._hire(duty)
            return
        if greeting.refusal is not None:
            raise ClusterError(f"{greeting.host}: {greeting.refusal}")
        self._stillborn, member.host = 0, greeting.host
        self._ready.append(member)

    def _take_back(self, ref: Any, work: _Pass[Any, Any]) -> None:
        """Hand over what became of an item; give it to another worker where this one died."""
        member, item = work.tasks.pop(ref)
        member.under_way -= 1
        member.alone = False
        try:
            done = self._ray.get(ref)
        except self._ray.exceptions.RayTaskError:
            raise  # a method that mustn't raise did
        except self._ray.exceptions.RayError as error:
            reason = _reason(error)
            self._bury(member, work.duty, reason)
            key = work.duty.key(item)
            work.deaths[key] += 1
            if work.deaths[key] < DEATHS:
                work.again.append(work.duty.again(item))
                return
            done = work.duty.lost(item, f"its worker died {DEATHS} times while at it ({reason})")
        work.on_done(done)

    def _bury(self, member: _Member, duty: Duty[Any, Any], reason: str) -> None:
        """Replace a worker that died, or is out of reach; once, whatever it had under way."""
        if member in self._ready:
            self._ready.remove(member)
            self._tell(f"a worker on {member.host} died ({reason}); another does what it was at")
            self._ray.kill(member.actor)  # where it is only out of reach, it must not go on
            self._hire(duty)


def _load(*, own: bool) -> Any:
    """Import Ray.

    Args:
        own: whether to start a cluster here. Its ports are open to the network, and ask nobody who he is unless they
            are told to; Ray looks whether they are when it is imported.

    Raises:
        MissingExtra: it isn't installed.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is reported to Ray's makers
    if own and "ray" not in sys.modules:
        os.environ.setdefault("RAY_AUTH_MODE", "token")
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
    try:
        import ray
    except ImportError as error:
        raise MissingExtra("--engine ray", "ray") from error
    return ray


def _reach(address: str) -> None:
    """See whether somebody listens at an address; Ray itself takes minutes to give up, and then ends the process.

    Raises:
        OSError, ValueError: nobody does, or it is no address.
    """
    if address == "auto":
        return
    host, _, port = address.rpartition("://")[2].rpartition(":")
    if not host or not port.isdecimal():
        raise ValueError("it has no HOST:PORT")
    with socket.create_connection((host, int(port)), timeout=_REACH_SECONDS):
        pass


def _reason(error: BaseException) -> str:
    """Return why a worker died, without the advice that Ray gives."""
    text = str(error).strip()
    found = re.search(r"exit detail: ([^.]+)", text)
    return (found[1] if found else text.splitlines()[-1] if text else type(error).__name__)[:200]
