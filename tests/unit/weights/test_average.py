"""The mean of two runs' weights, as the default model was made."""

from __future__ import annotations

import json
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from tinct.errors import DataError, OptionError
from tinct.models.registry import create_model
from tinct.training.runs import make_record
from tinct.weights import checkpoint

SCRIPT = Path(__file__).resolve().parents[3] / "scripts" / "average.py"


@pytest.fixture
def average() -> Callable[..., None]:
    main: Callable[..., None] = runpy.run_path(str(SCRIPT))["main"]
    return main


def make_run(folder: Path, **options: Any) -> dict[str, torch.Tensor]:
    network = create_model("lab_cnn", widths=[4, 8], **options)
    spec = network.make_spec("lab-cnn")  # type: ignore[operator]
    checkpoint.save_weights(folder / checkpoint.FOLDER, spec, network.state_dict())
    record = make_record({"name": "lab-cnn", "budget": "1steps"}, started="") | {"seen": 12}
    (folder / "run.json").write_text(json.dumps(record), "utf-8")
    return network.state_dict()


def test_weights_are_averaged_by_share(average: Callable[..., None], tmp_path: Path) -> None:
    first, second = make_run(tmp_path / "a"), make_run(tmp_path / "b")
    average(tmp_path / "a", tmp_path / "b", tmp_path / "mean", 0.25)
    spec, network = checkpoint.load_network(tmp_path / "mean")
    assert spec.name == "lab-cnn"
    for name, value in network.state_dict().items():
        expected = 0.25 * first[name] + 0.75 * second[name] if value.is_floating_point() else first[name]
        torch.testing.assert_close(value, expected)
    record = json.loads((tmp_path / "mean" / "run.json").read_text("utf-8"))
    assert record["seen"] == 12
    assert record["averaged"] == {"with": str(tmp_path / "b"), "share": 0.25}


def test_what_has_no_mean_is_refused(average: Callable[..., None], tmp_path: Path) -> None:
    make_run(tmp_path / "a")
    make_run(tmp_path / "b", middle=2)
    with pytest.raises(OptionError, match="differ in network"):
        average(tmp_path / "a", tmp_path / "b", tmp_path / "mean")
    with pytest.raises(OptionError, match="exists already"):
        average(tmp_path / "a", tmp_path / "a", tmp_path / "b")
    with pytest.raises(OptionError, match="expected 0 to 1"):
        average(tmp_path / "a", tmp_path / "a", tmp_path / "mean", 1.5)
    (tmp_path / "a" / "run.json").unlink()
    with pytest.raises(DataError, match="is no run"):
        average(tmp_path / "a", tmp_path / "a", tmp_path / "mean")
    assert not (tmp_path / "mean").exists()
