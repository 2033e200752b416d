"""``tinct probe`` as a user runs it, on a small checkpoint and pictures that can be told apart."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tinct.models.registry import create_model
from tinct.weights.checkpoint import save_weights

Run = Callable[..., Any]
LAYERS = [*(f"down{n}.{step}" for n in (1, 2, 4) for step in (0, 1)), "up2", "up1", "head"]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import torch

    folder = tmp_path_factory.mktemp("probe") / "model"
    torch.manual_seed(5)
    body = create_model("cifar_cnn", widths=[8, 8, 8])
    save_weights(folder, body.make_spec("small"), body.state_dict())  # type: ignore[operator]
    return folder


@pytest.fixture(scope="module")
def stripes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes that bare pixels don't tell, and edges do: stripes down or across, moved at random."""
    folder = tmp_path_factory.mktemp("stripes")
    rng = np.random.default_rng(0)
    for part, count in (("train", 40), ("test", 20)):
        for kind in ("across", "down"):
            (folder / part / kind).mkdir(parents=True)
            for number in range(count):
                wave = 100 + 90 * np.sin((np.arange(32) + rng.integers(0, 8)) * np.pi / 4)
                picture = np.tile(wave, (32, 1)) if kind == "down" else np.tile(wave[:, None], (1, 32))
                picture = np.clip(picture + rng.normal(0, 15, picture.shape), 0, 255).astype(np.uint8)
                Image.fromarray(picture).save(folder / part / kind / f"{number}.png")
    return folder


def test_a_table_and_a_plot(run: Run, checkpoint: Path, stripes: Path) -> None:
    words = ("--plot", "o.png", "--json", "o.json", "--csv", "o.csv", "--size", 32)
    done = run("probe", "--data", stripes, "--model", checkpoint, *words)
    assert done.code == 0, done.err
    found = json.loads(Path("o.json").read_text("utf-8"))
    assert (found["train"], found["test"], found["classes"]) == (80, 40, ["across", "down"])
    assert found["most_common"] == 50
    rows = list(csv.DictReader(Path("o.csv").read_text("utf-8").splitlines()))
    networks = list(dict.fromkeys(row["network"] for row in rows))
    assert networks == [str(checkpoint), "random cifar_cnn", "imagenet", "pixels"]
    assert [row["layer"] for row in rows if row["network"] == str(checkpoint)] == LAYERS
    assert next(row["layer"] for row in rows if row["kind"] == "imagenet") == "encoder.stem"
    # An ImageNet network sees the direction of stripes, whatever their place.
    assert max(float(row["accuracy"]) for row in rows if row["kind"] == "imagenet") > 95
    for row in rows:
        assert float(row["accuracy_low"]) <= float(row["accuracy"]) <= float(row["accuracy_high"])
        assert int(row["features"]) <= 1024
        assert (row["over_random"] != "") == (row["kind"] == "model")
    with Image.open("o.png") as drawn:
        assert drawn.size[0] > 800
    assert "over random" in done.out


def test_layers_by_name_and_pictures_that_cannot_be_read(run: Run, checkpoint: Path, stripes: Path) -> None:
    broken = stripes / "test" / "down" / "broken.png"
    broken.write_bytes(b"no picture")
    words = ("--layer", "down2.1", "--size", 32, "--csv", "o.csv")
    done = run("probe", "--data", stripes, "--model", checkpoint, *words)
    broken.unlink()
    assert done.code == 1
    assert "test/down/broken.png can't be read" in done.err
    rows = list(csv.DictReader(Path("o.csv").read_text("utf-8").splitlines()))
    assert [row["layer"] for row in rows] == ["down2.1", "down2.1", ""]


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["--layer", "down9"], 2, "no layer 'down9' gives features"),
        (["--size", "40"], 2, "takes multiples of"),
        (["--labels", "colors"], 2, "choose one of class, source"),
        (["--count", "0"], 2, "--count is 0"),
        (["--count", "3"], 1, "needs two classes"),
        (["--plot", "o.txt"], 2, "ends in .png"),
        (["--json", "missing/o.json"], 2, "folder that doesn't exist"),
        (["--model", "nonsense"], 2, "unknown model"),
    ],
)
def test_what_is_refused(run: Run, checkpoint: Path, stripes: Path, words: list[str], code: int, says: str) -> None:
    model = [] if "--model" in words else ["--model", checkpoint]
    done = run("probe", "--data", stripes, *model, *words)
    assert (done.code, says in done.err) == (code, True), done.err
    assert list(Path().iterdir()) == []


def test_a_file_that_holds_no_network_of_tinct(run: Run, quick_model: Path, stripes: Path) -> None:
    done = run("probe", "--data", stripes, "--model", quick_model)
    # It colorizes, but its weights are of no architecture that could be built.
    assert done.code == 2
    assert "unknown model 'random'; choose one of cifar_cnn" in done.err
