"""Votes of a Turing test as they come in: one SQLite file, of which an interrupted server loses nothing."""

from __future__ import annotations

import secrets
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tinct.errors import Conflict, NotFound, OutputError
from tinct.evaluation.trials import Showing, TrialSet, Vote, judge, next_showing

FILE = "votes.sqlite"
"""In the folder of a set."""
_SCHEMA = """
CREATE TABLE IF NOT EXISTS test (id TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS participants (id TEXT PRIMARY KEY, number INTEGER NOT NULL UNIQUE, came REAL NOT NULL);
CREATE TABLE IF NOT EXISTS votes (
    participant TEXT NOT NULL REFERENCES participants (id), trial TEXT NOT NULL, choice TEXT NOT NULL,
    fooled INTEGER NOT NULL, seconds REAL NOT NULL, came REAL NOT NULL, PRIMARY KEY (participant, trial)
);
"""


@dataclass(frozen=True, slots=True)
class Participant:
    """Somebody who takes part."""

    id: str
    """Known to that participant's browser alone."""
    number: int
    """From 0 up, in the order of coming."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a participant is."""

    answered: int
    total: int
    showing: Showing | None
    """The next pair; None at the end."""


class Ballots:
    """Participants and votes of one test; threads and processes may share the file.

    Args:
        path: the file, made where it is missing.
        trials: of the test.

    Raises:
        OutputError: the file can't be used, or is of another test.
    """

    def __init__(self, path: Path, trials: TrialSet) -> None:
        self._path, self._trials = path, trials
        self._lock = threading.Lock()
        try:
            self._base = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
            # Each vote is on the disk before its participant hears of it.
            self._base.execute("PRAGMA journal_mode = WAL")
            self._base.execute("PRAGMA synchronous = FULL")
            self._base.executescript(_SCHEMA)
            self._base.execute("INSERT OR IGNORE INTO test SELECT ? WHERE NOT EXISTS (SELECT 1 FROM test)", [trials.id])
            (found,) = self._base.execute("SELECT id FROM test").fetchone()
        except sqlite3.Error as error:
            raise OutputError(f"{path} can't keep votes ({error})") from error
        if found != trials.id:
            self._base.close()
            raise OutputError(f"{path} holds the votes of another test; move it away, or serve the set that it is of")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._base.close()

    def join(self) -> Participant:
        """Let somebody new take part."""
        with self._writing() as base:
            (number,) = base.execute("SELECT COALESCE(MAX(number) + 1, 0) FROM participants").fetchone()
            participant = Participant(secrets.token_hex(16), number)
            base.execute("INSERT INTO participants VALUES (?, ?, ?)", [participant.id, number, time.time()])
        return participant

    def find(self, id: str) -> Participant:
        """Return a participant.

        Raises:
            NotFound: nobody has that id.
        """
        found = self._rows("SELECT id, number FROM participants WHERE id = ?", id)
        if not found:
            raise NotFound("no participant is known by that id; begin anew")
        return Participant(*found[0])

    def progress(self, participant: Participant) -> Progress:
        """Return how far a participant is, and the next pair."""
        deck = self._trials.deck(participant.number)
        answered = {trial for (trial,) in self._rows("SELECT trial FROM votes WHERE participant = ?", participant.id)}
        return Progress(len(answered), len(deck), next_showing(deck, answered))

    def answer(self, participant: Participant, number: int, choice: str, seconds: float) -> Vote:
        """Keep an answer. One that is sent twice, as a browser does that didn't hear of the first, counts once.

        Args:
            participant: who answers.
            number: of the pair, in the participant's deck.
            choice: see :func:`tinct.evaluation.trials.judge`.
            seconds: that it took.

        Raises:
            OptionError: there is no such choice or time.
            NotFound: there is no such pair.
            Conflict: the pair was answered otherwise, or isn't the next one.
        """
        deck = self._trials.deck(participant.number)
        if not 0 <= number < len(deck):
            raise NotFound(f"there is no pair {number}; the pairs are 0 to {len(deck) - 1}")
        vote = judge(participant.id, deck[number], choice, seconds)
        with self._writing() as base:
            given = dict(base.execute("SELECT trial, choice FROM votes WHERE participant = ?", [participant.id]))
            if vote.trial in given:
                if given[vote.trial] != vote.choice:
                    raise Conflict(f"pair {number} was answered already, and otherwise; the first answer counts")
                return vote
            due = next_showing(deck, set(given))
            if due is None or due.number != number:
                raise Conflict(f"pair {number} isn't the next one")
            values = [vote.participant, vote.trial, vote.choice, vote.fooled, vote.seconds, time.time()]
            base.execute("INSERT INTO votes VALUES (?, ?, ?, ?, ?, ?)", values)
        return vote

    def participants(self) -> list[Participant]:
        """Return all, in the order of coming."""
        return [Participant(*row) for row in self._rows("SELECT id, number FROM participants ORDER BY number")]

    def votes(self) -> list[Vote]:
        """Return all votes, in the order of coming."""
        rows = self._rows("SELECT participant, trial, choice, fooled, seconds FROM votes ORDER BY came, rowid")
        return [Vote(who, trial, choice, bool(fooled), seconds) for who, trial, choice, fooled, seconds in rows]

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """Give the file to this thread and process alone."""
        with self._lock:
            try:
                self._base.execute("BEGIN IMMEDIATE")
                try:
                    yield self._base
                    self._base.execute("COMMIT")
                except BaseException:
                    self._base.execute("ROLLBACK")
                    raise
            except sqlite3.Error as error:
                raise OutputError(f"{self._path} can't keep votes ({error})") from error

    def _rows(self, query: str, *values: object) -> list[Any]:
        try:
            with self._lock:
                return self._base.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise OutputError(f"{self._path} can't be read ({error})") from error
