"""The other commands: help, version, models, doctor, train, export."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tinct.media.photo import read_photo

FAILED, WRONG_USAGE = 1, 2
SMALL_RECIPE = """
name: mine
architecture: tinct
options: {widths: [16, 16, 16, 16], queries: 4, query_width: 16, grid: 20}
loss: {cross_entropy: 0.5}
data: {short_side: 64, sizes: {64: 1.0}, batch: 4}
validation: {photos: 2, size: 64}
"""
COMMANDS = [
    (),
    ("colorize",),
    ("models",),
    ("models", "list"),
    ("models", "info"),
    ("doctor",),
    ("train",),
    ("export",),
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("columns", [80, 120])
def test_help_fits_the_terminal(run: Any, monkeypatch: pytest.MonkeyPatch, command: Any, columns: int) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    done = run(*command, "--help")
    assert done.code == 0
    assert done.out.startswith("Usage: tinct")
    assert max(map(len, done.out.splitlines())) <= columns


def test_help_names_every_option_under_its_heading(run: Any) -> None:
    text = run("colorize", "--help").out
    headings = [line[:-1] for line in text.splitlines() if line.endswith(":") and not line.startswith(" ")]
    assert headings == ["Arguments", "Output", "Colors", "Input", "Running", "Options"]


def test_no_command_shows_the_help(run: Any) -> None:
    done = run()
    assert "Usage: tinct" in done.out + done.err


def test_version(run: Any) -> None:
    assert run("--version").out == f"tinct {importlib.metadata.version('tinct')}\n"


def test_unknown_command(run: Any) -> None:
    done = run("colorise")
    assert done.code == WRONG_USAGE
    assert "colorise" in done.err


def test_python_m_is_the_command_too(workspace: Path) -> None:
    done = subprocess.run([sys.executable, "-m", "tinct", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("tinct ")


@pytest.fixture
def models(workspace: Path, quick_model: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of models with one named ``quick``."""
    monkeypatch.setenv("TINCT_WEIGHTS", str(quick_model.parent))
    monkeypatch.delenv("TINCT_MODEL")
    return quick_model.parent


def test_models_are_listed(run: Any, models: Path) -> None:
    done = run("models", "list")
    assert done.code == 0
    assert "quick" in [line.split(":")[0] for line in done.out.splitlines()]
    names = [json.loads(line)["name"] for line in run("models", "list", "--json").out.splitlines()]
    assert "random-bins" in names


def test_a_model_that_can_t_be_used_hides_no_other(run: Any, models: Path) -> None:
    (models / "broken.onnx").write_text("junk")
    done = run("models", "list")
    assert done.code == FAILED
    assert "broken: " in done.err
    assert "quick" in [line.split(":")[0] for line in done.out.splitlines()]
    done = run("models", "list", "--json")
    facts = {line["name"]: line for line in map(json.loads, done.out.splitlines())}
    assert "can't be loaded" in facts["broken"]["error"]
    assert "random-bins" in facts
    assert "parameters" in facts["tinct"]


def test_a_model_is_described(run: Any, models: Path) -> None:
    done = run("models", "info", "quick")
    assert done.code == 0
    said = {line[:14].strip(): line[14:] for line in done.out.splitlines()}
    assert said["takes hints"] == "yes"
    assert said["output"] == "bins"
    facts = json.loads(run("models", "info", models / "quick.onnx", "--json").out)
    assert facts["size"] == 32
    assert facts["modes"] == {"faithful": 0.0, "vivid": 1.0}
    assert facts["bytes"] == (models / "quick.onnx").stat().st_size
    assert len(facts["sha256"]) == 64


def test_an_unknown_model_lists_the_choices(run: Any, models: Path) -> None:
    done = run("models", "info", "nope")
    assert done.code == WRONG_USAGE
    assert "quick" in done.err


def test_a_model_of_the_folder_is_taken_by_name(run: Any, models: Path, picture: Any) -> None:
    picture("photo.jpg")
    done = run("colorize", "photo.jpg", "--model", "quick", "--json")
    assert done.code == 0
    assert json.loads(done.out)["model"] == "random-bins"


