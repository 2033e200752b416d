import numpy as np
import pytest
from skimage.color import lab2rgb, rgb2lab
from skimage.color.colorconv import rgb_from_xyz

from tinct.color import lab
from tinct.errors import OptionError


def cube(steps: int) -> np.ndarray:
    line = np.linspace(0, 1, steps)
    return np.stack(np.meshgrid(line, line, line, indexing="ij"), axis=-1)


def test_agrees_with_scikit_image() -> None:
    # Every fifth of the 256 levels, both ends among them; scikit-image in double precision is the oracle.
    rgb = cube(52)
    oracle = rgb2lab(rgb)
    result = lab.srgb_to_lab(rgb)
    assert result.dtype == np.float32
    assert np.abs(result - oracle).max() < 1e-4
    assert np.abs(lab.lightness(rgb) - oracle[..., 0]).max() < 1e-4
    assert np.abs(lab.lab_to_srgb(oracle) - lab2rgb(oracle)).max() < 1e-4


def test_agrees_with_scikit_image_near_black() -> None:
    rgb = cube(24) * 24 / 255
    assert np.abs(lab.srgb_to_lab(rgb) - rgb2lab(rgb)).max() < 1e-4


def test_xyz_to_rgb_is_the_inverse() -> None:
    assert np.allclose(np.linalg.inv(lab.RGB_TO_XYZ), lab.XYZ_TO_RGB, atol=1e-12)
    assert np.allclose(rgb_from_xyz, lab.XYZ_TO_RGB, atol=1e-12)


@pytest.mark.parametrize("shape", [(3,), (0, 3), (4, 0, 3), (7, 3), (2, 5, 3), (2, 3, 4, 3)])
def test_any_leading_shape(shape: tuple[int, ...]) -> None:
    rgb = np.random.default_rng(0).random(shape)
    converted = lab.srgb_to_lab(rgb)
    assert converted.shape == shape
    assert lab.lab_to_srgb(converted).shape == shape
    assert lab.lightness(rgb).shape == shape[:-1]
    assert np.allclose(lab.lightness(rgb), converted[..., 0], atol=1e-5)


def test_blocks_and_strides_change_nothing() -> None:
    rgb = np.random.default_rng(1).random((3, 100, 401)).astype(np.float32)
    view = rgb.transpose(1, 2, 0)
    assert view.shape[0] * view.shape[1] > lab.BLOCK
    whole = lab.srgb_to_lab(view)
    assert np.array_equal(whole[97, 399], lab.srgb_to_lab(view[97, 399]))
    assert np.array_equal(whole, lab.srgb_to_lab(np.ascontiguousarray(view)))


def test_inputs_are_left_alone() -> None:
    rgb = np.random.default_rng(2).random((5, 3)).astype(np.float32)
    before = rgb.copy()
    lab.lab_to_srgb(lab.srgb_to_lab(rgb))
    lab.lightness(rgb)
    assert np.array_equal(rgb, before)


def test_colors_outside_the_gamut_are_not_clipped() -> None:
    vivid = lab.lab_to_srgb(np.array([[60.0, 120.0, 0.0], [60.0, -120.0, 0.0]]))
    assert vivid.max() > 1.1
    assert vivid.min() < -0.1
    assert np.isfinite(vivid).all()
    # scikit-image clips; where it has nothing to clip, both agree, so check the way back instead.
    assert np.abs(lab.srgb_to_lab(vivid) - [[60, 120, 0], [60, -120, 0]]).max() < 1e-3


def test_gray() -> None:
    gray = np.linspace(0, 1, 256).astype(np.float32)
    level = lab.gray_to_lightness(gray)
    assert level[0] == pytest.approx(0, abs=1e-5)
    assert level[-1] == pytest.approx(100, abs=1e-4)
    assert np.abs(level - rgb2lab(np.stack([gray] * 3, axis=-1).astype(np.float64))[:, 0]).max() < 1e-4
    assert np.abs(lab.lightness_to_gray(level) - gray).max() < 1e-5
    assert level.dtype == np.float32
    assert lab.gray_to_lightness(np.float32(0.5)).shape == ()
    assert lab.lightness_to_gray(level.reshape(2, 128)).shape == (2, 128)


def test_refuses_integers() -> None:
    with pytest.raises(OptionError, match="uint8"):
        lab.srgb_to_lab(np.zeros((2, 2, 3), np.uint8))


@pytest.mark.parametrize("shape", [(), (2,), (3, 4)])
def test_refuses_other_shapes(shape: tuple[int, ...]) -> None:
    for function in (lab.srgb_to_lab, lab.lab_to_srgb, lab.lightness):
        with pytest.raises(OptionError, match="expected"):
            function(np.zeros(shape))
