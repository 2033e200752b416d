"""A finished result gets its place, and nothing is lost that somebody else put there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tinct.errors import OutputExists
from tinct.jobs.items import TAKEN, Item, Made
from tinct.jobs.places import Entry, Place, digest
from tinct.jobs.staging import read_note, write_note
from tinct.media.sidecar import SUFFIX


@dataclass(frozen=True, slots=True)
class Staged:
    """A finished file that isn't in its place yet."""

    path: Path
    hash: str
    """Its SHA-256, in hex."""


@dataclass(frozen=True, slots=True)
class Publisher:
    """Publishes results; several threads may share it."""

    results: Place
    """Where they go."""
    partial: Path
    """Folder for what has to be copied."""
    notes: Path
    """Folder for notes of what is about to be published."""
    overwrite: bool
    """Whether files that aren't the batch's own may be replaced."""

    def publish(self, item: Item, result: Staged, sidecar: Staged | None) -> tuple[Entry, tuple[str, ...]]:
        """Publish a result, after its sidecar; what somebody changed of those before is set aside.

        Returns:
            The result in its place, and what to tell the user.

        Raises:
            OutputExists: a file that the batch didn't make is in the way.
            OutputError, StoreError: it can't be written.
        """
        noted = read_note(self.notes, item.id)
        parts = [] if sidecar is None else [(SUFFIX, sidecar, item.beside, "sidecar")]
        parts.append(("", result, item.made, "result"))  # last, so that no result is there without its sidecar
        there, changed = {}, []
        for suffix, staged, made, kind in parts:
            name = item.target + suffix
            entry = there[suffix] = self.results.stat(name)
            if entry is not None and not self._is_ours(item, entry, made, {staged.hash, *noted.get(suffix, ())}):
                if made.finished:
                    changed.append((name, kind))
                elif not self.overwrite:
                    raise OutputExists(f"{name} {TAKEN}")
        write_note(self.notes, item.id, {suffix: staged.hash for suffix, staged, _, _ in parts})
        said = [
            f"its {kind} was changed by somebody; that is now {self.results.set_aside(name)}" for name, kind in changed
        ]
        for suffix, staged, _, _ in parts:
            output = self.results.publish(staged.path, item.target + suffix, replace=there[suffix] is not None)
        return output, tuple(said)

    def _is_ours(self, item: Item, there: Entry, made: Made, noted: set[str]) -> bool:
        """Whether a file is one that this batch put there, or the very one that it is about to put there."""
        if item.output_hash is not None and there == Entry(item.target, item.output_size, item.output_stamp or ""):
            return True
        if there.size is None:  # nothing that can be read
            return False
        with self.results.fetch(there.name, self.partial) as path:
            return digest(path) in made.hashes | noted
