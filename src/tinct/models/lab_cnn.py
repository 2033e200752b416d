"""S1, ``lab-cnn``: a strided encoder-decoder that adds a and b to the lightness.

Strided convolutions shrink the picture while their filters grow; transposed convolutions, or bilinear upsampling
followed by a convolution, bring it back to its size. Every convolution but the last has batch normalization and ReLU.

Source: "AI Image Colorization", IJARSCT 5(13), 2025; the numbers of filters are ours, as it names none.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn

from tinct.errors import OptionError
from tinct.models.blocks import ConvNormAct
from tinct.models.registry import ModelSpec

UPSAMPLINGS = ("transposed", "bilinear")


class LabCnn(nn.Module):
    """a and b at the size of the input.

    Args:
        widths: filters at strides 1, 2, 4 and so on; the last is that of the middle.
        middle: convolutions at the smallest size, beyond the strided one.
        upsampling: ``transposed`` or ``bilinear``.
        size: short side, in pixels, that the network sees unless asked otherwise.

    Raises:
        OptionError: an option is out of range.
    """

    def __init__(
        self,
        widths: Sequence[int] = (16, 32, 64, 128, 192),
        middle: int = 3,
        upsampling: str = "transposed",
        size: int = 256,
    ) -> None:
        super().__init__()
        if len(widths) < 2:
            raise OptionError(f"widths {list(widths)} name {len(widths)} stage, expected two or more")
        if middle < 1:
            raise OptionError(f"middle is {middle}, expected 1 or more")
        self.options = {"widths": list(widths), "middle": middle, "upsampling": upsampling, "size": size}
        down = [ConvNormAct(1, widths[0])]
        for before, after in pairwise(widths):
            down += [ConvNormAct(before, after, stride=2), ConvNormAct(after, after)]
        down += [ConvNormAct(widths[-1], widths[-1]) for _ in range(middle - 1)]
        self.down = nn.Sequential(*down)
        up: list[nn.Module] = []
        narrowing = list(reversed(widths))
        for before, after in pairwise(narrowing):
            up += [_upsampling(upsampling, before, after), ConvNormAct(after, after)]
        # The last stage, at the size of the photo, goes straight to the output.
        self.up = nn.Sequential(*up[:-1])
        self.head = nn.Conv2d(widths[0], 2, 3, padding=1)

    def forward(self, lightness: Tensor) -> Tensor:
        """Return a and b in Lab units, float (N, 2, H, W).

        Args:
            lightness: (N, 1, H, W), L in 0..100; H and W multiples of the spec's ``multiple``.
        """
        ab: Tensor = self.head(self.up(self.down(lightness / 100))) * 110
        return ab

    def make_spec(self, name: str) -> ModelSpec:
        """Return what the pipeline must know of this network."""
        return ModelSpec(
            name=name,
            architecture="lab_cnn",
            output="ab",
            multiple=2 ** (len(self.options["widths"]) - 1),  # type: ignore[arg-type]
            size=self.options["size"],  # type: ignore[arg-type]
            options=self.options,
            parameters=sum(p.numel() for p in self.parameters()),
        )


def _upsampling(kind: str, inputs: int, outputs: int) -> nn.Module:
    """Return layers that double the size."""
    if kind == "transposed":
        return nn.Sequential(
            # A kernel that the stride divides covers all pixels alike, so no checkerboard (Odena, Distill 2016).
            nn.ConvTranspose2d(inputs, outputs, 4, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        )
    if kind == "bilinear":
        return nn.Sequential(
            nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False), ConvNormAct(inputs, outputs)
        )
    raise OptionError(f"upsampling is {kind!r}; choose one of {', '.join(UPSAMPLINGS)}")
