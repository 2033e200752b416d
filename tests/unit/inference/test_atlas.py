"""The table from lightness and color to sRGB."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from tinct.color.gamut import REACH, in_gamut, reduce_chroma
from tinct.color.lab import gray_to_lightness, lab_to_srgb, lightness_to_gray, srgb_to_lab
from tinct.inference.atlas import LAYER_LIGHTNESS, STEP, Atlas, Box, make_atlas, make_box, to_layer

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


def read(atlas: Atlas, lab: NDArray[np.float32], levels: NDArray[np.intp]) -> NDArray[np.float32]:
    """Read colors (N, 3) between the nodes of their level, as a pipeline does."""
    x, y = atlas.corner(levels)
    place = (lab[:, 1:] - np.array(atlas.box.low)) / np.array(atlas.box.step)
    node = place.astype(np.intp).clip(0, atlas.box.count - 2)
    across, down = (place - node).T[..., np.newaxis]
    x, y = x + node[:, 0], y + node[:, 1]
    rows = [atlas.nodes[y + row, x] * (1 - across) + atlas.nodes[y + row, x + 1] * across for row in (0, 1)]
    return (rows[0] * (1 - down) + rows[1] * down).astype(np.float32)


GRAYS = gray_to_lightness(np.linspace(0, 1, 256, dtype=np.float32))
ALL = make_box(np.array([[-REACH] * 2, [REACH] * 2], np.float32))


@pytest.mark.parametrize("least", [(0, 0, 0), (0.85, 0.85, 0), (0, 0.8, 0.8), (0, 0, 0.2)])
def test_colors_of_srgb_are_exact(least: tuple[float, float, float]) -> None:
    """All of them, and the spikes of the gamut: light yellow, light cyan, blue."""
    most = (1, 1, 1) if least != (0, 0, 0.2) else (0.3, 0.3, 1)
    lab = srgb_to_lab(np.random.default_rng(0).uniform(least, most, (100_000, 3)).astype(np.float32))
    levels = np.rint(lightness_to_gray(lab[:, 0]) * 255).astype(np.intp)
    lab[:, 0] = GRAYS[levels]
    inside = in_gamut(lab)
    lab, levels = lab[inside], levels[inside]
    found = srgb_to_lab(read(make_atlas(GRAYS, ALL), lab, levels))
    distance = np.linalg.norm(found - lab, axis=-1)
    assert np.quantile(distance, 0.99) < 2.5
    assert np.quantile(distance, 0.9995) < 5
    assert distance.max() < 10


def test_lightness_is_kept_outside_the_gamut_too() -> None:
    random = np.random.default_rng(1)
    levels = random.integers(0, 256, 300_000)
    lab = np.column_stack([GRAYS[levels], random.uniform(-REACH, REACH, (300_000, 2))]).astype(np.float32)
    moved = np.abs(srgb_to_lab(read(make_atlas(GRAYS, ALL), lab, levels))[:, 0] - lab[:, 0])
    assert np.quantile(moved, 0.999) < 0.3
    assert np.quantile(moved, 0.99999) < 0.5