def test_doctor_names_versions_and_providers(run: Any, models: Path) -> None:
    done = run("doctor", "--json")
    facts = json.loads(done.out)
    assert facts["tinct"] == importlib.metadata.version("tinct")
    assert facts["onnxruntime"] == importlib.metadata.version("onnxruntime")
    assert "CPUExecutionProvider" in facts["providers"]
    assert facts["libvips"].count(".") == 2
    assert "GiB" in facts["memory"]
    assert facts["models"]["quick"] == "in no manifest"
    assert done.code == (0 if facts["healthy"] else FAILED)
    assert "onnxruntime" in run("doctor").out


def test_doctor_sees_damaged_weights(run: Any, models: Path, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shipped = workspace / "shipped"
    shipped.mkdir()
    (shipped / "tinct.onnx").write_bytes((models / "quick.onnx").read_bytes())
    monkeypatch.setattr("tinct.weights.store.SHIPPED", shipped)
    from tinct.weights.store import write_manifest

    write_manifest(shipped)
    healthy = run("doctor")
    assert healthy.code == 0
    assert "tinct verified" in healthy.out
    (shipped / "tinct.onnx").write_bytes(b"damaged")
    damaged = run("doctor")
    assert damaged.code == FAILED
    assert "damaged" in damaged.out


def test_training_without_torch_names_the_extra(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "torch" else find(name))
    for arguments in (("train", "tinct", "--data", "x", "--out", "y"), ("export", "x", "-o", "y.onnx")):
        done = run(*arguments)
        assert done.code == FAILED
        assert 'pip install "tinct[train]"' in done.err


def test_training_data_without_a_usable_photo(run: Any, workspace: Path, picture: Any) -> None:
    (workspace / "empty").mkdir()
    (workspace / "broken").mkdir()
    (workspace / "broken" / "one.jpg").write_bytes(b"no picture")
    for data in ("missing", "empty", "broken"):
        done = run("train", "tinct", "--data", data, "--out", "run")
        assert done.code == FAILED, done.err
        assert data in done.err or "usable" in done.err
    assert not (workspace / "run").exists()


def test_a_recipe_s_faults_are_all_named(run: Any, workspace: Path) -> None:
    (workspace / "recipe.yaml").write_text(
        "name: mine\narchitecture: nope\nbudget: soon\nbatch: -3\nlearning: fast\n", encoding="utf-8"
    )
    done = run("train", "recipe.yaml", "--data", "x", "--out", "run")
    assert done.code == WRONG_USAGE
    for fault in ("architecture", "budget", "batch", "learning"):
        assert fault in done.err


def test_an_unknown_recipe_lists_the_choices(run: Any) -> None:
    done = run("train", "nope", "--data", "x", "--out", "run")
    assert done.code == WRONG_USAGE
    assert ", tinct-aged, tinct-finetune, tinct-hints, tinct-perceptual, tinct-small, or" in done.err


def test_from_training_to_a_colorized_photograph(run: Any, workspace: Path, picture: Any) -> None:
    """A short run, the same run again, its export, and a photograph with each."""
    (workspace / "small.yaml").write_text(SMALL_RECIPE, encoding="utf-8")
    rng = np.random.default_rng(0)
    for number in range(24):
        ramp = np.linspace(0, 200, 96)[:, None, None] + rng.integers(0, 55, (1, 96, 3))
        picture(f"photos/{number}.jpg", ramp.astype(np.uint8))
    picture("photo.jpg")
    arguments = ("train", "small.yaml", "--data", "photos", "--out", "run", "--budget", "2steps")
    done = run(*arguments, "-q")
    assert done.code == 0, done.err
    assert run(*arguments, "-q").code == FAILED
    assert run(*arguments, "--resume", "-q").code == 0
    exported = run("export", "run", "-o", "mine.onnx")
    assert exported.code == 0, exported.err
    assert run("export", "run", "-o", "mine.onnx").code == FAILED
    for number, model in enumerate(("run", "mine.onnx")):
        assert run("colorize", "photo.jpg", "--model", model, "-o", f"{number}.png").code == 0
    torch_pixels, onnx_pixels = (read_photo(f"{number}.png").to_numpy().astype(int) for number in range(2))
    assert np.abs(torch_pixels - onnx_pixels).mean() < 3
    assert os.path.getsize("mine.onnx") > 1_000_000
    stopping = ("--set", "early_stopping={figure: psnr_faithful}")
    done = run("train", "small.yaml", "--data", "photos", "--out", "best", "--budget", "1steps", *stopping)
    assert "The best weights are in best/best; best stands for them" in done.err.replace(os.sep, "/")
