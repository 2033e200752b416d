"""S4, ``encdec-rgb``: six convolutions from lightness to RGB, without a stride, so that any size is kept.

Source: the light encoder-decoder of IJRPR 6(4), 2025. With its filters there are 740,227 parameters, where the paper
says about 600,000.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F

from tinct.errors import OptionError
from tinct.models.registry import ModelSpec


class EncdecRgb(nn.Module):
    """sRGB at the size of the input.

    Args:
        widths: filters of the encoder's three convolutions; the decoder goes back through them.
        skips: whether the encoder's first two outputs are added to the decoder's of the same width, as the paper
            suggests for later; it takes no parameter.
        size: short side, in pixels, that the network sees unless asked otherwise.

    Raises:
        OptionError: ``widths`` aren't three.
    """

    def __init__(self, widths: Sequence[int] = (64, 128, 256), skips: bool = False, size: int = 256) -> None:
        super().__init__()
        if len(widths) != 3:
            raise OptionError(f"widths {list(widths)} are {len(widths)}, expected three")
        self.options = {"widths": list(widths), "skips": skips, "size": size}
        self.skips = skips
        self.size = size
        first, second, third = widths
        self.encode1, self.encode2, self.encode3 = _conv(1, first), _conv(first, second), _conv(second, third)
        self.decode1, self.decode2 = _conv(third, second), _conv(second, first)
        self.head = _conv(first, 3)

    def forward(self, lightness: Tensor) -> Tensor:
        """Return sRGB in 0..1, float (N, 3, H, W).

        Args:
            lightness: (N, 1, H, W), L in 0..100.
        """
        first = F.relu(self.encode1(lightness / 100))
        second = F.relu(self.encode2(first))
        x = F.relu(self.decode1(F.relu(self.encode3(second))))
        x = F.relu(self.decode2(x + second if self.skips else x))
        rgb: Tensor = self.head(x + first if self.skips else x).sigmoid()
        return rgb

    def make_spec(self, name: str) -> ModelSpec:
        """Return what the pipeline must know of this network."""
        return ModelSpec(
            name=name,
            architecture="encdec_rgb",
            output="rgb",
            size=self.size,
            options=self.options,
            parameters=sum(p.numel() for p in self.parameters()),
        )


def _conv(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1)
