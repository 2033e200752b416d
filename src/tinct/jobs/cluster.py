"""A batch over the machines of a Ray cluster: workers there, the list and all decisions here.

A worker gets a photograph's row, fetches and publishes by itself, and answers with what became of it; pictures never
pass through this machine, but for the small ones of the report.
"""

from __future__ import annotations

import os
import secrets
import socket
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import chain
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tinct
from tinct.errors import TinctError
from tinct.jobs.crew import Crew, Duty, Greeting
from tinct.jobs.engines import Task
from tinct.jobs.items import Item, Outcome
from tinct.jobs.places import local_path
from tinct.jobs.scratch import Scratch
from tinct.jobs.worker import Look, Setup, Worker

if TYPE_CHECKING:
    from tinct.inference.backends import Backend, Device

FETCHING = 2
"""Photographs that a worker has under way where a bucket is involved: one waits for the network, one computes."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What has to be the same on a worker's machine as here."""

    version: str
    """Of Tinct."""
    model: str
    """Name, or absolute path."""
    device: Device
    """Where the network runs."""
    model_hash: str
    """Of the model."""
    seen: tuple[str, ...]
    """Files that must be seen there too, by their absolute paths."""


def make_terms(
    crew: Crew, model: str, device: Device, backend: Backend, seen: Sequence[Path]
) -> tuple[Terms, bytes | None]:
    """Return what :class:`Remote` is made with; the content of a model's file is sent to the cluster.

    Args:
        crew: the workers.
        model: name or path.
        device: where the network runs.
        backend: the model, loaded here.
        seen: files that must be seen from all machines.

    Raises:
        ClusterError: the cluster is out of reach.
    """
    from tinct.inference.backends import is_checkpoint

    path = Path(model)
    content: bytes | None = None
    if path.is_file() and not is_checkpoint(path):
        content = crew.put(path.read_bytes())
    name = str(path.absolute()) if path.exists() else model
    return Terms(tinct.__version__, name, device, backend.model_hash, tuple(str(p.absolute()) for p in seen)), content


class Remote(ABC):
    """A process of its own, maybe on another machine, with the model loaded.

    Args:
        terms: what has to fit.
        model: content of the model's file; None loads what the terms name.
    """

    def __init__(self, terms: Terms, model: bytes | None) -> None:
        self._terms, self._model = terms, model
        self._scratch: Scratch | None = None

    @abstractmethod
    def _begin(self, backend: Backend, own: Path) -> None:
        """Get ready.

        Args:
            backend: the model.
            own: a folder of this process.
        """

    def greet(self) -> Greeting:
        """Load the model, and say whether all fits."""
        refusal = self._prepare()
        if refusal is not None:
            self.leave()
        return Greeting(socket.gethostname(), refusal)

    def leave(self) -> None:
        """Leave nothing on this machine; called when no work is under way, and none comes any more."""
        if self._scratch is not None:
            self._scratch.close()

    def _prepare(self) -> str | None:
        """Return why this process can't be used."""
        if tinct.__version__ != self._terms.version:
            return f"it has Tinct {tinct.__version__}, here is {self._terms.version}; install the same"
        unseen = [name for name in self._terms.seen if not os.path.lexists(name)]
        if unseen:
            return f"it doesn't see {unseen[0]}; what all machines work on must be in folders that they share"
        # One processor is this process's; others have the rest. Read when libvips is loaded.
        os.environ.setdefault("VIPS_CONCURRENCY", "1")
        try:
            self._scratch = Scratch()
            backend = self._load(self._scratch.path)
            if backend.model_hash != self._terms.model_hash:
                return f"its model {self._terms.model} is another than the one here; give an ONNX file"
            self._begin(backend, self._scratch.path)
        except (TinctError, OSError) as error:
            return str(error)
        return None

    def _load(self, own: Path) -> Backend:
        from tinct.inference.backends import load_backend

        terms = self._terms
        if self._model is None:
            return load_backend(terms.model, terms.device, threads=1)
        file = own / Path(terms.model).name
        file.write_bytes(self._model)
        self._model = None
        backend = load_backend(file, terms.device, threads=1)
        file.unlink()
        return backend


