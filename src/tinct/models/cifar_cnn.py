"""S2, ``cifar-cnn``: a small network from gray to RGB, made for the 32x32 pictures of CIFAR-10.

Source: the VCET report on CIFAR-10 (2025), which says "small CNN with non-linearities"; the layers are ours: two
strides down, two up, with skip connections that keep the picture's own detail.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from tinct.errors import OptionError
from tinct.models.blocks import ConvNormAct, UpBlock
from tinct.models.registry import ModelSpec


class CifarCnn(nn.Module):
    """sRGB at the size of the input.

    Args:
        widths: filters at strides 1, 2 and 4.
        size: short side, in pixels, that the network sees unless asked otherwise.

    Raises:
        OptionError: ``widths`` aren't three.
    """

    def __init__(self, widths: Sequence[int] = (32, 64, 128), size: int = 32) -> None:
        super().__init__()
        if len(widths) != 3:
            raise OptionError(f"widths {list(widths)} are {len(widths)}, expected three: at strides 1, 2 and 4")
        self.options = {"widths": list(widths), "size": size}
        self.size = size
        at1, at2, at4 = widths
        self.down1 = nn.Sequential(ConvNormAct(1, at1), ConvNormAct(at1, at1))
        self.down2 = nn.Sequential(ConvNormAct(at1, at2, stride=2), ConvNormAct(at2, at2))
        self.down4 = nn.Sequential(ConvNormAct(at2, at4, stride=2), ConvNormAct(at4, at4))
        self.up2 = UpBlock(at4, at2, at2)
        self.up1 = UpBlock(at2, at1, at1)
        self.head = nn.Conv2d(at1, 3, 3, padding=1)

    def forward(self, lightness: Tensor) -> Tensor:
        """Return sRGB in 0..1, float (N, 3, H, W).

        Args:
            lightness: (N, 1, H, W), L in 0..100; H and W multiples of 4.
        """
        d1 = self.down1(lightness / 100)
        d2 = self.down2(d1)
        rgb: Tensor = self.head(self.up1(self.up2(self.down4(d2), d2), d1)).sigmoid()
        return rgb

    def make_spec(self, name: str) -> ModelSpec:
        """Return what the pipeline must know of this network."""
        return ModelSpec(
            name=name,
            architecture="cifar_cnn",
            output="rgb",
            multiple=4,
            size=self.size,
            options=self.options,
            parameters=sum(p.numel() for p in self.parameters()),
        )
