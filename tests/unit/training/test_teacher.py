"""Distillation: what a model learns from another one, against plain retypings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tinct.color.gamut import ab_bins, read_out
from tinct.color.lab import srgb_to_lab
from tinct.errors import ConfigError
from tinct.models.registry import ModelSpec, Output
from tinct.training.distribution import BinTable
from tinct.training.losses import ColorLoss
from tinct.training.prepare import check_teacher
from tinct.training.recipes import load_config
from tinct.training.teacher import Teacher

BINS = ab_bins(20)
RNG = np.random.default_rng(0)
OWN, OTHER = (RNG.uniform(0.5, 4, len(BINS)).astype(np.float32) for _ in range(2))
GRAY = torch.full((2, 1, 4, 4), 60.0)
HINTS = torch.ones(2, 3, 4, 4)
TRUE = torch.zeros(2, 2, 4, 4)


class Fixed(nn.Module):
    """A network that always gives the same, and notes what it was given."""

    def __init__(self, output: NDArray[np.float32]) -> None:
        super().__init__()
        self.output = nn.Parameter(torch.from_numpy(output))
        self.given: tuple[Tensor, ...] = ()

    def forward(self, *given: Tensor) -> Tensor:
        self.given = given
        return self.output * 1


def teacher(output: NDArray[np.float32], kind: Output, *, takes_hints: bool = False) -> Teacher:
    bins = tuple((float(a), float(b)) for a, b in BINS) if kind == "bins" else ()
    weights = tuple(map(float, OTHER)) if kind == "bins" else ()
    spec = ModelSpec("old", "tinct", kind, takes_hints=takes_hints, bins=bins, weights=weights)
    return Teacher(Fixed(output), spec)


def logits() -> NDArray[np.float32]:
    return RNG.normal(size=(2, len(BINS), 2, 2)).astype(np.float32)


def softmax(z: NDArray[np.float32]) -> NDArray[np.float64]:
    raised = np.exp(z.astype(np.float64))
    return raised / raised.sum(1, keepdims=True)


def test_two_distributions_over_the_same_bins_are_compared_bin_by_bin() -> None:
    mine, theirs = logits(), logits()
    # What the teacher would say if rare colors had weighed as they do now.
    q = softmax(theirs) * (OWN / OTHER)[None, :, None, None]
    q /= q.sum(1, keepdims=True)
    expected = (q * (np.log(q) - np.log(softmax(mine)))).sum(1).mean()
    found = torch.from_numpy(mine).requires_grad_()
    loss = ColorLoss("bins", {"distillation": 2.0}, BinTable(BINS, OWN), teacher=teacher(theirs, "bins"))
    terms = loss(found, GRAY, TRUE)
    np.testing.assert_allclose(terms["distillation"], expected, rtol=1e-4)
    terms["loss"].backward()
    assert found.grad is not None
    assert float(found.grad.abs().max()) > 0
    assert loss.teacher is not None
    assert all(parameter.grad is None for parameter in loss.teacher.parameters())


def test_of_a_teacher_that_thinks_alike_nothing_is_to_be_learned() -> None:
    theirs = logits()
    table = BinTable(BINS, OTHER)
    loss = ColorLoss("bins", {"distillation": 1.0}, table, teacher=teacher(theirs, "bins"))
    assert abs(float(loss(torch.from_numpy(theirs) + 3, GRAY, TRUE)["loss"])) < 1e-6


def huber(errors: NDArray[np.float64]) -> float:
    errors = np.abs(errors)
    return float(np.where(errors < 0.1, errors**2 / 0.2, errors - 0.05).mean())


def test_a_network_that_gives_ab_learns_the_teachers_faithful_colors() -> None:
    theirs = logits()
    mine = RNG.uniform(-60, 60, (2, 2, 4, 4)).astype(np.float32)
    told = read_out(np.moveaxis(theirs, 1, -1), BINS, OTHER, 1.0, 1.0, 1.0)
    full = nn.functional.interpolate(torch.from_numpy(np.moveaxis(told, -1, 1).copy()), (4, 4), mode="bilinear")
    terms = ColorLoss("ab", {"distillation": 1.0}, teacher=teacher(theirs, "bins"))(torch.from_numpy(mine), GRAY, TRUE)
    np.testing.assert_allclose(terms["distillation"], huber((mine - full.numpy()) / 110), rtol=1e-4)


def test_a_network_that_gives_rgb_learns_from_one_that_gives_ab() -> None:
    mine = RNG.uniform(size=(2, 3, 4, 4)).astype(np.float32)
    pixels = RNG.uniform(0.2, 0.8, (2, 4, 4, 3)).astype(np.float32)
    lab = torch.from_numpy(srgb_to_lab(pixels)).permute(0, 3, 1, 2)
    terms = ColorLoss("rgb", {"distillation": 1.0}, teacher=teacher(lab[:, 1:].numpy(), "ab"))(
        torch.from_numpy(mine), lab[:, :1], TRUE
    )
    np.testing.assert_allclose(terms["loss"], huber(mine - np.moveaxis(pixels, -1, 1)), rtol=1e-3)


@pytest.mark.parametrize("takes_hints", [False, True])
def test_the_teacher_sees_what_the_network_sees(takes_hints: bool) -> None:
    old = teacher(np.zeros((2, 2, 4, 4), np.float32), "ab", takes_hints=takes_hints)
    ColorLoss("ab", {"distillation": 1.0}, teacher=old)(torch.ones(2, 2, 4, 4), GRAY, TRUE, HINTS)
    assert isinstance(old.network, Fixed)
    assert len(old.network.given) == (2 if takes_hints else 1)
    assert old.network.given[0] is GRAY
    assert not old.train().network.training


def test_sizes_that_the_teacher_cant_see_are_a_fault_of_the_recipe() -> None:
    config = load_config("cifar-cnn", settings=["loss.distillation=1", "data.sizes={48: 1}"])
    loss = ColorLoss("rgb", {"distillation": 1.0}, teacher=Teacher.load("default"))
    with pytest.raises(ConfigError, match=r"data\.sizes\.48: the teacher default needs a multiple of 32"):
        check_teacher(config, loss, 1)
    check_teacher(load_config("cifar-cnn", settings=["data.sizes={64: 1}"]), loss, 1)


def test_distributions_for_squares_of_another_size_are_a_fault_of_the_recipe() -> None:
    config = load_config("tinct", settings=["loss.distillation=1"])
    loss = ColorLoss("bins", {"distillation": 1.0}, BinTable(BINS, OWN), teacher=teacher(logits(), "bins"))
    check_teacher(config, loss, 1)
    with pytest.raises(
        ConfigError, match=r"loss\.teacher: .* default .* each 1 x 1 pixels, this network .* each 4 x 4"
    ):
        check_teacher(config, loss, 4)
    # Colors are compared at any size.
    check_teacher(config, ColorLoss("ab", {"distillation": 1.0}, teacher=teacher(logits(), "bins")), 4)


def test_a_teacher_that_isnt_there_is_named(tmp_path: Path) -> None:
    from tinct.errors import UnknownModel

    with pytest.raises(UnknownModel, match="nobody"):
        Teacher.load("nobody")
