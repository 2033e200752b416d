"""How a run ends, what it leaves, and what of it holds on when it is resumed."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from accelerate import Accelerator

from tinct.errors import MissingExtra, TrainingError
from tinct.training.journal import EVENTS, LOSSES, VALIDATION, read_rows
from tinct.training.losses import ColorLoss
from tinct.training.prepare import make_accelerator
from tinct.training.progress import Progress
from tinct.training.run import train
from tinct.training.runs import read_figures, read_record
from tinct.weights import checkpoint


def interrupt_at(step: int) -> Callable[[Progress], None]:
    def report(progress: Progress) -> None:
        if progress.step >= step:
            raise KeyboardInterrupt

    return report


@pytest.fixture
def small(small: tuple[str, ...]) -> tuple[str, ...]:
    """The same with a checkpoint after each step."""
    return (*small, "checkpoint_minutes=1e-9")


@pytest.fixture(autouse=True)
def note_every_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tinct.training.engine.LOG_EVERY", 1)


def test_an_adversarial_run_resumes_exactly(photos: Path, small: tuple[str, ...], tmp_path: Path) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    settings = (*small, "adversarial={width: 4, layers: 1, collapse_accuracy: 1, collapse_colorfulness: 0}")
    train("lab-cnn-gan", photos, whole, budget="6steps", settings=settings)
    with pytest.raises(KeyboardInterrupt):
        train("lab-cnn-gan", photos, parts, budget="6steps", settings=settings, report=interrupt_at(3))
    assert read_record(parts)["state"] == "interrupted"
    train("lab-cnn-gan", photos, parts, resume=True)
    first, second = checkpoint.load_state(whole), checkpoint.load_state(parts)
    for part in ("network", "average", "discriminator"):
        assert all(torch.equal(tensor, second[part][name]) for name, tensor in first[part].items()), part
    moments = (state["discriminator_optimizer"]["state"] for state in (first, second))
    for mine, theirs in zip(*(m.values() for m in moments), strict=True):
        assert all(torch.equal(mine[name], theirs[name]) for name in mine)
    assert first["watch"] == second["watch"]
    rows = read_rows(parts / LOSSES)
    assert [row["step"] for row in rows] == list("123456")
    assert rows == [{**row, **_times(rows[index])} for index, row in enumerate(read_rows(whole / LOSSES))]


def _times(row: dict[str, str]) -> dict[str, str]:
    return {name: row[name] for name in ("seconds", "photos_per_second")}


def test_what_is_not_asked_again_is_as_it_was(photos: Path, small: tuple[str, ...], tmp_path: Path) -> None:
    asked = {"budget": "4steps", "seed": 3, "settings": small, "presets": ["bilinear"]}
    with pytest.raises(KeyboardInterrupt):
        train("lab-cnn", photos, tmp_path, **asked, report=interrupt_at(2))  # type: ignore[arg-type]
    train("lab-cnn", photos, tmp_path, resume=True)
    record = read_record(tmp_path)
    assert (record["step"], record["state"], record["seed"]) == (4, "finished", 3)
    assert record["recipe"]["options"]["upsampling"] == "bilinear"
    train("lab-cnn", photos, tmp_path, resume=True, budget="6steps")
    assert read_record(tmp_path)["step"] == 6
    with pytest.raises(TrainingError, match="seed: 3 -> 4"):
        train("lab-cnn", photos, tmp_path, resume=True, seed=4)


def test_a_run_killed_before_its_first_checkpoint_is_as_it_was_asked_for(
    photos: Path, small: tuple[str, ...], tmp_path: Path
) -> None:
    asked = {"budget": "2steps", "seed": 3, "settings": small}
    train("lab-cnn", photos, tmp_path, **asked)  # type: ignore[arg-type]
    shutil.rmtree(tmp_path / checkpoint.FOLDER)
    before = {**read_record(tmp_path), "started": "1999-12-31T00:00:00+00:00"}
    (tmp_path / "run.json").write_text(json.dumps(before))
    train("lab-cnn", photos, tmp_path, resume=True)
    after = read_record(tmp_path)
    for name in ("asked", "recipe", "budget", "seed", "step", "started"):
        assert after[name] == before[name]


def test_a_run_that_starts_afresh_begins_its_own_record(photos: Path, small: tuple[str, ...], tmp_path: Path) -> None:
    train("encdec-rgb", photos, tmp_path, budget="1steps", settings=small)
    shutil.rmtree(tmp_path / checkpoint.FOLDER)
    (tmp_path / "run.json").write_text(json.dumps({**read_record(tmp_path), "started": "1999-12-31T00:00:00+00:00"}))
    (tmp_path / checkpoint.BEST).mkdir()
    for name in (checkpoint.MODEL, checkpoint.SPEC, "mine"):
        (tmp_path / checkpoint.BEST / name).write_text("of before")
    train("encdec-rgb", photos, tmp_path, budget="1steps", settings=small)
    record = read_record(tmp_path)
    assert record["started"] >= "2000"
    assert record["adaptation"]["adapts"] is False
    assert [path.name for path in (tmp_path / checkpoint.BEST).iterdir()] == ["mine"]
    assert checkpoint.locate(tmp_path) == tmp_path / checkpoint.FOLDER


def test_the_record_says_what_made_the_run_and_how_good_it_is(
    photos: Path, small: tuple[str, ...], tmp_path: Path
) -> None:
    train("encdec-rgb", photos, tmp_path, budget="2steps", settings=small)
    record = read_record(tmp_path)
    assert {"git", "device", "started", "updated"} <= record.keys()
    assert record["versions"].keys() >= {"tinct", "torch", "python"}
    assert record["versions"]["torch"] == torch.__version__.partition("+")[0] or "+" in torch.__version__
    assert (record["budget"], record["start"], record["precision"], record["processes"]) == (
        "2steps",
        "random",
        "fp32",
        1,
    )
    assert len(record["data"]["fingerprint"]) == 64
    assert record["recipe"]["optimizer"]["kind"] == "adam"
    row = read_rows(tmp_path / VALIDATION)[-1]
    assert record["figures"]["mse_raw"] == float(row["mse_raw"])
    assert record["best"].keys() == {"psnr", "ssim", "mse", "mse_raw"}
    assert json.loads((tmp_path / "run.json").read_text()) == record


@pytest.mark.parametrize(("least", "epochs"), [(1e9, (1, 3)), (-1.0, (1, 2, 3))])
def test_ends_of_short_epochs_are_kept_now_and_then(
    least: float,
    epochs: tuple[int, ...],
    photos: Path,
    small: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    saved: list[int] = []
    plain = checkpoint.save

    def save(run: Path, spec: Any, weights: Any, state: dict[str, Any]) -> None:
        saved.append(state["step"])
        plain(run, spec, weights, state)

    monkeypatch.setattr(checkpoint, "save", save)
    monkeypatch.setattr("tinct.training.engine.EPOCH_SECONDS", least)
    train("encdec-rgb", photos, tmp_path, budget="3epochs", settings=(*small, "checkpoint_minutes=60"))
    names = sorted(path.name for path in (tmp_path / "sheets").iterdir())
    assert names == [*(f"epoch-{epoch:03d}.png" for epoch in epochs), "last.png"]
    assert sorted(set(saved)) == [step for epoch, step in enumerate((3, 6, 9), 1) if epoch in epochs]


def test_a_run_stops_where_its_figure_rises_no_more(photos: Path, small: tuple[str, ...], tmp_path: Path) -> None:
    settings = [
        *small,
        "optimizer.rate=1e-12",
        "validation={photos: 2, size: 32, minutes: 1e-9}",
        "early_stopping={figure: psnr, patience: 2}",
    ]
    train("encdec-rgb", photos, tmp_path, budget="50steps", settings=settings)
    assert read_record(tmp_path)["state"] == "stopped early"
    assert [row["step"] for row in read_rows(tmp_path / VALIDATION)] == ["1", "2", "3"]
    told: list[str] = []
    for budget in (None, "60steps"):
        train("encdec-rgb", photos, tmp_path, resume=True, budget=budget, report=lambda news: told.append(news.note))
        assert "the run stopped early at step 3" in told.pop()
        assert all("photos to learn from" in note for note in told if note)
    assert checkpoint.load_state(tmp_path)["step"] == 3


@pytest.mark.parametrize("figure", ["psnr", "mse"])
def test_the_folder_of_a_run_that_stops_early_stands_for_its_best_weights(
    figure: str, photos: Path, small: tuple[str, ...], tmp_path: Path
) -> None:
    settings = [
        *small,
        "optimizer={rate: 0.5, warmup: 0, ema: 0}",
        "validation={photos: 2, size: 32, minutes: 1e-9, at_start: true}",
        f"early_stopping={{figure: {figure}, patience: 2}}",
    ]
    train("encdec-rgb", photos, tmp_path, budget="9steps", settings=settings)
    rows, record = read_figures(tmp_path), read_record(tmp_path)
    assert checkpoint.locate(tmp_path) == tmp_path / checkpoint.BEST
    assert record["figures"] == (max if figure == "psnr" else min)(rows, key=lambda row: row[figure])
    assert record["figures"] != rows[-1]
    best, last = (checkpoint.load_network(tmp_path / name)[1].state_dict() for name in ("", checkpoint.FOLDER))
    assert any(not torch.equal(weights, last[name]) for name, weights in best.items())


def test_a_run_may_go_on_in_another_precision(
    photos: Path, small: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a GPU of 16 bits after a CPU: there was no loss scale, and now there is."""
    settings = (*small, "optimizer.clip=0")
    train("encdec-rgb", photos, tmp_path, budget="1steps", settings=settings)

    def scaled(*asked: str) -> Accelerator:
        accelerator = make_accelerator(*asked)
        accelerator.scaler = torch.amp.GradScaler("cpu")
        return accelerator

    monkeypatch.setattr("tinct.training.run.make_accelerator", scaled)
    monkeypatch.setattr("tinct.training.run._machine", lambda accelerator: {"precision": "fp16"})
    told: list[str] = []
    train("encdec-rgb", photos, tmp_path, budget="2steps", resume=True, report=lambda news: told.append(news.note))
    assert "the precision was fp32; from here on it is fp16, which this device has instead" in told
    state = checkpoint.load_state(tmp_path)
    assert (state["step"], state["precision"], state["scaler"]["scale"]) == (2, "fp16", 2.0**16)


