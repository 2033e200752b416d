"""A run that Ctrl-C, a kill or an error stops at a bad moment goes on as if nothing had happened."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from tinct.errors import OutputError, TrainingError
from tinct.training.examiner import Examiner
from tinct.training.interrupts import held_interrupts, terminable
from tinct.training.journal import LOSSES, VALIDATION, Journal, read_rows
from tinct.training.losses import ColorLoss
from tinct.training.run import train
from tinct.training.runs import own_folder, read_record
from tinct.weights import checkpoint


def at_call(number: int, plain: Callable[..., Any], act: Callable[[], None]) -> Callable[..., Any]:
    """Return a function that does something else before one of its calls."""
    calls: list[int] = []

    def called(*given: Any) -> Any:
        calls.append(1)
        if len(calls) == number:
            act()
        return plain(*given)

    return called


def assert_same(one: Path, other: Path) -> None:
    first, second = checkpoint.load_state(one), checkpoint.load_state(other)
    assert first["step"] == second["step"]
    for part in ("network", "average"):
        assert all(torch.equal(tensor, second[part][name]) for name, tensor in first[part].items()), part
    tables = [read_rows(run / VALIDATION) for run in (one, other)]
    assert [{**row, "seconds": ""} for row in tables[0]] == [{**row, "seconds": ""} for row in tables[1]]


@pytest.fixture(scope="module")
def whole(photos: Path, small: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An uninterrupted run of a network with batch normalization."""
    out = tmp_path_factory.mktemp("whole")
    train("lab-cnn", photos, out, budget="4steps", settings=small)
    return out


