from __future__ import annotations

import numpy as np
import pytest
import pyvips

from tinct.color import lab
from tinct.color.gamut import reduce_chroma
from tinct.errors import UnreadablePhoto
from tinct.media import spaces


def image(array, interpretation):
    return pyvips.Image.new_from_array(array, interpretation=interpretation)


def tagged(picture, icc):
    picture = picture.copy()
    picture.set_type(pyvips.GValue.blob_type, "icc-profile-data", icc)
    return picture


RAMP8 = np.arange(256, dtype=np.uint8)[np.newaxis]
RAMP16 = np.arange(0, 65536, 17, dtype=np.uint16)[np.newaxis]


@pytest.mark.parametrize(("ramp", "kind", "top"), [(RAMP8, "b-w", 255), (RAMP16, "grey16", 65535)])
def test_gray_without_profile_is_srgb(ramp, kind, top):
    expected = lab.gray_to_lightness(ramp / top)
    found = spaces.to_lightness(image(ramp, kind), None, "x").numpy()
    np.testing.assert_allclose(found, expected, atol=1e-4)
    srgb = spaces.to_srgb(image(ramp, kind), None, "x")
    np.testing.assert_array_equal(srgb.numpy(), ramp)
    assert srgb.interpretation == kind


@pytest.mark.parametrize("gamma", [1.8, 2.2])
@pytest.mark.parametrize("space", ["GRAY", "RGB "])
def test_profiles_of_gray_pictures_are_honored(profile, gamma, space):
    icc = profile(space, gamma)
    gamma = round(gamma * 256) / 256
    expected = lab.gray_to_lightness(lab.encode((RAMP16 / 65535) ** gamma))
    picture = tagged(image(RAMP16, "grey16"), icc)
    # LittleCMS keeps curves as tables, which are coarse near black.
    np.testing.assert_allclose(spaces.to_lightness(picture, icc, "x").numpy(), expected, atol=0.4)
    srgb = spaces.to_srgb(picture, icc, "x").numpy() / 65535
    np.testing.assert_allclose(lab.gray_to_lightness(srgb), expected, atol=0.4)
    bright = expected > 20
    np.testing.assert_allclose(lab.gray_to_lightness(srgb)[bright], expected[bright], atol=0.1)


def test_colors_with_a_profile_come_to_srgb_and_back(profile):
    icc = profile("RGB ", 2.2)
    levels = np.linspace(60, 200, 6).round().astype(np.uint8)  # inside sRGB's gamut
    cube = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(6, 36, 3)
    srgb = spaces.to_srgb(tagged(image(cube, "srgb"), icc), icc, "x")
    # Adobe RGB's green is greener: the same numbers mean more color than in sRGB.
    assert np.abs(srgb.numpy().astype(int) - cube).max() > 10
    back, embedded = spaces.from_srgb(srgb, icc)
    assert embedded == icc
    inside = ((srgb.numpy() > 0) & (srgb.numpy() < 255)).all(axis=-1)
    assert inside.mean() > 0.5
    assert np.abs(back.numpy().astype(int) - cube)[inside].max() <= 2


def test_lightness_survives_the_way_to_srgb_and_back(profile):
    icc = profile("RGB ", 2.2)
    ramp = np.repeat(RAMP16[..., np.newaxis], 3, axis=-1)
    back, _ = spaces.from_srgb(spaces.to_srgb(tagged(image(ramp, "rgb16"), icc), icc, "x"), icc)

    def lightness(pixels):
        return spaces.to_lightness(tagged(image(pixels, "rgb16"), icc), icc, "x").numpy()

    np.testing.assert_allclose(lightness(back.numpy()), lightness(ramp), atol=0.4)


