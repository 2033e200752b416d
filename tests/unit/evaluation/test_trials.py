"""Who is shown which pairs, in which order, on which side."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tinct.errors import DataError, OptionError
from tinct.evaluation.trials import FILE, PICTURES, Trial, TrialSet, judge, load_trials, recall


def make_set(photos: int = 12, models: int = 2, session: int = 8, catch: int = 3, practice: int = 4) -> TrialSet:
    trials = [
        Trial(f"{photo}-{model}", "test", f"p{photo}.jpg", f"m{model}", f"{photo}-o.png", f"{photo}-{model}.png")
        for photo in range(photos)
        for model in range(models)
    ]
    trials += [Trial(f"c{n}", "catch", f"c{n}.jpg", "random", f"c{n}-o.png", f"c{n}.png") for n in range(catch)]
    trials += [Trial(f"x{n}", "practice", f"x{n}.jpg", "m0", f"x{n}-o.png", f"x{n}.png") for n in range(practice)]
    return TrialSet("some test", "center256", session, tuple(trials))


def test_a_deck_is_the_same_each_time_and_another_for_others() -> None:
    trials = make_set()
    assert trials.deck(3) == trials.deck(3)
    assert trials.deck(3) != trials.deck(4)
    assert trials.deck(3) != replace(trials, id="another test").deck(3)
    assert [showing.number for showing in trials.deck(0)] == list(range(15))


def test_practice_comes_first_and_all_catch_trials_are_among_the_others() -> None:
    for number in range(5):
        kinds = [showing.trial.kind for showing in make_set().deck(number)]
        assert kinds[:4] == ["practice"] * 4
        assert Counter(kinds[4:]) == {"test": 8, "catch": 3}


def test_sides_tell_nothing() -> None:
    trials = make_set(session=9)
    for number in range(6):
        counted = [showing.original_first for showing in trials.deck(number) if showing.trial.kind != "practice"]
        assert sum(counted) == len(counted) / 2
    # Of one pair, either side is as likely: 200 participants, 100 +- 4 standard deviations.
    first = sum(showing.original_first for number in range(200) for showing in trials.deck(number)[4:5])
    assert 72 < first < 128


def test_nobody_sees_a_photograph_twice_and_all_are_seen_as_often() -> None:
    trials = make_set(photos=12, models=2, session=8)
    seen: Counter[tuple[str, str]] = Counter()
    for number in range(6):
        shown = [showing.trial for showing in trials.deck(number) if showing.trial.kind == "test"]
        assert len({trial.photo for trial in shown}) == 8
        assert Counter(trial.model for trial in shown) == {"m0": 4, "m1": 4}
        seen.update((trial.photo, trial.model) for trial in shown)
    # 6 participants of 8 pairs: twice each of the 24 pairs.
    assert set(seen.values()) == {2}
    assert len(seen) == 24


@pytest.mark.parametrize("first", [True, False])
def test_who_says_that_the_original_is_made_was_fooled(first: bool) -> None:
    showing = next(one for one in make_set().deck(0) if one.original_first is first)
    assert showing.file("first") == (showing.trial.original if first else showing.trial.colored)
    assert showing.file("second") == (showing.trial.colored if first else showing.trial.original)
    vote = judge("somebody", showing, "first", 1.5)
    assert vote.fooled is first
    assert recall("somebody", showing, fooled=vote.fooled, seconds=1.5) == vote
    assert judge("somebody", showing, "second", 1.5).fooled is not first


@pytest.mark.parametrize(("choice", "seconds"), [("left", 1.0), ("first", -1.0), ("first", float("nan"))])
def test_answers_that_cannot_be(choice: str, seconds: float) -> None:
    with pytest.raises(OptionError):
        judge("somebody", make_set().deck(0)[0], choice, seconds)


def test_more_pairs_than_photographs() -> None:
    with pytest.raises(DataError, match="12 photographs, a participant is to see 13"):
        make_set(session=13)


def write(folder: Path, trials: TrialSet) -> Path:
    (folder / PICTURES).mkdir()
    for trial in trials.trials:
        (folder / PICTURES / trial.original).touch()
        (folder / PICTURES / trial.colored).touch()
    (folder / FILE).write_text(trials.to_json(), "utf-8")
    return folder / PICTURES


def test_a_set_comes_back_from_its_file(tmp_path: Path) -> None:
    trials = make_set()
    write(tmp_path, trials)
    assert load_trials(tmp_path) == trials


def test_a_damaged_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"trials\.json is missing"):
        load_trials(tmp_path)
    pictures = write(tmp_path, make_set())
    (pictures / "3-1.png").unlink()
    with pytest.raises(DataError, match=r"1 pictures are missing, like 3-1\.png"):
        load_trials(tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        lambda found: found.pop("session"),
        lambda found: found["trials"].append({"id": "x"}),
        lambda found: found["trials"].append(found["trials"][0]),
        lambda found: found["trials"].pop(0),
        lambda found: found.update(trials=7),
        lambda found: found["trials"][0].update(original="../secret.png"),
    ],
    ids=["no session", "half a trial", "a trial twice", "a version is missing", "no trials", "a path"],
)
def test_a_changed_file_is_refused(tmp_path: Path, change: Any) -> None:
    write(tmp_path, make_set())
    found = json.loads((tmp_path / FILE).read_text("utf-8"))
    change(found)
    (tmp_path / FILE).write_text(json.dumps(found), "utf-8")
    with pytest.raises(DataError):
        load_trials(tmp_path)