def test_a_loss_that_is_no_number_leaves_the_last_good_checkpoint(
    photos: Path, small: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, calls = ColorLoss.forward, []

    def broken(self: ColorLoss, *given: torch.Tensor) -> dict[str, torch.Tensor]:
        calls.append(1)
        # Each of two steps is checked before it is saved.
        return {name: value * (float("nan") if len(calls) > 4 else 1) for name, value in plain(self, *given).items()}

    monkeypatch.setattr(ColorLoss, "forward", broken)
    with pytest.raises(TrainingError, match="the loss is nan at step 2; the last checkpoint is from before it"):
        train("encdec-rgb", photos, tmp_path, budget="9steps", settings=small)
    state = checkpoint.load_state(tmp_path)
    assert state["step"] == 2
    assert all(torch.isfinite(tensor).all() for tensor in state["network"].values())
    assert read_record(tmp_path)["state"] == "failed"


@pytest.mark.parametrize("budget", ["1steps", "9steps"])
def test_what_a_diverged_step_left_is_not_saved(
    budget: str, photos: Path, small: tuple[str, ...], tmp_path: Path
) -> None:
    settings = [*small, "optimizer={rate: 1e30, warmup: 0}"]
    with pytest.raises(TrainingError, match=r"the loss is (nan|inf) at step 1; the last checkpoint is from before it"):
        train("encdec-rgb", photos, tmp_path, budget=budget, settings=settings)
    assert not checkpoint.has_state(tmp_path)
    assert read_record(tmp_path)["state"] == "failed"


def test_a_run_that_ends_under_suspicion_keeps_the_last_good_checkpoint(
    photos: Path, small: tuple[str, ...], tmp_path: Path
) -> None:
    settings = [*small, "adversarial={width: 4, layers: 1, start: 0, collapse_accuracy: 0}"]
    with pytest.raises(TrainingError, match=r"ended at step 6: for 6 steps .*; the checkpoint stays that of step 1"):
        train("lab-cnn-gan", photos, tmp_path, budget="6steps", settings=settings)
    assert checkpoint.load_state(tmp_path)["step"] == 1
    assert read_record(tmp_path)["state"] == "failed"


def test_a_collapse_leaves_the_last_good_checkpoint(photos: Path, small: tuple[str, ...], tmp_path: Path) -> None:
    settings = [*small, "adversarial={width: 4, layers: 1, start: 0, collapse_accuracy: 0, collapse_steps: 4}"]
    with pytest.raises(TrainingError, match="collapsed at step 3: for 4 steps the discriminator is right"):
        train("lab-cnn-gan", photos, tmp_path, budget="9steps", settings=settings)
    # The first is there because there was none; those of the steps under suspicion are not.
    assert checkpoint.load_state(tmp_path)["step"] == 1


@pytest.mark.skipif(os.name != "posix", reason="modes of files are POSIX's")
def test_the_files_of_a_checkpoint_follow_the_umask(photos: Path, small: tuple[str, ...], tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        train("encdec-rgb", photos, tmp_path, budget="1steps", settings=small)
    finally:
        os.umask(before)
    modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / checkpoint.FOLDER).iterdir()}
    assert modes == dict.fromkeys((checkpoint.MODEL, checkpoint.SPEC, checkpoint.STATE), 0o640)


def test_tensorboard_gets_what_the_tables_get(photos: Path, small: tuple[str, ...], tmp_path: Path) -> None:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    train("encdec-rgb", photos, tmp_path, budget="3steps", settings=small, tensorboard=True)
    events = accumulator.EventAccumulator(str(tmp_path / EVENTS)).Reload()
    found = [(event.step, event.value) for event in events.Scalars("losses/mse")]
    expected = [(int(row["step"]), float(row["mse"])) for row in read_rows(tmp_path / LOSSES)]
    assert found == [(step, pytest.approx(value, rel=1e-4)) for step, value in expected]
    assert "validation/psnr" in events.Tags()["scalars"]


def test_tensorboard_that_is_missing_names_its_extra(
    photos: Path, small: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "torch.utils.tensorboard", None)
    with pytest.raises(MissingExtra, match=r"tinct\[tensorboard\]"):
        train("encdec-rgb", photos, tmp_path, budget="3steps", settings=small, tensorboard=True)
