"""Each loss against a plain retyping of its formula."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tinct.color import figures
from tinct.color.gamut import ab_bins, read_out
from tinct.color.lab import lab_to_srgb, srgb_to_lab
from tinct.color.similarity import ssim
from tinct.models.registry import Knot
from tinct.training.distribution import BinTable
from tinct.training.losses import ColorLoss, Colors, PerceptualDistance, colorfulness, colorfulness_gap
from tinct.training.structure import dissimilarity

BINS = ab_bins(20)
RNG = np.random.default_rng(0)
WEIGHTS = RNG.uniform(0.5, 4, len(BINS)).astype(np.float32)
GRAY = torch.full((1, 1, 4, 4), 60.0)


def huber(error: float) -> float:
    return error * error / 0.2 if error < 0.1 else error - 0.05


def whole_colors(shape: tuple[int, ...]) -> NDArray[np.float32]:
    return np.rint(RNG.uniform(-60, 60, shape)).astype(np.float32)


def test_a_distribution_against_a_plain_retyping() -> None:
    logits = RNG.normal(size=(1, len(BINS), 2, 2)).astype(np.float32)
    ab = whole_colors((1, 2, 2, 2))
    # One target value for each output pixel: the mean of 2x2 equal ones.
    full = ab.repeat(2, axis=2).repeat(2, axis=3)
    entropies, errors, squares, weighed = [], [], [], []
    for y in range(2):
        for x in range(2):
            target, z = ab[0, :, y, x], logits[0, :, y, x].astype(np.float64)
            distance = ((BINS - target) ** 2).sum(1)
            nearest = np.argsort(distance, kind="stable")[:5]
            soft = np.exp(-distance[nearest] / (2 * 5**2))
            soft /= soft.sum()
            p = np.exp(z) / np.exp(z).sum()
            entropies.append(-WEIGHTS[nearest[0]] * (soft * np.log(p[nearest])).sum())
            faithful = p / WEIGHTS
            difference = np.abs((faithful / faithful.sum()) @ BINS - target) / 110
            errors += [huber(d) for d in difference]
            squares += list(difference**2)
            weighed.append(WEIGHTS[nearest[0]] * (difference**2).sum())
    factors = {"cross_entropy": 2.0, "huber": 3.0, "mse": 4.0, "rebalanced_mse": 5.0}
    terms = ColorLoss("bins", factors, BinTable(BINS, WEIGHTS))(torch.from_numpy(logits), GRAY, torch.from_numpy(full))
    expected = [np.mean(part) for part in (entropies, errors, squares, weighed)]
    for name, value in zip(factors, expected, strict=True):
        np.testing.assert_allclose(terms[name], value, rtol=1e-5)
    np.testing.assert_allclose(terms["loss"], np.dot([2, 3, 4, 5], expected), rtol=1e-5)


def test_the_truth_costs_less_than_anything_else() -> None:
    loss = ColorLoss("bins", {"cross_entropy": 1.0}, BinTable(BINS, np.ones(len(BINS), np.float32)))
    chosen = 17
    ab = torch.from_numpy(BINS[chosen]).view(1, 2, 1, 1)
    costs = []
    for index in range(len(BINS)):
        logits = torch.zeros(1, len(BINS), 1, 1)
        logits[0, index] = 9.0
        costs.append(float(loss(logits, GRAY[..., :1, :1], ab)["loss"]))
    assert int(np.argmin(costs)) == chosen


def test_regression_of_ab_against_a_plain_retyping() -> None:
    found, true = (whole_colors((2, 2, 4, 4)) for _ in range(2))
    differences = (found - true) / 110
    nearest = np.array(
        [[[np.argmin(((BINS - c) ** 2).sum(1)) for c in row] for row in p.transpose(1, 2, 0)] for p in true]
    )
    factors = {"huber": 1.0, "mse": 1.0, "log_mse": 1.0, "rebalanced_mse": 1.0}
    loss = ColorLoss("ab", factors, BinTable(BINS, WEIGHTS))
    terms = loss(torch.from_numpy(found), GRAY.repeat(2, 1, 1, 1), torch.from_numpy(true))
    np.testing.assert_allclose(terms["mse"], np.mean(differences**2), rtol=1e-5)
    each = [np.log(np.mean(photo**2) + 1e-4) for photo in differences]
    np.testing.assert_allclose(terms["log_mse"], np.mean(each), rtol=1e-5)
    np.testing.assert_allclose(terms["huber"], np.mean([huber(abs(d)) for d in differences.flat]), rtol=1e-5)
    np.testing.assert_allclose(terms["rebalanced_mse"], np.mean(WEIGHTS[nearest] * (differences**2).sum(1)), rtol=1e-5)
    np.testing.assert_allclose(terms["loss"], sum(float(terms[name]) for name in factors), rtol=1e-5)


def test_regression_of_rgb_is_measured_in_rgb() -> None:
    true = RNG.uniform(size=(2, 3, 4, 4)).astype(np.float32)
    found = RNG.uniform(size=(2, 3, 4, 4)).astype(np.float32)
    lab = torch.from_numpy(srgb_to_lab(true.transpose(0, 2, 3, 1))).permute(0, 3, 1, 2)
    terms = ColorLoss("rgb", {"mse": 2.0})(torch.from_numpy(found), lab[:, :1], lab[:, 1:])
    np.testing.assert_allclose(terms["mse"], np.mean((found - true) ** 2), rtol=1e-4)
    np.testing.assert_allclose(terms["loss"], 2 * np.mean((found - true) ** 2), rtol=1e-4)


def test_structural_similarity_is_that_of_the_evaluation() -> None:
    first, second = (RNG.integers(0, 256, (24, 32, 3), np.uint8) for _ in range(2))
    near = (0.7 * first + 0.3 * second).astype(np.uint8)
    planes = [torch.from_numpy(pixels / np.float32(255)).permute(2, 0, 1)[None] for pixels in (near, first, second)]
    for other, pixels in zip(planes[1:], (first, second), strict=True):
        np.testing.assert_allclose(dissimilarity(planes[0], other), 1 - ssim(near, pixels), atol=1e-5)
    assert float(dissimilarity(planes[1], planes[1])) == pytest.approx(0, abs=1e-6)
    tiny = dissimilarity(planes[0][..., :6, :4], planes[1][..., :6, :4])
    assert 0 < float(tiny) < 1


def test_structural_similarity_teaches_a_network() -> None:
    true = torch.from_numpy(RNG.uniform(-40, 40, (1, 2, 16, 16)).astype(np.float32))
    light = torch.full((1, 1, 16, 16), 60.0)
    found = torch.zeros(1, 2, 16, 16, requires_grad=True)
    loss = ColorLoss("ab", {"ssim": 2.0})
    terms = loss(found, light, true)
    torch.testing.assert_close(terms["loss"].detach(), 2 * terms["ssim"])
    terms["loss"].backward()  # type: ignore[no-untyped-call]
    assert found.grad is not None
    step = found.grad / found.grad.abs().max()
    better = loss((found - 2 * step).detach(), light, true)
    assert float(better["ssim"]) < float(terms["ssim"])


class TwoLayers(nn.Module):
    """Stands for a network of features."""

    def forward(self, rgb: Tensor) -> list[Tensor]:
        return [rgb + 0.1, nn.functional.avg_pool2d(rgb, 2) ** 2]


def test_perceptual_distance_against_a_plain_retyping() -> None:
    first, second = (RNG.uniform(size=(2, 3, 4, 4)) for _ in range(2))
    layers = []
    for make in (
        lambda rgb: rgb + 0.1,
        lambda rgb: rgb.reshape(2, 3, 2, 2, 2, 2).mean((3, 5)) ** 2,
    ):
        one, two = (make(rgb) / np.linalg.norm(make(rgb), axis=1, keepdims=True) for rgb in (first, second))
        layers.append(((one - two) ** 2).sum(1).mean())
    distance = PerceptualDistance(TwoLayers())
    found = distance(torch.from_numpy(first).float(), torch.from_numpy(second).float())
    np.testing.assert_allclose(found, np.mean(layers), rtol=1e-4)
    assert float(distance(torch.from_numpy(first), torch.from_numpy(first))) == 0


def test_perceptual_loss_sees_rgb_of_every_output_and_teaches_the_network() -> None:
    found = torch.tensor([10.0, -5.0]).view(1, 2, 1, 1).expand(1, 2, 4, 4).clone().requires_grad_()
    true = torch.zeros(1, 2, 4, 4)
    distance = PerceptualDistance(TwoLayers())
    terms = ColorLoss("ab", {"perceptual": 1.0}, distance=distance)(found, GRAY, true)
    as_rgb = [lab_to_srgb(np.array([[[60.0, *ab]]], np.float32)) for ab in ([10, -5], [0, 0])]
    planes = [torch.from_numpy(rgb).permute(2, 0, 1)[None].expand(1, 3, 4, 4) for rgb in as_rgb]
    torch.testing.assert_close(terms["perceptual"], distance(*planes), rtol=1e-3, atol=1e-7)
    terms["loss"].backward()
    assert found.grad is not None
    assert float(found.grad.abs().min()) > 0


def test_perceptual_loss_judges_the_vivid_colors_of_a_distribution() -> None:
    logits = RNG.normal(size=(1, len(BINS), 2, 2)).astype(np.float32)
    vivid = Knot(0.7, 0.2, 0.5, 1.3)
    distance = PerceptualDistance(TwoLayers())
    loss = ColorLoss("bins", {"perceptual": 1.0}, BinTable(BINS, WEIGHTS), distance, vivid=vivid)
    true = torch.zeros(1, 2, 4, 4)
    found = loss(torch.from_numpy(logits).requires_grad_(), GRAY, true)["loss"]
    ab = read_out(np.moveaxis(logits, 1, -1), BINS, WEIGHTS, 0.2, 0.5, 1.3)
    colors = torch.from_numpy(np.moveaxis(ab, -1, 1).copy())
    torch.testing.assert_close(found, distance(Colors(colors, GRAY).rgb, Colors(true, GRAY).rgb))
    found.backward()


def test_colorfulness_is_that_of_the_figures() -> None:
    pixels = RNG.integers(0, 256, (3, 5, 7, 3), dtype=np.uint8)
    found = colorfulness(torch.from_numpy(pixels.astype(np.float32) / 255).permute(0, 3, 1, 2))
    np.testing.assert_allclose(found, [figures.colorfulness(picture) for picture in pixels], rtol=1e-5)


def test_the_gap_in_colorfulness_is_that_of_the_batch() -> None:
    true = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(2))
    gray = true.mean(1, keepdim=True).expand_as(true)
    assert float(colorfulness_gap(true.flip(0), true)) == pytest.approx(0, abs=1e-10)
    assert float(colorfulness_gap(gray, true)) == pytest.approx(1, abs=1e-3)
    half = ((true + gray) / 2).requires_grad_()
    gap = colorfulness_gap(half, true)
    assert gap.item() == pytest.approx(0.25, abs=1e-3)
    gap.backward()
    assert half.grad is not None
    assert bool(half.grad.isfinite().all())


def test_skipped_features_don_t_count() -> None:
    first, second = torch.rand(2, 1, 3, 4, 4, generator=torch.Generator().manual_seed(1))
    coarse = nn.functional.avg_pool2d(first, 2) ** 2, nn.functional.avg_pool2d(second, 2) ** 2
    units = [maps / maps.norm(dim=1, keepdim=True) for maps in coarse]
    found = PerceptualDistance(TwoLayers(), skipped=1)(first, second)
    torch.testing.assert_close(found, (units[0] - units[1]).square().sum(1).mean(), rtol=1e-4, atol=1e-7)


def test_the_features_of_efficientnet_lite0_are_frozen() -> None:
    from tinct.models.features import ImageNetFeatures

    distance = PerceptualDistance(ImageNetFeatures()).train()
    assert not any(module.training for module in distance.features.modules())
    assert not any(parameter.requires_grad for parameter in distance.parameters())
    photo = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    assert float(distance(photo, photo)) == 0
    assert 0 < float(distance(photo, photo.mean(1, keepdim=True).expand(1, 3, 32, 32))) < 4


@pytest.mark.parametrize("channels", [2, 3])
def test_colors_at_the_size_of_the_lightness(channels: int) -> None:
    plane = torch.full((1, channels, 2, 2), 0.5)
    size = (2, 2) if channels == 3 else (4, 4)
    colors = Colors(plane, GRAY[..., : size[0], : size[1]])
    assert colors.rgb.shape == (1, 3, *size)
    assert colors.ab().shape == (1, 2, *size)
    # Gray has no ab, but for the rounding of the matrices.
    torch.testing.assert_close(colors.ab(), torch.full((1, 2, *size), 0.5 if channels == 2 else 0.0), atol=5e-3, rtol=0)
