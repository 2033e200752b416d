"""The join at full size: lightness kept, colors in the gamut, depth, masks, layers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tinct.color.gamut import reduce_chroma
from tinct.color.lab import gray_to_lightness, lightness, lightness_to_gray, srgb_to_lab
from tinct.inference.atlas import STEP
from tinct.inference.join import MARGIN, Join
from tinct.inference.resolution import Lines
from tinct.media.photo import Photo, read_photo


def even_lines(ab: Any, shape: tuple[int, int] = (6, 8)) -> Lines:
    """Colors that don't depend on lightness, (2,) or (h, w, 2)."""
    offset = np.broadcast_to(np.asarray(ab, np.float32), (*shape, 2))
    return Lines(np.zeros((*shape, 2), np.float32), offset, offset.min((0, 1)), offset.max((0, 1)))


def join(photo: Photo, lines: Lines, **more: Any) -> NDArray[Any]:
    cells = lines.slope.shape[:2]
    result: NDArray[Any] = Join(photo, lines, (float(cells[0]), float(cells[1])), **more).build().numpy()
    return result


def ramp(depth: int, height: int = 48, width: int = 256) -> NDArray[Any]:
    top = 255 if depth == 8 else 65535
    return np.tile(np.linspace(0, top, width).round(), (height, 1)).astype(np.uint8 if depth == 8 else np.uint16)


def unit(pixels: NDArray[Any]) -> NDArray[np.float32]:
    return pixels.astype(np.float32) / np.iinfo(pixels.dtype).max


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("reach", [10, 60, 200])
def test_lightness_is_kept_for_any_color(depth: int, reach: int) -> None:
    gray = ramp(depth)
    ab = np.random.default_rng(reach).uniform(-reach, reach, (6, 8, 2))
    result = join(read_photo(gray), even_lines(ab))
    error = np.abs(lightness(unit(result)) - gray_to_lightness(unit(gray)))
    # Rounding three channels to 8 bits moves L by up to a quarter, and so do colors just outside the gamut.
    assert error.max() < 0.5
    assert np.quantile(error, 0.99) < (0.27 if depth == 8 else 0.25)
    assert error.mean() < 0.08


@pytest.mark.parametrize("ab", [(60, 40), (-70, 60), (30, -100), (0, 90), (90, -90)])
def test_colors_outside_the_gamut_keep_their_hue(ab: tuple[int, int]) -> None:
    gray = ramp(16)
    found = srgb_to_lab(unit(join(read_photo(gray), even_lines(ab))))
    wanted = np.stack([gray_to_lightness(unit(gray)), *(np.full(gray.shape, v, np.float32) for v in ab)], axis=-1)
    expected = reduce_chroma(wanted)
    distance = np.linalg.norm(found - expected, axis=-1)
    assert np.median(distance) < 0.2
    assert np.quantile(distance, 0.95) < 3
    chroma = np.hypot(found[..., 1], found[..., 2])
    hue = np.rad2deg(np.angle((found[..., 1] + 1j * found[..., 2]) / (ab[0] + 1j * ab[1])))
    assert np.abs(hue[chroma > 10]).max() < 2.5


@pytest.mark.parametrize("layer", [False, True])
@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("color", ["#c0c020", "#f2f230", "#ffff64", "#30f2f2", "#2020a0"])
def test_light_yellows_and_other_spikes_of_the_gamut_are_exact(color: str, depth: int, layer: bool) -> None:
    wanted = srgb_to_lab(np.array([int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)], np.float32))
    gray = np.full((48, 48), lightness_to_gray(wanted[0]) * (255 if depth == 8 else 65535) + 0.5)
    found = join(read_photo(gray.astype(np.uint8 if depth == 8 else np.uint16)), even_lines(wanted[1:]), layer=layer)
    assert np.linalg.norm((srgb_to_lab(unit(found)) - wanted)[..., 1:], axis=-1).max() < 4


def test_gray_stays_as_it_is() -> None:
    for depth in (8, 16):
        gray = ramp(depth)
        result = join(read_photo(gray), even_lines((0, 0)))
        assert result.dtype == gray.dtype
        assert np.abs(result.astype(int) - gray[..., np.newaxis]).max() <= (0 if depth == 8 else 40)


def test_sixteen_bits_have_more_than_256_levels() -> None:
    gray = np.linspace(20000, 30000, 64 * 64).round().astype(np.uint16).reshape(64, 64)
    result = join(read_photo(gray), even_lines((20, 10)))
    assert result.dtype == np.uint16
    assert all(len(np.unique(result[..., band])) > 3500 for band in range(3))


def test_lines_are_enlarged_about_the_middles_of_their_cells() -> None:
    gray = np.full((40, 60), 128, np.uint8)
    # a grows by 10 a cell: 12 pixels wide, so by 5/6 a pixel between the first cell's middle and the last one's.
    offset = np.zeros((4, 5, 2), np.float32)
    offset[..., 0] = 10 * np.arange(5)
    found = srgb_to_lab(unit(join(read_photo(gray), even_lines(offset, (4, 5)))))[..., 1]
    expected = np.clip((np.arange(60) + 0.5) / 12 - 0.5, 0, 4) * 10
    assert found == pytest.approx(np.tile(expected, (40, 1)), abs=0.8)


