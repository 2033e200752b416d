"""The default model: one distribution over ab bins, from a picture-wide choice of colors and a local one.

An EfficientNet-Lite encoder, a U-Net decoder to stride 4, and a few dozen color queries that look at several scales
(DDColor, Kang 2023). Each query holds a distribution over the bins; a pixel's logits are its own plus those of the
queries it resembles, so that a whole sky or lawn follows one choice. Hints enter by side branches that start at zero.
A further head tells which places err alike, so that a corrected color finds all that it is meant for.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from tinct.color.gamut import ab_bins
from tinct.models.blocks import Context, HintPyramid, Likeness, QueryLayer, UpBlock
from tinct.models.encoders import EfficientNetLite
from tinct.models.registry import Knot, ModelSpec


class Tinct(nn.Module):
    """Logits over the in-gamut ab bins at stride 4.

    Args:
        encoder: variant of :class:`~tinct.models.encoders.EfficientNetLite`.
        stages: of the encoder, 6 or 7; the seventh holds a fifth of Lite0's weights.
        widths: channels of the decoder at strides 32, 16, 8, 4.
        queries: number of color queries.
        query_width: their width.
        rounds: how often the queries look at strides 32, 16 and 8 in turn.
        grid: spacing of the bins in Lab units.
        likeness: numbers that tell how alike places err, see :class:`~tinct.models.registry.ModelSpec`; 0 for none.
    """

    def __init__(
        self,
        encoder: str = "lite0",
        stages: int = 7,
        widths: Sequence[int] = (256, 256, 160, 112),
        queries: int = 32,
        query_width: int = 128,
        rounds: int = 1,
        grid: int = 10,
        likeness: int = 0,
    ) -> None:
        super().__init__()
        self.options = {
            "encoder": encoder,
            "stages": stages,
            "widths": list(widths),
            "queries": queries,
            "query_width": query_width,
            "rounds": rounds,
            "grid": grid,
            "likeness": likeness,
        }
        self.bins = ab_bins(grid)
        count = len(self.bins)
        self.encoder = EfficientNetLite(encoder, stages=stages)
        _, at4, at8, at16, at32 = self.encoder.channels
        to32, to16, to8, to4 = widths
        self.bottom = Context(at32, to32)
        self.up16 = UpBlock(to32, at16, to16)
        self.up8 = UpBlock(to16, at8, to8)
        self.up4 = UpBlock(to8, at4, to4)
        self.hints = HintPyramid(32, {32: to32, 16: to16, 8: to8, 4: to4})
        self.queries = nn.Parameter(torch.randn(queries, query_width) * 0.02)
        self.layers = nn.ModuleList(
            QueryLayer(query_width, width) for _ in range(rounds) for width in (to32, to16, to8)
        )
        self.query_norm = nn.LayerNorm(query_width)
        self.masks = nn.Linear(query_width, to4)
        self.palettes = nn.Linear(query_width, count)
        self.local = nn.Conv2d(to4, count, 1)
        self.likeness = Likeness((to4, to8, to16), likeness) if likeness else None

    def forward(self, lightness: Tensor, hints: Tensor) -> Tensor:
        """Return the logits, float (N, Q, H/4, W/4), and after them, where it has it, the likeness.

        Args:
            lightness: (N, 1, H, W), L in 0..100; H and W multiples of 32.
            hints: (N, 3, H, W): mask, a, b in Lab units; zeros where there are none.
        """
        stem, added = self.hints(hints)
        # The encoder's weights expect 0..1 gray brought to about -1..1.
        _, f4, f8, f16, f32 = self.encoder(lightness / 50.0 - 1.0, stem)
        d32 = self.bottom(f32) + added[32]
        d16 = self.up16(d32, f16) + added[16]
        d8 = self.up8(d16, f8) + added[8]
        d4 = self.up4(d8, f4) + added[4]
        queries = self.queries.expand(len(lightness), -1, -1)
        scales = (d32, d16, d8)
        for index, layer in enumerate(self.layers):
            queries = layer(queries, scales[index % 3])
        queries = self.query_norm(queries)
        resemblance = torch.einsum("nkc,nchw->nkhw", self.masks(queries), d4) * d4.shape[1] ** -0.5
        shared = torch.einsum("nkhw,nkq->nqhw", resemblance.sigmoid(), self.palettes(queries))
        logits: Tensor = self.local(d4) + shared
        if self.likeness is None:
            return logits
        return torch.cat([logits, self.likeness((d4, d8, d16))], dim=1)

    def make_spec(self, name: str) -> ModelSpec:
        """Return what the pipeline must know of this network; rebalancing weights are 1 until training sets them."""
        return ModelSpec(
            name=name,
            architecture="tinct",
            output="bins",
            stride=4,
            multiple=32,
            size=192,
            takes_hints=True,
            modes={"faithful": 0.0, "vivid": 0.7},
            path=(Knot(0.0, 1.0, 0.7, 0.9), Knot(0.7, 0.4, 0.5, 1.3), Knot(1.0, 0.0, 0.5, 1.3)),
            bins=tuple((float(a), float(b)) for a, b in self.bins),
            weights=(1.0,) * len(self.bins),
            likeness=0 if self.likeness is None else self.likeness.channels,
            options=self.options,
            parameters=sum(p.numel() for p in self.parameters()),
        )
