"""Every recipe of the package loads with its presets and takes two steps; what is wrong with one is said at once."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from tinct.errors import BadModelFile, ConfigError
from tinct.training.journal import VALIDATION, read_rows
from tinct.training.recipes import list_presets, list_recipes, load_config
from tinct.training.run import train
from tinct.weights import checkpoint

PUBLISHED = [
    "lab-cnn", "lab-cnn-gan", "cifar-cnn", "colorful", "colorful-l2", "colorful-l2-finetuned",
    "colorful-no-rebalancing", "encdec-rgb", "efficientnet",
]  # fmt: skip
SMALL = (
    "data.sizes={32: 1}",
    "data.batch=4",
    "data.short_side=48",
    "validation={photos: 2, size: 32}",
    "precision=fp32",
)
NARROW = {
    "cifar-cnn": ("options.widths=[8, 8, 8]",),
    "encdec-rgb": ("options.widths=[8, 8, 8]",),
    "lab-cnn": ("options.widths=[8, 8, 8]",),
    "lab-cnn-gan": ("options.widths=[8, 8, 8]", "adversarial.width=8", "adversarial.start=0"),
    "tinct": ("options.widths=[8, 8, 8, 8]", "options.queries=2"),
    "tinct-aged": ("options.widths=[8, 8, 8, 8]", "options.queries=2"),
    "tinct-finetune": ("options.widths=[8, 8, 8, 8]", "options.queries=2"),
    "tinct-hints": ("options.widths=[8, 8, 8, 8]", "options.queries=2"),
    "tinct-perceptual": ("options.widths=[8, 8, 8, 8]", "options.queries=2"),
    "tinct-small": ("options.widths=[8, 8, 8, 8]", "options.queries=2"),
} | {name: ("options.width=0.0625",) for name in PUBLISHED if name.startswith("colorful")}


def read_file(recipe: str) -> dict[str, Any]:
    """Return what a recipe of the package says itself, without what it extends."""
    said: dict[str, Any] = yaml.safe_load((files("tinct") / "recipes" / f"{recipe}.yaml").read_text("utf-8"))
    return said


@pytest.fixture(scope="module")
def classifier(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the recipe ``colorful``."""
    out = tmp_path_factory.mktemp("classifier")
    train("colorful", photos, out, budget="2steps", settings=[*SMALL, *NARROW["colorful"]])
    return out


def test_the_published_systems_are_there() -> None:
    assert set(PUBLISHED) <= set(list_recipes())


@pytest.mark.parametrize("name", list_recipes())
def test_every_recipe_and_preset_loads(name: str) -> None:
    # A recipe of a later stage trains the model of the first.
    assert name.startswith(load_config(name).name)
    for preset in list_presets(name):
        assert load_config(name, presets=[preset]) != load_config(name)


@pytest.mark.parametrize("name", list_recipes())
def test_every_recipe_takes_two_steps(name: str, photos: Path, classifier: Path, tmp_path: Path) -> None:
    starts = {"tinct-small": "default", "colorful-l2-finetuned": str(classifier)}
    init = starts[name] if load_config(name).init.required else None
    train(name, photos, tmp_path, budget="2steps", init=init, settings=[*SMALL, *NARROW.get(name, ())])
    spec, _ = checkpoint.load_network(tmp_path)
    assert spec.name == load_config(name).name
    row = read_rows(tmp_path / VALIDATION)[-1]
    assert row["step"] == "2"
    assert all(np.isfinite(float(value)) for value in row.values())
    if spec.output == "rgb":
        assert 0 < float(row["mse_raw"]) < 1


def test_the_perceptual_loss_is_a_switch(photos: Path, tmp_path: Path) -> None:
    train("lab-cnn", photos, tmp_path, budget="1steps", presets=["perceptual"], settings=[*SMALL, *NARROW["lab-cnn"]])
    assert json.loads((tmp_path / "run.json").read_text())["recipe"]["loss"]["perceptual"] == 1


