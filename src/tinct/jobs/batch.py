"""Many photographs, colorized so that a run can be killed at any moment and the next one goes on.

sources listed -> manifest -> what is to be done -> an engine works it off -> manifest, photograph by photograph
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import tinct
from tinct.errors import BatchBusy, ClusterError, OptionError, OutputError, StoreError, StoreFull
from tinct.jobs import deciding
from tinct.jobs.deciding import Wishes
from tinct.jobs.engines import Engine
from tinct.jobs.items import Outcome
from tinct.jobs.manifest import Manifest
from tinct.jobs.moving import has_moved
from tinct.jobs.naming import OWN, result_suffix
from tinct.jobs.originals import Originals
from tinct.jobs.places import Entry, Place, Trouble, canonical, is_within, local_path, open_place
from tinct.jobs.recipe import Recipe
from tinct.jobs.report import keep_thumbnail
from tinct.jobs.series import find_priors
from tinct.jobs.staging import partial_folder, remove_note, staging, take_notes
from tinct.jobs.summary import Observer, Summary
from tinct.jobs.worker import Setup
from tinct.media.formats import PNG, choose_format, format_of_name, result_format
from tinct.media.lock import take_lock

if TYPE_CHECKING:
    from tinct.inference.backends import Backend, Device

MANIFEST, LOCK = "manifest.sqlite", "lock.sqlite"


@dataclass(frozen=True, slots=True)
class Job:
    """One run over a batch."""

    source: str
    """Folder or address of the photographs."""
    target: str
    """Folder or address of the results."""
    recipe: Recipe
    """How to colorize and write."""
    model: str = "default"
    """Name or file of the model."""
    device: Device = "auto"
    """Where the network runs."""
    state: Path | None = None
    """Folder of the batch's own files; None takes ``_tinct`` below the results, or one of this user for a bucket."""
    wishes: Wishes = Wishes()  # noqa: RUF009 - frozen
    """What is to be done again."""
    consistent: bool = False
    """Whether the photographs of a folder share their colors."""
    reference: Path | None = None
    """A color picture whose colors all share."""
    thumbnails: bool = True
    """Whether to make small pictures for the report."""

    @property
    def folder(self) -> Path:
        """Where the batch's own files are."""
        return self.state or state_folder(self.target)

    @property
    def partial(self) -> Path:
        """Where results are made."""
        return partial_folder(self.target, self.folder)


def state_folder(target: str) -> Path:
    """Return the folder of a batch's own files: below the results, or for a bucket one of this user."""
    path = local_path(target)
    if path is not None:
        return path / OWN
    base = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    return base / "tinct" / "batches" / quote(canonical(target), safe="")


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other runs off a batch; the lock goes with the process, however that ends.

    Raises:
        BatchBusy: another run has it.
        StoreError: the folder can't be written.
    """
    try:
        lock = take_lock(folder / LOCK)
    except OutputError as error:
        raise StoreError(f"{error}; give another one (--state)") from error
    if lock is None:
        raise BatchBusy(f"another run is at work on this batch ({folder}); wait for it, or stop it")
    with closing(lock):
        yield


class Batch:
    """A batch, opened for one run: :meth:`run` once, or again and again for a folder that is watched.

    Args:
        job: what to do.
        backend: the model, loaded.
        manifest: the list.
        observer: is told what happens.
    """

    def __init__(self, job: Job, backend: Backend, manifest: Manifest, observer: Observer) -> None:
        self._job, self._backend, self._observer = job, backend, observer
        self.manifest = manifest
        """The list."""
        self.sources: Place = open_place(job.source, avoid=[job.target, str(job.folder)], sidecars=job.recipe.sidecar)
        self.results: Place = open_place(job.target)
        self.number = 0
        """Of the last listing of the sources."""
        self._left_out = 0

    def prepare(self, engine: Engine, entries: Iterable[Entry | Trouble] | None = None) -> Summary:
        """List what there is, and decide what is to be done; nothing is written but the list.

        Args:
            engine: looks at the photographs of series that share their colors.
            entries: the sources; None lists them now.
        """
        manifest, job = self.manifest, self._job
        self.number = deciding.next_scan(manifest)
        originals = Originals(self.sources.pictures() if entries is None else entries)
        troubles = deciding.take_sources(manifest, originals, self._plain, self.number)
        self._tell_left_out(originals.left_out)
        summary = Summary(troubles=[trouble for trouble in troubles if trouble.reason])
        recipe, model = job.recipe, self._backend.model_hash
        if job.consistent or job.reference is not None:
            self._observer.say("looking at the colors of each series")
        find_priors(manifest, self.number, self._setup, engine, consistent=job.consistent, reference=job.reference)

        def fingerprint(prior: str | None, override: str | None) -> str:
            chosen = recipe.for_series(prior).for_one(override)
            manifest.note_settings(chosen.fingerprint(model), chosen.settings(model))
            return chosen.wanted(model)

        deciding.set_wanted(manifest, self.number, fingerprint)
        deciding.decide(manifest, self.number, self.results, job.wishes)
        summary.states = manifest.counts(self.number)
        summary.taken = deciding.taken(manifest, self.number)
        summary.failed_before = summary.states.get("failed", 0) - len(summary.taken)
        return summary

    def run(self, engine: Engine, summary: Summary) -> None:
        """Work off what is to be done, and add to the summary what came of it."""
        stop = threading.Event()
        self._observer.begin(summary.states.get("pending", 0))
        started = time.perf_counter()

        def halt(reason: str) -> None:
            if summary.halt is None:
                summary.halt = reason
            stop.set()

        def done(outcome: Outcome) -> None:
            try:
                self._note(outcome)
            except (OSError, StoreError) as error:  # the list's disk is full: nothing further can be noted
                halt(str(error))
                return
            if outcome.halt is not None:
                halt(outcome.halt)
                return
            summary.counts["kept" if outcome.kept else outcome.state] += 1
            summary.parts.update(dict(outcome.parts))
            self._observer.add(outcome)

        def stopping() -> None:
            summary.interrupted = True
            self._observer.stopping()

        try:
            engine(self._setup, self.manifest.claim(self.number), "work", done, stopping, stop)
            summary.states = self.manifest.counts(self.number)
        except (ClusterError, StoreFull) as error:
            halt(str(error))
        summary.seconds = time.perf_counter() - started

    def _tell_left_out(self, count: int) -> None:
        if count not in (0, self._left_out):
            names = "*.color.*, *.color-N.*, *.confidence.*"
            self._observer.say(f"{count:,} left out, named like results ({names}) of photographs beside them")
        self._left_out = count

    def _note(self, outcome: Outcome) -> None:
        is_new = outcome.state == "done" and not outcome.kept
        if is_new:
            keep_thumbnail(self._job.folder, outcome)
        self.manifest.finish(outcome)
        if is_new:
            remove_note(self._job.partial, outcome.id)

    def _plain(self, source: str) -> str:
        """Return the name that a source's result should have."""
        recipe = self._job.recipe
        if recipe.format is not None:
            suffix = choose_format(recipe.format, None, PNG).suffixes[0]
        else:
            form = result_format(format_of_name(source), layer=recipe.options.layer)
            suffix = result_suffix(source, form)
        return os.path.splitext(source)[0] + suffix

    @property
    def _setup(self) -> Setup:
        job = self._job
        return Setup(
            source=job.source,
            target=job.target,
            partial=job.partial,
            recipe=job.recipe,
            model=job.model,
            device=job.device,
            overwrite=job.wishes.overwrite,
            thumbnails=job.thumbnails,
        )


