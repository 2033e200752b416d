"""What a likeness learns from: colors spread by it, as inference spreads them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tinct.inference.confidence import Belief
from tinct.inference.guidance import Placed
from tinct.inference.kriging import Scene
from tinct.inference.kriging import spread as spread_by_inference
from tinct.models.registry import create_model
from tinct.training.likeness import Places, hinted_error, spread

SIDE, CHANNELS = 12, 5


def maps(seed: int = 0) -> tuple[torch.Tensor, ...]:
    """Return likeness, lightness, colors that a model gave, and true ones, of a batch of two."""
    generator = torch.Generator().manual_seed(seed)
    likeness = torch.randn(2, CHANNELS, SIDE, SIDE, generator=generator)
    likeness[:, -1] = torch.rand(2, SIDE, SIDE, generator=generator) + 0.5
    lightness = 100 * torch.rand(2, 1, SIDE, SIDE, generator=generator)
    found, true = 20 * torch.randn(2, 2, 2, SIDE, SIDE, generator=generator)
    return likeness, lightness, found, true


def test_colors_spread_as_inference_spreads_them() -> None:
    likeness, lightness, found, true = maps()
    cells = [(2, 3), (7, 7), (10, 1), (5, 11)]
    placed = [Placed(y, y + 1, x, x + 1, true[0, :, y, x].numpy()) for y, x in cells]
    chances = np.ones((SIDE, SIDE, 1), np.float32)
    belief = Belief(
        lightness[0, 0].numpy(), chances, np.zeros((1, 2), np.float32), likeness[0].permute(1, 2, 0).numpy()
    )
    ab = found[0].permute(1, 2, 0).numpy()
    expected = spread_by_inference(placed, Scene.of_belief(belief), ab, (1.0, 1.0)) - ab

    y, x = torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij")
    rows = likeness.flatten(2).transpose(1, 2)
    every = Places(
        torch.stack([y, x], -1).reshape(1, -1, 2).expand(2, -1, -1).add(0.5) / SIDE,
        lightness.flatten(1),
        rows[..., :-1],
        rows[..., -1:],
        (true - found).flatten(2).transpose(1, 2),
    )
    at = torch.tensor([y * SIDE + x for y, x in cells])
    hints = Places(*(getattr(every, name)[:, at] for name in Places.__dataclass_fields__))
    changed = spread(hints, every)[0].reshape(SIDE, SIDE, 2)
    assert changed.numpy() == pytest.approx(expected, abs=1e-3)


def test_the_error_is_less_where_like_places_err_alike() -> None:
    """A picture of two halves, each off by a color of its own; one likeness tells them apart, the other doesn't."""
    _, _, found, _ = maps()
    lightness = torch.full((2, 1, SIDE, SIDE), 50.0)
    true = found.clone()
    true[..., : SIDE // 2] += torch.tensor([30.0, 0.0]).view(1, 2, 1, 1)
    true[..., SIDE // 2 :] += torch.tensor([0.0, -30.0]).view(1, 2, 1, 1)
    blind = torch.zeros(2, 3, SIDE, SIDE)
    blind[:, -1] = 1
    telling = blind.clone()
    telling[:, 0, :, : SIDE // 2] = 4
    errors = []
    for likeness in (telling, blind):
        torch.manual_seed(3)
        errors.append(float(hinted_error(likeness, lightness, found, true)))
    assert errors[0] < 0.9 * errors[1]
    assert errors[1] < 1


def test_nothing_flows_back_into_what_the_colors_are_read_from() -> None:
    network = create_model("tinct", widths=(32, 32, 24, 16), queries=4, query_width=16, likeness=CHANNELS)
    lightness = 100 * torch.rand(2, 1, 64, 64)
    output = network(lightness, torch.zeros(2, 3, 64, 64))
    bins = len(network.bins)
    assert output.shape == (2, bins + CHANNELS, 16, 16)
    found, true = 20 * torch.randn(2, 2, 2, 16, 16)
    found.requires_grad_()
    hinted_error(output[:, bins:], lightness, found, true).backward()
    gradients = {name: weights.grad for name, weights in network.named_parameters() if weights.grad is not None}
    learning = {name.split(".")[0] for name, gradient in gradients.items() if gradient.any()}
    assert learning == {"likeness"}
    assert found.grad is None
