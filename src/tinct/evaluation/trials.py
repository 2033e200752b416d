"""The colorization Turing test: which pairs there are, who is shown which, in which order and on which side.

Source: Zhang, Isola, Efros, "Colorful Image Colorization" (ECCV 2016), section 3.1: an original and its colorized
version, 256x256, one second each; the participant says which of both has colors made by a computer. Ten practice pairs
with the answer told; among the others one in ten sets the original against the colors of another photograph, to see
whether the participant looks at all.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from tinct.errors import DataError, OptionError

FILE, PICTURES = "trials.json", "pictures"
"""In the folder of a set."""
Kind = Literal["test", "catch", "practice"]
Choice = Literal["first", "second"]
"""Which picture of a pair; the first stands on the left, or on top where the screen is narrow."""
CHOICES: tuple[Choice, ...] = get_args(Choice)


@dataclass(frozen=True, slots=True)
class Trial:
    """A pair of pictures."""

    id: str
    kind: Kind
    photo: str
    """Name of the photograph."""
    model: str
    """Who colored it; ``random`` of catch trials."""
    original: str
    """File among the set's pictures."""
    colored: str


@dataclass(frozen=True, slots=True)
class Showing:
    """A pair as one participant sees it."""

    number: int
    """From 0 up, in the participant's order."""
    trial: Trial
    original_first: bool

    def file(self, place: Choice) -> str:
        """Return the name of the picture at a place."""
        return self.trial.original if (place == "first") is self.original_first else self.trial.colored


@dataclass(frozen=True, slots=True)
class Vote:
    """An answer."""

    participant: str
    trial: str
    choice: Choice
    """The picture whose colors the participant says a computer made."""
    fooled: bool
    """Whether that was the original."""
    seconds: float
    """From the end of the second picture to the answer."""


@dataclass(frozen=True)
class TrialSet:
    """All pairs of a test.

    Raises:
        DataError: fewer photographs than one participant is to see, or a trial twice.
    """

    id: str
    """Decides, with a participant's number, what that participant is shown."""
    protocol: str
    session: int
    """Pairs that count, for each participant."""
    trials: tuple[Trial, ...]

    def __post_init__(self) -> None:
        if len({trial.id for trial in self.trials}) < len(self.trials):
            raise DataError("a trial is twice in the set; make it again")
        if not 1 <= self.session <= len(self.photos()):
            raise DataError(f"the set has {len(self.photos())} photographs, a participant is to see {self.session}")

    def photos(self) -> list[str]:
        """Return the photographs of the pairs that count, in order."""
        return list(dict.fromkeys(trial.photo for trial in self.of("test")))

    def models(self) -> list[str]:
        """Return who is tested, in order."""
        return list(dict.fromkeys(trial.model for trial in self.of("test")))

    def of(self, kind: Kind) -> list[Trial]:
        """Return the pairs of a kind."""
        return [trial for trial in self.trials if trial.kind == kind]

    def find(self, id: str) -> Trial:
        """Return a trial by its id.

        Raises:
            DataError: the set has none of that id.
        """
        found = next((trial for trial in self.trials if trial.id == id), None)
        if found is None:
            raise DataError(f"there is a vote on the trial {id!r}, which isn't in this set; score it with its own")
        return found

    def deck(self, number: int) -> tuple[Showing, ...]:
        """Return what a participant is shown: the same each time it is asked for.

        Photographs go round, so that all are seen about equally often; of several models each photograph is shown with
        the next one in the next round, and nobody sees a photograph twice. Of the sides, half are the original's.

        Args:
            number: of the participant, from 0 up in the order of coming.
        """
        photos, models = self.photos(), self.models()
        by_place = {(trial.photo, trial.model): trial for trial in self.of("test")}
        self._rng("order").shuffle(photos)
        chosen = []
        for place in range(number * self.session, (number + 1) * self.session):
            turn, index = divmod(place, len(photos))
            chosen.append(by_place[photos[index], models[(turn + index) % len(models)]])
        rng = self._rng(f"participant {number}")
        practice, counted = self.of("practice"), chosen + self.of("catch")
        rng.shuffle(practice)
        rng.shuffle(counted)
        sides = _sides(rng, len(practice)) + _sides(rng, len(counted))
        shown = zip(practice + counted, sides, strict=True)
        return tuple(Showing(place, trial, first) for place, (trial, first) in enumerate(shown))

    def _rng(self, purpose: str) -> random.Random:
        return random.Random(hashlib.sha256(f"{self.id} {purpose}".encode()).digest())

    def to_json(self) -> str:
        """Return the set as text for its file."""
        head = {"id": self.id, "protocol": self.protocol, "session": self.session}
        return json.dumps({**head, "trials": [asdict(trial) for trial in self.trials]}, indent=1) + "\n"


def _sides(rng: random.Random, count: int) -> list[bool]:
    """Return whether the original is first: as often as not, so that sides tell nothing."""
    sides = [place % 2 == 0 for place in range(count)]
    if count % 2:
        sides[-1] = rng.random() < 0.5
    rng.shuffle(sides)
    return sides


def load_trials(folder: Path) -> TrialSet:
    """Read a set that ``tinct turing make`` wrote.

    Raises:
        DataError: there is none, or it is damaged.
    """
    path = folder / FILE
    if not path.is_file():
        raise DataError(f"{folder} is no set of trials: {FILE} is missing in it; make one with tinct turing make")
    try:
        found: dict[str, Any] = json.loads(path.read_text("utf-8"))
        trials = tuple(Trial(**trial) for trial in found.pop("trials"))
        trial_set = TrialSet(trials=trials, **found)
        combinations = {(trial.photo, trial.model) for trial in trial_set.of("test")}
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise DataError(f"{path} can't be read ({error}); make the set again") from error
    if len(combinations) != len(trial_set.photos()) * len(trial_set.models()):
        raise DataError(f"{path} is damaged: not every photograph has every model; make the set again")
    names = {name for trial in trials for name in (trial.original, trial.colored)}
    missing = sorted(name for name in names if Path(name).name != name or not (folder / PICTURES / name).is_file())
    if missing:
        raise DataError(f"{folder} is damaged: {len(missing)} pictures are missing, like {missing[0]}")
    return trial_set


def judge(participant: str, showing: Showing, choice: str, seconds: float) -> Vote:
    """Return the vote that an answer makes.

    Args:
        participant: who answers.
        showing: the pair as it was shown.
        choice: ``first`` or ``second``: the picture with colors made by a computer.
        seconds: that the participant took.

    Raises:
        OptionError: another choice, or a time that can't be.
    """
    if choice not in CHOICES:
        raise OptionError(f"the choice is {choice!r}; give one of {', '.join(CHOICES)}")
    if not 0 <= seconds < 7 * 86400:
        raise OptionError(f"the answer took {seconds} seconds, expected from 0 up to a week")
    fooled = (choice == "first") is showing.original_first
    return Vote(participant, showing.trial.id, choice, fooled, float(seconds))


def recall(participant: str, showing: Showing, *, fooled: bool, seconds: float) -> Vote:
    """Return the vote of which only this is kept: whether the participant was fooled, and the time."""
    return Vote(
        participant, showing.trial.id, "first" if fooled is showing.original_first else "second", fooled, seconds
    )


def next_showing(deck: Sequence[Showing], answered: set[str]) -> Showing | None:
    """Return the first pair of a deck that has no answer, None at the end."""
    return next((showing for showing in deck if showing.trial.id not in answered), None)