@contextmanager
def opened(job: Job, backend: Backend, observer: Observer, *, dry: bool = False) -> Iterator[Batch]:
    """Open a batch: check both places, keep other runs off, take back what a killed run left.

    Args:
        job: what to do.
        backend: the model, loaded.
        observer: is told what happens.
        dry: only look; nothing is written, to neither place.

    Raises:
        OptionError: the source is the target or lies in it, or is the folder of the batch's own files.
        StoreError: a place can't be used, or another run is at work.
    """
    if is_within(job.source, job.target):
        raise OptionError(f"the results can't go where the photographs are ({job.source}); give another folder")
    if canonical(job.source) == canonical(str(job.folder)):
        raise OptionError(
            f"the batch's own files can't go where the photographs are ({job.folder}); give another --state"
        )
    if dry:
        manifest = Manifest.copy(job.folder / MANIFEST)
        try:
            take_notes(manifest, job.partial)
            yield _open(job, backend, manifest, observer)
        finally:
            manifest.close()
        return
    open_place(job.target).check(writable=True)
    try:
        job.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"the folder {job.folder} can't be made ({error.strerror or error})") from error
    with (
        locked(job.folder),
        closing(Manifest(job.folder / MANIFEST)) as manifest,
        staging(job.partial, manifest),
    ):
        batch = _open(job, backend, manifest, observer)
        manifest.note("source", canonical(job.source))
        manifest.note("target", canonical(job.target))
        manifest.note("version", tinct.__version__)
        manifest.note("recipe", job.recipe.to_json())
        manifest.note("model", str(Path(job.model).resolve()) if Path(job.model).exists() else job.model)
        yield batch


def _open(job: Job, backend: Backend, manifest: Manifest, observer: Observer) -> Batch:
    batch = Batch(job, backend, manifest, observer)
    batch.sources.check(writable=False)
    before, now = manifest.facts().get("source"), canonical(job.source)
    if before not in (None, now):
        if not has_moved(manifest, batch.sources):
            raise OptionError(f"{job.target} holds the results of {before}; give another folder for those of {now}")
        observer.say(f"the photographs of {before} are now in {now}")
    deciding.resume(manifest)
    return batch


@contextmanager
def opened_manifest(target: str, state: Path | None) -> Iterator[tuple[Manifest, Path]]:
    """Open the list of a batch that there is, and give it with the folder of the batch's own files.

    Raises:
        StoreError: there is none.
    """
    folder = state or state_folder(target)
    if not (folder / MANIFEST).is_file():
        raise StoreError(
            f"{target} holds no batch: there is no {folder / MANIFEST}; name the DST of tinct batch SRC DST"
        )
    manifest = Manifest(folder / MANIFEST)
    try:
        yield manifest, folder
    finally:
        manifest.close()
