"""The architectures of the five published systems, each with its main options."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import ClassVar

import pytest
import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).parent))

from tester import ModelTester

from tinct.errors import BadModelFile, OptionError, UnknownModel
from tinct.models.registry import create_model
from tinct.weights.checkpoint import fit_weights


class TestLabCnn(ModelTester):
    architecture = "lab_cnn"
    small: ClassVar = {"widths": [4, 8, 8, 16], "middle": 2}
    output = "ab"
    stride = 1
    parameters = 2_269_426
    most_gmacs = 3.0

    def test_filters_grow_while_strides_shrink_the_picture(self) -> None:
        network = create_model("lab_cnn")
        filters = [layer.out_channels for layer in network.down.modules() if isinstance(layer, nn.Conv2d)]  # type: ignore[union-attr]
        strides = [layer.stride[0] for layer in network.down.modules() if isinstance(layer, nn.Conv2d)]  # type: ignore[union-attr]
        assert filters == sorted(filters)
        assert strides.count(2) == 4


class TestLabCnnBilinear(ModelTester):
    architecture = "lab_cnn"
    small: ClassVar = {"widths": [4, 8, 16], "upsampling": "bilinear"}
    output = "ab"
    stride = 1
    full: ClassVar = {"upsampling": "bilinear"}
    parameters = 2_022_130
    most_gmacs = 3.0

    def test_it_has_no_transposed_convolution(self) -> None:
        assert not any(isinstance(layer, nn.ConvTranspose2d) for layer in self.make()[1].modules())


class TestCifarCnn(ModelTester):
    architecture = "cifar_cnn"
    small: ClassVar = {"widths": [4, 8, 8]}
    output = "rgb"
    stride = 1
    parameters = 472_451
    most_gmacs = 8.0


class TestEncdecRgb(ModelTester):
    architecture = "encdec_rgb"
    small: ClassVar = {"widths": [4, 8, 8]}
    output = "rgb"
    stride = 1
    parameters = 740_227
    most_gmacs = 48.5

    def test_it_takes_any_size_as_it_is(self) -> None:
        spec, network = self.make()
        assert spec.multiple == 1
        assert network(torch.rand(1, 1, 7, 3)).shape == (1, 3, 7, 3)


class TestEncdecRgbWithSkips(TestEncdecRgb):
    small: ClassVar = {"widths": [4, 8, 8], "skips": True}
    full: ClassVar = {"skips": True}

    def test_skips_change_the_output_but_not_the_weights(self) -> None:
        _, skipping = self.make()
        plain = create_model("encdec_rgb", widths=[4, 8, 8])
        plain.load_state_dict(skipping.state_dict())
        given = torch.rand(1, 1, 16, 16) * 100
        assert not torch.allclose(skipping(given), plain(given))


class TestColorful(ModelTester):
    architecture = "colorful"
    small: ClassVar = {"width": 0.02, "grid": 20}
    output = "bins"
    stride = 4
    # The original's 32.2 million, less 257 for each of the 84 bins that it has beyond ours.
    full: ClassVar = {"grid": 10}
    parameters = 32_213_797
    most_gmacs = 42.0

    def test_layers_are_those_of_the_paper(self) -> None:
        network = create_model("colorful", grid=10)
        found = []
        for block in network.blocks:  # type: ignore[union-attr]
            layers = [layer for layer in block if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d))]
            found.append([(f.out_channels, f.kernel_size[0], f.stride[0], f.dilation[0]) for f in layers])
        assert found == [
            [(64, 3, 1, 1), (64, 3, 2, 1)],
            [(128, 3, 1, 1), (128, 3, 2, 1)],
            [(256, 3, 1, 1), (256, 3, 1, 1), (256, 3, 2, 1)],
            [(512, 3, 1, 1)] * 3,
            [(512, 3, 1, 2)] * 3,
            [(512, 3, 1, 2)] * 3,
            [(512, 3, 1, 1)] * 3,
            [(256, 4, 2, 1), (256, 3, 1, 1), (256, 3, 1, 1)],
        ]

    def test_the_vivid_mode_is_the_annealed_mean(self) -> None:
        spec = create_model("colorful", temperature=0.38, width=0.02).make_spec("tested")  # type: ignore[operator]
        assert len(spec.bins) == 154
        knots = {mode: knot for mode, at in spec.modes.items() for knot in spec.path if knot.vividness == at}
        assert (knots["vivid"].temperature, knots["vivid"].division, knots["vivid"].chroma) == (0.38, 0, 1)
        assert (knots["faithful"].temperature, knots["faithful"].chroma) == (1, 1)


class TestColorfulL2(ModelTester):
    architecture = "colorful"
    small: ClassVar = {"width": 0.02, "head": "ab"}
    output = "ab"
    stride = 4
    # Small enough for 4 MB in 16 bits.
    full: ClassVar = {"width": 0.24, "head": "ab"}
    parameters = 1_802_994
    most_gmacs = 3.0

    def test_it_starts_from_a_classifier_but_for_the_head(self) -> None:
        classifier = create_model("colorful", width=0.02, grid=20)
        _, network = self.make()
        head = network.head.weight.clone()  # type: ignore[union-attr, operator]
        with pytest.raises(BadModelFile, match=r"2 differ, like head\.bias, head\.weight"):
            fit_weights(network, classifier.state_dict(), "classifier")
        fit_weights(network, classifier.state_dict(), "classifier", fresh=("head.",))
        assert torch.equal(network.head.weight, head)  # type: ignore[union-attr, arg-type]
        assert torch.equal(network.blocks[3][0].weight, classifier.blocks[3][0].weight)  # type: ignore[index, union-attr]
        with pytest.raises(BadModelFile, match=r"'haed\.'"):
            fit_weights(network, classifier.state_dict(), "classifier", fresh=("haed.",))

    def test_what_another_network_has_more_of_can_be_left(self) -> None:
        _, network = self.make()
        more = {**network.state_dict(), "extra.weight": torch.zeros(3)}
        with pytest.raises(BadModelFile, match="1 differ, like extra"):
            fit_weights(network, more, "another")
        fit_weights(network, more, "another", fresh=("extra.",))


class TestEfficientNetUnet(ModelTester):
    architecture = "efficientnet_unet"
    small: ClassVar = {"widths": [8, 8, 8, 8]}
    output = "ab"
    stride = 1
    parameters = 3_782_050
    most_gmacs = 1.1


class TestEfficientNetB0Unet(TestEfficientNetUnet):
    small: ClassVar = {"widths": [8, 8, 8, 8], "encoder": "b0"}
    full: ClassVar = {"encoder": "b0"}
    parameters = 4_419_166


@pytest.mark.parametrize(
    ("architecture", "options", "said"),
    [
        ("lab_cnn", {"upsampling": "nearest"}, "'nearest'; choose one of transposed, bilinear"),
        ("lab_cnn", {"widths": [8]}, "two or more"),
        ("lab_cnn", {"middle": 0}, "middle is 0"),
        ("cifar_cnn", {"widths": [8, 8]}, "expected three"),
        ("encdec_rgb", {"widths": [8]}, "expected three"),
        ("colorful", {"head": "rgb"}, "'rgb'; choose one of bins, ab"),
        ("colorful", {"width": 0}, "width is 0"),
        ("colorful", {"temperature": 0.0}, "temperature is 0"),
        ("colorful", {"grid": 0}, "grid size 0"),
        ("efficientnet_unet", {"widths": [8]}, "expected four"),
    ],
)
def test_options_out_of_range_are_refused(architecture: str, options: dict[str, object], said: str) -> None:
    with pytest.raises(OptionError, match=said):
        create_model(architecture, **options)


def test_unknown_names_list_the_choices() -> None:
    with pytest.raises(UnknownModel, match="b0, lite0, lite1, lite2"):
        create_model("efficientnet_unet", encoder="b9")
    with pytest.raises(UnknownModel, match="colorful, efficientnet_unet, encdec_rgb"):
        create_model("colourful")
    with pytest.raises(TypeError, match="widht"):
        create_model("lab_cnn", widht=3)
