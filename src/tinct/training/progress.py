"""What a run tells while it goes on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class Progress:
    """One report of a run."""

    stage: Literal["reading", "training", "validating"]
    done: float
    """Share of the stage that is done, 0..1."""
    step: int = 0
    seen: int = 0
    """Photos seen."""
    epochs: float = 0.0
    """Passes over the data."""
    photos_per_second: float = 0.0
    seconds_left: float | None = None
    figures: Mapping[str, float] = field(default_factory=dict)
    """Latest losses, or after a validation its figures."""
    note: str = ""
    """Something to tell once, such as what was decided."""


Report = Callable[[Progress], None]


def silent(progress: Progress) -> None:
    """Tell nobody."""
