"""One photograph of a batch: fetched, colorized, written, put into place. It knows nothing of the batch's list."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tinct.errors import OutputError, OutputExists, PhotoError, StoreError, TinctError
from tinct.inference.backends import Backend, Device, load_backend
from tinct.inference.pipeline import Colorizer
from tinct.jobs.items import Item, Outcome, whole
from tinct.jobs.places import Entry, digest, full, has_room, is_full, open_place
from tinct.jobs.publishing import Publisher, Staged
from tinct.jobs.recipe import Recipe
from tinct.jobs.sidecars import whole_digest
from tinct.jobs.thumbnails import thumbnail
from tinct.media.formats import format_of_name, result_format
from tinct.media.pages import join_notes
from tinct.media.photo import Photo, read_photo, write_pages
from tinct.media.sidecar import SidecarFile, sidecar_of

CLOCK = time.perf_counter
"""What the parts of the work are timed by; a benchmark on a busy machine puts the processor's time in its place."""
LOOKS = 3
"""How often a source is begun anew that changes while it is read."""


@dataclass(frozen=True, slots=True)
class Setup:
    """What a worker needs to know; fit to be sent to another process."""

    source: str
    """Address of the sources."""
    target: str
    """Address of the results."""
    partial: Path
    """Folder for what isn't finished; where results go to a folder, on the same disk."""
    recipe: Recipe
    model: str
    """Name or file of the model."""
    device: Device = "auto"
    overwrite: bool = False
    """Whether files that aren't the batch's own may be replaced."""
    thumbnails: bool = True
    """Whether to make a small picture of each photograph, before and after."""
    notes: Path | None = None
    """Folder for notes of what is about to be published, seen by whoever tries it next; None: ``partial``."""


@dataclass(frozen=True, slots=True)
class Look:
    """The colors that one photograph would get."""

    id: int
    content: str
    """A :class:`~tinct.inference.prior.Signature` as JSON."""
    halt: str | None = None
    """Why nothing further can be done for any photograph."""


