"""Baselines and models: what stands in each row."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tinct.color.lab import gray_to_lightness
from tinct.errors import DataError, OptionError
from tinct.evaluation import hints
from tinct.evaluation.makers import CommandMaker, Gray, ModelMaker, OneColor, OtherColors, raw_rgb
from tinct.evaluation.protocol import Item, Original, open_dataset, read_original, to_lab
from tinct.models.registry import ModelSpec

Pixels = NDArray[np.uint8]


class RawModel:
    """A network that gives RGB: red as bright as the picture, no green, blue a half."""

    spec = ModelSpec("raw", "encdec_rgb", "rgb", multiple=16)
    model_hash = "0" * 64

    def run(self, lightness: NDArray[np.float32], given: NDArray[np.float32] | None) -> NDArray[np.float32]:
        assert given is None
        return np.stack([lightness / 100, np.zeros_like(lightness), np.full_like(lightness, 0.5)])


@pytest.fixture
def item(photographs: Path) -> tuple[Item, Original]:
    found = open_dataset(photographs).items[0]
    return found, read_original(found.source, "stretch256")


def test_gray_has_three_equal_channels(item: tuple[Item, Original]) -> None:
    made = Gray("gray").make(*item)
    assert (made == made[..., :1]).all()
    assert np.abs(to_lab(made)[..., 0] - item[1].lab[..., 0]).max() < 0.35


def test_one_color_keeps_lightness(item: tuple[Item, Original]) -> None:
    lab = to_lab(OneColor("one-ab").make(*item))
    inside = np.abs(lab[..., 0] - item[1].lab[..., 0]) < 1
    assert inside.mean() > 0.7
    mean = item[1].lab[..., 1:].mean(axis=(0, 1))
    assert np.median(lab[..., 1:][inside], axis=0) == pytest.approx(mean, abs=1.5)


def test_other_colors_are_another_photographs(photographs: Path) -> None:
    items = open_dataset(photographs).items
    maker = OtherColors("random", items, "native")
    for one in items[:3]:
        original = read_original(one.source, "native")
        made = to_lab(maker.make(one, original))
        assert np.abs(made[..., 1:] - original.lab[..., 1:]).mean() > 3
        assert maker.identity(one) == OtherColors("random", items[::-1], "native").identity(one)
    with pytest.raises(DataError, match="no other photograph"):
        OtherColors("random", items[:1], "native").make(items[0], read_original(items[0].source, "native"))


def test_raw_rgb_is_the_networks_own(scene: Callable[..., Pixels]) -> None:
    levels = Original(scene(0, 40, 50)).levels
    made = raw_rgb(RawModel(), levels)
    assert made.shape == (40, 50, 3)
    lightness = gray_to_lightness(levels.astype(np.float32) / 255)
    np.testing.assert_allclose(made[..., 0], lightness * 2.55, atol=0.51)
    assert (made[..., 1] == 0).all()
    assert (made[..., 2] == 128).all()
    joined = ModelMaker("raw", RawModel(), "vivid")
    raw = ModelMaker("raw", RawModel(), "vivid", raw=True)
    assert joined.identity() != raw.identity()


def test_raw_rgb_of_another_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RawModel, "spec", ModelSpec("ab", "lab_cnn", "ab"))
    with pytest.raises(OptionError, match="gives ab, not RGB"):
        ModelMaker("ab", RawModel(), "vivid", raw=True)


def test_a_commands_outputs(tmp_path: Path, item: tuple[Item, Original]) -> None:
    path = tmp_path / "one.png"
    path.write_bytes(b"x")
    maker = CommandMaker({item[0].sha256: path}, 1.0)
    assert maker.identity(item[0]) == f"command {hashlib.sha256(b'x').hexdigest()}"
    with pytest.raises(DataError, match="missing"):
        CommandMaker({}, 1.0).make(*item)


@pytest.mark.parametrize("placement", hints.PLACEMENTS)
def test_hints_tell_true_colors(item: tuple[Item, Original], placement: hints.Placement) -> None:
    original = item[1]
    found = hints.draw_hints(original, placement, 40, item[0].sha256)
    assert found[:7] == hints.draw_hints(original, placement, 7, item[0].sha256)
    side = 6 if placement == "6x6 normal" else 2
    apart = []
    for hint in found:
        top, bottom, left, right = hint.place(256, 256)
        assert (bottom - top, right - left) == (side, side)
        patch = original.lab[top:bottom, left:right, 1:].reshape(-1, 2).mean(axis=0)
        apart.append(float(np.linalg.norm(hint.ab() - patch)))
    assert np.median(apart) < 1
    if placement == "2x2 uniform":
        assert len({(hint.x, hint.y) for hint in found}) == 40
