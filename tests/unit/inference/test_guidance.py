"""Hints: for the network, and exactly on them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinct.errors import HintError
from tinct.inference.guidance import MOST_HINTS, Overlay, encode, overlay, place
from tinct.inference.options import Hint
from tinct.inference.resolution import fit

RED, BLUE = "#a03020", "#2030a0"


def read(table: Overlay) -> np.ndarray:  # type: ignore[type-arg]
    """Read an overlay at every pixel, as the join does: bilinearly."""
    y, x = table.rows.astype(int), table.columns.astype(int)
    dy, dx = (table.rows - y)[:, None, None], (table.columns - x)[None, :, None]
    corner = [[table.table[np.ix_(y + j, x + i)] for i in (0, 1)] for j in (0, 1)]
    upper, lower = (row[0] * (1 - dx) + row[1] * dx for row in corner)
    return np.asarray(upper * (1 - dy) + lower * dy)


def test_a_hint_covers_the_network_s_pixels_that_it_covers_of_the_photograph() -> None:
    fitted = fit(200, 300, 100, 32)
    planes = encode(place([Hint(20, 30, RED, 4), Hint(26, 30, BLUE, 4)], 200, 300), 200, 300, fitted)
    assert planes.shape == (3, 128, 160)
    assert np.argwhere(planes[0]).min(axis=0).tolist() == [13, 8]
    assert np.argwhere(planes[0]).max(axis=0).tolist() == [16, 14]
    assert planes[1:, 14, 9] == pytest.approx(Hint(0, 0, RED).ab())
    # The later one lies above.
    assert planes[1:, 14, 11] == pytest.approx(Hint(0, 0, BLUE).ab())
    assert (planes[1:, planes[0] == 0] == 0).all()


@given(x=st.integers(0, 9999), y=st.integers(0, 1999), radius=st.integers(1, 400))
def test_no_hint_is_too_small_for_the_network(x: int, y: int, radius: int) -> None:
    fitted = fit(2000, 10000, 64, 32)
    planes = encode(place([Hint(x, y, RED, radius)], 2000, 10000), 2000, 10000, fitted)
    rows, columns = np.nonzero(planes[0])
    assert len(rows) >= 1
    assert rows.max() < fitted.height
    assert columns.max() < fitted.width
    assert abs(rows.mean() - y * fitted.height / 2000) <= radius * fitted.height / 2000 + 1


def test_too_many_hints_are_refused() -> None:
    with pytest.raises(HintError, match=str(MOST_HINTS)):
        place([Hint(0, 0, RED)] * (MOST_HINTS + 1), 10, 10)


def test_a_hint_that_later_ones_cover_is_left_out() -> None:
    left, right, whole = Hint(10, 10, RED, 4), Hint(18, 10, RED, 4), Hint(14, 10, BLUE, 4)
    assert [hint.left for hint in place([left, right, whole], 40, 60)] == [6, 14, 10]
    assert [hint.left for hint in place([whole, left, right], 40, 60)] == [6, 14]
    assert [hint.ab.tolist() for hint in place([whole, left, whole], 40, 60)] == [
        left.ab().tolist(),
        whole.ab().tolist(),
    ]
    assert place([], 40, 60) == []


def test_an_overlay_is_exact_and_slopes_away() -> None:
    placed = place([Hint(40, 30, RED, 6)], 80, 100)
    found = read(overlay(placed, 80, 100))
    asked = Hint(0, 0, RED).ab()
    assert (found[24:36, 34:46, 0] == 1).all()
    assert found[24:36, 34:46, 1:] == pytest.approx(np.broadcast_to(asked, (12, 12, 2)))
    slope = found[30, 46:54, 0]
    assert (np.diff(slope) <= 0).all()
    assert 0 < slope[2] < slope[0] < 1
    assert slope[-1] == 0
    assert (found[:10] == 0).all()


HINTS = st.lists(
    st.builds(Hint, st.integers(0, 59), st.integers(0, 39), st.sampled_from([RED, BLUE, "#30a040"]), st.integers(1, 9)),
    min_size=1,
    max_size=12,
)


@settings(max_examples=60)
@given(hints=HINTS)
def test_every_hinted_pixel_has_the_last_color_put_on_it(hints: list[Hint]) -> None:
    found = read(overlay(place(hints, 40, 60), 40, 60))
    expected = np.full((40, 60, 2), np.nan, np.float32)
    for hint in hints:
        top, bottom, left, right = hint.place(40, 60)
        expected[top:bottom, left:right] = hint.ab()
    hinted = ~np.isnan(expected[..., 0])
    assert (found[hinted][:, 0] == 1).all()
    assert found[hinted][:, 1:] == pytest.approx(expected[hinted], abs=1e-4)
    assert ((found[..., 0] >= 0) & (found[..., 0] <= 1)).all()


def test_many_hints_on_a_gigapixel_take_little() -> None:
    rng = np.random.default_rng(0)
    hints = [Hint(int(x), int(y), RED, int(r)) for x, y, r in rng.integers(1, 29000, (500, 3))]
    table = overlay(place(hints, 30000, 30000), 30000, 30000)
    assert table.table.nbytes < 20_000_000
    assert len(table.rows) == len(table.columns) == 30000
