"""What a review does to a batch: verdicts, and single photographs colorized again with other settings."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

from tinct.errors import BatchBusy, OptionError, StoreError
from tinct.jobs.batch import locked
from tinct.jobs.items import SELECT, item_of, name_of
from tinct.jobs.manifest import Manifest
from tinct.jobs.places import open_place
from tinct.jobs.recipe import Recipe
from tinct.jobs.report import keep_thumbnail, thumbnail_path
from tinct.jobs.staging import partial_folder, staging
from tinct.jobs.thumbnails import preview, thumbnail
from tinct.jobs.worker import Setup, Worker
from tinct.media.photo import read_photo

PAGE = 60
"""Photographs sent at once."""
VERDICTS = ("", "accepted", "rejected")
_FILTERS = {
    "all": "state IN ('done', 'failed', 'pending')",
    "open": "state = 'done' AND review = ''",
    "accepted": "state = 'done' AND review = 'accepted'",
    "rejected": "state = 'done' AND review = 'rejected'",
    "failed": "state = 'failed'",
}


class Review:
    """The photographs of a batch, to look at and judge; several threads may share it.

    Args:
        manifest: the batch's list.
        folder: of the batch's own files.
        target: folder or address of the results.

    Raises:
        StoreError: the results are out of reach.
    """

    def __init__(self, manifest: Manifest, folder: Path, target: str) -> None:
        self._manifest, self._folder, self._target = manifest, folder, target
        self._facts = manifest.facts()
        self._sources, self._results = open_place(self._facts["source"]), open_place(target)
        self._results.check(writable=False)
        self._partial = partial_folder(target, folder)
        self._work = folder / "review"
        self._work.mkdir(exist_ok=True)
        self._redoing = threading.Lock()
        self._worker: Worker | None = None

    def page(self, filter: str, after: int) -> dict[str, Any]:
        """Return some photographs, those after a number, and how many there are of each kind.

        Raises:
            OptionError: an unknown filter.
        """
        if filter not in _FILTERS:
            raise OptionError(f"the filter is {filter!r}; choose one of {', '.join(_FILTERS)}")
        rows = self._manifest.query(
            f"SELECT * FROM files WHERE {_FILTERS[filter]} AND id > ? ORDER BY id LIMIT {PAGE + 1}", (after,)
        )
        shown = rows[:PAGE]
        return {
            "items": [_describe(row) for row in shown],
            "more": shown[-1]["id"] if len(rows) > PAGE else None,
            "counts": self._counts(),
            "target": self._target.encode(errors="replace").decode(),
        }

    def picture(self, id: int, kind: str) -> bytes:
        """Return a JPEG: ``before``, ``after``, or ``thumb`` of both.

        Raises:
            OptionError: there is no such photograph.
            PhotoError, StoreError: it can't be read.
        """
        row, recipe = self._row(id), Recipe.from_json(self._facts["recipe"])
        if kind == "thumb":
            path = thumbnail_path(self._folder, id, row["output_hash"] or "")
            if path.exists():
                return path.read_bytes()
            with (
                self._sources.fetch(name_of(row["source"]), self._work) as before,
                self._results.fetch(name_of(row["target"]), self._work) as after,
            ):
                return thumbnail(recipe.read(before), read_photo(after, max_pixels=recipe.max_pixels))
        if kind == "before":
            with self._sources.fetch(name_of(row["source"]), self._work) as path:
                return preview(recipe.read(path))
        with self._results.fetch(name_of(row["target"]), self._work) as path:
            return preview(read_photo(path, max_pixels=recipe.max_pixels))

    def judge(self, id: int, verdict: Any) -> dict[str, Any]:
        """Note what somebody thinks of a result; empty takes it back.

        Raises:
            OptionError: an unknown verdict, or there is no result.
        """
        if verdict not in VERDICTS:
            raise OptionError(f"the verdict is {verdict!r}, expected accepted, rejected or nothing")
        changed = self._manifest.execute("UPDATE files SET review = ? WHERE id = ? AND state = 'done'", (verdict, id))
        if not changed:
            raise OptionError("this photograph has no result to judge")
        return self._answer(id)

    def redo(self, id: int, settings: Any) -> dict[str, Any]:
        """Colorize a photograph again, with settings of its own; without any, as the batch does.

        Raises:
            OptionError: settings that can't be.
            TinctError: the model or a place can't be used.
        """
        recipe = Recipe.from_json(self._facts["recipe"])
        if not isinstance(settings, dict):
            raise OptionError("expected settings as a JSON object")
        override = json.dumps(settings, sort_keys=True) if settings else None
        try:
            chosen = recipe.for_one(override)
        except TypeError as error:
            raise OptionError(f"the settings can't be used ({error})") from error
        row = self._row(id)
        with self._redoing:
            try:
                with locked(self._folder), staging(self._partial, self._manifest):
                    worker = self._loaded(recipe)
                    model = worker.model_hash
                    chosen = chosen.for_series(row["prior"])
                    self._manifest.note_settings(chosen.fingerprint(model), chosen.settings(model))
                    self._manifest.execute(
                        "UPDATE files SET override = ?, wanted = ?, attempts = attempts + 1 WHERE id = ?",
                        (override, chosen.wanted(model), id),
                    )
                    outcome = worker.work(item_of(self._row(id)))
                    if outcome.halt is not None:
                        raise StoreError(outcome.halt)
                    self._manifest.finish(outcome)
                    if outcome.state == "done" and not outcome.kept:
                        keep_thumbnail(self._folder, outcome)
            except BatchBusy:
                self._manifest.execute("UPDATE files SET override = ? WHERE id = ?", (override, id))
                return self._answer(id) | {"said": "a batch is running; the next run colorizes it again"}
        return self._answer(id) | {"said": outcome.error or "colorized again"}

    def _loaded(self, recipe: Recipe) -> Worker:
        if self._worker is None:
            self._worker = Worker(
                Setup(
                    source=self._facts["source"],
                    target=self._target,
                    partial=self._partial,
                    recipe=recipe,
                    model=self._facts["model"],
                )
            )
        return self._worker

    def _answer(self, id: int) -> dict[str, Any]:
        return {"item": _describe(self._row(id)), "counts": self._counts()}

    def _row(self, id: int) -> Any:
        rows = self._manifest.query(f"{SELECT} WHERE id = ?", (id,))
        if not rows:
            raise OptionError("there is no such photograph in this batch")
        return rows[0]

    def _counts(self) -> dict[str, int]:
        sums = ", ".join(f'SUM({condition}) AS "{name}"' for name, condition in _FILTERS.items())
        row = self._manifest.query(f"SELECT {sums} FROM files")[0]
        return {name: row[name] or 0 for name in _FILTERS}


def _describe(row: Any) -> dict[str, Any]:
    return {
        "id": row["id"],
        "source": name_of(row["source"]).encode(errors="replace").decode(),
        "state": row["state"],
        "review": row["review"],
        "error": row["error"],
        "notes": json.loads(row["notes"]),
        "override": row["override"],
        "version": (row["output_hash"] or "")[:12],
    }
