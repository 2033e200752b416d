"""The folder of a film's finished shots: one run at a time has it, and only what is its own is deleted there."""

from __future__ import annotations

import dataclasses
import json
import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from tinct.errors import OutputError
from tinct.media.atomic import atomic_path
from tinct.media.lock import take_lock
from tinct.video.shots import Shot, Survey

PLAN, TICKS = "plan.json", "ticks.npy"
LOCK, MADE, JOINING = ".tinct-lock", ".tinct-made", ".tinct-joining"
"""What is locked, what says that the folder wasn't there before, and what names the film while it is being joined."""
OWN = (PLAN, TICKS, JOINING, "shot-[0-9]*.mkv", "change-[0-9]*.npy", ".tinct-*.tmp", ".tinct-*.ways")

_HELD: dict[Path, sqlite3.Connection] = {}
"""The locks of this process, by folder; they end with it, however that ends."""


def take(folder: Path) -> None:
    """Make the folder, and keep other runs off it until :func:`release`.

    Raises:
        OutputError: it can't be made, holds something else, or another run has it.
    """
    if folder.resolve() in _HELD and (folder / LOCK).exists():
        return
    try:
        if folder.exists():
            _require_own(folder)
        else:
            folder.mkdir(parents=True)
            (folder / MADE).touch()
    except OSError as error:
        raise OutputError(f"the folder {folder} can't be made ({error.strerror or error})") from error
    lock = take_lock(folder / LOCK)
    if lock is None:
        raise OutputError(
            f"another run is at work on the shots in {folder}; wait for it, stop it, or name another folder (--state)"
        )
    _HELD[folder.resolve()] = lock


def release(folder: Path) -> None:
    """Let others have the folder; it goes if it was made by :func:`take` and nothing is in it."""
    lock = _HELD.pop(folder.resolve(), None)
    if lock is not None:
        lock.close()
    with suppress(OSError):
        for path in folder.glob(LOCK + "*"):  # SQLite may have a journal of it
            path.unlink()
        if [path.name for path in folder.iterdir()] == [MADE]:
            (folder / MADE).unlink()
            folder.rmdir()


def clear(folder: Path) -> None:
    """Delete what runs left in the folder, and nothing else."""
    drop_unfinished(folder)
    for path in _matching(folder, OWN):
        with suppress(OSError):
            path.unlink()


def note_unfinished(folder: Path, film: Path) -> None:
    """Note the temporary file in which the film is being joined, beside the target."""
    (folder / JOINING).write_text(str(film.absolute()), encoding="utf-8", errors="surrogateescape")


def drop_unfinished(folder: Path) -> None:
    """Delete the temporary file of a run that was killed while it joined the film."""
    with suppress(OSError, ValueError):
        film = Path((folder / JOINING).read_text(encoding="utf-8", errors="surrogateescape"))
        if film.match(".tinct-*.tmp"):
            film.unlink(missing_ok=True)


def recall(folder: Path, fingerprint: dict[str, Any]) -> Survey | None:
    """Return what an earlier run of the same job noted down; None if there was none."""
    try:
        noted = json.loads((folder / PLAN).read_text("utf-8"))
        if noted["fingerprint"] != json.loads(json.dumps(fingerprint)):
            return None
        fields = noted["survey"]
        return Survey(
            ticks=np.load(folder / TICKS, allow_pickle=False),
            shots=tuple(Shot(**shot) for shot in fields["shots"]),
            colored=fields["colored"],
            seekable=fields["seekable"],
            damage=tuple(fields["damage"]),
            notes=tuple(fields["notes"]),
        )
    except (OSError, ValueError, KeyError, TypeError):  # none yet, or one that was cut off
        return None


def note_down(folder: Path, fingerprint: dict[str, Any], found: Survey) -> None:
    """Put a survey into the folder, instead of whatever runs of other jobs left there.

    Raises:
        OutputError: it can't be written.
    """
    clear(folder)
    with atomic_path(folder / TICKS, overwrite=True) as temporary, temporary.open("wb") as file:
        np.save(file, found.ticks)
    fields = dataclasses.asdict(found)
    del fields["ticks"]
    text = json.dumps({"fingerprint": fingerprint, "survey": fields}, indent=1)
    with atomic_path(folder / PLAN, overwrite=True) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _require_own(folder: Path) -> None:
    # Before its plan, a run leaves nothing else than these.
    begun = {path.name for path in _matching(folder, (TICKS, ".tinct-*"))}
    if not _is_plan(folder / PLAN) and any(path.name not in begun for path in folder.iterdir()):
        raise OutputError(f"{folder} is there and holds no shots of Tinct's; name another folder (--state)")


def _is_plan(path: Path) -> bool:
    try:
        noted = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(noted, dict) and {"fingerprint", "survey"} <= noted.keys()


def _matching(folder: Path, patterns: tuple[str, ...]) -> Iterator[Path]:
    for pattern in patterns:
        yield from folder.glob(pattern)