def test_large_enlargements_are_as_right_as_small_ones() -> None:
    gray = np.full((40, 1200), 128, np.uint8)
    offset = np.zeros((2, 5, 2), np.float32)
    offset[..., 0] = 10 * np.arange(5)
    found = srgb_to_lab(unit(join(read_photo(gray), even_lines(offset, (2, 5)))))[..., 1]
    expected = np.clip((np.arange(1200) + 0.5) / 240 - 0.5, 0, 4) * 10
    assert found == pytest.approx(np.tile(expected, (40, 1)), abs=1.0)


def test_slopes_follow_the_photograph_within_the_range_of_the_colors() -> None:
    gray = ramp(8)
    slope = np.zeros((6, 8, 2), np.float32)
    slope[..., 0] = 2
    offset = np.zeros((6, 8, 2), np.float32)
    offset[..., 0] = -100
    joined = Join(read_photo(gray), Lines(slope, offset, np.array([-10, 0]), np.array([10, 0])), (6.0, 8.0))
    found = srgb_to_lab(unit(joined.build().numpy()))
    box = joined._box
    assert -box.low[0] < 10 + MARGIN + STEP
    expected = np.clip(2 * gray_to_lightness(unit(gray)) - 100, box.low[0], box.low[0] + box.step[0] * (box.count - 1))
    inner = slice(40, 216)
    assert found[:, inner, 1] == pytest.approx(expected[:, inner], abs=1.5)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_colored_photographs_keep_their_lightness(color_pixels: NDArray[np.uint8], dtype: type) -> None:
    pixels = color_pixels if dtype is np.uint8 else color_pixels.astype(np.uint16) * 257
    photo = read_photo(pixels)
    result = join(photo, even_lines((15, -10)))
    assert result.dtype == dtype
    error = np.abs(lightness(unit(result)) - photo.lightness().numpy().reshape(result.shape[:2]))
    assert error.max() < 0.4


def test_a_mask_keeps_black_and_colors_white(gray_pixels: NDArray[np.uint8]) -> None:
    mask = np.zeros(gray_pixels.shape, np.uint8)
    mask[:, 32:] = 255
    mask[:, 30:32] = 128
    lines = even_lines((30, 20))
    plain = join(read_photo(gray_pixels), lines)
    masked = join(read_photo(gray_pixels), lines, mask=read_photo(mask))
    assert (masked[:, :30] == gray_pixels[:, :30, np.newaxis]).all()
    assert (masked[:, 32:] == plain[:, 32:]).all()
    between = (gray_pixels[:, 30:32, np.newaxis].astype(float) + plain[:, 30:32]) / 2
    assert np.abs(masked[:, 30:32] - between).max() <= 1.5


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_what_is_transparent_in_a_mask_is_black(gray_pixels: NDArray[np.uint8], depth: type) -> None:
    mask = np.full((*gray_pixels.shape, 4), np.iinfo(depth).max, depth)
    mask[:, :32, 3] = 0
    lines = even_lines((30, 20))
    plain, masked = (join(read_photo(gray_pixels), lines, mask=given) for given in (None, read_photo(mask)))
    assert (masked[:, :32] == gray_pixels[:, :32, np.newaxis]).all()
    assert (masked[:, 32:] == plain[:, 32:]).all()


def test_a_mask_keeps_the_color_of_a_colored_photograph(color_pixels: NDArray[np.uint8]) -> None:
    mask = np.zeros((24, 32), np.uint8)
    mask[12:] = 255
    kept = join(read_photo(color_pixels), even_lines((30, 20)), mask=read_photo(mask))
    assert (kept[:22] == color_pixels[:22]).all()
    assert (kept[26:] != color_pixels[26:]).any()


@pytest.mark.parametrize("depth", [8, 16])
def test_a_layer_over_the_photograph_gives_the_result(depth: int) -> None:
    gray = ramp(depth)
    ab = np.random.default_rng(3).uniform(-50, 50, (6, 8, 2))
    result = srgb_to_lab(unit(join(read_photo(gray), even_lines(ab))))
    layer = join(read_photo(gray), even_lines(ab), layer=True)
    assert layer.dtype == np.uint16
    assert layer.shape == (*gray.shape, 3)
    found = srgb_to_lab(unit(layer))
    # What the blend mode "LCh Color" does: a and b of the layer, L of the photograph.
    difference = np.linalg.norm(found[..., 1:] - result[..., 1:], axis=-1)
    assert np.median(difference) < 0.8
    assert np.quantile(difference, 0.95) < 3


def test_a_masked_layer_has_the_photograph_s_own_color(color_pixels: NDArray[np.uint8]) -> None:
    mask = np.zeros(color_pixels.shape[:2], np.uint8)
    mask[:, 32:] = 255
    layer = srgb_to_lab(unit(join(read_photo(color_pixels), even_lines((30, 20)), layer=True, mask=read_photo(mask))))
    own = srgb_to_lab(unit(color_pixels))
    difference = np.linalg.norm(layer[:, :32, 1:] - own[:, :32, 1:], axis=-1)
    assert np.median(difference) < 1.5
    assert layer[:, 34:, 1:].mean((0, 1)) == pytest.approx([30, 20], abs=5)


def test_each_build_is_the_same(gray_pixels: NDArray[np.uint8]) -> None:
    ab = np.random.default_rng(1).uniform(-50, 50, (6, 8, 2))
    joined = Join(read_photo(gray_pixels), even_lines(ab), (6.0, 8.0))
    assert (joined.build().numpy() == joined.build().numpy()).all()