def test_an_interrupted_step_is_finished_first(
    photos: Path, small: tuple[str, ...], whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    act = at_call(3, ColorLoss.forward, lambda: signal.raise_signal(signal.SIGINT))
    monkeypatch.setattr(ColorLoss, "forward", act)
    with pytest.raises(KeyboardInterrupt):
        train("lab-cnn", photos, tmp_path, budget="4steps", settings=small)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert checkpoint.load_state(tmp_path)["step"] == 3
    train("lab-cnn", photos, tmp_path, resume=True)
    assert_same(whole, tmp_path)


def test_sigterm_lets_the_step_be_finished_too(
    photos: Path, small: tuple[str, ...], whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    act = at_call(3, ColorLoss.forward, lambda: signal.raise_signal(signal.SIGTERM))
    monkeypatch.setattr(ColorLoss, "forward", act)
    with pytest.raises(KeyboardInterrupt), terminable():
        train("lab-cnn", photos, tmp_path, budget="4steps", settings=small)
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    assert checkpoint.load_state(tmp_path)["step"] == 3
    assert read_record(tmp_path)["state"] == "interrupted"
    train("lab-cnn", photos, tmp_path, resume=True)
    assert_same(whole, tmp_path)


def test_the_command_saves_what_sigterm_stops(photos: Path, small: tuple[str, ...], tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tinct", "train", "lab-cnn", "--data", str(photos), "--out", str(tmp_path), "-q"]
    settings = [word for text in small for word in ("--set", text)]
    process = subprocess.Popen([*command, "--budget", "100000steps", "--no-cache", *settings])
    deadline = time.monotonic() + 120
    while not read_rows(tmp_path / LOSSES) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.1)
    process.terminate()
    assert process.wait(60) == 130
    assert read_record(tmp_path)["state"] == "interrupted"
    assert checkpoint.load_state(tmp_path)["step"] > 0


def test_a_step_that_is_broken_off_is_not_saved(
    photos: Path, small: tuple[str, ...], whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def twice() -> None:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    # Each of two steps is checked before it is saved.
    act = at_call(5, ColorLoss.forward, twice)
    monkeypatch.setattr(ColorLoss, "forward", act)
    with pytest.raises(KeyboardInterrupt):
        train("lab-cnn", photos, tmp_path, budget="4steps", settings=(*small, "checkpoint_minutes=1e-9"))
    assert checkpoint.load_state(tmp_path)["step"] == 2
    assert read_record(tmp_path)["state"] == "interrupted"
    train("lab-cnn", photos, tmp_path, resume=True)
    assert_same(whole, tmp_path)


@pytest.mark.parametrize("kind", [KeyboardInterrupt, OSError])
@pytest.mark.parametrize("where", ["measure", "draw"])
def test_the_last_measurement_can_be_broken_off(
    where: str,
    kind: type[BaseException],
    photos: Path,
    small: tuple[str, ...],
    whole: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plain = getattr(Examiner, where)

    def fail(*given: Any) -> Any:
        if given[-1] != "epoch-001":
            raise kind
        return plain(*given)

    with monkeypatch.context() as patch:
        patch.setattr(Examiner, where, fail)
        with pytest.raises(kind):
            train("lab-cnn", photos, tmp_path, budget="4steps", settings=small)
    assert checkpoint.load_state(tmp_path)["step"] == 4
    train("lab-cnn", photos, tmp_path, resume=True)
    assert read_record(tmp_path)["state"] == "finished"
    assert (tmp_path / "sheets" / "last.png").is_file()
    assert_same(whole, tmp_path)


@pytest.mark.parametrize("killed", [checkpoint.MODEL, checkpoint.SPEC, checkpoint.STATE])
def test_a_kill_within_a_checkpoint_is_made_good(
    killed: str, photos: Path, small: tuple[str, ...], whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Raised in place of a kill: nothing is written, or noted, after it."""

    class Killed(BaseException):
        pass

    plain = checkpoint.atomic_path

    def writing(path: Path, **options: Any) -> Any:
        if path.name == killed:
            raise Killed
        return plain(path, **options)

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "atomic_path", writing)
        with pytest.raises(Killed):
            train("lab-cnn", photos, tmp_path, budget="4steps", settings=small)
    train("lab-cnn", photos, tmp_path, resume=True)
    assert_same(whole, tmp_path)
    for name in (checkpoint.MODEL, checkpoint.SPEC):
        files = [run / checkpoint.FOLDER / name for run in (whole, tmp_path)]
        assert files[0].read_bytes() == files[1].read_bytes()


def test_other_threads_and_other_handlers_are_left_alone() -> None:
    seen = []

    def look() -> None:
        with held_interrupts():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    former = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        look()
    finally:
        signal.signal(signal.SIGINT, former)
    assert seen == [former, signal.SIG_IGN]


@pytest.mark.parametrize("left", ["2,8,1.5,0.", "2,8", "2,8,1.5,0.25\r"])
def test_a_row_cut_by_a_kill_spoils_no_other(tmp_path: Path, left: str) -> None:
    row = {"step": 1, "seen": 4, "seconds": 0.5, "loss": 0.25}
    Journal(tmp_path, -1).add(LOSSES, row)
    with (tmp_path / LOSSES).open("a", newline="") as file:
        file.write(left)
    assert len(read_rows(tmp_path / LOSSES)) == 1
    Journal(tmp_path, 2).add(LOSSES, {**row, "step": 2})
    assert [line["step"] for line in read_rows(tmp_path / LOSSES)] == ["1", "2"]


def test_two_trainings_keep_out_of_each_other_s_folder(photos: Path, small: tuple[str, ...], tmp_path: Path) -> None:
    train("encdec-rgb", photos, tmp_path, budget="1steps", settings=small)
    with own_folder(tmp_path), pytest.raises(TrainingError, match="another training is at work in"):
        train("encdec-rgb", photos, tmp_path, budget="2steps", resume=True)
    train("encdec-rgb", photos, tmp_path, budget="2steps", resume=True)
    assert checkpoint.load_state(tmp_path)["step"] == 2


def test_a_training_that_another_overtook_is_refused(
    photos: Path, small: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one began, and ended, after this one had looked for a checkpoint."""
    known = iter([False, True])
    monkeypatch.setattr("tinct.training.run.checkpoint.has_state", lambda run: next(known))
    with pytest.raises(TrainingError, match="another training has just begun or ended"):
        train("encdec-rgb", photos, tmp_path, budget="1steps", settings=small)
    assert read_rows(tmp_path / LOSSES) == []


def test_a_table_that_can_t_be_written_says_so(tmp_path: Path) -> None:
    """A folder of its name stands for a full disk."""
    journal = Journal(tmp_path, -1)
    (tmp_path / LOSSES).mkdir()
    with pytest.raises(OutputError, match=r"losses\.csv can't be written"):
        journal.add(LOSSES, {"step": 1})


def test_a_run_that_could_not_write_goes_on(
    photos: Path, small: tuple[str, ...], whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill() -> None:
        raise OutputError("no space left")

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "add", at_call(1, Journal.add, fill))
        with pytest.raises(OutputError, match="no space left"):
            train("lab-cnn", photos, tmp_path, budget="4steps", settings=small)
    assert read_record(tmp_path)["state"] == "failed"
    train("lab-cnn", photos, tmp_path, resume=True)
    assert_same(whole, tmp_path)
