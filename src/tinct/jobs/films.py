"""The shots of a film over the machines of a Ray cluster; joined to the film here."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tinct.errors import TinctError, UnreadableVideo
from tinct.jobs.cluster import Remote, Terms, make_terms
from tinct.jobs.crew import Crew, Duty

if TYPE_CHECKING:
    from tinct.inference.backends import Backend, Device
    from tinct.video.plan import Plan
    from tinct.video.shots import Shot
    from tinct.video.work import Studio


@dataclass(frozen=True, slots=True)
class Filmed:
    """What became of a shot."""

    shot: Shot
    notes: tuple[str, ...] = ()
    """What a user should know, a sentence each."""
    error: str | None = None
    """Why its file isn't there."""


class RemoteStudio(Remote):
    """Works on the shots of one film.

    Args:
        terms, model: see :class:`~tinct.jobs.cluster.Remote`.
        plan: of the film, with absolute paths.
    """

    def __init__(self, terms: Terms, model: bytes | None, plan: Plan) -> None:
        super().__init__(terms, model)
        self._plan = plan
        self._studio: Studio | None = None

    def _begin(self, backend: Backend, own: Path) -> None:
        from tinct.video.work import Studio

        self._studio = Studio(self._plan, backend)

    def film(self, shot: Shot) -> Filmed:
        """Colorize a shot into its file; whatever goes wrong is in the answer."""
        assert self._studio is not None
        try:
            self._studio.colorize_shot(shot)
        except Exception as error:  # noqa: BLE001 - said by whoever asked
            known = isinstance(error, TinctError)
            return Filmed(shot, error=str(error) if known else f"unexpected {type(error).__name__}: {error}")
        return Filmed(shot, tuple(self._studio.notes))


def film_shots(
    crew: Crew,
    plan: Plan,
    shots: Iterable[Shot],
    model: str,
    device: Device,
    backend: Backend,
    on_shot: Callable[[Shot], None],
) -> list[str]:
    """Colorize shots on a crew of workers, each into its file of the plan's folder, which all machines must see.

    A worker that dies loses nothing: its shot is begun anew by another.

    Args:
        crew: the workers.
        plan: of the film.
        shots: what isn't done.
        model: name or path.
        device: where the network runs.
        backend: the model, loaded here.
        on_shot: called after each shot.

    Returns:
        What a user should know, a sentence each.

    Raises:
        UnreadableVideo: a shot can't be made.
        ClusterError: the cluster can't be used.
        KeyboardInterrupt: Ctrl-C, with what was under way finished.
    """
    seen = [Path(plan.film.path), plan.folder, *(Path(found.path) for found in plan.options.references)]
    made_of = make_terms(crew, model, device, backend, seen)
    stop = threading.Event()
    notes: dict[str, None] = {}
    errors: list[str] = []
    interrupted: list[None] = []

    def done(filmed: Filmed) -> None:
        if filmed.error is not None:
            errors.append(filmed.error)
            stop.set()
            return
        notes.update(dict.fromkeys(filmed.notes))
        on_shot(filmed.shot)

    duty: Duty[Shot, Filmed] = Duty(
        kind=RemoteStudio,
        arguments=(*made_of, _absolute(plan)),
        method="film",
        again=lambda shot: shot,
        lost=lambda shot, reason: Filmed(shot, error=f"shot {shot.number}: {reason}"),
        key=attrgetter("number"),
        gpus=1 if device == "cuda" else 0,
    )
    crew.run(duty, shots, done, lambda: interrupted.append(None), stop)
    if errors:
        raise UnreadableVideo(errors[0])
    if interrupted:
        raise KeyboardInterrupt
    return list(notes)


def _absolute(plan: Plan) -> Plan:
    def absolute(path: Any) -> str:
        return str(Path(path).absolute())

    references = tuple(replace(found, path=absolute(found.path)) for found in plan.options.references)
    return replace(
        plan,
        film=replace(plan.film, path=absolute(plan.film.path)),
        folder=plan.folder.absolute(),
        options=replace(plan.options, references=references),
    )
