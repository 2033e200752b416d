"""Oracles: the definition of CIE Lab for gray, and profiles with published primaries for colors."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from tinct.media.photo import Photo, read_photo
from tinct.media.png_colors import SRGB, make_profile, read_profile
from tinct.media.spaces import is_sound, is_srgb, srgb_profile

ADOBE = (0.3127, 0.3290, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06)
Profile = Callable[[str, float], bytes]


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def gamma(value: int) -> bytes:
    return chunk(b"gAMA", struct.pack(">I", value))


def primaries(values: tuple[float, ...]) -> bytes:
    return chunk(b"cHRM", struct.pack(">8I", *(round(value * 100_000) for value in values)))


def png(pixels: NDArray[np.generic], *chunks: bytes, icc: bytes | None = None) -> bytes:
    """Return a PNG with chunks between header and pixels."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", icc_profile=icc)
    data = file.getvalue()
    return data[:33] + b"".join(chunks) + data[33:]


def from_light(pixels: NDArray[np.generic], power: float) -> NDArray[np.float64]:
    """L of gray numbers that are light to the power of 1/power."""
    light = (pixels / np.iinfo(pixels.dtype).max) ** power
    found: NDArray[np.float64] = np.where(light > 216 / 24389, 116 * np.cbrt(light) - 16, light * 24389 / 27)
    return found


@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize(("value", "power"), [(100_000, 1.0), (55_556, 1.8), (40_000, 2.5)])
def test_a_result_is_as_light_as_the_gamma_says(
    value: int, power: float, deep: bool, gray_pixels: NDArray[np.uint8]
) -> None:
    pixels = gray_pixels.astype(np.uint16) * 257 if deep else gray_pixels
    data = png(pixels, gamma(value))
    for photo in (read_photo(data), read_photo(Image.open(io.BytesIO(data)))):
        expected = from_light(pixels, power)
        np.testing.assert_allclose(photo.lightness().numpy().squeeze(), expected, atol=0.1)
        file = io.BytesIO()
        Photo.from_image(photo.open, like=photo).save(file, format="png")
        again = read_photo(file.getvalue())
        np.testing.assert_allclose(again.lightness().numpy().squeeze(), expected, atol=0.1 if deep else 0.3)


def test_colors_are_of_the_primaries_that_are_given(profile: Profile, color_pixels: NDArray[np.uint8]) -> None:
    said = read_photo(png(color_pixels, primaries(ADOBE), gamma(45_455)))
    embedded = read_photo(png(color_pixels, icc=profile("RGB ", 2.2)))
    assert said.metadata.icc is not None
    assert np.abs(said.to_numpy().astype(int) - embedded.to_numpy()).max() <= 1
    assert np.abs(said.to_numpy().astype(int) - color_pixels).max() > 5
    file = io.BytesIO()
    said.save(file)
    assert read_photo(file.getvalue()).metadata.icc == said.metadata.icc


def test_what_is_srgb_or_said_better_stays(profile: Profile, gray_pixels: NDArray[np.uint8]) -> None:
    linear, color = gamma(100_000), np.stack([gray_pixels] * 3, -1)
    for pixels, chunks in (
        (gray_pixels, ()),
        (gray_pixels, (gamma(45_455),)),
        (gray_pixels, (gamma(46_000), primaries(ADOBE))),
        (color, (gamma(45_455), primaries(SRGB))),
        (color, (primaries(ADOBE),)),
        (gray_pixels, (chunk(b"sRGB", b"\0"), linear)),
        (gray_pixels, (chunk(b"cICP", b"\1\15\0\1"), linear)),
        (gray_pixels, (gamma(0),)),
        (gray_pixels, (chunk(b"gAMA", b""),)),
        (color, (linear, primaries((0.0,) * 8))),
        (color, (linear, primaries((0.3,) * 8))),
    ):
        assert read_profile(io.BytesIO(png(pixels, *chunks))) is None
    icc = profile("GRAY", 2.2)
    assert read_photo(png(gray_pixels, linear, icc=icc)).metadata.icc == icc
    assert read_photo(png(gray_pixels)).metadata.icc is None
    icc = profile("RGB ", 2.2)
    assert read_photo(Image.open(io.BytesIO(png(color, linear, icc=icc)))).metadata.icc == icc


def test_a_profile_of_srgb_s_primaries_is_srgb_s_but_for_the_curve() -> None:
    icc, own = make_profile(1.0, SRGB, color=True), srgb_profile()
    assert icc is not None
    assert not is_srgb(icc)
    for tag in (b"rXYZ", b"gXYZ", b"bXYZ"):
        places = (struct.unpack_from(">I", found, found.index(tag) + 4)[0] for found in (icc, own))
        mine, theirs = (
            np.frombuffer(found, ">i4", 3, at + 8) / 65536 for found, at in zip((icc, own), places, strict=True)
        )
        np.testing.assert_allclose(mine, theirs, atol=2e-3)


@given(st.lists(st.tuples(st.sampled_from([b"gAMA", b"cHRM", b"IDAT", b"tEXt"]), st.binary(max_size=40)), max_size=5))
def test_any_chunks_give_a_sound_profile_or_none(chunks: list[tuple[bytes, bytes]]) -> None:
    data = bytes(8) + chunk(b"IHDR", bytes([2] * 13)) + b"".join(chunk(kind, data) for kind, data in chunks)
    icc = read_profile(io.BytesIO(data))
    assert icc is None or is_sound(icc)


@given(st.floats(0, 20), st.lists(st.integers(0, 2**32 - 1), min_size=8, max_size=8))
def test_any_figures_give_a_sound_profile_or_none(gamma: float, figures: list[int]) -> None:
    icc = make_profile(gamma, [figure / 100_000 for figure in figures], color=True)
    assert icc is None or is_sound(icc)
