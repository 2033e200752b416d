"""Votes: each counts once, and none is lost, whatever happens to the server."""

from __future__ import annotations

import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tinct.errors import Conflict, NotFound, OptionError, OutputError
from tinct.evaluation.ballots import Ballots
from tinct.evaluation.trials import Trial, TrialSet

TRIALS = TrialSet(
    "a test", "center256", 5, tuple(Trial(str(n), "test", f"{n}.jpg", "m", f"{n}-o.png", f"{n}.png") for n in range(20))
)
VOTE_UNTIL_KILLED = """
import sys
from pathlib import Path
from tinct.evaluation.ballots import Ballots
from tinct.evaluation.trials import Trial, TrialSet
trials = TrialSet("a test", "center256", 1000, tuple(
    Trial(str(n), "test", f"{n}.jpg", "m", f"{n}-o.png", f"{n}.png") for n in range(1000)))
box = Ballots(Path(sys.argv[1]), trials)
somebody = box.join()
while showing := box.progress(somebody).showing:
    print(box.answer(somebody, showing.number, "first", 1.0).trial, flush=True)
"""


@pytest.fixture
def box(tmp_path: Path) -> Ballots:
    return Ballots(tmp_path / "votes.sqlite", TRIALS)


def test_a_participant_goes_through_the_deck_and_comes_to_an_end(box: Ballots) -> None:
    somebody = box.join()
    for number in range(5):
        progress = box.progress(somebody)
        assert (progress.answered, progress.total) == (number, 5)
        assert progress.showing == TRIALS.deck(0)[number]
        box.answer(somebody, number, "second", 0.5)
    assert box.progress(somebody).showing is None
    assert [vote.trial for vote in box.votes()] == [showing.trial.id for showing in TRIALS.deck(0)]


def test_an_answer_sent_twice_counts_once(box: Ballots) -> None:
    somebody = box.join()
    first = box.answer(somebody, 0, "first", 1.0)
    assert box.answer(somebody, 0, "first", 9.0).trial == first.trial
    with pytest.raises(Conflict, match="answered already, and otherwise"):
        box.answer(somebody, 0, "second", 1.0)
    assert box.votes() == [first]


def test_what_is_refused(box: Ballots) -> None:
    somebody = box.join()
    with pytest.raises(Conflict, match="isn't the next one"):
        box.answer(somebody, 3, "first", 1.0)
    for number in (-1, 5):
        with pytest.raises(NotFound, match="the pairs are 0 to 4"):
            box.answer(somebody, number, "first", 1.0)
    with pytest.raises(OptionError):
        box.answer(somebody, 0, "both", 1.0)
    with pytest.raises(NotFound):
        box.find("somebody else")
    assert box.votes() == []
    assert box.find(somebody.id) == somebody


def test_a_file_that_is_of_another_test_or_none(tmp_path: Path, box: Ballots) -> None:
    box.close()
    other = TrialSet("another", "center256", 5, TRIALS.trials)
    with pytest.raises(OutputError, match="votes of another test"):
        Ballots(tmp_path / "votes.sqlite", other)
    (tmp_path / "text").write_text("no database" * 1000)
    with pytest.raises(OutputError, match="can't keep votes"):
        Ballots(tmp_path / "text", TRIALS)


def test_many_at_once(tmp_path: Path) -> None:
    """Threads of two servers on one file: every participant has a number of their own, and every vote is there."""
    boxes = [Ballots(tmp_path / "votes.sqlite", TRIALS) for _ in range(2)]

    def take_part(place: int) -> tuple[str, int]:
        box = boxes[place % 2]
        somebody = box.join()
        for number in range(5):
            box.answer(somebody, number, "first" if place % 3 else "second", 1.0)
            box.answer(somebody, number, "first" if place % 3 else "second", 1.0)
        return somebody.id, somebody.number

    with ThreadPoolExecutor(16) as pool:
        people = list(pool.map(take_part, range(24)))
    assert sorted(number for _, number in people) == list(range(24))
    assert len({(vote.participant, vote.trial) for vote in boxes[0].votes()}) == len(boxes[1].votes()) == 24 * 5
    for box in boxes:
        box.close()


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_a_killed_server_loses_no_vote_that_it_confirmed(tmp_path: Path) -> None:
    path = tmp_path / "votes.sqlite"
    process = subprocess.Popen([sys.executable, "-c", VOTE_UNTIL_KILLED, path], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    confirmed = [process.stdout.readline().strip() for _ in range(20)]
    process.send_signal(signal.SIGKILL)
    confirmed += [line.strip() for line in process.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
    process.stdout.close()
    process.wait()
    with Ballots(path, TRIALS) as box:
        kept = [vote.trial for vote in box.votes()]
        assert kept[: len(confirmed)] == confirmed
        assert len(kept) <= len(confirmed) + 1
        assert box.find(box.participants()[0].id).number == 0
