"""Other ways to color a whole: different, coherent, affordable, and the same again by the same seed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tinct.color.gamut import ab_bins, reduce_chroma
from tinct.errors import OptionError
from tinct.inference.confidence import Belief
from tinct.inference.options import MOST_VARIANTS, ColorizeOptions, Variant
from tinct.inference.pipeline import Colorizer
from tinct.inference.provenance import from_settings
from tinct.inference.variants import BUDGET, likelihood, vary
from tinct.models.registry import Knot, ModelSpec

MakeModel = Callable[..., Path]
BINS = ab_bins(10)
SPEC = ModelSpec("x", "x", "bins", bins=tuple(map(tuple, BINS.tolist())), weights=(1.0,) * len(BINS))
KNOT = Knot(0.0, 1.0, 1.0, 1.0)


def gaussian(middle: tuple[float, float], deviation: float) -> NDArray[np.float32]:
    chances = np.exp(-((BINS - middle) ** 2).sum(axis=1) / (2 * deviation**2))
    return (chances / chances.sum()).astype(np.float32)


def two_halves() -> Belief:
    """Left a meadow of which the model is sure, right a coat that could be anything."""
    light = np.full((24, 32), 70, np.float32)
    light[:, 16:] = 30
    chances = np.tile(gaussian((-30, 30), 3), (24, 32, 1))
    chances[:, 16:] = gaussian((0, 0), 25)
    return Belief(light, chances, BINS)


def variants_of(belief: Belief, count: int, seed: int = 0) -> tuple[NDArray[np.float32], list[NDArray[np.float32]]]:
    usual = (belief.chances @ BINS).astype(np.float32)
    return usual, [usual + vary(belief, SPEC, KNOT, usual, Variant(n + 1, count, seed)) for n in range(count)]


def test_what_is_sure_stays_and_what_is_not_moves_as_a_whole() -> None:
    usual, others = variants_of(two_halves(), 4)
    for ab in others:
        change = np.linalg.norm(ab - usual, axis=-1)
        assert change[:, :14].max() < 5
        assert change[:, 18:].mean() > 10
        assert ab[:, 18:].std(axis=(0, 1)).max() < 0.5 * change[:, 18:].mean()
    apart = [np.linalg.norm(a - b, axis=-1)[:, 18:].mean() for i, a in enumerate(others) for b in others[:i]]
    assert min(apart) > 10


@pytest.mark.parametrize("seed", [0, 7])
def test_no_variant_costs_more_than_the_budget(seed: int) -> None:
    belief = two_halves()
    usual, others = variants_of(belief, 3, seed)
    # What counts is what sRGB can show.
    least, *found = (
        likelihood(belief, reduce_chroma(np.concatenate([belief.lightness[..., np.newaxis], ab], axis=-1))[..., 1:])
        for ab in (usual, *others)
    )
    for value in found:
        assert BUDGET / 2 < least - value <= BUDGET + 1e-4


def test_the_likelihood_is_that_of_a_mixture() -> None:
    chances = np.zeros((1, 1, len(BINS)), np.float32)
    chances[0, 0, [5, 9]] = 0.5
    belief = Belief(np.zeros((1, 1), np.float32), chances, BINS)
    ab = BINS[5].reshape(1, 1, 2)
    squares = ((BINS[9] - BINS[5]) ** 2).sum()
    assert likelihood(belief, ab) == pytest.approx(np.log(0.5 + 0.5 * np.exp(-squares / 50)), abs=1e-5)


def test_a_seed_gives_the_same_again_and_another_gives_others(make_model: MakeModel) -> None:
    gray = np.random.default_rng(0).integers(0, 256, (60, 80), dtype=np.uint8)
    colorizer = Colorizer(make_model("bins"))
    first, again, other = (
        [result.photo.to_numpy() for result in colorizer.variants(gray, 3, seed=seed)] for seed in (1, 1, 2)
    )
    assert all((a == b).all() for a, b in zip(first, again, strict=True))
    assert any((a != b).any() for a, b in zip(first, other, strict=True))
    assert (first[0] != first[1]).any()


def test_the_mark_is_enough_to_make_it_again(make_model: MakeModel, gray_pixels: NDArray[np.uint8]) -> None:
    colorizer = Colorizer(make_model("bins"))
    result = colorizer.variants(gray_pixels, 3, ColorizeOptions(mode="faithful"), seed=5)[1]
    assert result.photo.mark is not None
    settings = json.loads(json.dumps(result.photo.mark.settings))
    assert settings == {"mode": "faithful", "variant": {"number": 2, "of": 3, "seed": 5}}
    again = colorizer.colorize(gray_pixels, from_settings(settings))
    assert (again.photo.to_numpy() == result.photo.to_numpy()).all()


@pytest.mark.parametrize(
    "values",
    [(0, 3), (4, 3), (1, 0), (1, MOST_VARIANTS + 1), (1, 3, -1), (1.5, 3), (True, 3), (1, 3, 0.5), ("1", 3)],
)
def test_numbers_out_of_range(values: tuple[Any, ...]) -> None:
    with pytest.raises(OptionError, match="expected a whole number"):
        Variant(*values)


@pytest.mark.parametrize("count", [0, -2, MOST_VARIANTS + 1, "3", None])
def test_a_count_out_of_range(count: Any, make_model: MakeModel, gray_pixels: NDArray[np.uint8]) -> None:
    with pytest.raises(OptionError, match="the number of variants is"):
        Colorizer(make_model("bins")).variants(gray_pixels, count)
