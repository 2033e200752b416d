"""Turing tests of the web app: their pairs lie in the data folder, their votes in the database."""

from __future__ import annotations

import dataclasses
import re
import shutil
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from tinct.db.tables import Job, Model, TuringTest
from tinct.errors import DataError
from tinct.evaluation.trials import FILE, TrialSet, load_trials
from tinct.settings import load_settings
from tinct.web.context import Context
from tinct.web.datasets import CIFAR10, CORRECTIONS, Tell, put_together
from tinct.web.sandbox import Sandbox

LONGEST = 6 * 3600.0
"""Seconds that making a test may take."""
UNFIT = {
    CIFAR10: "the pictures of CIFAR-10 are too small for people to judge; choose photographs",
    CORRECTIONS: "the colors of corrections aren't real ones; choose photographs whose colors are",
}
"""Data sets that no test can be made of, and why."""

OPTION = re.compile(r"--(count|catch|practice)\b")
"""Options of the command, which are fields here."""


def folder_of(context: Context, id: str) -> Path:
    """Return the folder of a test."""
    return context.folder("turing") / id


def load_test(context: Context, id: str) -> TrialSet:
    """Read the pairs of a test.

    Raises:
        DataError: its folder was deleted.
    """
    return load_trials(folder_of(context, id))


def delete_test(context: Context, id: str) -> None:
    """Delete the pairs of a test."""
    shutil.rmtree(folder_of(context, id), ignore_errors=True)


def make_test(context: Context, job: Job, ending: Callable[[], bool], tell: Tell) -> None:
    """Make the pairs that a job asks for, and note the test, whose id is the job's.

    Raises:
        DataError: too few color photographs.
        Stopped: ``ending`` said so.
    """
    options, folder = job.options, folder_of(context, job.id)
    tell("getting the data", 0.0)
    if not folder.exists():
        data = put_together(context, job.user_id, options["data"], folder, ending, tell)
        made = folder.with_suffix(".made")
        shutil.rmtree(made, ignore_errors=True)  # of a worker that was killed
        sandbox = Sandbox(context.settings.work_bytes)
        try:
            names: dict[str, str] = {}
            with ExitStack() as stack:
                for name in options["models"] or [None]:
                    path = stack.enter_context(context.model_path(job.user_id, name))
                    names[path] = _named(context, job.user_id, name)
                request = {
                    "do": "trials",
                    "data": str(data),
                    "models": list(names),
                    "out": str(made),
                    "names": {str(data): "the data set", **names},
                    **{name: options[name] for name in ("count", "catch", "practice", "seed")},
                }
                sandbox.ask(request, LONGEST, stop=ending, news=lambda news: tell(news["what"], news["done"]))
        except DataError as error:
            raise DataError(OPTION.sub(r"\1", str(error))) from error
        finally:
            sandbox.close()
        _rename_models(made, names)
        made.rename(folder)
    found = load_trials(folder)
    facts: dict[str, Any] = {"photos": len(found.photos()), "models": found.models(), "data": options["data"]}
    context.repository.tests.add(TuringTest(id=job.id, user_id=job.user_id, name=options["name"], facts=facts))


def check_data(data: str) -> None:
    """Check that a test can be made of a data set.

    Raises:
        DataError: its colors or sizes aren't fit.
    """
    with suppress(KeyError):
        raise DataError(UNFIT[data])


def _rename_models(folder: Path, names: dict[str, str]) -> None:
    """Call models in a set what their user calls them, not where their files are."""
    found = load_trials(folder)
    trials = tuple(dataclasses.replace(trial, model=names.get(trial.model, trial.model)) for trial in found.trials)
    (folder / FILE).write_text(dataclasses.replace(found, trials=trials).to_json(), "utf-8")


def _named(context: Context, user_id: str, name: str | None) -> str:
    """Return what a model is called in the score."""
    found = context.find_model(user_id, name)
    if isinstance(found, Model):
        return found.name
    return Path(found).stem if found == load_settings().model else found
