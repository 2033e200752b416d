"""A run that is stopped and resumed ends where an uninterrupted one does, to the bit."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image, ImageOps

from tinct.errors import BadModelFile, DataError, TrainingError
from tinct.models.registry import create_model
from tinct.training.journal import LOSSES, VALIDATION, read_rows
from tinct.training.losses import ColorLoss
from tinct.training.progress import Progress
from tinct.training.recipes import load_config
from tinct.training.run import train
from tinct.weights import checkpoint

RECIPE = """
name: tiny
architecture: tinct
options: {widths: [8, 8, 8, 8], queries: 2, query_width: 8, grid: 20}
budget: 12steps
precision: fp32
checkpoint_minutes: 0.0005
data: {short_side: 48, sizes: {32: 1, 64: 1}, batch: 4}
loss: {cross_entropy: 0.5, huber: 15.0}
optimizer: {warmup: 2, decay: 0.25}
validation: {photos: 2, size: 64, share: 0.2}
"""


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("recipe") / "tiny.yaml"
    path.write_text(RECIPE)
    return str(path)


@pytest.fixture(scope="module")
def whole(photos: Path, recipe: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An uninterrupted run."""
    out = tmp_path_factory.mktemp("whole")
    train(recipe, photos, out)
    return out


def stop_at(step: int) -> Callable[[Progress], None]:
    """Interrupt a run as Ctrl-C does, at its next report from a step on."""

    def report(progress: Progress) -> None:
        if progress.step >= step:
            raise KeyboardInterrupt

    return report


def assert_same_state(one: Path, other: Path) -> None:
    first, second = checkpoint.load_state(one), checkpoint.load_state(other)
    for part in ("network", "average"):
        assert first[part].keys() == second[part].keys()
        different = [name for name, tensor in first[part].items() if not torch.equal(tensor, second[part][name])]
        assert different == []
    assert [first[key] for key in ("step", "seen")] == [second[key] for key in ("step", "seen")]
    moments = (state["optimizer"]["state"] for state in (first, second))
    for mine, theirs in zip(*(m.values() for m in moments), strict=True):
        assert all(torch.equal(mine[name], theirs[name]) for name in mine)


def test_a_run_leaves_all_that_it_promises(whole: Path) -> None:
    for name in ("run.json", VALIDATION, "curves.png", "sheets/last.png"):
        assert (whole / name).stat().st_size > 0
    rows = read_rows(whole / VALIDATION)
    assert [row["step"] for row in rows] == ["12"]
    assert 0 < float(rows[0]["psnr_faithful"]) <= 50
    spec, _ = checkpoint.load_network(whole)
    assert spec.name == "tiny"
    assert len(set(spec.weights)) > 1


def test_killed_and_resumed_equals_uninterrupted(photos: Path, recipe: str, whole: Path, tmp_path: Path) -> None:
    arguments = ["train", recipe, "--data", str(photos), "--out", str(tmp_path), "--resume", "--quiet"]
    for _ in range(2):
        written = _written(tmp_path)
        process = subprocess.Popen([sys.executable, "-m", "tinct", *arguments])
        deadline = time.monotonic() + 200
        while _written(tmp_path) == written and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        process.kill()
        process.wait()
    assert 2 <= checkpoint.load_state(tmp_path)["step"] < 12
    train(recipe, photos, tmp_path, resume=True)
    assert_same_state(whole, tmp_path)


def _written(run: Path) -> float:
    path = run / checkpoint.FOLDER / checkpoint.STATE
    return path.stat().st_mtime_ns if path.exists() else 0


