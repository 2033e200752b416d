"""The folder where results are made, and the notes in it of what is about to be published.

A note is on the disk before its files get their names, so that a run that goes on after a kill can tell what the killed
one put there from what somebody else did.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from tinct.errors import StoreError
from tinct.jobs.naming import OWN
from tinct.jobs.places import local_path
from tinct.media.atomic import atomic_path

if TYPE_CHECKING:
    from tinct.jobs.manifest import Manifest

PARTIAL = "partial"
"""Folder for what isn't finished."""
_NOTE = ".made"

Note = dict[str, list[str]]
"""SHA-256 of what may be published of one photograph, by what is added to the result's name: nothing, or ``.xmp``."""


def partial_folder(target: str, folder: Path) -> Path:
    """Return where results are made: on the disk of the results, so that they get their place by a new name alone.

    Each batch has one of its own there, as several may have their results in one folder.

    Args:
        target: folder or address of the results.
        folder: of the batch's own files.
    """
    path = local_path(target)
    if path is None:
        return folder / PARTIAL
    results, own = path.resolve(), folder.resolve()
    # One that lies below the results stays the same batch when all of it is moved.
    identity = own.relative_to(results) if own.is_relative_to(results) else own
    return path / OWN / PARTIAL / hashlib.sha256(os.fsencode(identity)).hexdigest()[:16]


@contextmanager
def staging(partial: Path, manifest: Manifest) -> Iterator[None]:
    """Give an empty folder to make results in; what is noted in it goes into the list before it is taken away.

    Args:
        partial: the folder; the batch must be locked.
        manifest: the list.

    Raises:
        StoreError: it can't be made, or the list can't be written.
    """
    take_notes(manifest, partial)
    shutil.rmtree(partial, ignore_errors=True)
    try:
        partial.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"the folder {partial} can't be made ({error.strerror or error})") from error
    stopped = False
    try:
        yield
    except KeyboardInterrupt:
        stopped = True  # threads may still be at work there; the next run clears up after them
        raise
    finally:
        if not stopped:
            with suppress(StoreError):  # no space is left for the list; the next run finds the notes
                take_notes(manifest, partial)
                _remove(partial)


def take_notes(manifest: Manifest, partial: Path) -> None:
    """Put into the list what a run may have published without coming to say so; nothing is written elsewhere."""
    for path in partial.glob(f"*{_NOTE}"):
        if path.stem.isdecimal():
            for suffix, hashes in read_note(partial, int(path.stem)).items():
                for hash in hashes:
                    manifest.add_made(int(path.stem), suffix, hash)


def read_note(folder: Path, id: int) -> Note:
    """Return what may have been published of a photograph; nothing where there is no whole note."""
    try:
        found: Note = json.loads((folder / f"{id}{_NOTE}").read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found


def write_note(folder: Path, id: int, made: Mapping[str, str]) -> None:
    """Add to the note of a photograph, on the disk.

    Args:
        folder: of the notes.
        id: of the photograph.
        made: what is published next, by what is added to the result's name.

    Raises:
        OutputError: it can't be written.
    """
    noted = read_note(folder, id)
    for suffix, hash in made.items():
        noted[suffix] = sorted({*noted.get(suffix, []), hash})
    with atomic_path(folder / f"{id}{_NOTE}", overwrite=True) as path:
        path.write_text(json.dumps(noted), "utf-8")


def remove_note(folder: Path, id: int) -> None:
    """Take a note away, once the list says what became of the photograph."""
    with suppress(OSError):
        (folder / f"{id}{_NOTE}").unlink()


def _remove(partial: Path) -> None:
    shutil.rmtree(partial, ignore_errors=True)
    for folder in (partial.parent, partial.parent.parent):
        if folder.name in (PARTIAL, OWN):
            with suppress(OSError):  # another batch works there, or has its own files there
                folder.rmdir()
