"""What a run over a batch says: while it goes on, and at its end."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Protocol

from tinct.jobs.items import Outcome
from tinct.jobs.places import Trouble


@dataclass(slots=True)
class Summary:
    """What a run came to."""

    counts: Counter[str] = field(default_factory=Counter)
    """How many were ``done``, ``kept`` (found to be right by their hash), ``failed``, ``gone`` in this run."""
    parts: Counter[str] = field(default_factory=Counter)
    """Seconds by what they went into, over all threads."""
    seconds: float = 0.0
    """Wall time of the work."""
    states: dict[str, int] = field(default_factory=dict)
    """How many photographs are in each state after it."""
    troubles: list[Trouble] = field(default_factory=list)
    """What couldn't be listed."""
    taken: list[Trouble] = field(default_factory=list)
    """Photographs that weren't begun, as files that the batch didn't make have their results' names."""
    failed_before: int = 0
    """How many others failed in earlier runs and were left alone."""
    halt: str | None = None
    """Why the run stopped early; None where it didn't."""
    interrupted: bool = False
    """Whether Ctrl-C stopped it."""


class Observer(Protocol):
    """Is told what happens, on the thread that runs the batch."""

    def begin(self, total: int) -> None:
        """So many photographs are to be done."""

    def add(self, outcome: Outcome) -> None:
        """One is finished."""

    def say(self, text: str) -> None:
        """Something that isn't about one photograph."""

    def complain(self, text: str) -> None:
        """Something that keeps photographs from being done."""

    def stopping(self) -> None:
        """Ctrl-C: no further photograph is begun."""
