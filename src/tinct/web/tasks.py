"""What jobs do. A task gets the row of a job, which says all; whatever it makes is in the store before the row ends."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from tinct.db.artifacts import PICTURE
from tinct.db.tables import Artifact, Job
from tinct.errors import NotFound, TinctError
from tinct.settings import load_settings
from tinct.web.context import Context
from tinct.web.sandbox import Sandbox
from tinct.web.wishes import MEDIA_TYPES, Wish, result_name


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a job made."""

    artifacts: list[Artifact] = field(default_factory=list)
    """Rows of files that are in the store."""
    notes: list[str] = field(default_factory=list)


class Task(Protocol):
    """Does the jobs of a lane, one after the other."""

    def do(self, job: Job, ending: Callable[[], bool]) -> Outcome:
        """Do a job.

        Args:
            job: its row.
            ending: asked now and then whether to give up.

        Raises:
            TinctError: it can't be done.
            Stopped: ``ending`` said so.
        """

    def close(self) -> None:
        """End what it keeps running."""


class ColorizeTask:
    """Colors pictures.

    Args:
        context: database, files.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._sandbox = Sandbox(context.settings.work_bytes)
        # The usual model is there before the first picture comes.
        threading.Thread(target=self._warm, daemon=True).start()

    def _warm(self) -> None:
        with suppress(TinctError):
            self._sandbox.ask({"do": "load", "model": load_settings().model}, self._context.settings.work_seconds)

    def do(self, job: Job, ending: Callable[[], bool]) -> Outcome:
        """See :class:`Task`."""
        context = self._context
        wish = Wish.from_json(job.options)
        try:
            picture = context.repository.artifacts.get(job.user_id, job.picture_id or "", PICTURE)
        except NotFound as error:
            raise NotFound("the picture was deleted meanwhile") from error
        (key,) = context.new_keys()  # now, for the database may be away when the work is done
        with ExitStack() as stack:
            path = stack.enter_context(context.storage.fetch(picture.key))
            model = stack.enter_context(context.model_path(job.user_id, wish.model))
            folder = stack.enter_context(context.storage.staging())
            request = wish.request(
                path, picture.name, model, context.settings.upload_pixels, out=str(folder / "result")
            )
            context.fetch_beside(stack, job.user_id, {"mask": wish.mask, "reference": wish.reference}, request)
            done = self._sandbox.ask(request, context.settings.work_seconds, stop=ending)
            stored = context.storage.put(Path(request["out"]), key)
        result = Artifact(
            user_id=job.user_id,
            job_id=job.id,
            picture_id=picture.id,
            kind="result",
            name=result_name(picture.name, done["format"]),
            media_type=MEDIA_TYPES[done["format"]],
            size=stored.size,
            sha256=stored.sha256,
            key=stored.key,
            facts={"width": done["width"], "height": done["height"], "model": done["model"]},
        )
        return Outcome([result], done["notes"])

    def close(self) -> None:
        """See :class:`Task`."""
        self._sandbox.close()
