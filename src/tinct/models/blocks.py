"""Layers that several architectures share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

ERROR: Final = 0.7
"""Largest logarithm of how far a place errs, so that a hint where a model was sure moves others by no more than 4 times
as much."""


class ConvNormAct(nn.Sequential):
    """3x3 convolution, batch normalization, ReLU."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        )


class UpBlock(nn.Module):
    """Bilinear upsampling by 2, joined with a skip connection, then two convolutions (U-Net, Ronneberger 2015)."""

    def __init__(self, inputs: int, skip: int, outputs: int) -> None:
        super().__init__()
        self.body = nn.Sequential(ConvNormAct(inputs + skip, outputs), ConvNormAct(outputs, outputs))

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        x = F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)
        joined: Tensor = self.body(torch.cat([x, skip], dim=1))
        return joined


class Context(nn.Module):
    """Projects features and adds what the whole picture says of itself: its mean, through a small network."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.project = nn.Sequential(nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs))
        self.whole = nn.Sequential(nn.Linear(inputs, outputs), nn.ReLU(inplace=True), nn.Linear(outputs, outputs))

    def forward(self, x: Tensor) -> Tensor:
        whole = self.whole(x.mean((2, 3)))[:, :, None, None]
        return F.relu(self.project(x) + whole)


class QueryLayer(nn.Module):
    """One layer of a color-query decoder: queries look at features, then at one another (DDColor, Kang 2023, 3.3)."""

    def __init__(self, width: int, features: int, heads: int = 4) -> None:
        super().__init__()
        self.keys = nn.Linear(features, width)
        self.cross = Attention(width, heads)
        self.inner = Attention(width, heads)
        self.feed = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(3))

    def forward(self, queries: Tensor, features: Tensor) -> Tensor:
        """Return the queries, (N, K, width), after a look at ``features``, (N, C, h, w)."""
        tokens = self.keys(features.flatten(2).transpose(1, 2))
        normed = self.norms[0](queries)
        queries = queries + self.cross(normed, tokens)
        normed = self.norms[1](queries)
        queries = queries + self.inner(normed, normed)
        return queries + self.feed(self.norms[2](queries))  # type: ignore[no-any-return]


class Attention(nn.Module):
    """Multi-head scaled dot-product attention (Vaswani 2017, 3.2)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, width)

    def forward(self, queries: Tensor, tokens: Tensor) -> Tensor:
        count, length, width = queries.shape
        q = self.query(queries).view(count, length, self.heads, -1).transpose(1, 2)
        kv = self.key_value(tokens).view(count, tokens.shape[1], 2, self.heads, -1)
        k, v = kv[:, :, 0].transpose(1, 2), kv[:, :, 1].transpose(1, 2)
        seen = F.scaled_dot_product_attention(q, k, v)
        mixed: Tensor = self.out(seen.transpose(1, 2).reshape(count, length, width))
        return mixed


class HintPyramid(nn.Module):
    """Brings color hints to an encoder's stem and to a decoder's stages, through convolutions that start at zero.

    Starting at zero leaves a pretrained network as it is until hints prove useful (ControlNet, Zhang 2023, 3.1).

    Args:
        stem: channels of the encoder's stem, at stride 2.
        stages: stride -> channels of each decoder stage.
    """

    def __init__(self, stem: int, stages: dict[int, int]) -> None:
        super().__init__()
        self.stem = _zero_ended(stem, 3)
        self.stages = nn.ModuleDict({str(stride): _zero_ended(width, 3) for stride, width in stages.items()})

    def forward(self, hints: Tensor) -> tuple[Tensor, dict[int, Tensor]]:
        """Return what to add at the stem, and what to add at each stage.

        Args:
            hints: (N, 3, H, W): mask, a, b in Lab units.
        """
        mask, ab = hints[:, :1], hints[:, 1:] / 110.0
        return self.stem(_pooled(mask, ab, 2)), {
            int(stride): layers(_pooled(mask, ab, int(stride))) for stride, layers in self.stages.items()
        }


def _pooled(mask: Tensor, ab: Tensor, stride: int) -> Tensor:
    """Return (N, 3, H/stride, W/stride): the mean hint of each cell, and how much of the cell it covers."""
    cover = F.avg_pool2d(mask, stride)
    mean = F.avg_pool2d(ab * mask, stride) / cover.clamp_min(1e-6)
    # The root keeps a one-pixel hint visible in a large cell.
    return torch.cat([cover.sqrt(), mean], dim=1)


def _zero_ended(outputs: int, inputs: int, hidden: int = 32) -> nn.Sequential:
    last = nn.Conv2d(hidden, outputs, 1)
    nn.init.zeros_(last.weight)
    if last.bias is not None:
        nn.init.zeros_(last.bias)
    return nn.Sequential(nn.Conv2d(inputs, hidden, 3, padding=1), nn.ReLU(inplace=True), last)


class Likeness(nn.Module):
    """Tells which places err alike: a vector for each, and how far it errs.

    It learns from the features as they are: nothing flows back into them.

    Args:
        inputs: channels of the feature maps, the finest first.
        channels: of the output, of which the last one is how far a place errs, about 1.
        width: of the layer between.
    """

    def __init__(self, inputs: Sequence[int], channels: int, width: int = 64) -> None:
        super().__init__()
        self.channels = channels
        self.reduce = nn.ModuleList(nn.Conv2d(count, width, 1) for count in inputs)
        self.expand = nn.Conv2d(width, channels, 1)

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        """Return (N, channels, H, W) for maps (N, C, H, W), each half as high and wide as the one before it."""
        size = maps[0].shape[2:]
        first, *others = (reduce(features.detach()) for reduce, features in zip(self.reduce, maps, strict=True))
        for part in others:
            first = first + F.interpolate(part, size, mode="nearest")
        found = self.expand(first.relu())
        return torch.cat([found[:, :-1], (ERROR * found[:, -1:].tanh()).exp()], dim=1)
