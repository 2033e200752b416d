import numpy as np
import pytest
from skimage.color import rgb2lab

from tinct.color import gamut
from tinct.color.lab import lab_to_srgb, lightness, srgb_to_lab
from tinct.errors import OptionError


def random_lab(count: int) -> np.ndarray:
    rng = np.random.default_rng(3)
    spread = rng.uniform([0, -130, -130], [100, 130, 130], (count, 3))
    return spread.astype(np.float32)


def test_in_gamut() -> None:
    lab = random_lab(20_000)
    rgb = lab_to_srgb(lab)
    clear = np.abs(rgb * (1 - rgb)).min(axis=1) > 1e-3
    expected = ((rgb >= 0) & (rgb <= 1)).all(axis=1)
    assert np.array_equal(gamut.in_gamut(lab)[clear], expected[clear])
    assert 0.1 < expected.mean() < 0.5
    assert gamut.in_gamut(lab.reshape(100, 200, 3)).shape == (100, 200)


def test_in_gamut_obeys_the_tolerance() -> None:
    # A red of 1.05 and one of -0.05, each the only channel outside.
    lab = srgb_to_lab(np.array([[1.05, 0.4, 0.4], [-0.05, 0.4, 0.4]]))
    assert gamut.in_gamut(lab, 0.06).all()
    assert not gamut.in_gamut(lab, 0.04).any()


def test_reduce_chroma_reaches_the_border() -> None:
    lab = random_lab(50_000)
    before = lab.copy()
    reduced = gamut.reduce_chroma(lab)
    assert np.array_equal(lab, before)
    assert reduced.dtype == np.float32
    assert np.array_equal(reduced[:, 0], lab[:, 0])
    rgb = lab_to_srgb(reduced)
    assert rgb.min() >= -2e-4
    assert rgb.max() <= 1 + 2e-4
    inside = gamut.in_gamut(lab)
    assert np.array_equal(reduced[inside], lab[inside])
    # Hue: the cross product vanishes, the dot product doesn't turn.
    outside = lab[~inside]
    shrunk = reduced[~inside]
    assert np.abs(outside[:, 1] * shrunk[:, 2] - outside[:, 2] * shrunk[:, 1]).max() < 2e-3
    assert ((outside[:, 1:] * shrunk[:, 1:]).sum(axis=1) >= 0).all()
    # Largest: a hundredth of the chroma more leads outside again.
    more = outside.copy()
    more[:, 1:] = shrunk[:, 1:] + 0.01 * outside[:, 1:]
    assert not gamut.in_gamut(more).any()


def test_reduce_chroma_against_a_plain_search() -> None:
    for color in random_lab(60).astype(np.float64):
        factors = np.linspace(1, 0, 5001)
        ray = color * np.stack([np.ones_like(factors), factors, factors], axis=-1)
        rgb = lab_to_srgb(ray)
        fits = ((rgb > -gamut.TOLERANCE) & (rgb < 1 + gamut.TOLERANCE)).all(axis=1)
        largest = factors[np.argmax(fits)]
        reduced = gamut.reduce_chroma(color)
        assert np.hypot(*reduced[1:]) == pytest.approx(largest * np.hypot(*color[1:]), abs=0.06)


@pytest.mark.parametrize(("level", "hue"), [(94.9, 101.0), (96.4, 102.5), (97.3, 104.0)])
def test_reduce_chroma_of_light_yellow_where_the_ray_returns(level: float, hue: float) -> None:
    # These rays leave the gamut at a chroma of 20 to 60 and come back; the outer border is from a plain search.
    angle = np.radians(hue)
    lab = np.array([level, 110 * np.cos(angle), 110 * np.sin(angle)])
    factors = np.linspace(1, 0, 20_001)
    fits = gamut.in_gamut(lab * np.stack([np.ones_like(factors), factors, factors], axis=-1))
    largest = factors[np.argmax(fits)]
    assert np.diff(fits.astype(int)).tolist().count(1) == 2
    assert np.hypot(*gamut.reduce_chroma(lab)[1:]) == pytest.approx(110 * largest, abs=0.02)
    assert 110 * largest > 65


def test_reduce_chroma_of_extremes() -> None:
    lab = np.array([[0, 40, 40], [100, -40, 40], [50, 0, 0], [-5, 3, 3], [105, 3, 3]], np.float32)
    reduced = gamut.reduce_chroma(lab)
    assert np.array_equal(reduced[:, 0], lab[:, 0])
    assert np.abs(reduced[:, 1:]).max() < 0.2
    assert gamut.reduce_chroma(np.empty((0, 3), np.float32)).shape == (0, 3)


def test_lightness_survives_eight_bits() -> None:
    lab = random_lab(50_000)
    lab[:, 0] = np.random.default_rng(4).uniform(0.5, 99.5, len(lab))
    written = np.round(np.clip(lab_to_srgb(gamut.reduce_chroma(lab)), 0, 1) * 255) / 255
    assert np.abs(lightness(written) - lab[:, 0]).max() < 0.5


@pytest.mark.parametrize(("grid", "count"), [(10, 229), (12, 154), (25, 37)])
def test_bins(grid: int, count: int) -> None:
    bins = gamut.ab_bins(grid)
    assert bins.dtype == np.float32
    assert bins.shape == (count, 2)
    assert np.array_equal(bins % grid, np.zeros_like(bins))
    assert np.array_equal(bins, bins[np.lexsort((bins[:, 1], bins[:, 0]))])


def test_bins_are_the_gamut_by_another_way() -> None:
    # All of the RGB cube through scikit-image: bins have a color nearby, the other places on the grid don't.
    line = np.linspace(0, 1, 86)
    ab = rgb2lab(np.stack(np.meshgrid(line, line, line, indexing="ij"), axis=-1))[..., 1:].reshape(-1, 2)
    bins = {(int(a), int(b)) for a, b in gamut.ab_bins(25)}
    for a in range(-100, 101, 25):
        for b in range(-100, 101, 25):
            near = np.sqrt(((ab - [a, b]) ** 2).sum(axis=1).min())
            assert near < 1 if (a, b) in bins else near > 2


@pytest.mark.parametrize("grid", [0, -10, 111])
def test_refuses_grid(grid: int) -> None:
    with pytest.raises(OptionError, match="grid size"):
        gamut.ab_bins(grid)