class RemoteWorker(Remote):
    """Works on photographs.

    Args:
        terms, model: see :class:`Remote`.
        setup: what to do, with absolute paths.
    """

    def __init__(self, terms: Terms, model: bytes | None, setup: Setup) -> None:
        super().__init__(terms, model)
        self._setup = setup
        self._worker: Worker | None = None
        self._partial = Path()

    def _begin(self, backend: Backend, own: Path) -> None:
        setup = self._setup
        # No other machine sees a note for a bucket; there, what a dead worker put is told by being the very same file.
        notes = None if local_path(setup.target) is None else setup.partial
        # A worker that a killed run left behind must not meet this one in a file that isn't finished.
        self._partial = own if local_path(setup.target) is None else setup.partial / secrets.token_hex(8)
        self._worker = Worker(replace(setup, partial=self._partial, notes=notes), backend)

    def work(self, item: Item) -> Outcome:
        """See :class:`~tinct.jobs.worker.Worker`."""
        return self._there().work(item)

    def look(self, item: Item) -> Look:
        """See :class:`~tinct.jobs.worker.Worker`."""
        return self._there().look(item)

    def _there(self) -> Worker:
        with suppress(OSError):  # the run that made its parent may have ended; then nothing is to be done any more
            self._partial.mkdir(exist_ok=True)
        assert self._worker is not None
        return self._worker


class Cluster:
    """Works photographs off on a crew of workers; see :class:`~tinct.jobs.engines.Engine`.

    Args:
        crew: the workers.
        backend: the model, loaded here.
    """

    def __init__(self, crew: Crew, backend: Backend) -> None:
        self._crew, self._backend = crew, backend
        self._setup: Setup | None = None
        self._arguments: tuple[Any, ...] = ()

    def __call__(
        self,
        setup: Setup,
        items: Iterable[Item],
        task: Task,
        on_done: Callable[[Any], None],
        on_stop: Callable[[], None],
        stop: threading.Event,
    ) -> None:
        """See :class:`~tinct.jobs.engines.Engine`."""
        waiting = iter(items)
        first = next(waiting, None)
        if first is None:
            return  # before a cluster is started for nothing
        if setup != self._setup:
            self._setup, self._arguments = setup, self._brief(setup, first)
        folders = all(local_path(address) is not None for address in (setup.source, setup.target))
        duty: Duty[Item, Any] = Duty(
            kind=RemoteWorker,
            arguments=self._arguments,
            method=task,
            again=lambda item: item,
            lost=_lost if task == "work" else lambda item, _reason: Look(item.id, ""),
            key=attrgetter("id"),
            width=1 if folders else FETCHING,
            gpus=1 if setup.device == "cuda" else 0,
        )
        self._crew.run(duty, chain([first], waiting), on_done, on_stop, stop)

    def _brief(self, setup: Setup, sample: Item) -> tuple[Any, ...]:
        """Return what workers are made with."""
        source, target = local_path(setup.source), local_path(setup.target)
        seen = [] if source is None else [source / sample.source]
        if target is not None:
            seen.append(setup.partial / f"seen-{secrets.token_hex(8)}")
            seen[-1].touch()
        recipe = setup.recipe
        if recipe.sign_with is not None:
            certificate, key = (path.absolute() for path in recipe.sign_with)
            seen += [certificate, key]
            recipe = replace(recipe, sign_with=(certificate, key))
        setup = replace(
            setup,
            recipe=recipe,
            source=setup.source if source is None else str(source.absolute()),
            target=setup.target if target is None else str(target.absolute()),
            partial=setup.partial.absolute(),
        )
        return *make_terms(self._crew, setup.model, setup.device, self._backend, seen), setup


def _lost(item: Item, reason: str) -> Outcome:
    return Outcome(item.id, item.source, item.target, "failed", error=reason)
