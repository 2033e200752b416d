"""The rows of a batch's list as they travel: what is to be worked on, and what became of it."""

from __future__ import annotations

import os
import sqlite3
from dataclasses import dataclass
from typing import Literal

from tinct.jobs.places import Entry

State = Literal["pending", "running", "done", "failed", "gone"]
ATTEMPT = "coalesce(listed_size, '') || ' ' || listed_stamp || ' ' || wanted"
"""What an attempt depends on; where it is another than that of a failure, it is worth another attempt."""
SELECT = "SELECT files.*, series.prior FROM files LEFT JOIN series ON series.name = files.series"
"""Begins a query whose rows :func:`item_of` takes."""


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
    """Hash of the settings to use."""
    settings: str | None
    """Hash of those that the result which is there was made with; None where there is none."""
    source_hash: str | None
    """Of the source of that result."""
    output_hash: str | None
    """Of that result."""
    ours: bool
    """Whether a file by the target's name is a result of this batch, and may be replaced."""
    output_size: int | None
    """Likewise."""
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
    wanted: str = ""
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
        ours=bool(row["ours"]),
        override=row["override"],
        prior=row["prior"],
    )


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
