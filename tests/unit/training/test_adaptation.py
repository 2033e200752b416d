"""Adapting a trained model to a few pictures: when, with what, and what of the model stays."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image

from tinct.errors import ConfigError, DataError, OptionError, TrainingError
from tinct.training import adaptation
from tinct.training.average import WeightAverage
from tinct.training.journal import VALIDATION, read_rows
from tinct.training.progress import Progress
from tinct.training.recipes import load_config
from tinct.training.run import train
from tinct.weights import checkpoint

RECIPE = """
name: tiny
architecture: tinct
options: {widths: [8, 8, 8, 8], queries: 2, query_width: 8, grid: 20}
budget: 1steps
precision: fp32
data: {short_side: 48, sizes: {32: 1}, batch: 4}
loss: {cross_entropy: 0.5, huber: 15.0}
optimizer: {warmup: 2, decay: 0.25}
validation: {photos: 2, size: 64, share: 0.2}
adaptation:
  budget: 6steps
  init: {keep_rebalancing: true}
  replay: {share: 0.5, photos: 8, held: 2, anchor: 0.3, anchor_alone: 0.5}
  optimizer: {rate: 1.0e-3, encoder_rate: 0, freeze_norms: true}
  validation: {least: 3, at_start: true}
"""


@pytest.fixture(autouse=True)
def _no_photos_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TINCT_DATA", raising=False)


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("recipe") / "tiny.yaml"
    path.write_text(RECIPE)
    return str(path)


@pytest.fixture(scope="module")
def ordinary(scene: Callable[..., object], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ordinary")
    for index in range(12):
        Image.fromarray(scene(index, 48, 64)).save(folder / f"ordinary-{index}.png")
    return folder


@pytest.fixture(scope="module")
def start(ordinary: Path, recipe: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A model trained on other photos."""
    out = tmp_path_factory.mktemp("start")
    train(recipe, ordinary, out)
    return str(out)


