"""The curve of a gray ICC profile, evaluated as it is written.

LittleCMS keeps curves as tables, which are too coarse near black for scans of linear light.

Source: ICC.1:2022, 10.6 (curveType), 10.18 (parametricCurveType) and F.2 (gray profiles).
"""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

Levels = NDArray[np.float64]

_TABLES = (b"A2B0", b"A2B1", b"A2B2", b"D2B0", b"D2B1", b"D2B2")  # they go before a curve
_PARAMETERS = (1, 3, 4, 5, 7)  # how many, for each kind of parametric curve


def luminance(icc: bytes, levels: Levels) -> Levels | None:
    """Return the luminance that a profile gives gray levels.

    Args:
        icc: a whole profile (see :func:`tinct.media.spaces.is_sound`).
        levels: float64, 0..1, of any shape.

    Returns:
        Y in 0..1, where white is 1, of the same shape; None where the profile isn't one of gray by a curve alone.
    """
    if icc[16:20] != b"GRAY" or icc[20:24] != b"XYZ ":
        return None
    entries = (struct.unpack_from(">4sII", icc, 132 + 12 * number) for number in range(int.from_bytes(icc[128:132])))
    tags = {name: icc[offset : offset + size] for name, offset, size in entries}
    if b"kTRC" not in tags or any(name in tags for name in _TABLES):
        return None
    try:
        found = _evaluate(tags[b"kTRC"], levels)
    except (struct.error, ValueError):  # the curve is cut short
        return None
    return None if found is None or not np.isfinite(found).all() else found.clip(0, 1)


def _evaluate(curve: bytes, levels: Levels) -> Levels | None:
    if curve.startswith(b"curv"):
        (count,) = struct.unpack_from(">I", curve, 8)
        values = np.frombuffer(curve, ">u2", count, 12)
        if count < 2:
            return levels ** (values[0] / 256) if count else levels
        return np.interp(levels, np.linspace(0, 1, count), values / 65535)
    (kind,) = struct.unpack_from(">H", curve, 8)
    if not curve.startswith(b"para") or kind >= len(_PARAMETERS):
        return None
    given = np.frombuffer(curve, ">i4", _PARAMETERS[kind], 12) / 65536
    return _parametric(kind, [float(value) for value in given], levels)


def _parametric(kind: int, given: list[float], levels: Levels) -> Levels | None:
    """Evaluate a curve of two pieces: (a x + b) ** gamma + e from x = d up, c x + f below."""
    gamma, a, b, c, d, e, f = [*given, *[0.0] * (7 - len(given))]
    if kind == 0:
        a = 1.0
    if a <= 0:
        return None
    if kind < 3:  # the lower piece is even, and the upper one begins where its base is 0
        c, d, e, f = 0.0, -b / a, c, c
    return np.where(levels >= d, np.maximum(a * levels + b, 0) ** gamma + e, c * levels + f)
