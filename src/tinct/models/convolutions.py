"""Convolutions that pad as TensorFlow does, and that processors learn quickly with."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class SameConv(nn.Conv2d):
    """A convolution with TensorFlow's "SAME" padding, for inputs that the stride divides."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        total = max(kernel - stride, 0)
        self.uneven = total % 2 == 1
        super().__init__(inputs, outputs, kernel, stride, padding=total // 2, groups=groups, bias=False)

    def forward(self, input: Tensor) -> Tensor:
        # An odd total puts the extra row and column at the end.
        padded = F.pad(input, (0, 1, 0, 1)) if self.uneven else input
        if self.groups > 1 and padded.dtype == torch.bfloat16 and padded.is_cpu and torch.is_grad_enabled():
            found: Tensor = DepthwiseConv.apply(  # type: ignore[no-untyped-call]
                padded, self.weight, self.stride, self.padding, self.groups
            )
            return found
        return super().forward(padded)


class DepthwiseConv(torch.autograd.Function):
    """A convolution of each channel by itself, in 16 bits, whose gradients are computed in 32 bits.

    On processors the 16-bit gradients of such a convolution take several times as long, and are less exact.
    """

    @staticmethod
    def forward(
        ctx: Any, input: Tensor, weight: Tensor, stride: tuple[int, ...], padding: tuple[int, ...], groups: int
    ) -> Tensor:
        ctx.save_for_backward(input, weight)
        ctx.shape = (stride, padding, groups)
        with torch.autocast(input.device.type, enabled=False):
            return F.conv2d(input, weight.to(input.dtype), None, stride, padding, 1, groups)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        input, weight = ctx.saved_tensors
        stride, padding, groups = ctx.shape
        wanted = (*ctx.needs_input_grad[:2], False)
        of_input, of_weight, _ = torch.ops.aten.convolution_backward(
            *(gradients[0].float(), input.float(), weight.float(), None),
            *(stride, padding, (1, 1), False, (0, 0), groups, wanted),
        )
        if of_input is not None:
            of_input = of_input.to(input.dtype)
        return of_input, of_weight, None, None, None
