"""What the votes of a Turing test say: how often each model was taken for the real one, and who only clicked."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from math import comb
from statistics import median
from typing import Any

import numpy as np

from tinct.evaluation.statistics import Interval, percentile_interval, resampled_sums
from tinct.evaluation.trials import Trial, TrialSet, Vote

CHANCE = 0.001
"""A participant is flagged for a side that is chosen so often that honest ones would by a smaller chance."""
LEAST_CATCH = 3
"""Catch trials from which on more than half of them missed is a flag."""
LEAST_SECONDS = 0.2
"""Of the median answer; nobody looks, decides and clicks faster."""
MODEL_COLUMNS = tuple("model participants answers fooled_percent standard_error low high".split())
PHOTO_COLUMNS = tuple("photo model answers fooled fooled_percent".split())
PARTICIPANT_COLUMNS = tuple("participant answers first catch caught median_seconds flags".split())
VOTE_COLUMNS = tuple("participant kind photo model choice fooled seconds".split())
"""Of the CSV files."""


@dataclass(frozen=True, slots=True)
class Fooled:
    """How often one model's colors were taken for the real ones."""

    model: str
    participants: int
    answers: int
    percent: float
    """50 is as good as the originals."""
    error: float
    """Bootstrap standard error, in percent."""
    ci95: Interval


@dataclass(frozen=True, slots=True)
class Ranked:
    """How often one picture was taken for the real one."""

    photo: str
    model: str
    answers: int
    fooled: int


@dataclass(frozen=True, slots=True)
class Behavior:
    """How a participant answered."""

    participant: str
    answers: int
    """All, with practice."""
    first: int
    """Of them, how often the first picture was chosen."""
    catch: int
    """Answers to catch trials, and how many of them were right."""
    caught: int
    seconds: float
    """Median."""
    flags: tuple[str, ...]
    """Why the answers are left out; none for whoever took part as asked."""


@dataclass(frozen=True, slots=True)
class Score:
    """What came of a test."""

    models: tuple[Fooled, ...]
    photos: tuple[Ranked, ...]
    """The most convincing first."""
    participants: tuple[Behavior, ...]
    left_out: int
    """Answers of flagged participants."""
    duplicates: int
    """Further votes of one participant on one trial; the first counts."""


def score(trials: TrialSet, votes: Iterable[Vote], *, keep_flagged: bool = False) -> Score:
    """Count votes.

    Args:
        trials: of the test.
        votes: in the order of coming.
        keep_flagged: count flagged participants, too.

    Raises:
        DataError: a vote is on a trial that isn't in the set.
    """
    ballots: dict[tuple[str, str], Vote] = {}
    received = 0
    for vote in votes:
        received += 1
        ballots.setdefault((vote.participant, vote.trial), vote)
    known = {trial.id: trial for trial in trials.trials}
    cast = [(known.get(vote.trial) or trials.find(vote.trial), vote) for vote in ballots.values()]
    people = [
        behavior(who, [(trial, vote) for trial, vote in cast if vote.participant == who])
        for who in dict.fromkeys(vote.participant for _, vote in cast)
    ]
    flagged = {person.participant for person in people if person.flags and not keep_flagged}
    tests = [(trial, vote) for trial, vote in cast if trial.kind == "test"]
    counted = [(trial, vote) for trial, vote in tests if vote.participant not in flagged]
    return Score(
        tuple(
            fooled(model, [vote for trial, vote in counted if trial.model == model])
            for model in trials.models()
            if any(trial.model == model for trial, _ in counted)
        ),
        tuple(_rank(counted)),
        tuple(people),
        len(tests) - len(counted),
        received - len(ballots),
    )


