"""S5, ``efficientnet``: an EfficientNet encoder with ImageNet weights, and a U-Net decoder that gives a and b.

Source: AMCEC, 2025, which takes EfficientNet-B0; EfficientNet-Lite0 stands in where its weights, which a package
carries, are all there is. The decoder's widths are ours, chosen for devices with little memory.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F

from tinct.errors import OptionError
from tinct.models.blocks import UpBlock
from tinct.models.encoders import create_encoder
from tinct.models.registry import ModelSpec


class EfficientNetUnet(nn.Module):
    """a and b at the size of the input.

    Args:
        encoder: ``lite0`` (or ``lite1``, ``lite2``), or ``b0``.
        widths: channels of the decoder at strides 16, 8, 4 and 2.
        size: short side, in pixels, that the network sees unless asked otherwise.

    Raises:
        UnknownModel: no encoder has that name.
        OptionError: ``widths`` aren't four.
    """

    def __init__(self, encoder: str = "lite0", widths: Sequence[int] = (128, 64, 32, 16), size: int = 256) -> None:
        super().__init__()
        if len(widths) != 4:
            raise OptionError(f"widths {list(widths)} are {len(widths)}, expected four: at strides 16, 8, 4 and 2")
        self.options = {"encoder": encoder, "widths": list(widths), "size": size}
        self.size = size
        self.encoder = create_encoder(encoder)
        at2, at4, at8, at16, at32 = self.encoder.channels
        to16, to8, to4, to2 = widths
        self.up16 = UpBlock(at32, at16, to16)
        self.up8 = UpBlock(to16, at8, to8)
        self.up4 = UpBlock(to8, at4, to4)
        self.up2 = UpBlock(to4, at2, to2)
        self.head = nn.Conv2d(to2, 2, 3, padding=1)

    def forward(self, lightness: Tensor) -> Tensor:
        """Return a and b in Lab units, float (N, 2, H, W).

        Args:
            lightness: (N, 1, H, W), L in 0..100; H and W multiples of 32.
        """
        f2, f4, f8, f16, f32 = self.encoder(lightness / 50 - 1)
        d2 = self.up2(self.up4(self.up8(self.up16(f32, f16), f8), f4), f2)
        ab: Tensor = self.head(F.interpolate(d2, scale_factor=2.0, mode="bilinear", align_corners=False)) * 110
        return ab

    def make_spec(self, name: str) -> ModelSpec:
        """Return what the pipeline must know of this network."""
        return ModelSpec(
            name=name,
            architecture="efficientnet_unet",
            output="ab",
            multiple=32,
            size=self.size,
            options=self.options,
            parameters=sum(p.numel() for p in self.parameters()),
        )