def test_interrupted_and_resumed_equals_uninterrupted(
    photos: Path, recipe: str, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tinct.training.engine.LOG_EVERY", 5)
    with pytest.raises(KeyboardInterrupt):
        train(recipe, photos, tmp_path, report=stop_at(5))
    assert checkpoint.load_state(tmp_path)["step"] == 5
    train(recipe, photos, tmp_path, resume=True)
    assert_same_state(whole, tmp_path)
    steps = [row["step"] for row in read_rows(tmp_path / LOSSES)]
    assert steps == ["3", "5", "9", "10", "12"]  # those asked for, and the ends of epochs


def test_resume_on_a_finished_run_changes_nothing(photos: Path, recipe: str, whole: Path) -> None:
    before = _written(whole)
    assert train(recipe, photos, whole, resume=True) == whole / checkpoint.FOLDER
    assert _written(whole) == before


def test_a_folder_that_holds_a_run_is_not_written_over(photos: Path, recipe: str, whole: Path) -> None:
    with pytest.raises(TrainingError, match="--resume"):
        train(recipe, photos, whole)


def test_resume_with_another_recipe_lists_the_differences(
    photos: Path, recipe: str, whole: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(RECIPE.replace("batch: 4", "batch: 3").replace("warmup: 2", "warmup: 7"))
    with pytest.raises(TrainingError, match=r"recipe.data.batch: 4 -> 3\n.*recipe.optimizer.warmup: 2 -> 7"):
        train(str(other), photos, whole, resume=True)


def test_resume_with_other_photos_of_the_same_names_is_refused(
    photos: Path, recipe: str, whole: Path, tmp_path: Path
) -> None:
    run, other = tmp_path / "run", tmp_path / "photos"
    shutil.copytree(whole, run)
    shutil.copytree(photos, other)
    for path in other.iterdir():
        ImageOps.invert(Image.open(path)).save(path)
    with pytest.raises(TrainingError, match=r"another:\n  - data.pixels: '\w+' -> '\w+'$"):
        train(recipe, other, run, resume=True)
    # A version that kept no hash of pixels said nothing of them.
    state = checkpoint.load_state(run)
    identity = json.loads(state["identity"])
    del identity["data"]["pixels"]
    torch.save({**state, "identity": json.dumps(identity)}, run / checkpoint.FOLDER / checkpoint.STATE)
    train(recipe, photos, run, resume=True)


def test_weights_to_start_from_must_fit(photos: Path, recipe: str, whole: Path, tmp_path: Path) -> None:
    train(recipe, photos, tmp_path / "tuned", budget="1steps", init=str(whole))
    other = tmp_path / "other.yaml"
    other.write_text(RECIPE.replace("query_width: 8", "query_width: 16"))
    with pytest.raises(BadModelFile, match="another architecture"):
        train(str(other), photos, tmp_path / "unfit", init=str(whole))


def test_a_loss_that_is_no_number_stops_the_run(
    photos: Path, recipe: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = ColorLoss.forward

    def broken(self: ColorLoss, *given: torch.Tensor) -> dict[str, torch.Tensor]:
        return {name: value * float("nan") for name, value in plain(self, *given).items()}

    monkeypatch.setattr(ColorLoss, "forward", broken)
    with pytest.raises(TrainingError, match="the loss is nan at step 0"):
        train(recipe, photos, tmp_path)


def test_a_corrupt_state_is_named(photos: Path, recipe: str, tmp_path: Path) -> None:
    folder = tmp_path / checkpoint.FOLDER
    folder.mkdir()
    (folder / checkpoint.STATE).write_bytes(b"no zip")
    with pytest.raises(TrainingError, match=r"spec\.json can't be read"):
        train(recipe, photos, tmp_path, resume=True)
    config = load_config(recipe)
    network = create_model(config.architecture, **config.options)
    checkpoint.save_weights(folder, network.make_spec(config.name), network.state_dict())  # type: ignore[operator]
    with pytest.raises(TrainingError, match=r"state\.pt can't be read"):
        train(recipe, photos, tmp_path, resume=True)


def test_no_photos_no_run(recipe: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no photo in it"):
        train(recipe, tmp_path / "empty", tmp_path / "run")
    assert not (tmp_path / "run").exists()
