"""Crops of photos of any size: squares of the photo itself, mirrored and turned, brought to size."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tinct.color.tensors import srgb_to_lab
from tinct.data.augment import random_crop
from tinct.data.batches import BatchStream, Position, Sampling
from tinct.data.deck import Deck

unhurried = settings(deadline=None, max_examples=60)
SIDES = st.integers(1, 40)
SEEDS = st.integers(0, 2**31)


def photo_of(height: int, width: int) -> NDArray[np.uint8]:
    """Return a photo each pixel of which tells its row, its column and their sum."""
    rows, columns = np.mgrid[0:height, 0:width]
    return np.stack([rows * 6, columns * 6, (rows + columns) * 3], axis=-1).astype(np.uint8)


@unhurried
@given(SIDES, SIDES, st.integers(2, 40), st.floats(0, 1), SEEDS, st.booleans(), st.booleans())
def test_any_photo_gives_a_crop_of_any_size(
    height: int, width: int, size: int, least: float, seed: int, flip: bool, turn: bool
) -> None:
    photo = photo_of(height, width)
    crop = random_crop(photo, size, np.random.default_rng(seed), least=least, flip=flip, turn=turn)
    assert crop.shape == (3, size, size)
    assert crop.dtype == torch.uint8
    assert int(crop.max()) <= int(photo.max())


@unhurried
@given(SIDES, SIDES, SEEDS, st.booleans(), st.booleans())
def test_a_crop_in_its_own_size_is_a_square_of_the_photo(
    height: int, width: int, seed: int, flip: bool, turn: bool
) -> None:
    photo = photo_of(height, width)
    side = min(height, width)
    crop = random_crop(photo, side, np.random.default_rng(seed), least=1.0, flip=flip, turn=turn)
    pixels = crop.permute(1, 2, 0).numpy()
    squares = [photo[y : y + side, x : x + side] for y in range(height - side + 1) for x in range(width - side + 1)]
    turned = [np.rot90(mirrored, k) for k in range(4 if turn else 1) for mirrored in _mirrored(pixels, flip)]
    assert any(np.array_equal(square, back) for square in squares for back in turned)


def _mirrored(pixels: NDArray[np.uint8], flip: bool) -> list[NDArray[np.uint8]]:
    # Mirrored both ways: a turn may come between a mirroring and its undoing.
    return [pixels, pixels[:, ::-1]] if flip else [pixels]


@unhurried
@given(st.sampled_from([8, 16, 24]), st.integers(9, 40), st.integers(9, 40), SEEDS)
def test_hints_show_the_color_where_they_lie(size: int, height: int, width: int, seed: int) -> None:
    """Also on photos smaller than the crop: hints are placed after cropping, mirroring and turning."""
    sampling = Sampling(sizes={size: 1.0}, batch=4, turn=True, without_hints=0.0)
    batch, _ = BatchStream(Deck([photo_of(height, width)], seed), sampling, seed).make(Position())
    lab = srgb_to_lab(torch.from_numpy(photo_of(height, width)).permute(2, 0, 1)[None].float() / 255)
    reach = lab[:, 1:].abs().amax() + 1
    for ab, hints in zip(batch.ab, batch.hints, strict=True):
        ys, xs = torch.nonzero(hints[0], as_tuple=True)
        assert len(ys) > 0
        for y, x in zip(ys.tolist(), xs.tolist(), strict=True):
            near = ab[:, max(0, y - 9) : y + 10, max(0, x - 9) : x + 10].flatten(1)
            given_color = hints[1:, y, x]
            assert bool((given_color >= near.amin(1) - 1e-3).all())
            assert bool((given_color <= near.amax(1) + 1e-3).all())
        assert float(hints[1:].abs().max()) <= float(reach)
