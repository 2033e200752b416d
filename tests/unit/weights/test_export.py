"""What an export refuses."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tinct.errors import ModelError
from tinct.models.registry import create_model
from tinct.weights.checkpoint import save_weights
from tinct.weights.export import export


@pytest.mark.parametrize(
    ("weight", "half", "message"),
    [
        (float("nan"), True, "the network gives NaN"),
        (float("inf"), False, "the network gives NaN"),
        (1e5, True, "--full"),
    ],
)
def test_a_file_that_gives_no_numbers_is_not_written(weight: float, half: bool, message: str, tmp_path: Path) -> None:
    network = create_model("lab_cnn", widths=[4, 4, 4]).eval()
    with torch.no_grad():
        network.head.weight[0, 0, 0, 0] = weight  # type: ignore[union-attr, index]
    save_weights(tmp_path, network.make_spec("x"), network.state_dict())  # type: ignore[operator]
    with pytest.raises(ModelError, match=message):
        export(tmp_path, tmp_path / "x.onnx", half=half)
    assert not (tmp_path / "x.onnx").exists()
