"""The table from lightness and color to sRGB."""

from __future__ import annotations

import numpy as np
import pytest

from tinct.color.gamut import REACH, in_gamut, reduce_chroma
from tinct.color.lab import lab_to_srgb, srgb_to_lab
from tinct.inference.atlas import LAYER_LIGHTNESS, STEP, Box, make_atlas, make_box, to_layer

LEVELS = np.array([0, 20, 50, 70, 100], np.float32)


def test_a_box_holds_its_colors() -> None:
    colors = np.array([[-12, 3], [40, 5], [0, -60]], np.float32)
    box = make_box(colors)
    low, step = np.array(box.low), np.array(box.step)
    assert (low <= colors.min(axis=0)).all()
    assert (low + step * (box.count - 1) >= colors.max(axis=0) - 1e-4).all()
    assert 0 < step.max() <= STEP
    # Gray is a node, so that it stays gray where the gamut is narrow.
    assert (-low / step) % 1 == pytest.approx(0, abs=1e-5)


def test_a_box_ends_where_srgb_does_and_is_never_empty() -> None:
    wide = make_box(np.array([[-500, -500], [500, 500]], np.float32))
    assert wide.low == pytest.approx((-REACH, -REACH), abs=STEP)
    assert min(make_box(np.zeros((1, 2), np.float32)).step) > 0


def test_tiles_hold_the_colors_reduced_to_the_gamut() -> None:
    atlas = make_atlas(LEVELS, Box((-80.0, -100.0), (4.0, 5.0), 41))
    x, y = atlas.corner(np.arange(len(LEVELS)))
    assert atlas.levels == len(LEVELS)
    for level, (left, top) in enumerate(zip(x, y, strict=True)):
        for row, column in ((0, 0), (3, 40), (20, 20), (40, 7)):
            lab = np.array([LEVELS[level], -80 + 4 * column, -100 + 5 * row], np.float32)
            expected = np.clip(lab_to_srgb(reduce_chroma(lab)), 0, 1)
            assert atlas.nodes[top + row, left + column] == pytest.approx(expected, abs=1e-5)


def test_a_layer_keeps_a_and_b_at_even_lightness() -> None:
    rgb = np.random.default_rng(0).uniform(size=(5000, 3)).astype(np.float32)
    lab = srgb_to_lab(rgb)
    moved = srgb_to_lab(to_layer(lab))
    assert np.abs(moved[:, 1:] - lab[:, 1:]).max() < 0.1
    assert in_gamut(moved, 1e-3).all()
    mild = np.hypot(lab[:, 1], lab[:, 2]) < 20
    assert np.abs(moved[mild, 0] - LAYER_LIGHTNESS).max() < 0.1
    # No color moves away from the even lightness.
    assert (np.abs(moved[:, 0] - LAYER_LIGHTNESS) <= np.abs(lab[:, 0] - LAYER_LIGHTNESS) + 0.05).all()
