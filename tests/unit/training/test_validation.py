"""Figures and sheets of every kind of output, by networks whose answer is known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tinct.color.gamut import ab_bins
from tinct.color.tensors import lab_to_srgb
from tinct.media.photo import read_photo
from tinct.models.registry import Knot, ModelSpec
from tinct.training.validation import draw_sheet, figure_names, validate

BINS = tuple((float(a), float(b)) for a, b in ab_bins(20))
COMMON: dict[str, Any] = {"name": "gray", "architecture": "none"}
MODES = {"modes": {"faithful": 0.0, "vivid": 1.0}, "path": (Knot(0.0, 1.0, 1.0, 1.0), Knot(1.0, 0.0, 0.4, 1.0))}
SPECS = {
    "ab": ModelSpec(output="ab", **COMMON),
    "rgb": ModelSpec(output="rgb", **COMMON),
    "bins": ModelSpec(
        output="bins", stride=4, takes_hints=True, bins=BINS, weights=(1.0,) * len(BINS), **MODES, **COMMON
    ),
}


class Gray(nn.Module):
    """Says of every photo that it is gray, as each kind of output does."""

    def __init__(self, output: str) -> None:
        super().__init__()
        self.output = output
        self.unused = nn.Parameter(torch.zeros(1))

    def forward(self, lightness: Tensor, hints: Tensor | None = None) -> Tensor:
        assert (hints is not None) == (self.output == "bins")
        plane = torch.zeros_like(lightness)
        if self.output == "ab":
            return torch.cat([plane, plane], 1)
        if self.output == "rgb":
            return lab_to_srgb(torch.cat([lightness, plane, plane], 1))
        logits = torch.full((len(plane), len(BINS), plane.shape[2] // 4, plane.shape[3] // 4), -90.0)
        logits[:, BINS.index((0.0, 0.0))] = 0
        return logits


@pytest.fixture(scope="module")
def pictures() -> list[np.ndarray[Any, Any]]:
    rng = np.random.default_rng(0)
    return [np.kron(rng.integers(0, 256, (6, 8, 3)), np.ones((8, 8, 1))).astype(np.uint8) for _ in range(3)]


@pytest.mark.parametrize("output", ["ab", "rgb", "bins"])
def test_who_says_gray_gets_the_figures_of_gray(output: str, pictures: list[np.ndarray[Any, Any]]) -> None:
    spec = SPECS[output]
    figures = validate(Gray(output), spec, pictures, 32)
    assert list(figures) == figure_names(spec)
    modes = ["_faithful", "_vivid"] if output == "bins" else [""]
    for mode in modes:
        for name in ("psnr", "ssim", "mse"):
            assert figures[name + mode] == pytest.approx(figures[f"{name}_gray"], rel=1e-3)
        assert figures["colorfulness" + mode] < 1 < figures["colorfulness_original"]
    if output == "rgb":
        assert figures["mse_raw"] == pytest.approx(figures["mse_gray"], rel=1e-3)
    if output == "bins":
        assert figures["psnr_vivid_hints"] == pytest.approx(figures["psnr_gray"], rel=1e-3)


def test_every_photo_has_hints_where_they_are_measured(pictures: list[np.ndarray[Any, Any]]) -> None:
    given: list[bool] = []

    class Watching(Gray):
        def forward(self, lightness: Tensor, hints: Tensor | None = None) -> Tensor:
            assert hints is not None
            given.append(bool(hints.any()))
            return super().forward(lightness, hints)

    validate(Watching("bins"), SPECS["bins"], pictures * 4, 32)
    assert given == [False] * 12 + [True] * 12


def test_the_raw_rgb_is_judged_as_it_is(pictures: list[np.ndarray[Any, Any]]) -> None:
    class Black(Gray):
        def forward(self, lightness: Tensor, hints: Tensor | None = None) -> Tensor:
            return torch.zeros_like(lightness).expand(-1, 3, -1, -1)

    figures = validate(Black("rgb"), SPECS["rgb"], pictures, 48)
    # Black has no color of its own, so that only its raw RGB is worse than gray.
    assert figures["mse"] == pytest.approx(figures["mse_gray"], rel=1e-3)
    assert figures["mse_raw"] > 2 * figures["mse_gray"]


@pytest.mark.parametrize(("output", "columns"), [("ab", 3), ("rgb", 3), ("bins", 4)])
def test_a_sheet_shows_gray_modes_and_original(
    output: str, columns: int, pictures: list[np.ndarray[Any, Any]], tmp_path: Path
) -> None:
    draw_sheet(Gray(output), SPECS[output], pictures, 32, tmp_path / "sheet.png")
    sheet = read_photo(tmp_path / "sheet.png").to_numpy()
    # Three photos in two columns of strips.
    assert sheet.shape == (64, 2 * columns * 32, 3)
    np.testing.assert_allclose(sheet[:32, :32].astype(int), sheet[:32, 32:64], atol=2)
    assert np.ptp(sheet[:32, (columns - 1) * 32 : columns * 32].astype(int), axis=2).max() > 50
