"""S3, ``colorful``: color as classification, after Zhang, Isola, Efros, "Colorful Image Colorization" (ECCV 2016).

Eight blocks of 3x3 convolutions, each closed by batch normalization but the last; the first three end in a stride of
2, the fifth and sixth are dilated by 2, and a transposed convolution opens the eighth. At width 1 and grid 10 this is
the original's network (its appendix, "Network architecture"), but for the number of bins.
"""

from __future__ import annotations

import dataclasses

from torch import Tensor, nn

from tinct.color.gamut import ab_bins
from tinct.errors import OptionError
from tinct.models.registry import Knot, ModelSpec

HEADS = ("bins", "ab")
# Filters, convolutions, stride of the last of them, and dilation of the first seven blocks.
_BLOCKS = (
    (64, 2, 2, 1),
    (128, 2, 2, 1),
    (256, 3, 2, 1),
    (512, 3, 1, 1),
    (512, 3, 1, 2),
    (512, 3, 1, 2),
    (512, 3, 1, 1),
)
_LAST = 256


class Colorful(nn.Module):
    """Logits over the in-gamut ab bins at stride 4, or a and b there.

    Args:
        width: factor on the filters of every layer, which are rounded to multiples of 8.
        grid: distance of the bins in Lab units; 12 as in IJRASET 12(XI), 2024, 10 in the original.
        temperature: T of the annealed mean in the mode ``vivid``; 0.45 there, 0.38 in the original.
        head: ``bins``, or ``ab`` for the variants that regress with L2.
        size: short side, in pixels, that the network sees unless asked otherwise.

    Raises:
        OptionError: an option is out of range.
    """

    def __init__(
        self,
        width: float = 1.0,
        grid: int = 12,
        temperature: float = 0.45,
        head: str = "bins",
        size: int = 256,
    ) -> None:
        super().__init__()
        if width <= 0:
            raise OptionError(f"width is {width}, expected more than 0")
        if temperature <= 0:
            raise OptionError(f"temperature is {temperature}, expected more than 0")
        if head not in HEADS:
            raise OptionError(f"head is {head!r}; choose one of {', '.join(HEADS)}")
        self.options = {"width": width, "grid": grid, "temperature": temperature, "head": head, "size": size}
        self.temperature = temperature
        self.size = size
        self.bins = ab_bins(grid) if head == "bins" else None
        blocks = []
        inputs = 1
        for base, count, stride, dilation in _BLOCKS:
            outputs = _scaled(base, width)
            blocks.append(_block(inputs, outputs, count, stride, dilation))
            inputs = outputs
        last = _scaled(_LAST, width)
        blocks.append(
            nn.Sequential(
                nn.ConvTranspose2d(inputs, last, 4, stride=2, padding=1),
                nn.ReLU(inplace=True),
                *_convs(last, last, 2),
            )
        )
        self.blocks = nn.Sequential(*blocks)
        _init_for_relu(self.blocks)
        self.head = nn.Conv2d(last, 2 if self.bins is None else len(self.bins), 1)

    def forward(self, lightness: Tensor) -> Tensor:
        """Return logits (N, Q, H/4, W/4), or with the head ``ab`` a and b in Lab units, (N, 2, H/4, W/4).

        Args:
            lightness: (N, 1, H, W), L in 0..100; H and W multiples of 8.
        """
        output: Tensor = self.head(self.blocks((lightness - 50) / 100))
        return output if self.bins is not None else output * 110

    def make_spec(self, name: str) -> ModelSpec:
        """Return what the pipeline must know of this network; rebalancing weights are 1 until training sets them."""
        spec = ModelSpec(
            name=name,
            architecture="colorful",
            output="ab",
            stride=4,
            multiple=8,
            size=self.size,
            options=self.options,
            parameters=sum(p.numel() for p in self.parameters()),
        )
        if self.bins is None:
            return spec
        return dataclasses.replace(
            spec,
            output="bins",
            modes={"faithful": 0.0, "vivid": 1.0},
            # The mean of the distribution without its rebalancing, and the annealed mean with it.
            path=(Knot(0.0, 1.0, 1.0, 1.0), Knot(1.0, 0.0, self.temperature, 1.0)),
            bins=tuple((float(a), float(b)) for a, b in self.bins),
            weights=(1.0,) * len(self.bins),
        )


def _scaled(filters: int, width: float) -> int:
    return max(8, round(filters * width / 8) * 8)


def _convs(inputs: int, outputs: int, count: int, stride: int = 1, dilation: int = 1) -> list[nn.Module]:
    """Return convolutions with ReLU; the last one has the stride."""
    layers: list[nn.Module] = []
    for index in range(count):
        step = stride if index == count - 1 else 1
        before = inputs if index == 0 else outputs
        layers.append(nn.Conv2d(before, outputs, 3, stride=step, padding=dilation, dilation=dilation))
        layers.append(nn.ReLU(inplace=True))
    return layers


def _block(inputs: int, outputs: int, count: int, stride: int, dilation: int) -> nn.Sequential:
    return nn.Sequential(*_convs(inputs, outputs, count, stride, dilation), nn.BatchNorm2d(outputs))


def _init_for_relu(network: nn.Module) -> None:
    """Draw the weights of all convolutions anew, so that ReLU keeps the size of what passes (He 2015, eq. 10)."""
    for layer in network.modules():
        if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
