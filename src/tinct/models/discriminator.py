"""The adversary of a colorizing network: judges patches, given the lightness (pix2pix, Isola 2017, 3.2 and 6.1.2)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tinct.errors import OptionError


class PatchDiscriminator(nn.Module):
    """Logits that patches of a colored picture are real; a patch is 70 pixels wide with three layers.

    4x4 convolutions with leaky ReLU; the filters double from layer to layer, up to eight times the first ones.

    Args:
        width: filters of the first layer.
        layers: how many layers have a stride of 2.

    Raises:
        OptionError: an option is below 1.
    """

    def __init__(self, width: int = 64, layers: int = 3) -> None:
        super().__init__()
        if width < 1 or layers < 1:
            raise OptionError(f"the discriminator's width is {width} and its layers are {layers}, expected 1 or more")
        self.options = {"width": width, "layers": layers}
        body: list[nn.Module] = [nn.Conv2d(3, width, 4, stride=2, padding=1), nn.LeakyReLU(0.2, inplace=True)]
        before = width
        for index in range(1, layers + 1):
            after = width * min(2**index, 8)
            stride = 2 if index < layers else 1
            body += [
                nn.Conv2d(before, after, 4, stride=stride, padding=1, bias=False),
                nn.BatchNorm2d(after),
                nn.LeakyReLU(0.2, inplace=True),
            ]
            before = after
        self.body = nn.Sequential(*body)
        self.head = nn.Conv2d(before, 1, 4, padding=1)
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.normal_(layer.weight, 0.0, 0.02)

    def forward(self, lightness: Tensor, ab: Tensor) -> Tensor:
        """Return logits, float (N, 1, h, w), above 0 for real.

        Args:
            lightness: (N, 1, H, W), L in 0..100; H and W at least four times 2 ** ``layers``.
            ab: (N, 2, H, W) in Lab units.
        """
        judged: Tensor = self.head(self.body(torch.cat([lightness / 50 - 1, ab / 110], dim=1)))
        return judged