@pytest.mark.parametrize("gamma", [2.2, 1.8, 1.0])
@pytest.mark.parametrize("deep", [False, True])
def test_lightness_of_a_result_in_another_profile(profile, gamma, deep):
    """All 256 gray levels in many colors, against the formula and Adobe RGB's published shares of luminance."""
    dtype, top = (np.uint16, 65535) if deep else (np.uint8, 255)
    icc, gamma = profile("RGB ", gamma), round(gamma * 256) / 256

    def lightness(levels):
        light = (levels**gamma) @ (0.29734, 0.62736, 0.07529) / 0.99999
        return np.where(light > 216 / 24389, 116 * np.cbrt(light) - 16, light * 24389 / 27)

    expected = lightness(np.stack([np.linspace(0, 1, 256)] * 3, axis=-1))[:, np.newaxis, np.newaxis]
    ab = np.random.default_rng(0).normal(0, 30, (256, 500, 2))
    colors = np.concatenate([np.broadcast_to(expected, (256, 500, 1)), ab], axis=-1).astype(np.float32)
    rgb = np.rint(lab.lab_to_srgb(reduce_chroma(colors)).clip(0, 1) * top).astype(dtype)
    found, embedded = spaces.from_srgb(image(rgb, "rgb16" if deep else "srgb"), icc)
    assert embedded == icc
    moved = np.abs(lightness(found.numpy() / top) - expected[..., 0])
    most, usual = (0.4, 0.01) if deep else (1.8 if gamma == 1 else 0.7, 0.11)
    assert moved.max() < most
    assert moved.mean() < usual
    if not deep and gamma > 1:
        assert np.quantile(moved, 0.999) < 0.45


def test_what_profile_a_result_gets(profile):
    picture = image(np.zeros((2, 2, 3), np.uint8), "srgb")
    assert spaces.from_srgb(picture, None)[1] is None
    srgb = spaces.srgb_profile()
    assert spaces.from_srgb(picture, srgb)[1] == srgb
    assert spaces.from_srgb(picture, profile("GRAY", 2.2))[1] == srgb
    gray = image(np.zeros((2, 2), np.uint8), "b-w")
    for icc in (srgb, profile("GRAY", 2.2), profile("RGB ", 2.2)):
        assert spaces.from_srgb(gray, icc)[1] is None


def test_srgb_is_known_whatever_its_name(profile):
    assert spaces.is_srgb(spaces.srgb_profile())
    assert not spaces.is_srgb(profile("RGB ", 2.2))
    assert not spaces.is_srgb(profile("GRAY", 2.2))


def test_damaged_profiles_are_known(profile):
    icc = profile("RGB ", 2.2)
    assert spaces.is_sound(icc)
    assert spaces.is_sound(spaces.srgb_profile())
    for damaged in (b"", b"damaged" * 40, icc[:150], icc[:-40], icc[:36] + b"xxxx" + icc[40:]):
        assert not spaces.is_sound(damaged)


def test_lightness_of_colors():
    colors = np.random.default_rng(0).integers(0, 256, (20, 30, 3)).astype(np.uint8)
    expected = lab.lightness(colors / 255)
    np.testing.assert_allclose(spaces.to_lightness(image(colors, "srgb"), None, "x").numpy(), expected, atol=0.01)
    deep = colors.astype(np.uint16) * 257
    np.testing.assert_allclose(spaces.to_lightness(image(deep, "rgb16"), None, "x").numpy(), expected, atol=0.01)


def test_cmyk():
    ink = np.zeros((4, 4, 4), np.uint8)
    ink[2:, :, 3] = 255
    srgb = spaces.to_srgb(image(ink, "cmyk"), None, "x").numpy()
    assert srgb.shape == (4, 4, 3)
    assert srgb[0].min() > 245
    assert srgb[3].max() < 60


def test_lab_pictures():
    picture = pyvips.Image.new_from_array(np.full((2, 2, 3), (50, 0, 0), np.float32), interpretation="lab")
    found = spaces.to_srgb(picture.colourspace("labs"), None, "x")
    assert np.abs(found.numpy().astype(float) / 257 - 119).max() < 1


@pytest.mark.parametrize(("dtype", "bands"), [(np.float32, 1), (np.uint32, 3), (np.uint8, 5)])
def test_what_is_no_photograph_is_refused(dtype, bands):
    with pytest.raises(UnreadablePhoto, match="x has"):
        spaces.to_srgb(image(np.zeros((2, 2, bands), dtype), "multiband"), None, "x")
