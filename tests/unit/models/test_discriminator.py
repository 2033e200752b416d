from __future__ import annotations

import pytest
import torch

from tinct.errors import OptionError
from tinct.models.discriminator import PatchDiscriminator


def test_it_is_that_of_pix2pix() -> None:
    network = PatchDiscriminator()
    # By hand: 16 weights for each pair of filters of 3, 64, 128, 256, 512, 1; and what goes with them.
    assert (
        sum(p.numel() for p in network.parameters())
        == 16 * (3 * 64 + 64 * 128 + 128 * 256 + 256 * 512 + 512) + 64 + 2 * (128 + 256 + 512) + 1
    )
    assert network(torch.rand(2, 1, 256, 256) * 100, torch.zeros(2, 2, 256, 256)).shape == (2, 1, 30, 30)


def test_a_logit_sees_70_pixels() -> None:
    torch.manual_seed(0)
    network = PatchDiscriminator(width=4).eval()
    lightness = (torch.rand(1, 1, 256, 256) * 100).requires_grad_()
    network(lightness, torch.zeros(1, 2, 256, 256))[0, 0, 15, 15].backward()
    assert lightness.grad is not None
    rows = lightness.grad[0, 0].abs().sum(1).nonzero().flatten()
    assert int(rows.max() - rows.min()) + 1 == 70


def test_it_judges_color_and_lightness_and_every_weight_learns() -> None:
    torch.manual_seed(0)
    network = PatchDiscriminator(width=8, layers=2)
    lightness, ab = torch.rand(2, 1, 64, 64) * 100, torch.randn(2, 2, 64, 64) * 20
    first = network(lightness, ab)
    assert not torch.allclose(first, network(lightness, -ab))
    assert not torch.allclose(first, network(100 - lightness, ab))
    first.square().mean().backward()
    assert all(p.grad is not None for p in network.parameters())


def test_options_out_of_range_are_refused() -> None:
    with pytest.raises(OptionError, match="layers are 0"):
        PatchDiscriminator(layers=0)
