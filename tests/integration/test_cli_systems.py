"""``tinct colorize`` and ``tinct models`` with the five systems' architectures, exported with random weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tinct.color.lab import gray_to_lightness, srgb_to_lab
from tinct.media.photo import read_photo
from tinct.models.registry import create_model
from tinct.weights import checkpoint
from tinct.weights.export import export

SYSTEMS: dict[str, tuple[str, dict[str, Any]]] = {
    "lab": ("lab_cnn", {"widths": [4, 8, 8], "size": 64}),
    "cifar": ("cifar_cnn", {"widths": [4, 8, 8]}),
    "colorful": ("colorful", {"width": 0.02, "grid": 20, "size": 64}),
    "colorful-l2": ("colorful", {"width": 0.02, "head": "ab", "size": 64}),
    "encdec": ("encdec_rgb", {"widths": [4, 8, 8], "size": 64}),
    "efficientnet": ("efficientnet_unet", {"widths": [8, 8, 8, 8], "size": 64}),
}


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a file of each system, whose colors are strong enough to be seen."""
    folder = tmp_path_factory.mktemp("systems")
    for name, (architecture, options) in SYSTEMS.items():
        torch.manual_seed(1)
        network = create_model(architecture, **options)
        with torch.no_grad():
            bias = network.head.bias
            assert isinstance(bias, torch.Tensor)
            # An orange, whatever is seen.
            bias.copy_(
                torch.tensor(
                    {2: [0.2, 0.4], 3: [2.0, 0.0, -2.0]}.get(len(bias), torch.linspace(-3, 3, len(bias)).tolist())
                )
            )
        checkpoint.save(folder / name, network.make_spec(name), network.state_dict(), {})  # type: ignore[operator]
        export(folder / name, folder / f"{name}.onnx")
    return folder


@pytest.fixture(params=SYSTEMS)
def model(request: pytest.FixtureRequest, exported: Path) -> Path:
    return exported / f"{request.param}.onnx"


def lab_of(path: str, top: int) -> np.ndarray:
    return srgb_to_lab(read_photo(path).to_numpy().astype(np.float32) / top)


@pytest.mark.parametrize(("dtype", "name"), [(np.uint8, "photo.png"), (np.uint16, "photo.tif")])
def test_depth_and_lightness_stay(run: Any, picture: Any, model: Path, dtype: type, name: str) -> None:
    top = np.iinfo(dtype).max
    gray = (np.linspace(0.1, 0.9, 90)[None, :] * np.linspace(0.6, 1, 70)[:, None] * top).astype(dtype)
    picture(name, gray)
    done = run("colorize", name, "-o", f"color/{name}", "--model", model, "--json")
    assert done.code == 0, done.err
    result = read_photo(f"color/{name}").to_numpy()
    assert (result.shape, result.dtype) == ((70, 90, 3), dtype)
    lab = lab_of(f"color/{name}", top)
    # RGB models, too, give their color alone.
    assert np.abs(lab[..., 0] - gray_to_lightness(gray / np.float32(top))).mean() < 0.3
    assert np.hypot(lab[..., 1], lab[..., 2]).mean() > 3


def test_saturation_size_and_hints_count(run: Any, picture: Any, model: Path) -> None:
    gray = (np.linspace(60, 200, 90)[None, :] * np.ones((70, 1))).astype(np.uint8)
    picture("photo.png", gray)
    chroma = {}
    for name, options in {
        "plain": (),
        "dull": ("--saturation", "0.3"),
        "small": ("--size", "40"),
        "hinted": ("--hint", "45,35,#2040c0,6"),
    }.items():
        done = run("colorize", "photo.png", "-o", f"{name}.png", "--model", model, *options)
        assert done.code == 0, done.err
        chroma[name] = lab_of(f"{name}.png", 255)[..., 1:]
    mean = {name: float(np.hypot(ab[..., 0], ab[..., 1]).mean()) for name, ab in chroma.items()}
    assert mean["dull"] < 0.6 * mean["plain"]
    assert mean["small"] > 0.3 * mean["plain"]
    # The hinted pixels get their color, and the kriging carries it around, though no model here has an input for it.
    asked = srgb_to_lab(np.array([0x20, 0x40, 0xC0], np.float32) / 255)[1:]
    ray = chroma["hinted"][35, 45]
    assert np.dot(ray, asked) / np.linalg.norm(ray) / np.linalg.norm(asked) > 0.99
    assert (chroma["hinted"] - chroma["plain"])[35, 60, 1] < -5


def test_modes_mean_something_or_a_note_says_so(run: Any, picture: Any, model: Path) -> None:
    picture("photo.png")
    for mode in ("faithful", "vivid"):
        done = run("colorize", "photo.png", "-o", f"{mode}.png", "--mode", mode, "--model", model)
        assert done.code == 0
        assert ("one read-out" in done.err) == (model.stem != "colorful")
    same = np.array_equal(read_photo("faithful.png").to_numpy(), read_photo("vivid.png").to_numpy())
    assert same == (model.stem != "colorful")


def test_a_checkpoint_gives_what_its_export_gives(run: Any, picture: Any, model: Path) -> None:
    picture("photo.png")
    for name, given in (("file", model), ("checkpoint", model.with_suffix(""))):
        assert run("colorize", "photo.png", "-o", f"{name}.png", "--model", given).code == 0
    one, other = (read_photo(f"{name}.png").to_numpy().astype(int) for name in ("file", "checkpoint"))
    # The file's weights have 16 bits.
    assert np.abs(one - other).max() <= 4


def test_they_are_listed_and_described(run: Any, exported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TINCT_WEIGHTS", str(exported))
    lines = run("models", "list").out.splitlines()
    assert {line.split(":")[0] for line in lines} >= set(SYSTEMS)
    for name, (architecture, _) in SYSTEMS.items():
        facts = json.loads(run("models", "info", name, "--json").out)
        assert (facts["name"], facts["architecture"]) == (name, architecture)
        assert facts["parameters"] > 0
        assert not facts["takes_hints"]
