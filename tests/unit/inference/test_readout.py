"""From raw outputs to colors."""

from __future__ import annotations

import numpy as np
import pytest

from tinct.color.gamut import read_out
from tinct.color.lab import srgb_to_lab
from tinct.inference.readout import PLAIN, choose, read_colors
from tinct.models.registry import Knot, ModelSpec

PATH = (Knot(0.0, 1.0, 1.0, 0.9), Knot(0.5, 0.6, 0.8, 1.0), Knot(1.0, 0.0, 0.4, 1.4))
BINS = ((0.0, 0.0), (40.0, 0.0), (0.0, -40.0))
SPEC = ModelSpec(
    "m", "a", "bins", modes={"faithful": 0.0, "vivid": 0.75}, path=PATH, bins=BINS, weights=(0.5, 1.0, 2.0)
)


@pytest.mark.parametrize(
    ("mode", "vividness", "expected"),
    [
        ("faithful", None, (1.0, 1.0, 0.9)),
        ("vivid", None, (0.3, 0.6, 1.2)),
        ("vivid", 0.25, (0.8, 0.9, 0.95)),
        ("faithful", 1.0, (0.0, 0.4, 1.4)),
    ],
)
def test_the_path_is_interpolated(mode: str, vividness: float | None, expected: tuple[float, ...]) -> None:
    choice = choose(SPEC, mode, vividness)  # type: ignore[arg-type]
    knot = choice.knot
    assert (knot.division, knot.temperature, knot.chroma) == pytest.approx(expected)
    assert choice.note is None


def test_a_model_with_one_read_out_says_so_and_goes_on() -> None:
    plain = choose(ModelSpec("m", "a", "ab"), "vivid", None)
    assert plain.knot == PLAIN
    assert "m has one read-out" in str(plain.note)
    single = choose(ModelSpec("m", "a", "ab", path=(PATH[0],)), "faithful", 0.5)
    assert single.knot == PATH[0]
    assert single.note


def test_bins_are_read_by_the_knot() -> None:
    logits = np.random.default_rng(0).normal(size=(3, 4, 5)).astype(np.float32)
    knot = PATH[1]
    expected = read_out(
        np.moveaxis(logits, 0, -1), np.array(BINS, np.float32), np.array(SPEC.weights, np.float32), 0.6, 0.8, 1.0
    )
    assert read_colors(logits, SPEC, knot) == pytest.approx(expected)


def test_of_rgb_only_a_and_b_count() -> None:
    rgb = np.random.default_rng(0).uniform(size=(3, 4, 5)).astype(np.float32)
    spec = ModelSpec("m", "a", "rgb")
    assert read_colors(rgb, spec, PLAIN) == pytest.approx(srgb_to_lab(np.moveaxis(rgb, 0, -1))[..., 1:])


def test_chroma_scales_a_regression() -> None:
    ab = np.random.default_rng(0).normal(size=(2, 4, 5)).astype(np.float32)
    spec = ModelSpec("m", "a", "ab")
    assert read_colors(ab, spec, Knot(0, 0, 1, 1.5)) == pytest.approx(np.moveaxis(ab, 0, -1) * 1.5)
