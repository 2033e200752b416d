"""Jobs of training: data put together, the run in a process of its own, its reports noted, its model kept."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from tinct.db.tables import Job, Model, Run
from tinct.errors import Conflict, DatabaseError, MissingExtra, NotFound, StoreError, TinctError
from tinct.jobs.batch import locked
from tinct.settings import load_settings
from tinct.web.context import Context
from tinct.web.datasets import Tell, put_together
from tinct.web.sandbox import Sandbox, Stopped
from tinct.web.tasks import Outcome
from tinct.web.turing.making import make_test

TURING = "turing"
"""Kind of a job that makes a Turing test."""
LONGEST = 30 * 24 * 3600.0
"""Seconds of a training."""


class TrainTask:
    """Trains and exports.

    Args:
        context: database, files.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._trainer = Sandbox(0, "tinct.web.trainer")

    def do(self, job: Job, ending: Callable[[], bool]) -> Outcome:
        """See :class:`~tinct.web.tasks.Task`."""
        if job.kind == TURING:
            make_test(self._context, job, ending, self._teller(job))
            return Outcome()
        try:
            run = self._context.repository.runs.get(job.user_id, job.run_id or "")
        except NotFound as error:
            raise NotFound("the run was deleted meanwhile") from error
        # Of two workers that both think the run theirs, as after a network was cut, one stays out of its folder.
        with ExitStack() as stack:
            try:
                stack.enter_context(locked(self._context.folder("runs", run.id)))
            except StoreError as error:
                raise Conflict("another worker is at this run; try again when it has ended") from error
            if job.kind == "export":
                return self._export(job, run, job.options["name"], ending)
            return self._train(job, run, ending)

    def close(self) -> None:
        """See :class:`~tinct.web.tasks.Task`."""
        self._trainer.close()

    def _train(self, job: Job, run: Run, ending: Callable[[], bool]) -> Outcome:
        context, options = self._context, run.options
        jobs, runs = context.repository.jobs, context.repository.runs
        waiting: list[dict[str, Any]] = []

        def note(news: dict[str, Any]) -> None:
            """Keep a report; while the database is away, they wait."""
            waiting.append(news)
            with suppress(DatabaseError):
                message = f"{news['stage']}, step {news['step']}"
                if jobs.beat(job.id, job.attempt, progress=news["done"], message=message) == "lost":
                    return
                while waiting:
                    if waiting[0]["kind"] != "stage":
                        runs.add_point(run.id, waiting[0]["kind"], waiting[0])
                    del waiting[0]

        tell = self._teller(job)
        if importlib.util.find_spec("torch") is None:
            raise MissingExtra("training", "train")
        tell("getting the data", 0.0)
        folder = context.folder("runs", run.id)
        request = {
            "do": "train",
            "recipe": run.recipe,
            "data": str(put_together(context, job.user_id, options["data"], folder, ending, tell)),
            "run": str(folder),
            "cache": str(load_settings().cache_folder()),
            "init": self._start(job.user_id, options["init"], folder),
            **{name: options[name] for name in ("seed", "presets", "settings")},
            # Resuming may ask for more than the run had.
            "budget": job.options.get("budget") or options["budget"],
        }
        done = self._trainer.ask(request, LONGEST, stop=ending, news=note, ending={"do": "stop"})
        if done.get("stopped"):
            raise Stopped("the training was stopped; it can be resumed")
        name = options.get("save_as")
        if name is None:
            return Outcome()
        tell(f"saving the model as {name}", 1.0)
        try:
            return self._export(job, run, name, ending)
        except Conflict as error:
            return Outcome(notes=[f"the model isn't saved yet: {error}"])

    def _teller(self, job: Job) -> Tell:
        """Return what says how far a job is; while the database is away, nothing is said."""

        def tell(said: str, share: float) -> None:
            with suppress(DatabaseError):
                self._context.repository.jobs.beat(job.id, job.attempt, progress=share, message=said)

        return tell

    def _start(self, user_id: str, init: str | None, folder: Path) -> str | None:
        """Return what the run starts from: the same file each time, so that it can be resumed."""
        if init is None:
            return None
        path = folder / "start.onnx"
        model = self._context.find_model(user_id, init)
        if isinstance(model, str):
            return model
        if not path.exists():
            with self._context.storage.fetch(model.key) as file:
                shutil.copyfile(file, path)
        return str(path)

    def _export(self, job: Job, run: Run, name: str, ending: Callable[[], bool]) -> Outcome:
        """Turn a run's checkpoint into a model of the user's."""
        context = self._context
        folder = context.folder("runs", run.id)
        (key,) = context.new_keys()
        with context.storage.staging() as staging:
            out = staging / "model.onnx"
            request = {"do": "export", "run": str(folder), "out": str(out), "names": {str(folder): "the run"}}
            self._trainer.ask(request, context.settings.work_seconds, stop=ending)
            facts = look_at_model(context, out)
            stored = context.storage.put(out, key)
        try:
            context.repository.models.add(
                Model(
                    user_id=job.user_id,
                    name=name,
                    recipe=run.recipe,
                    facts={**facts, "figures": _figures(folder)},
                    sha256=stored.sha256,
                    size=stored.size,
                    key=stored.key,
                    run_id=run.id,
                )
            )
        except Conflict:
            context.forget([stored.key])
            found = context.repository.models.get(job.user_id, name)
            # This very job, begun by a worker that died after it had noted the model.
            if found.run_id != run.id or found.sha256 != stored.sha256:
                raise
        return Outcome(notes=[f"saved as {name}"])


def look_at_model(context: Context, path: Path) -> dict[str, Any]:
    """Load a model in a process of its own, and return what it is.

    Raises:
        BadModelFile: it is none.
    """
    sandbox = Sandbox(context.settings.work_bytes)
    try:
        request = {"do": "load", "model": str(path), "names": {str(path): "the file"}}
        return sandbox.ask(request, context.settings.work_seconds)
    finally:
        sandbox.close()


def _figures(run: Path) -> dict[str, float]:
    from tinct.training.runs import read_record

    try:
        return dict(read_record(run)["figures"])
    except TinctError:
        return {}