def test_the_finetuned_variant_takes_all_but_the_head_of_the_classifier(
    photos: Path, classifier: Path, tmp_path: Path
) -> None:
    settings = [*SMALL, *NARROW["colorful"], "optimizer.rate=1e-9"]
    with pytest.raises(ConfigError, match="--init"):
        train("colorful-l2-finetuned", photos, tmp_path, budget="1steps", settings=settings)
    with pytest.raises(BadModelFile, match="another architecture"):
        train("colorful-l2", photos, tmp_path, budget="1steps", settings=settings, init=str(classifier))
    train("colorful-l2-finetuned", photos, tmp_path, budget="1steps", settings=settings, init=str(classifier))
    first, second = (checkpoint.load_state(run)["network"] for run in (classifier, tmp_path))
    np.testing.assert_allclose(first["blocks.3.0.weight"], second["blocks.3.0.weight"], atol=1e-6)
    assert first["head.weight"].shape != second["head.weight"].shape
    assert json.loads((tmp_path / "run.json").read_text())["start"] == str(classifier)


def test_the_preset_zhang2016_sets_the_four_figures_of_the_original() -> None:
    published, original = (load_config("colorful", presets=presets) for presets in ((), ("zhang2016",)))

    def figures(config: object) -> tuple[object, ...]:
        options, loss = config.options, config.loss  # type: ignore[attr-defined]
        return options["grid"], loss.rebalancing, loss.prior_sigma, options["temperature"]

    assert figures(published) == (12, 0.25, 6.0, 0.45)
    assert figures(original) == (10, 0.5, 5.0, 0.38)


@pytest.mark.parametrize("name", [name for name in list_recipes() if "extends" in read_file(name)])
def test_no_preset_undoes_what_makes_a_variant(name: str) -> None:
    own = read_file(name)
    for preset in list_presets(name):
        loaded = load_config(name, presets=[preset]).model_dump(mode="json")
        for key in own.keys() & loaded.keys():
            value = own[key]
            assert loaded[key] == (loaded[key] | value if isinstance(value, dict) else value), preset


def test_a_recipe_extends_another_section_by_section(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(
        "extends: encdec-rgb\nname: mine\ndata: {batch: 7, sizes: {64: 1}}\npresets: {slow: {budget: 9h}}\n"
    )
    mine, base = load_config(str(path)), load_config("encdec-rgb")
    assert (mine.name, mine.data.batch, mine.data.sizes) == ("mine", 7, {64: 1.0})
    assert (mine.data.turn, mine.loss, mine.optimizer) == (base.data.turn, base.loss, base.optimizer)
    assert list_presets(str(path)) == ["light", "slow"]
    assert load_config(str(path), presets=["light", "slow"]).budget == "9h"


def test_a_recipe_finds_what_it_extends_beside_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "base.yaml").write_text("extends: encdec-rgb\nname: base\ndata: {batch: 7}\n")
    (tmp_path / "below" / "mine.yaml").write_text("extends: ../base.yaml\nname: mine\n")
    assert load_config(str(tmp_path / "below" / "mine.yaml")).data.batch == 7
    monkeypatch.chdir(tmp_path)
    assert load_config("below/mine.yaml").data.batch == 7


def test_a_circle_of_recipes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "round.yaml"
    path.write_text(f"extends: {path}\n")
    with pytest.raises(ConfigError, match="leads back to itself"):
        load_config(str(path))


def test_single_settings_replace_the_recipes() -> None:
    settings = ["optimizer.rate=1e-4", "options.widths=[8, 16]", "budget=3steps", "adversarial={}", "data.flip=no"]
    config = load_config("lab-cnn", settings=settings)
    assert (config.optimizer.rate, config.options["widths"], config.budget) == (1e-4, [8, 16], "3steps")
    assert config.adversarial is not None
    assert config.adversarial.pixel == 100
    assert not config.data.flip
    assert load_config("lab-cnn", "5steps", settings=settings).budget == "5steps"


