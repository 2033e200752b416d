from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from tinct.models.convolutions import DepthwiseConv, SameConv


@pytest.mark.parametrize(("kernel", "stride"), [(3, 1), (5, 1), (3, 2), (5, 2)])
def test_same_padding_is_tensorflows(kernel: int, stride: int) -> None:
    convolution = SameConv(2, 3, kernel, stride)
    x = torch.randn(1, 2, 8, 12)
    total = max(kernel - stride, 0)
    expected = F.conv2d(F.pad(x, (total // 2, total - total // 2) * 2), convolution.weight, None, stride)
    torch.testing.assert_close(convolution(x), expected)


@pytest.mark.parametrize(("kernel", "stride"), [(3, 1), (5, 2)])
def test_depthwise_gradients_in_16_bits_are_those_of_32(kernel: int, stride: int) -> None:
    torch.manual_seed(0)
    exact = SameConv(6, 6, kernel, stride, groups=6)
    fast = copy.deepcopy(exact)
    x = torch.randn(2, 6, 8, 8).bfloat16().float()  # what 16 bits can hold
    with torch.no_grad():
        exact.weight.copy_(exact.weight.bfloat16())
        fast.weight.copy_(exact.weight)

    def gradients(convolution: SameConv, given: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        given = given.requires_grad_()
        found = convolution(given)
        found.float().square().sum().backward()
        assert given.grad is not None
        assert convolution.weight.grad is not None
        return found.detach().float(), given.grad.float(), convolution.weight.grad

    expected = gradients(exact, x.clone())
    with torch.autocast("cpu", torch.bfloat16):
        found = gradients(fast, x.bfloat16())
    assert found[2].dtype == torch.float32
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=0.02, atol=0.02 * float(other.abs().max()))


def test_only_depthwise_convolutions_in_16_bits_that_are_learned_take_the_fast_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    taken: list[tuple[int, ...]] = []
    plain = DepthwiseConv.apply

    def note(*given: object) -> Tensor:
        taken.append(tuple(given[0].shape))  # type: ignore[attr-defined]
        found: Tensor = plain(*given)
        return found

    monkeypatch.setattr(DepthwiseConv, "apply", note)
    x = torch.randn(1, 4, 8, 8)
    depthwise, full = SameConv(4, 4, 3, groups=4), SameConv(4, 4, 3)
    depthwise(x)
    with torch.autocast("cpu", torch.bfloat16):
        full(x.bfloat16())
        with torch.no_grad():
            depthwise(x.bfloat16())
        assert taken == []
        assert depthwise(x.bfloat16()).dtype == torch.bfloat16
    assert taken == [(1, 4, 8, 8)]
