"""What a user can ask of a film, beside what can be asked of a photograph."""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tinct.errors import HintError, OptionError
from tinct.inference.options import ColorizeOptions, Hint, read_hints
from tinct.inference.provenance import to_settings

FOR_FILMS = ("mode", "vividness", "saturation", "size")
"""Options of photographs that films have, too; others they lack, or have with a time."""


@dataclass(frozen=True, slots=True)
class TimedHint:
    """A color chosen for a place of the frame at a time; it goes with what it lies on through the shot.

    >>> TimedHint.parse("1:02.5@40%,60%,#3050a0").time
    62.5
    """

    time: float
    """Seconds from the film's first frame."""
    hint: Hint

    @classmethod
    def parse(cls, text: str) -> TimedHint:
        """Read ``TIME@X,Y,#RRGGBB[,RADIUS]``.

        Raises:
            HintError: the text is malformed.
        """
        time, at, rest = text.partition("@")
        if not at:
            raise HintError(
                f"hint {text!r} has no time, expected TIME@X,Y,#RRGGBB[,RADIUS], for example 1:23.5@40%,60%,#a03020"
            )
        try:
            return cls(parse_time(time), Hint.parse(rest))
        except HintError:
            raise
        except OptionError as error:
            raise HintError(f"hint {text!r}: {error}") from error


@dataclass(frozen=True, slots=True)
class TimedReference:
    """A color picture: of the frame at a time, or of like things for every shot.

    >>> TimedReference.parse("12@still.png").time
    12.0
    """

    path: str
    time: float | None = None
    """Seconds from the film's first frame; None for the middle of each shot."""

    @classmethod
    def parse(cls, text: str) -> TimedReference:
        """Read ``[TIME@]FILE``; what stands before an ``@`` and is no time belongs to the name."""
        time, at, path = text.partition("@")
        if at:
            try:
                return cls(path, parse_time(time))
            except OptionError:
                pass
        return cls(text)


def parse_time(text: str) -> float:
    """Read a time: ``83.5``, ``1:23.5`` or ``0:01:23.5``, in seconds.

    Raises:
        OptionError: it is malformed.

    >>> parse_time("1:23.5")
    83.5
    """
    parts = text.strip().split(":")
    try:
        numbers = [float(part) for part in parts]
    except ValueError:
        numbers = []
    if not 1 <= len(numbers) <= 3 or not all(math.isfinite(number) and number >= 0 for number in numbers):
        raise OptionError(f"time {text!r} is malformed, expected seconds (83.5) or 1:23.5")
    return float(sum(number * 60.0**power for power, number in enumerate(reversed(numbers))))


def load_hints(path: str | os.PathLike[str]) -> tuple[TimedHint, ...]:
    """Read hints from JSON: ``[{"time": 12.5, "x": 12, "y": "40%", "color": "#a03020", "radius": 3}, ...]``.

    Raises:
        HintError: the file can't be read, or an entry is malformed; the message says which.
    """
    return read_hints(path, lambda entry: TimedHint(parse_time(str(entry.pop("time"))), Hint(**entry)), {"time": 12.5})


@dataclass(frozen=True, slots=True)
class FilmOptions:
    """How to colorize a film.

    Raises:
        OptionError: a value is out of range.
    """

    colors: ColorizeOptions = ColorizeOptions()  # noqa: RUF009 - frozen
    """Mode, vividness, saturation and size of the network's copy; of photographs' options, films have no others."""
    steady: bool = True
    """Average chroma along the flow within each shot."""
    deflicker: bool = False
    """Even out how light neighboring frames are; the one option that changes lightness."""
    hints: tuple[TimedHint, ...] = ()
    references: tuple[TimedReference, ...] = ()
    seconds: float | None = None
    """How much of the film from its beginning; None for all."""

    def __post_init__(self) -> None:
        plain, names = ColorizeOptions(), [field.name for field in dataclasses.fields(ColorizeOptions)]
        others = [name for name in names if name not in FOR_FILMS]
        given = [name for name in others if getattr(self.colors, name) != getattr(plain, name)]
        if given:
            raise OptionError(f"films don't take the option {', '.join(given)} of photographs")
        if sum(reference.time is None for reference in self.references) > 1:
            raise OptionError("only one reference can be without a time; give the others one (TIME@FILE)")
        if self.seconds is not None and not 0 < self.seconds < math.inf:
            raise OptionError(f"a preview of {self.seconds:g} seconds is none; give more than 0")

    def to_settings(self, hashes: Mapping[str, str]) -> dict[str, Any]:
        """Return what shaped the colors as JSON holds it; no path of this computer.

        Args:
            hashes: SHA-256 of each reference's file, in hex, by its path.
        """
        film: dict[str, Any] = {"steady": self.steady}
        if self.hints:
            film["hints"] = [{"time": timed.time} | dataclasses.asdict(timed.hint) for timed in self.hints]
        if self.references:
            film["references"] = [{"time": found.time, "sha256": hashes[found.path]} for found in self.references]
        if self.seconds is not None:
            film["seconds"] = self.seconds
        # Named as what is done to photographs before they are colorized.
        restored = {"restore": ["deflicker"]} if self.deflicker else {}
        return to_settings(self.colors) | restored | {"film": film}
