"""Curves of gray profiles, against their definitions and against LittleCMS where its tables are fine enough."""

from __future__ import annotations

import struct

import numpy as np
import pytest
import pyvips

from tinct.color import lab
from tinct.media import spaces
from tinct.media.gray_profile import luminance

X = np.linspace(0, 1, 256)


def gray(make, curve: bytes) -> bytes:
    """Return a gray profile with another curve; it is put at the end."""
    icc = bytearray(make("GRAY", 1.0))
    at = icc.index(b"kTRC")
    icc[at : at + 12] = struct.pack(">4sII", b"kTRC", len(icc), len(curve))
    icc += curve
    icc[:4] = struct.pack(">I", len(icc))
    icc[8] = 4  # the version that has parametric curves
    return bytes(icc)


def parametric(kind: int, *values: float) -> bytes:
    return struct.pack(f">4s4xHxx{len(values)}i", b"para", kind, *(round(value * 65536) for value in values))


SRGB = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
CURVES = {
    "identity": (struct.pack(">4s4xI", b"curv", 0), X),
    "table": (struct.pack(">4s4xI5H", b"curv", 5, 0, 5000, 16000, 36000, 65535),
              np.interp(X, [0, 0.25, 0.5, 0.75, 1], np.array([0, 5000, 16000, 36000, 65535]) / 65535)),
    "0": (parametric(0, 1.8), X**1.8),
    "1": (parametric(1, 2.0, 1.25, -0.25), np.where(X >= 0.2, 1.25 * X - 0.25, 0) ** 2),
    "2": (parametric(2, 2.0, 1.0, -0.1, 0.19), np.where(X >= 0.1, X - 0.1, 0) ** 2 + 0.19),
    "3": (parametric(3, *SRGB), lab.decode(X)),
    "4": (parametric(4, 2.0, 0.9, 0.0, 0.2, 0.3, 0.19, 0.2029),
          np.where(X >= 0.3, (0.9 * X) ** 2 + 0.19, 0.2 * X + 0.2029)),
}  # fmt: skip


@pytest.mark.parametrize("name", CURVES)
def test_curves_are_evaluated_as_defined(name, profile):
    curve, expected = CURVES[name]
    icc = gray(profile, curve)
    assert spaces.is_sound(icc)
    found = luminance(icc, X)
    np.testing.assert_allclose(found, expected, atol=1e-4)
    ramp = pyvips.Image.identity(ushort=False).copy(interpretation="b-w")
    ramp.set_type(pyvips.GValue.blob_type, "icc-profile-data", icc)
    levels = ramp.icc_import(embedded=True, intent="relative", pcs="lab").extract_band(0).numpy().reshape(-1)
    own = spaces.gray_lightness(icc, deep=False)
    assert np.abs(own - levels)[own > 30].max() < 0.3


@pytest.mark.parametrize("deep", [False, True])
def test_linear_scans_are_right_down_to_black(deep, profile):
    levels = np.linspace(0, 1, 65536 if deep else 256)
    expected = np.where(levels > 216 / 24389, 116 * np.cbrt(levels) - 16, levels * 24389 / 27)
    np.testing.assert_allclose(spaces.gray_lightness(profile("GRAY", 1.0), deep=deep), expected, atol=0.01)


def test_other_profiles_are_left_to_littlecms(profile):
    assert luminance(profile("RGB ", 2.2), X) is None
    icc = profile("GRAY", 2.2)
    assert luminance(icc[:20] + b"Lab " + icc[24:], X) is None
    for broken in (parametric(9, 1.0), parametric(3, 2.4), struct.pack(">4s4xI", b"curv", 900), b"text"):
        assert luminance(gray(profile, broken), X) is None
