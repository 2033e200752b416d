"""The networks: the shipped classifier, and those whose weights a user brings."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from tinct.errors import BadModelFile, MissingExtra
from tinct.evaluation.catalog import FIGURES, choose
from tinct.evaluation.cost import count_gmacs
from tinct.evaluation.features import Lite, class_of
from tinct.evaluation.judges import Judges
from tinct.evaluation.request import Request
from tinct.evaluation.standard import Inception, InceptionV3, Lpips, LpipsNetwork
from tinct.models.features import ImageNetFeatures
from tinct.models.registry import ModelSpec

Pixels = NDArray[np.uint8]


def test_folding_changes_nothing(scene: Callable[..., Pixels]) -> None:
    pictures = [scene(seed, 256, 256) for seed in range(2)]
    features, classes = Lite().look(pictures)
    network = ImageNetFeatures("efficientnet-lite0")
    middle = np.stack(pictures)[:, 16:240, 16:240]
    planes = torch.from_numpy(middle).permute(0, 3, 1, 2) / 255
    expected = network.embed(planes)
    np.testing.assert_allclose(features, expected.numpy(), atol=2e-4)
    assert classes.tolist() == network.classify_embedding(expected).argmax(1).tolist()


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("n01440764_tench.jpg", 0),
        ("imagenet/n15075141_toilet_tissue-1f2e3d4c.jpg", 999),
        ("n02123045/x-1.png", 281),
        ("train/photo.jpg", None),
        ("n99999999_none.jpg", None),
        ("xn01440764.jpg", None),
    ],
)
def test_class_by_name(name: str, number: int | None) -> None:
    assert class_of(name) == number


@pytest.mark.slow
def test_most_originals_are_recognized(shared_data: Path) -> None:
    from tinct.evaluation.protocol import open_dataset, read_original

    named = [item for item in open_dataset(shared_data / "photos" / "val.tar").items if class_of(item.source.name)]
    lite0, right = Lite(), 0
    for item in named[:60]:
        _, classes = lite0.look([read_original(item.source, "stretch256").rgb])
        right += int(classes[0]) == class_of(item.source.name)
    assert right > 40


def random_weights(network: torch.nn.Module, path: Path) -> Path:
    """Write weights that let signals through."""
    generator = torch.Generator().manual_seed(0)
    weights = network.state_dict()
    for name, value in weights.items():
        if value.ndim == 4 and not name.startswith("scaling"):
            value.copy_(torch.randn(value.shape, generator=generator) * (2 / value[0].numel()) ** 0.5)
    torch.save(weights, path)
    return path


def test_inception_sees_as_tensorflow_did(tmp_path: Path, scene: Callable[..., Pixels]) -> None:
    weights = random_weights(InceptionV3(), tmp_path / "inception.pth")
    pictures = [scene(seed, 256, 256) for seed in range(2)]
    features = Inception(weights).look(pictures)
    assert features.shape == (2, 2048)
    # Bilinear without the half-pixel shift, re-typed pixel by pixel for one row.
    from tinct.evaluation.standard import _enlarge

    row = torch.arange(4.0).reshape(1, 1, 1, 4) ** 2
    wide = _enlarge(row)[0, 0, 0]
    places = [x * 4 / 299 for x in range(299)]
    wanted = [(1 - p % 1) * int(p) ** 2 + (p % 1) * min(int(p) + 1, 3) ** 2 for p in places]
    np.testing.assert_allclose(wide, wanted, atol=1e-4)


def test_inception_has_the_published_shapes() -> None:
    state = {key: value for key, value in InceptionV3().state_dict().items() if value.ndim == 4}
    # Counted in the port of Heusel's network: 94 convolutions.
    assert len(state) == 94
    assert state["Mixed_7c.branch3x3dbl_3b.conv.weight"].shape == (384, 384, 3, 1)
    assert state["Mixed_6e.branch7x7dbl_5.conv.weight"].shape == (192, 192, 1, 7)
    assert sum(value.numel() for value in state.values()) == 21_751_136


def test_lpips_is_the_formula(tmp_path: Path, scene: Callable[..., Pixels]) -> None:
    path = random_weights(LpipsNetwork(), tmp_path / "lpips.pth")
    weights = torch.load(path, weights_only=True)
    first, second = scene(0, 96, 96), scene(1, 96, 96)
    found = Lpips(path).compare(first, [second, first])
    total, x = 0.0, torch.from_numpy(np.stack([first, second])).permute(0, 3, 1, 2) / 127.5 - 1
    shift, scale = torch.tensor([-0.030, -0.088, -0.188]), torch.tensor([0.458, 0.448, 0.450])
    x = (x - shift[:, None, None]) / scale[:, None, None]
    for number, (index, stride, padding) in enumerate([(0, 4, 2), (3, 1, 2), (6, 1, 1), (8, 1, 1), (10, 1, 1)]):
        if index in (3, 6):
            x = F.max_pool2d(x, 3, 2)
        name = f"net.slice{number + 1}.{index}"
        x = F.relu(F.conv2d(x, weights[f"{name}.weight"], weights[f"{name}.bias"], stride, padding))
        unit = x / (x.norm(dim=1, keepdim=True) + 1e-10)
        apart = (unit[0] - unit[1]) ** 2
        total += float((apart * weights[f"lin{number}.model.1.weight"][0]).sum(0).mean())
    assert found[0] == pytest.approx(total, rel=1e-3)
    assert found[1] == 0


def test_other_weights_are_refused(tmp_path: Path) -> None:
    path = random_weights(LpipsNetwork(), tmp_path / "lpips.pth")
    with pytest.raises(BadModelFile, match="other weights than are needed"):
        Inception(path)
    with pytest.raises(BadModelFile, match="can't be read"):
        Lpips(tmp_path / "missing.pth")


def test_without_torch_the_rest_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "tinct.models.features", raising=False)
    groups = {figure.group for figure in FIGURES}
    judges = Judges(groups, Request(data=(Path("x"),)))
    assert 'pip install "tinct[train]"' in judges.reasons["kid_efficientnet_lite0"]
    assert set(judges.reasons) == {
        *("kid_efficientnet_lite0", "fd_efficientnet_lite0", "semantic_top1", "fid", "lpips"),
    }


def test_gmacs_are_counted() -> None:
    # Six 3x3 convolutions of 740,227 weights with biases: 739,584 multiplications at each of 256x256 pixels.
    spec = ModelSpec("s4", "encdec_rgb", "rgb")
    assert count_gmacs(spec) == pytest.approx(739_584 * 256 * 256 / 1e9, rel=1e-6)


def test_without_torch_gmacs_name_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingExtra, match=r"tinct\[train\]"):
        count_gmacs(ModelSpec("s4", "encdec_rgb", "rgb"))


def test_choice_of_figures() -> None:
    assert choose([]) == FIGURES
    assert [figure.key for figure in choose(["ssim, psnr", "auc"])] == ["psnr", "ssim", "auc"]
