"""``tinct.colorize``: the model that it is given now, loaded once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
from numpy.typing import NDArray

import tinct
from tinct.errors import OptionError
from tinct.inference import shortcut
from tinct.inference.pipeline import Colorizer
from tinct.models.registry import create_model
from tinct.weights import checkpoint

MakeModel = Callable[..., Path]


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> Mock:
    """Counts the models that are loaded; none is at the beginning."""
    shortcut._colorizer.cache_clear()
    counting = Mock(side_effect=Colorizer)
    monkeypatch.setattr(shortcut, "Colorizer", counting)
    return counting


def colored(photo: NDArray[np.uint8], model: Path | str) -> NDArray[np.uint8] | NDArray[np.uint16]:
    return tinct.colorize(photo, model=model).to_numpy()


def test_a_model_is_loaded_once(make_model: MakeModel, gray_pixels: NDArray[np.uint8], loaded: Mock) -> None:
    path = make_model()
    colored(gray_pixels, path)
    colored(gray_pixels, str(path))
    assert loaded.call_count == 1


def test_a_device_of_another_kind_is_refused(gray_pixels: NDArray[np.uint8]) -> None:
    with pytest.raises(OptionError, match="choose one of auto"):
        tinct.colorize(gray_pixels, device=["cpu"])  # type: ignore[arg-type]


def test_a_replaced_file_is_loaded_anew(make_model: MakeModel, gray_pixels: NDArray[np.uint8]) -> None:
    path, other = make_model(seed=0), make_model(seed=1)
    before, expected = colored(gray_pixels, path), colored(gray_pixels, other)
    other.replace(path)
    assert np.array_equal(colored(gray_pixels, path), expected)
    assert not np.array_equal(before, expected)


def test_a_name_is_that_of_the_present_folder(
    make_model: MakeModel, gray_pixels: NDArray[np.uint8], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for seed in (0, 1):
        folder = tmp_path / str(seed)
        folder.mkdir()
        make_model(seed=seed).rename(folder / "m.onnx")
        monkeypatch.chdir(folder)
        found.append(colored(gray_pixels, "m.onnx"))
    assert not np.array_equal(*found)


def test_a_run_trained_further_is_loaded_anew(tmp_path: Path, gray_pixels: NDArray[np.uint8]) -> None:
    found = []
    for _ in range(2):
        network = create_model("colorful", width=0.06, grid=40)
        spec = network.make_spec("x")  # type: ignore[operator]
        checkpoint.save_weights(tmp_path / checkpoint.FOLDER, spec, network.state_dict())
        found.append(colored(gray_pixels, tmp_path))
    assert not np.array_equal(*found)


def test_few_models_stay_loaded(make_model: MakeModel, gray_pixels: NDArray[np.uint8], loaded: Mock) -> None:
    for seed in range(shortcut.KEPT_MODELS + 1):
        colored(gray_pixels, make_model(seed=seed))
    assert shortcut._colorizer.cache_info().currsize == shortcut.KEPT_MODELS == loaded.call_count - 1