def fooled(model: str, votes: Sequence[Vote]) -> Fooled:
    """Return how often a model's colors were taken for the real ones.

    Participants are drawn anew, for each has a sharpness of sight of their own; where there is one only, answers are.
    """
    people = list(dict.fromkeys(vote.participant for vote in votes))
    groups: Collection[Sequence[Vote]] = [[vote for vote in votes if vote.participant == who] for who in people]
    if len(people) == 1:
        groups = [[vote] for vote in votes]
    counts = np.array([(sum(vote.fooled for vote in group), len(group)) for group in groups], np.float64)
    sums = resampled_sums(counts)
    shares = 100 * sums[:, 0] / sums[:, 1]
    percent = float(100 * counts[:, 0].sum() / counts[:, 1].sum())
    return Fooled(model, len(people), len(votes), percent, float(shares.std(ddof=1)), percentile_interval(shares))


def behavior(participant: str, cast: Sequence[tuple[Trial, Vote]]) -> Behavior:
    """Say how a participant answered, and whether as asked."""
    first = sum(vote.choice == "first" for _, vote in cast)
    catch = [not vote.fooled for trial, vote in cast if trial.kind == "catch"]
    middle = median(vote.seconds for _, vote in cast)
    flags = []
    if side_chance(first, len(cast)) < CHANCE:
        side = "first" if 2 * first > len(cast) else "second"
        share = max(first, len(cast) - first)
        flags.append(f"chose the {side} picture {share} times of {len(cast)}")
    if len(catch) >= LEAST_CATCH and 2 * sum(catch) < len(catch):
        flags.append(f"missed {len(catch) - sum(catch)} of {len(catch)} catch trials")
    if middle < LEAST_SECONDS:
        flags.append(f"answered within {middle:.2f} seconds")
    return Behavior(participant, len(cast), first, len(catch), sum(catch), middle, tuple(flags))


def side_chance(first: int, answers: int) -> float:
    """Return how probable so uneven a choice of sides is for who doesn't prefer one: the two-sided binomial test."""
    fewer = min(first, answers - first)
    tail: float = sum(comb(answers, count) for count in range(fewer + 1)) / 2**answers
    return min(1.0, 2 * tail)


def _rank(counted: Iterable[tuple[Trial, Vote]]) -> list[Ranked]:
    tally: dict[tuple[str, str], list[bool]] = {}
    for trial, vote in counted:
        tally.setdefault((trial.photo, trial.model), []).append(vote.fooled)
    found = [Ranked(photo, model, len(hits), sum(hits)) for (photo, model), hits in tally.items()]
    return sorted(found, key=lambda one: (-one.fooled / one.answers, -one.answers, one.photo, one.model))


def as_dict(found: Score) -> dict[str, Any]:
    """Return a score as plain values; participants by their place in the order of their first answers."""
    return {
        "models": [
            {
                "model": one.model,
                "participants": one.participants,
                "answers": one.answers,
                "fooled_percent": one.percent,
                "standard_error": one.error,
                "low": one.ci95[0],
                "high": one.ci95[1],
            }
            for one in found.models
        ],
        "photos": [
            {
                "photo": one.photo,
                "model": one.model,
                "answers": one.answers,
                "fooled": one.fooled,
                "fooled_percent": 100 * one.fooled / one.answers,
            }
            for one in found.photos
        ],
        "participants": [
            {
                "participant": place,
                "answers": one.answers,
                "first": one.first,
                "catch": one.catch,
                "caught": one.caught,
                "median_seconds": one.seconds,
                "flags": "; ".join(one.flags),
            }
            for place, one in enumerate(found.participants, 1)
        ],
        "left_out": found.left_out,
        "duplicates": found.duplicates,
    }


def votes_table(trials: TrialSet, votes: Iterable[Vote]) -> list[dict[str, Any]]:
    """Return each vote as plain values; participants by number, for their ids let others vote in their place."""
    known = {trial.id: trial for trial in trials.trials}
    numbers: dict[str, int] = {}
    return [
        {
            "participant": numbers.setdefault(vote.participant, len(numbers) + 1),
            "kind": known[vote.trial].kind,
            "photo": known[vote.trial].photo,
            "model": known[vote.trial].model,
            "choice": vote.choice,
            "fooled": int(vote.fooled),
            "seconds": round(vote.seconds, 3),
        }
        for vote in votes
    ]


def to_csv(rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> str:
    """Return rows as CSV, under a header even where there are none."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