@pytest.fixture(scope="module")
def adapted(photos: Path, ordinary: Path, recipe: str, start: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("adapted")
    train(recipe, photos, out, init=start, replay=ordinary)
    return out


def test_the_encoder_all_figures_of_normalization_and_the_rebalancing_stay(start: str, adapted: Path) -> None:
    (before, first), (after, last) = (checkpoint.load_network(Path(run)) for run in (start, adapted))
    assert after.weights == before.weights
    old, new = first.state_dict(), last.state_dict()
    changed = {name for name in old if not torch.equal(old[name], new[name])}
    assert changed
    assert not [name for name in changed if name.startswith("encoder.") or name.endswith(("_mean", "_var"))]
    # Also while training, not just in the average.
    state = checkpoint.load_state(adapted)["network"]
    assert all(torch.equal(state[name], old[name]) for name in old if name.endswith(("_mean", "_var")))


def test_gain_and_loss_are_measured_from_the_start_on(adapted: Path) -> None:
    rows = read_rows(adapted / VALIDATION)
    assert [row["step"] for row in rows] == ["0", "6"]
    for name in ("psnr_faithful", "psnr_ordinary_faithful", "psnr_ordinary_gray", "colorfulness_ordinary_vivid"):
        assert float(rows[0][name]) > 0
    assert rows[0]["psnr_gray"] != rows[0]["psnr_ordinary_gray"]
    record = json.loads((adapted / "run.json").read_text())
    assert record["adaptation"]["adapts"] is True
    assert "12 pictures, not more than 2,000, which is few" in record["adaptation"]["why"]
    assert record["adaptation"]["replay"]["photos"] == 8
    assert record["adaptation"]["replay"]["held"] == 2


def test_interrupted_and_resumed_equals_uninterrupted(
    photos: Path,
    ordinary: Path,
    recipe: str,
    start: str,
    adapted: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tinct.training.engine.LOG_EVERY", 3)

    def stop(progress: Progress) -> None:
        if progress.step == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(recipe, photos, tmp_path, init=start, replay=ordinary, report=stop)
    # Decision and place of the replayed photos are those that the run began with.
    train(recipe, photos, tmp_path, resume=True)
    whole, parts = checkpoint.load_state(adapted), checkpoint.load_state(tmp_path)
    assert parts["step"] == whole["step"] == 6
    for part in ("network", "average"):
        assert all(torch.equal(whole[part][name], parts[part][name]) for name in whole[part])
    before, after = (json.loads((run / "run.json").read_text())["adaptation"] for run in (adapted, tmp_path))
    assert before == after


def test_a_run_without_photos_to_replay_resumes_without(
    photos: Path, ordinary: Path, recipe: str, start: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train(recipe, photos, tmp_path / "run", init=start, budget="1steps")
    (tmp_path / "photos").symlink_to(ordinary)
    monkeypatch.setenv("TINCT_DATA", str(tmp_path))
    train(recipe, photos, tmp_path / "run", budget="2steps", resume=True)
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert record["step"] == 2
    assert record["asked"]["replay"] is None


def test_resume_with_other_photos_to_replay_is_refused(photos: Path, recipe: str, adapted: Path) -> None:
    with pytest.raises(TrainingError, match=r"replayed\.fingerprint"):
        train(recipe, photos, adapted, resume=True, replay=photos)


def test_without_photos_to_replay_the_weights_are_drawn_back_to_the_start(
    photos: Path, recipe: str, start: str, tmp_path: Path
) -> None:
    notes: list[str] = []
    train(recipe, photos, tmp_path, init=start, report=lambda progress: notes.append(progress.note))
    said = [note for note in notes if note]
    assert said[0].startswith("adapting: a model to start from, and 12 pictures")
    assert said[1].startswith("no ordinary photos to replay (no --replay, and TINCT_DATA is not set): the weights")
    assert said[2] == "9 photos to learn from, 2 to validate with, by a hash of their names"
    assert said[3].startswith("new pictures kept apart: ")
    old = checkpoint.load_network(Path(start))[1].state_dict()
    used = checkpoint.load_network(tmp_path)[1].state_dict()
    trained = checkpoint.load_state(tmp_path)["average"]
    name = "local.weight"
    assert not torch.equal(trained[name], old[name])
    torch.testing.assert_close(used[name], (trained[name] + old[name]) / 2)


def test_with_photos_to_replay_the_weights_are_drawn_back_less(adapted: Path, start: str) -> None:
    name = "local.weight"
    old, used = (checkpoint.load_network(Path(place))[1].state_dict()[name] for place in (start, adapted))
    trained = checkpoint.load_state(adapted)["average"][name]
    assert not torch.equal(trained, old)
    torch.testing.assert_close(used, trained.lerp(old, 0.3))


def test_an_anchored_average_resumes_with_its_start() -> None:
    network = torch.nn.Linear(2, 1)
    one = WeightAverage(network, 0.0, 0.25)
    torch.nn.init.constant_(network.weight, 8.0)
    other = WeightAverage(network, 0.0, 0.25)
    one.update(network, 0)
    other.load(one.state())
    assert torch.equal(one.for_use()["weight"], other.for_use()["weight"])
    assert not torch.equal(one.for_use()["weight"], network.weight)


def test_photos_of_the_environment_are_replayed(
    ordinary: Path, recipe: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "photos").symlink_to(ordinary)
    monkeypatch.setenv("TINCT_DATA", str(tmp_path))
    found = adaptation.find_replay(load_config(recipe, adapt=True).replay, None)
    assert found.path == tmp_path / "photos"
    assert found.division is not None
    assert len(found.division.train) + len(found.division.held) == 12
    monkeypatch.setenv("TINCT_DATA", str(ordinary))
    assert (
        f"there is no {ordinary / 'photos'}" in adaptation.find_replay(load_config(recipe, adapt=True).replay, None).why
    )


def test_the_rule(photos: Path, recipe: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert adaptation.decide(recipe, photos, "default", None).adapts
    assert not adaptation.decide(recipe, photos, None, None).adapts
    assert not adaptation.decide(recipe, photos, "default", False).adapts
    assert not adaptation.decide("tinct-finetune", photos, "default", None).adapts
    monkeypatch.setattr(adaptation, "MOST", 11)
    assert adaptation.decide(recipe, photos, "default", None).why == "12 pictures are more than 11"
    assert adaptation.decide(recipe, photos, "default", True).adapts


def test_settings_and_budget_go_before_the_section() -> None:
    plain, adapting = load_config("tinct"), load_config("tinct", adapt=True)
    assert plain.optimizer.encoder_rate > 0 == adapting.optimizer.encoder_rate
    assert adapting.budget == "8min"
    changed = load_config("tinct", "3min", adapt=True, settings=["optimizer.rate=1e-5", "replay.share=0.5"])
    assert (changed.budget, changed.optimizer.rate, changed.replay.share) == ("3min", 1e-5, 0.5)
    assert changed.optimizer.encoder_rate == 0


def test_a_recipe_that_extends_another_adapts_as_that_one(recipe: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(f"extends: {recipe}\nadaptation: {{optimizer: {{rate: 0.5}}}}\n")
    optimizer = load_config(str(path), adapt=True).optimizer
    assert (optimizer.rate, optimizer.encoder_rate) == (0.5, 0)
    path.write_text("extends: tinct\nadaptation: 3\n")
    with pytest.raises(ConfigError, match="adaptation: expected a mapping"):
        load_config(str(path))


def test_what_can_not_be_is_refused_with_what_to_do(photos: Path, recipe: str, tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "0.png").write_bytes((photos / "0.png").read_bytes())
    with pytest.raises(DataError, match=r"holds one picture; .* better 20 to 2,000"):
        train(recipe, tmp_path / "one", tmp_path / "run", init="default")
    with pytest.raises(OptionError, match="--init default"):
        train(recipe, photos, tmp_path / "run", adapt=True)
    with pytest.raises(ConfigError, match="no section adaptation"):
        train("encdec-rgb", photos, tmp_path / "run", init="encdec-rgb", adapt=True)
    with pytest.raises(OptionError, match=r"replay\.share"):
        train(recipe, photos, tmp_path / "run", replay=photos)
    with pytest.raises(DataError, match="nowhere"):
        train(recipe, photos, tmp_path / "run", init="default", replay=tmp_path / "nowhere")
    assert not (tmp_path / "run").exists()
