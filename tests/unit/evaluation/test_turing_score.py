"""What votes say. Oracles: SciPy for the standard error and the chance of a preferred side."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from scipy.stats import binomtest, bootstrap

from tinct.errors import DataError
from tinct.evaluation.trials import Trial, TrialSet, Vote
from tinct.evaluation.turing import (
    MODEL_COLUMNS,
    PARTICIPANT_COLUMNS,
    PHOTO_COLUMNS,
    VOTE_COLUMNS,
    as_dict,
    fooled,
    score,
    side_chance,
    to_csv,
    votes_table,
)

PHOTOS = 20
TRIALS = TrialSet(
    "a test",
    "center256",
    PHOTOS,
    (
        *(Trial(f"t{n}{m}", "test", f"{n}.jpg", m, "o.png", "c.png") for n in range(PHOTOS) for m in ("good", "bad")),
        *(Trial(f"c{n}", "catch", f"c{n}.jpg", "random", "o.png", "c.png") for n in range(4)),
        *(Trial(f"p{n}", "practice", f"p{n}.jpg", "good", "o.png", "c.png") for n in range(4)),
    ),
)


def ballots(
    who: str, rng: random.Random, *, good: float = 0.45, bad: float = 0.1, catch: float = 0.05, side: str | None = None
) -> Iterator[Vote]:
    """The answers of somebody who is fooled with given probabilities, on all kinds of trials."""
    chances = {"test": {"good": good, "bad": bad}, "catch": {"random": catch}, "practice": {"good": good}}
    for number, trial in enumerate(TRIALS.trials):
        if trial.kind == "test" and (int(trial.id[1 : -len(trial.model)]) % 2 == 0) is not (trial.model == "good"):
            continue
        choice = side or ("first" if (number // 2) % 2 else "second")
        is_fooled = rng.random() < (0.5 if side else chances[trial.kind][trial.model])
        yield Vote(who, trial.id, choice, is_fooled, 1.0 + rng.random())  # type: ignore[arg-type]


def crowd(count: int, **chances: float) -> list[Vote]:
    rng = random.Random(1)
    return [vote for number in range(count) for vote in ballots(f"person {number}", rng, **chances)]  # type: ignore[arg-type]


def test_percent_and_ranking() -> None:
    votes = crowd(30)
    found = score(TRIALS, votes)
    assert [one.model for one in found.models] == ["good", "bad"]
    for one in found.models:
        own = [vote.fooled for vote in votes if vote.trial.startswith("t") and vote.trial.endswith(one.model)]
        assert one.answers == len(own) == 300
        assert one.participants == 30
        assert one.percent == pytest.approx(100 * np.mean(own))
        assert one.ci95[0] < one.percent < one.ci95[1]
    shares = [one.fooled / one.answers for one in found.photos]
    assert shares == sorted(shares, reverse=True)
    assert len(found.photos) == PHOTOS
    assert found.photos[0].model == "good"
    assert sum(one.answers for one in found.photos) == 600
    assert found.left_out == found.duplicates == 0


def test_the_standard_error_is_that_of_scipy() -> None:
    """Participants with different numbers of answers are drawn whole; SciPy's bootstrap of the same ratio."""
    rng = random.Random(2)
    votes = [
        Vote(f"p{p}", f"t{n % PHOTOS}good", "first", rng.random() < 0.2 + 0.02 * p, 1.0)
        for p in range(25)
        for n in range(5 + p)
    ]
    by_person = [[v.fooled for v in votes if v.participant == f"p{p}"] for p in range(25)]
    hits, answers = np.array([sum(one) for one in by_person]), np.array([len(one) for one in by_person])

    def share(some: np.ndarray, all: np.ndarray, axis: int = -1) -> np.ndarray:
        return 100 * some.sum(axis) / all.sum(axis)

    oracle = bootstrap(
        (hits, answers), share, paired=True, vectorized=True, method="percentile", n_resamples=20_000, rng=0
    )
    found = fooled("good", votes)
    assert found.error == pytest.approx(oracle.standard_error, rel=0.06)
    assert found.ci95 == pytest.approx((oracle.confidence_interval.low, oracle.confidence_interval.high), abs=0.8)


