"""``tinct turing`` as those who hold a test run it: pairs, a server that is killed, many participants, the score."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
from PIL import Image
from skimage.color import rgb2lab

from tinct.evaluation.trials import load_trials

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="the commands of these tests are a Unix shell's")
Run = Callable[..., Any]


class Test:
    """A server of a test, in a process of its own."""

    __test__ = False

    def __init__(self, folder: Path, *words: object) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tinct", "turing", "serve", str(folder), "--port", "0", *map(str, words)],
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stderr is not None
        found = re.search(r"The test is at (\S+)", line := self.process.stderr.readline())
        assert found, line + self.process.stderr.read()
        self.address = found[1]

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        assert self.process.stderr is not None
        with self.process.stderr as rest:
            assert "Traceback" not in rest.read()
        return self.process.wait(20)

    def someone(self) -> requests.Session:
        session = requests.Session()
        session.trust_env = False
        assert session.post(f"{self.address}/api/session").json()["joined"]
        return session


@pytest.fixture(scope="module")
def trials(tmp_path_factory: pytest.TempPathFactory, quick_model: Path, photographs: Path) -> Path:
    """A set of two photographs that count, one catch trial, one pair for practice."""
    folder = tmp_path_factory.mktemp("turing") / "set"
    words = ["--count", "2", "--catch", "1", "--practice", "1", "--model", str(quick_model), "--quiet"]
    subprocess.run(
        [sys.executable, "-m", "tinct", "turing", "make", "--data", str(photographs), "-o", str(folder), *words],
        check=True,
    )
    return folder


@pytest.fixture
def serve(trials: Path) -> Iterator[Callable[..., Test]]:
    for leftover in trials.glob("votes.sqlite*"):
        leftover.unlink()
    started: list[Test] = []

    def start(*words: object) -> Test:
        started.append(Test(trials, *words))
        return started[-1]

    yield start
    for test in started:
        if test.process.poll() is None:
            assert test.stop() == 0


@pytest.fixture(scope="module")
def shared_test(trials: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Test]:
    """A server with votes of its own, for tests that look at their own participant only."""
    folder = tmp_path_factory.mktemp("shared") / "set"
    shutil.copytree(trials, folder, ignore=shutil.ignore_patterns("votes*"))
    test = Test(folder)
    yield test
    assert test.stop() == 0


def read_csv(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(Path(name).read_text("utf-8").splitlines()))


def take_part(test: Test, session: requests.Session, choice: str = "first") -> list[dict[str, Any]]:
    """Answer all pairs that are left."""
    answers = []
    state = session.get(f"{test.address}/api/session").json()
    while state["next"]:
        number = state["next"]["number"]
        for place in ("first", "second"):
            picture = session.get(f"{test.address}/api/pairs/{number}/{place}")
            assert picture.headers["content-type"] == "image/png"
        given = {"choice": choice, "seconds": 1.5}
        answers.append(session.post(f"{test.address}/api/pairs/{number}", json=given).json())
        state = answers[-1]["state"]
    return answers


def test_pairs_are_what_they_should_be(trials: Path) -> None:
    found = load_trials(trials)
    assert [trial.kind for trial in found.trials] == ["test", "test", "catch", "practice"]
    for trial in found.trials:
        pictures = [np.asarray(Image.open(trials / "pictures" / name)) for name in (trial.original, trial.colored)]
        assert [picture.shape for picture in pictures] == [(256, 256, 3)] * 2
        # The same lightness but for rounding, other colors; those of another photograph may lie outside the gamut.
        lightness = [rgb2lab(picture)[..., 0] for picture in pictures]
        if trial.kind != "catch":
            assert np.abs(lightness[0] - lightness[1]).mean() < 0.5
        assert np.abs(pictures[0].astype(int) - pictures[1]).max() > 20
    assert len({trial.photo for trial in found.trials}) == 4


def test_a_participant_from_beginning_to_end(serve: Callable[..., Test], trials: Path, run: Run) -> None:
    test = serve()
    session = test.someone()
    state = session.get(f"{test.address}/api/session").json()
    assert state == {"joined": True, "answered": 0, "total": 4, "practice": 1, "next": {"number": 0, "practice": True}}
    answers = take_part(test, session)
    deck = load_trials(trials).deck(0)
    # In practice the answer is told, later not.
    assert [answer["right"] for answer in answers] == [not deck[0].original_first, None, None, None]
    assert answers[-1]["state"] == {**state, "answered": 4, "next": None}
    done = run("turing", "score", trials, "--csv", "models.csv", "--photos", "photos.csv", "--votes", "votes.csv")
    assert done.code == 0, done.err
    assert "% fooled, standard error" in done.out
    votes = read_csv("votes.csv")
    assert [int(vote["fooled"]) for vote in votes] == [showing.original_first for showing in deck]
    assert {vote["choice"] for vote in votes} == {"first"}
    (model,) = read_csv("models.csv")
    assert float(model["fooled_percent"]) == 50 * sum(
        showing.original_first for showing in deck if showing.trial.kind == "test"
    )
    assert len(read_csv("photos.csv")) == 2


def test_nothing_tells_which_picture_is_which(shared_test: Test) -> None:
    test = shared_test
    session = test.someone()
    headers = [session.get(f"{test.address}/api/pairs/0/{place}").headers for place in ("first", "second")]
    assert not {"etag", "last-modified", "content-disposition"} & {name.lower() for found in headers for name in found}
    assert headers[0]["cache-control"] == "no-store"
    page = session.get(test.address)
    assert page.headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'")
    for path in ("/trials.json", "/votes.sqlite", "/page/../../app.py", "/pictures/0000-original.png", "/openapi.json"):
        assert session.get(test.address + path).status_code == 404
    cookie = next(iter(session.cookies))
    assert cookie.has_nonstandard_attr("HttpOnly")


def test_what_is_refused(shared_test: Test) -> None:
    test = shared_test
    session = test.someone()
    pairs = f"{test.address}/api/pairs"
    given = {"choice": "first", "seconds": 1.0}
    assert session.get(f"{pairs}/1/first").status_code == 404
    assert session.get(f"{pairs}/0/third").status_code == 422
    assert session.post(f"{pairs}/1", json=given).status_code == 409
    assert session.post(f"{pairs}/99", json=given).status_code == 404
    for wrong in (
        {"choice": "left", "seconds": 1},
        {"choice": "first"},
        {**given, "seconds": -1},
        {**given, "x": 1},
        [],
    ):
        assert session.post(f"{pairs}/0", json=wrong).status_code == 422
    assert session.post(f"{pairs}/0", data='{"choice": "first", "seconds": NaN}').status_code == 422
    assert session.post(f"{pairs}/0", json=given, headers={"Origin": "http://evil.example"}).status_code == 403
    assert session.get(f"{pairs}/0/first", headers={"Host": "evil.example"}).status_code == 403
    stranger = requests.get(f"{pairs}/0/first", timeout=10)
    assert stranger.status_code == 404
    # Sent twice it counts once; another answer comes too late.
    assert session.post(f"{pairs}/0", json=given).json()["state"]["answered"] == 1
    assert session.post(f"{pairs}/0", json=given).json()["state"]["answered"] == 1
    assert session.post(f"{pairs}/0", json={**given, "choice": "second"}).status_code == 409


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_a_killed_server_loses_nothing_and_participants_go_on(
    serve: Callable[..., Test], trials: Path, run: Run
) -> None:
    test = serve()
    session = test.someone()
    for number in (0, 1):
        given = {"choice": "second", "seconds": 1.0}
        assert session.post(f"{test.address}/api/pairs/{number}", json=given).status_code == 200
    test.stop(signal.SIGKILL)
    again = serve()
    state = session.get(f"{again.address}/api/session").json()
    assert (state["answered"], state["next"]["number"]) == (2, 2)
    take_part(again, session, "second")
    assert run("turing", "score", trials, "--json", "score.json").code == 0
    (person,) = json.loads(Path("score.json").read_text("utf-8"))["participants"]
    assert (person["answers"], person["first"]) == (4, 0)


def test_many_participants_at_once(serve: Callable[..., Test], trials: Path, run: Run) -> None:
    test = serve()

    def one(place: int) -> int:
        return len(take_part(test, test.someone(), "first" if place % 2 else "second"))

    with ThreadPoolExecutor(12) as pool:
        assert list(pool.map(one, range(24))) == [4] * 24
    assert run("turing", "score", trials, "--participants", "people.csv").code == 0
    refused = run("turing", "score", trials, "--csv", "one.csv", "--votes", "one.csv")
    assert (refused.code, "one.csv is given for two outputs" in refused.err) == (2, True)
    people = read_csv("people.csv")
    assert [person["answers"] for person in people] == ["4"] * 24


def test_leaving_lets_another_take_part(shared_test: Test) -> None:
    test = shared_test
    session = test.someone()
    first = session.cookies["tinct_turing"]
    assert session.delete(f"{test.address}/api/session").json()["joined"] is False
    assert session.post(f"{test.address}/api/session").json()["answered"] == 0
    assert session.cookies["tinct_turing"] != first


@POSIX
def test_any_command_can_be_tested(run: Run, photographs: Path) -> None:
    words = ("--count", 2, "--catch", 0, "--practice", 0, "--command", "cp -r {in}/. {out}")
    done = run("turing", "make", "--data", photographs, "-o", "set", *words)
    assert done.code == 0, done.err
    found = load_trials(Path("set"))
    assert found.models() == ["command"]
    assert np.ptp(np.asarray(Image.open(Path("set/pictures") / found.trials[0].colored)), axis=-1).max() == 0


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["--count", "9"], 1, "6 color photographs, 23 are needed"),
        (["--count", "0"], 2, "--count is 0"),
        (["--count", "4", "--session", "5"], 2, "nobody sees one twice"),
        (["--count", "4", "--catch", "-1"], 2, "--catch is -1"),
        (["--protocol", "native"], 2, "choose center256 or stretch256"),
        (["--command", "tool {in}"], 2, "without {out}"),
        (["--model", "nonsense"], 2, "unknown model 'nonsense'"),
        (["--count", "1", "--catch", "0", "--practice", "0", "--command", "false {in} {out}"], 1, "exit code 1"),
        (["--count", "1", "--catch", "0", "--practice", "0", "--command", "true {in} {out}"], 1, "gave no result"),
    ],
)
def test_sets_that_cannot_be_made_leave_nothing(
    run: Run, photographs: Path, words: list[str], code: int, says: str
) -> None:
    done = run("turing", "make", "--data", photographs, "-o", "set", *words)
    assert (done.code, says in done.err) == (code, True), done.err
    assert os.listdir() == []


def test_folders_that_cannot_be_used(run: Run, photographs: Path, trials: Path) -> None:
    Path("there").mkdir()
    assert run("turing", "make", "--data", photographs, "-o", "there").code == 1
    assert "is no set of trials" in run("turing", "serve", "there").err
    assert "is no set of trials" in run("turing", "score", "there").err
    done = run("turing", "score", trials, "--csv", "missing/o.csv")
    assert (done.code, "folder that doesn't exist" in done.err) == (2, True)
    assert run("turing", "serve", trials, "--host", "256.1.1.1").code == 2