@pytest.mark.parametrize(
    ("recipe", "setting", "message"),
    [
        ("lab-cnn", "optimizer.ratee=1", r"optimizer\.ratee: no such setting; did you mean rate\?"),
        ("lab-cnn", "nonsense", "expected KEY=VALUE"),
        ("lab-cnn", "a.b.c=1", "expected KEY=VALUE"),
        ("lab-cnn", "data={batch: [", "no valid YAML"),
        ("lab-cnn", "loss.cross_entropy=1", "a model that gives ab can't have it"),
        ("encdec-rgb", "loss.rebalanced_mse=1", "a model that gives rgb can't have it"),
        ("lab-cnn", "loss.mse=0", "nothing to learn"),
        ("lab-cnn", "options.width=3", "unexpected keyword argument 'width'"),
        ("colorful", "options.head=hsv", "options: head is 'hsv'"),
        ("efficientnet", "data.sizes={100: 1}", "needs a multiple of 32"),
        ("lab-cnn", "architecture=[1]", "architecture"),
        ("lab-cnn", "optimizer.betas=[1,1]", "less than 1"),
        ("lab-cnn-gan", "adversarial.layers=7", "data.sizes.256: too small for a discriminator of 7 layers"),
        ("encdec-rgb", "validation.size=8", "greater than or equal to 11"),
        ("encdec-rgb", "validation.size=0", "validation.size"),
        ("lab-cnn", "early_stopping={figure: psnr_vivid}", "choose one of psnr_gray"),
        ("lab-cnn", "optimizer.schedule=step", "schedule step needs milestones"),
        ("lab-cnn", "adversarial={starts: 1}", "did you mean start"),
        ("cifar-cnn", "imagenet=true", "imagenet: cifar_cnn has no encoder"),
        ("efficientnet", "optimizer={only: [encoder.], encoder_rate: 0}", "optimizer: no weight learns"),
        ("cifar-cnn", "options.widths=[-1, 64, 64]", "options: .*negative"),
        ("tinct", "options.queries=-1", "options: "),
        ("cifar-cnn", "options.size=-5", "options.size: -5 is no side in pixels"),
        ("lab-cnn", "options.size=wide", "options.size: 'wide' is no side in pixels"),
        ("lab-cnn", "optimizer.rate=.inf", "optimizer.rate: Input should be a finite number"),
        ("lab-cnn", "loss.mse=.nan", "loss.mse"),
        ("tinct", "loss.neighbours=1000", "1000 are to share a color, but there are only 229 bins"),
        ("colorful", "options.grid=110", r"loss.neighbours: \d+ are to share a color, but there are only \d bins"),
        ("efficientnet", "loss.grid=110", "loss.neighbours"),
    ],
)
def test_a_setting_that_is_wrong_is_refused(recipe: str, setting: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_config(recipe, settings=[setting])


def test_all_faults_are_listed_at_once() -> None:
    settings = ["optimizer.kind=sgd", "loss.cross_entropy=1", "data.sizes={30: 1}", "early_stopping={figure: psn}", "x"]
    with pytest.raises(ConfigError) as caught:
        load_config("lab-cnn", "soon", presets=["dark"], settings=settings)
    assert len(caught.value.faults) == 7


@pytest.mark.parametrize(
    ("recipe", "setting"), [("tinct", "options.query_width=130"), ("cifar-cnn", "options.widths=[0, 1, 2]")]
)
@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
def test_a_network_that_can_t_see_its_crops_is_refused_before_a_photo_is_read(
    recipe: str, setting: str, photos: Path, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=r"the network makes nothing of a crop of \d+ pixels"):
        train(recipe, photos, tmp_path / "run", settings=[setting])
    assert not (tmp_path / "run").exists()