def test_of_one_participant_answers_are_drawn() -> None:
    votes = [Vote("p", f"t{n}good", "first", n < 5, 1.0) for n in range(PHOTOS)]
    found = fooled("good", votes)
    # sqrt(p (1 - p) / n) of a binomial share.
    assert found.error == pytest.approx(100 * np.sqrt(0.25 * 0.75 / PHOTOS), rel=0.06)


@pytest.mark.parametrize(("first", "answers"), [(0, 10), (0, 11), (3, 20), (10, 20), (27, 30), (1, 1), (0, 0)])
def test_the_chance_of_a_side_is_that_of_scipy(first: int, answers: int) -> None:
    expected = binomtest(first, answers).pvalue if answers else 1.0
    assert side_chance(first, answers) == pytest.approx(expected)


def test_who_always_clicks_left_is_flagged_and_left_out() -> None:
    rng = random.Random(3)
    honest = crowd(5)
    votes = honest + list(ballots("lazy", rng, side="first"))
    found = score(TRIALS, votes)
    flagged = [person for person in found.participants if person.flags]
    assert [person.participant for person in flagged] == ["lazy"]
    assert "chose the first picture 28 times of 28" in flagged[0].flags
    assert found.left_out == 20
    assert found.models == score(TRIALS, honest).models
    kept = score(TRIALS, votes, keep_flagged=True)
    assert kept.left_out == 0
    assert kept.models[0].participants == 6


def test_who_misses_catch_trials_or_answers_at_once_is_flagged() -> None:
    rng = random.Random(4)
    blind = list(ballots("blind", rng, catch=1.0))
    hasty = [Vote(v.participant, v.trial, v.choice, v.fooled, 0.05) for v in ballots("hasty", rng, catch=0.0)]
    people = {person.participant: person for person in score(TRIALS, blind + hasty).participants}
    assert people["blind"].flags == ("missed 4 of 4 catch trials",)
    assert people["hasty"].flags == ("answered within 0.05 seconds",)
    assert (people["hasty"].catch, people["hasty"].caught) == (4, 4)


def test_honest_participants_are_not_flagged() -> None:
    # Zhang 2016: the random baseline fools 13 %. A test at 0.001 and one at 0.009 of 200 flag some 2 of them.
    flagged = [person for person in score(TRIALS, crowd(200, catch=0.13)).participants if person.flags]
    assert len(flagged) <= 6


def test_duplicates_count_once_and_the_first_counts() -> None:
    votes = crowd(3)
    again = [Vote(v.participant, v.trial, v.choice, not v.fooled, v.seconds) for v in votes[:7]]
    found = score(TRIALS, votes + again)
    assert found.duplicates == 7
    assert found.models == score(TRIALS, votes).models


def test_a_vote_on_another_set() -> None:
    with pytest.raises(DataError, match="'t99', which isn't in this set"):
        score(TRIALS, [Vote("p", "t99", "first", True, 1.0)])


def test_no_votes() -> None:
    found = score(TRIALS, [])
    assert found.models == found.photos == found.participants == ()
    assert to_csv([], MODEL_COLUMNS) == ",".join(MODEL_COLUMNS) + "\n"


def test_csv_holds_everything_under_its_columns() -> None:
    votes = crowd(4)
    plain = as_dict(score(TRIALS, votes))
    tables: Sequence[tuple[list[dict[str, object]], tuple[str, ...]]] = (
        (plain["models"], MODEL_COLUMNS),
        (plain["photos"], PHOTO_COLUMNS),
        (plain["participants"], PARTICIPANT_COLUMNS),
        (votes_table(TRIALS, votes), VOTE_COLUMNS),
    )
    for rows, columns in tables:
        lines = list(csv.DictReader(io.StringIO(to_csv(rows, columns))))
        assert lines == [{key: str(row[key]) for key in columns} for row in rows]
        assert lines
    # Ids let others vote in a participant's place, so they stay out.
    assert "person" not in to_csv(votes_table(TRIALS, votes), VOTE_COLUMNS)
