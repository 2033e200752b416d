"""Every error that Tinct raises on purpose.

    TinctError
    ├── OptionError            an option or argument is out of range or malformed
    │   └── HintError          a hint is malformed or outside the picture
    ├── PhotoError             a picture can't be used
    │   ├── UnreadablePhoto    missing, unreadable, empty, or no picture at all
    │   ├── TruncatedPhoto     ends before its last pixel
    │   └── PhotoTooLarge      more pixels than the limit allows
    ├── UnreadableVideo        a film is missing, unreadable, or holds no picture that can be decoded
    ├── OutputError            a result can't be written
    │   └── OutputExists       the output is there already and may not be replaced
    ├── StoreError             a folder or bucket can't be used
    │   ├── BatchBusy          another run is at work in it
    │   └── StoreFull          no space is left in it
    ├── ClusterError           a cluster of machines can't be used
    ├── DatabaseError          the database is out of reach, or of another version
    ├── NotFound               nothing of that id belongs to whoever asks
    ├── Conflict               something is not in a state that allows what is asked
    ├── TooMany                a limit on how much one may ask for is reached
    ├── ProvenanceError        a result can't be made again from what it says of its making
    ├── ModelError             a model can't be used
    │   ├── UnknownModel       no model of that name; the message lists the choices
    │   └── BadModelFile       corrupt, not a model of Tinct, or of another architecture
    ├── DataError              training or evaluation data can't be used
    │   └── DataOutOfReach     a file of them that was there can't be read any more
    ├── ConfigError            a recipe has faults; the message lists all of them
    ├── ForkedProcess          a process was forked from one in which Tinct was at work
    ├── CommandFailed          an external command failed, hung, or can't be started
    ├── TrainingError          training can't start, go on or resume
    └── MissingExtra           an optional part of Tinct isn't installed

A message says what was wrong and what to do about it. Errors of the libraries below are mapped to
these at the border, with the original as ``__cause__``.
"""

from __future__ import annotations

from collections.abc import Sequence


class TinctError(Exception):
    """Base of all errors that Tinct raises on purpose; ``str(error)`` is fit for a user to read."""


class OptionError(TinctError, ValueError):
    """An option or argument is out of range or malformed."""


class HintError(OptionError):
    """A hint is malformed or lies outside the picture."""


class PhotoError(TinctError):
    """A picture can't be used."""


class UnreadablePhoto(PhotoError):
    """A picture is missing, unreadable, empty, or no picture at all."""


class TruncatedPhoto(PhotoError):
    """A picture ends before its last pixel."""


class PhotoTooLarge(PhotoError):
    """A picture has more pixels than the limit allows."""


class UnreadableVideo(TinctError):
    """A film is missing, unreadable, or holds no picture that can be decoded."""


class OutputError(TinctError):
    """A result can't be written."""


class OutputExists(OutputError):
    """The output is there already and may not be replaced."""


class StoreError(TinctError):
    """A folder or bucket can't be used: missing, not allowed, or out of reach."""


class BatchBusy(StoreError):
    """Another run is at work on a batch."""


class StoreFull(StoreError):
    """No space is left where results go."""


class ClusterError(TinctError):
    """A cluster is out of reach, or its machines don't fit: other versions, another model, folders they don't see."""


class DatabaseError(TinctError):
    """The database is out of reach, locked, or of another version."""


class NotFound(TinctError):
    """Nothing of that id belongs to whoever asks."""


class Conflict(TinctError):
    """Something is not in a state that allows what is asked."""


class TooMany(TinctError):
    """A limit on how much one may ask for is reached; it passes with time."""


class ProvenanceError(TinctError):
    """A result can't be made again from what it says of its making."""


class ModelError(TinctError):
    """A model can't be used."""


class UnknownModel(ModelError):
    """No model has that name."""

    def __init__(self, name: str, choices: Sequence[str]) -> None:
        super().__init__(f"unknown model {name!r}; choose one of {', '.join(choices)}, or give a file")
        self.name = name
        self.choices = tuple(choices)

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.name, self.choices)


class BadModelFile(ModelError):
    """A model file is corrupt, no model of Tinct, or of another architecture."""


class DataError(TinctError):
    """Training or evaluation data can't be used."""


class DataOutOfReach(DataError):
    """A file of the data that was there can't be read any more."""


class ConfigError(TinctError):
    """A recipe has faults.

    Args:
        source: where the recipe came from.
        faults: every fault found, one line each.
    """

    def __init__(self, source: str, faults: Sequence[str]) -> None:
        lines = "".join(f"\n  - {fault}" for fault in faults)
        super().__init__(f"{source}: {len(faults)} fault{'s' * (len(faults) != 1)}{lines}")
        self.source = source
        self.faults = tuple(faults)

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.source, self.faults)


class ForkedProcess(TinctError):
    """A process was forked from one in which Tinct was at work; the threads of that one are not in it."""


class CommandFailed(TinctError):
    """An external command failed, hung, or can't be started."""


class TrainingError(TinctError):
    """Training can't start, go on or resume."""


class MissingExtra(TinctError):
    """An optional part of Tinct isn't installed.

    Args:
        what: what was asked for.
        extra: the extra of the package that carries it.
    """

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f'{what} needs the extra [{extra}]: pip install "tinct[{extra}]"')
        self.what = what
        self.extra = extra

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.what, self.extra)
