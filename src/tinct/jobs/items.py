"""The rows of a batch's list as they travel: what is to be worked on, and what became of it."""

from __future__ import annotations

import os
import sqlite3
from dataclasses import dataclass
from typing import Literal

from tinct.jobs.places import Entry
from tinct.media.sidecar import SUFFIX

State = Literal["pending", "running", "done", "failed", "gone"]
ATTEMPT = "coalesce(listed_size, '') || ' ' || listed_stamp || ' ' || wanted"
"""What an attempt depends on; where it is another than that of a failure, it is worth another attempt."""
_MADE = "group_concat(hash || finished, ' ') FROM made WHERE made.name = target AND suffix"
SELECT = (
    "SELECT files.*, series.prior,"
    f" (SELECT {_MADE} = '') AS made, (SELECT {_MADE} = '{SUFFIX}') AS beside"
    " FROM files LEFT JOIN series ON series.name = files.series"
)
"""Begins a query whose rows :func:`item_of` takes."""
TRUNCATED = "+truncated"
"""After a hash of settings: that damaged photographs may be taken as far as they go, or that one was."""
TAKEN = "is taken by a file that this batch didn't make; --overwrite replaces it"


@dataclass(frozen=True, slots=True)
class Made:
    """What a batch put somewhere by one name."""

    hashes: frozenset[str] = frozenset()
    """SHA-256 of each file that it put there, or was about to when it was killed; these may be replaced."""
    finished: bool = False
    """Whether it certainly put one there, so that another one now is that one, changed by somebody."""


@dataclass(frozen=True, slots=True)
class Item:
    """A photograph to work on; small, and fit to be sent to another process."""

    id: int
    source: str
    target: str
    size: int | None
    """Of the source, as it was listed."""
    stamp: str
    """Likewise."""
    wanted: str
    """Hash of the settings to use, with :data:`TRUNCATED` where damaged photographs may be taken."""
    settings: str | None
    """Hash of those that the result which is there was made with, with :data:`TRUNCATED` where its source was damaged;
    None where there is none."""
    source_hash: str | None
    """Of the source of that result."""
    output_hash: str | None
    """Of that result."""
    made: Made
    """What this batch put there by the target's name."""
    beside: Made
    """Likewise of the sidecars of results."""
    output_size: int | None
    """Of that result."""
    output_stamp: str | None
    """Likewise."""
    override: str | None
    """Settings for this photograph alone, as JSON."""
    prior: str | None
    """Colors of the series that it belongs to, as JSON."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one photograph."""

    id: int
    source: str
    target: str
    state: State
    """``done``, ``failed`` or ``gone``."""
    settings: str | None = None
    """As :attr:`Item.settings`, of the result."""
    kept: bool = False
    """Whether the result that was there was found to be right, by its hash."""
    error: str | None = None
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    parts: tuple[tuple[str, float], ...] = ()
    """Seconds by what they went into."""
    origin: Entry | None = None
    """The source, as it was read."""
    source_hash: str | None = None
    output: Entry | None = None
    output_hash: str | None = None
    sidecar_hash: str | None = None
    """Of the sidecar beside it; None where none was written."""
    taken: bool = False
    """Whether it failed as somebody else's file has its name, or that of its sidecar."""
    thumbnail: bytes | None = None
    """A small JPEG, before and after side by side."""
    halt: str | None = None
    """Why nothing further can be done for any photograph; this one is left for the next run."""


def item_of(row: sqlite3.Row) -> Item:
    """Return a row of the list as something to work on."""
    return Item(
        id=row["id"],
        source=name_of(row["source"]),
        target=name_of(row["target"]),
        size=row["listed_size"],
        stamp=row["listed_stamp"],
        wanted=row["wanted"],
        settings=row["settings"],
        source_hash=row["source_hash"],
        output_hash=row["output_hash"],
        output_size=row["output_size"],
        output_stamp=row["output_stamp"],
        made=_made_of(row["made"]),
        beside=_made_of(row["beside"]),
        override=row["override"],
        prior=row["prior"],
    )


def whole(wanted: str) -> str:
    """Return the hash of the settings without what concerns damaged photographs alone."""
    return wanted.removesuffix(TRUNCATED)


def _made_of(found: str | None) -> Made:
    entries = (found or "").split()
    return Made(frozenset(entry[:-1] for entry in entries), any(entry.endswith("1") for entry in entries))


def name_of(value: str | bytes) -> str:
    """Return a name as the rest of Tinct has it, with surrogate escapes for what is no Unicode."""
    return value if isinstance(value, str) else os.fsdecode(value)


def pack(name: str) -> str | bytes:
    """Return a name as SQLite takes it: one that is no Unicode as its bytes."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return os.fsencode(name)
    return name