class Worker:
    """Works on photographs; several threads may share it.

    Args:
        setup: what to do.
        backend: the model, loaded; None loads the one that ``setup`` names.
    """

    def __init__(self, setup: Setup, backend: Backend | None = None) -> None:
        self._setup = setup
        backend = load_backend(setup.model, setup.device) if backend is None else backend
        self.model_hash = backend.model_hash
        """SHA-256 of the model, in hex."""
        self._colorizer = Colorizer(backend)
        self._signer = setup.recipe.signer()
        self._sources = open_place(setup.source, sidecars=setup.recipe.sidecar)
        self._results = open_place(setup.target)
        self._publisher = Publisher(self._results, setup.partial, setup.notes or setup.partial, setup.overwrite)

    def work(self, item: Item) -> Outcome:
        """Make one result; whatever goes wrong is in the outcome."""
        started = time.perf_counter()
        state, error, halt, taken = "failed", None, None, False
        try:
            return self._work(item, started)
        except StoreError as problem:
            halt = str(problem)
        except OutputError as problem:
            if is_full(problem) or not has_room(self._setup.partial):
                halt = full(self._setup.partial)
            error, taken = str(problem), isinstance(problem, OutputExists)
        except TinctError as problem:
            error = str(problem)
            if isinstance(problem, PhotoError) and self._is_gone(item):
                state, error = "gone", "deleted during the run"
        except Exception as problem:  # noqa: BLE001 - one photograph's surprise must not take the others with it
            error = f"unexpected {type(problem).__name__}: {problem} (please report this)"
        seconds = time.perf_counter() - started
        return Outcome(
            item.id,
            item.source,
            item.target,
            "gone" if state == "gone" else "failed",
            error=error,
            halt=halt,
            taken=taken,
            seconds=seconds,
        )

    def look(self, item: Item) -> Look:
        """Find out which colors a photograph would get; empty where it can't be read."""
        try:
            with self._fetched(item) as path:
                recipe = self._setup.recipe.for_one(item.override)
                return Look(item.id, recipe.look(path, self._colorizer).to_json())
        except StoreError as problem:
            return Look(item.id, "", halt=str(problem))
        except Exception:  # noqa: BLE001 - what is wrong is said when it is to be colorized
            return Look(item.id, "")

    def _is_gone(self, item: Item) -> bool:
        try:
            return self._sources.stat(item.source) is None
        except StoreError:
            return False

    def _work(self, item: Item, started: float) -> Outcome:
        clock = _Clock()
        seen = Entry(item.source, item.size, item.stamp)
        for _ in range(LOOKS):
            with clock.part("fetch"), self._fetched(item) as path:
                outcome = self._make(item, path, seen, clock)
                now = self._sources.stat(item.source)
                if now == seen:
                    return self._publish(item, outcome, clock, started)
            if now is None:
                raise PhotoError(f"{item.source} was deleted during the run")
            seen = now
        raise PhotoError(f"{item.source} keeps changing while it is read; run the batch again when it is complete")

    @contextmanager
    def _fetched(self, item: Item) -> Iterator[Path]:
        with self._sources.fetch(item.source, self._setup.partial) as path:
            try:
                yield path
            except PhotoError as error:
                # What the user knows it by, not where it was copied to.
                raise type(error)(str(error).replace(str(path), item.source)) from error

    def _make(self, item: Item, path: Path, seen: Entry, clock: _Clock) -> Outcome | _Made:
        """Find the result that is there to be right, or make one in the folder of what isn't finished."""
        if item.output_hash is not None and item.settings in (item.wanted, whole(item.wanted)):
            with clock.part("check"):
                kept = self._check(item, path, seen)
            if kept is not None:
                return kept
        recipe = self._setup.recipe.for_series(item.prior).for_one(item.override)
        results = recipe.results(path, self._colorizer)
        with clock.part("colorize"):
            result = next(results)
        truncated = [result.photo.origin.is_truncated]
        said = [(*_note_of_name(item, recipe, result.photo.origin), *result.notes)]

        def pages() -> Iterator[Photo]:
            yield result.photo
            for other in results:
                truncated.append(other.photo.origin.is_truncated)
                said.append(other.notes)
                yield other.photo

        staged = self._setup.partial / f"{item.id}{Path(item.target).suffix}"
        with clock.part("write"):
            write_pages(pages(), staged, quality=recipe.quality, overwrite=True, signer=self._signer)
        with clock.part("hash"):
            source_hash = whole_digest(path, sidecar=True) if recipe.sidecar else result.photo.source_hash
            made = _Made(seen, source_hash, Staged(staged, digest(staged)), join_notes(said), any(truncated))
        if recipe.sidecar:
            beside = SidecarFile()
            beside.take(result.photo, staged, None, recipe.quality)
            packet = sidecar_of(staged)
            packet.write_bytes(beside.packet)
            made = dataclasses.replace(made, sidecar=Staged(packet, digest(packet)))
        if self._setup.thumbnails:
            with clock.part("thumbnail"):
                small = thumbnail(recipe.read(path), read_photo(staged, max_pixels=recipe.max_pixels))
                made = dataclasses.replace(made, thumbnail=small)
        return made

    def _check(self, item: Item, path: Path, seen: Entry) -> Outcome | None:
        """Return an outcome that keeps the result which is there, where source and result are what they were."""
        output = self._results.stat(item.target)
        if output is None or whole_digest(path, sidecar=self._setup.recipe.sidecar) != item.source_hash:
            return None
        with self._results.fetch(item.target, self._setup.partial) as there:
            if digest(there) != item.output_hash:
                return None
        return Outcome(
            item.id,
            item.source,
            item.target,
            "done",
            settings=item.settings,
            kept=True,
            origin=seen,
            source_hash=item.source_hash,
            output=output,
            output_hash=item.output_hash,
        )

    def _publish(self, item: Item, made: Outcome | _Made, clock: _Clock, started: float) -> Outcome:
        if isinstance(made, Outcome):
            return made
        with clock.part("publish"):
            output, said = self._publisher.publish(item, made.result, made.sidecar)
        return Outcome(
            item.id,
            item.source,
            item.target,
            "done",
            settings=item.wanted if made.truncated else whole(item.wanted),
            notes=(*made.notes, *said),
            seconds=time.perf_counter() - started,
            parts=tuple(clock.parts.items()),
            origin=made.seen,
            source_hash=made.source_hash,
            output=output,
            output_hash=made.result.hash,
            sidecar_hash=None if made.sidecar is None else made.sidecar.hash,
            thumbnail=made.thumbnail,
        )


def _note_of_name(item: Item, recipe: Recipe, photo: Photo) -> tuple[str, ...]:
    """Return a note where the result, named before the photograph is opened, isn't of the format of what that holds."""
    named = format_of_name(item.target)
    held = result_format(photo.source.format, depth=photo.depth, layer=recipe.options.layer)
    if recipe.format is not None or named is None or named is held:
        return ()
    return (f"the result is {named.name} by the file's name; by what is in it, it would be {held.name} (--format)",)


@dataclass(frozen=True, slots=True)
class _Made:
    """A result that isn't in its place yet."""

    seen: Entry
    source_hash: str
    result: Staged
    notes: tuple[str, ...]
    truncated: bool
    """Whether the source was damaged."""
    thumbnail: bytes | None = None
    sidecar: Staged | None = None


class _Clock:
    """Counts seconds by what they go into; a part inside another counts for itself alone."""

    def __init__(self) -> None:
        self.parts: dict[str, float] = {}
        self._inner = 0.0

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Count the seconds of the block, without those of parts inside it."""
        outer, self._inner = self._inner, 0.0
        started = CLOCK()
        try:
            yield
        finally:
            whole = CLOCK() - started
            self.parts[name] = self.parts.get(name, 0.0) + whole - self._inner
            self._inner = outer + whole
