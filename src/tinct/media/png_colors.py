"""What the numbers of a PNG without a profile mean: its gamma and its primaries, made into a profile.

Sources: PNG specification, third edition, 4.3 and 13.13 (which chunk goes before which); ICC.1:2001-04 (profiles of
version 2).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from tinct.media.containers.png_chunks import walk_chunks

SRGB = (0.3127, 0.3290, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06)
"""x and y of white, red, green and blue, as the chunk has them."""
_SRGB_GAMMA = 0.45455  # as the specification has it for sRGB
_LEAST, _MOST = 0.1, 10.0  # gammas beyond are nobody's
_NEAR = 0.02  # share of a gamma, by which those that mean sRGB differ
_NEAR_PRIMARIES = 0.01
_COLOR_TYPE, _COLOR = 25, 2  # where in the file it is, and its bit
_D50 = np.array([0.9642, 1.0, 0.8249])
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])

Matrix = NDArray[np.float64]


def read_profile(file: BinaryIO) -> bytes | None:
    """Return a profile made of the gamma and the primaries of a PNG that embeds none.

    Args:
        file: the PNG.

    Returns:
        an ICC profile of gray or RGB; None where the numbers are sRGB's, or nothing else is said of them.
    """
    file.seek(_COLOR_TYPE)
    color = bool(int.from_bytes(file.read(1)) & _COLOR)
    chunks: dict[bytes, bytes] = {}
    for kind, size in walk_chunks(file):
        if kind in (b"IDAT", b"IEND"):
            break
        if size <= 32:  # as all that are looked at here
            chunks[kind] = file.read(size)
    if b"sRGB" in chunks or b"cICP" in chunks or len(chunks.get(b"gAMA", b"")) != 4:
        return None
    primaries = chunks.get(b"cHRM", b"")
    return make_profile(
        int.from_bytes(chunks[b"gAMA"]) / 100_000,
        [value / 100_000 for value in struct.unpack(">8I", primaries)] if len(primaries) == 32 else SRGB,
        color=color,
    )


def make_profile(gamma: float, chromaticities: Sequence[float], *, color: bool) -> bytes | None:
    """Return a profile of a plain power curve.

    Args:
        gamma: exponent from light to numbers, as PNG has it: 0.45455 is about sRGB's.
        chromaticities: x and y of white, red, green and blue; they don't count for gray.
        color: whether it is of RGB, or of gray.

    Returns:
        an ICC profile; None where that would be sRGB, or the figures mean nothing.
    """
    if not _LEAST <= gamma <= _MOST:
        return None
    near = not color or np.allclose(chromaticities, SRGB, rtol=0, atol=_NEAR_PRIMARIES)
    if near and abs(gamma / _SRGB_GAMMA - 1) < _NEAR:
        return None
    curve = struct.pack(">4s4xIH2x", b"curv", 1, round(256 / gamma))
    tags = {b"desc": _DESCRIPTION, b"cprt": _COPYRIGHT, b"wtpt": _xyz(_D50)}
    if not color:
        return _assemble(b"GRAY", tags | {b"kTRC": curve})
    primaries = _adapted(np.array(chromaticities).reshape(4, 2))
    if primaries is None:
        return None
    for letter, primary in zip((b"r", b"g", b"b"), primaries.T, strict=True):
        tags |= {letter + b"XYZ": _xyz(primary), letter + b"TRC": curve}
    return _assemble(b"RGB ", tags)


def _adapted(chromaticities: Matrix) -> Matrix | None:
    """Return XYZ of red, green and blue as columns, under D50; None where they are no primaries."""
    if not (chromaticities[:, 1] > 0).all():
        return None
    x, y = chromaticities.T
    white, *colors = np.stack([x / y, np.ones(4), (1 - x - y) / y], axis=1)
    matrix = np.array(colors).T
    if abs(np.linalg.det(matrix)) < 1e-3:
        return None
    cones = _BRADFORD @ white
    adapt = np.linalg.inv(_BRADFORD) @ np.diag(_BRADFORD @ _D50 / cones) @ _BRADFORD
    found: Matrix = adapt @ (matrix * np.linalg.solve(matrix, white))
    return found if np.abs(found).max() < 8 else None


def _xyz(values: Matrix) -> bytes:
    return struct.pack(">4s4x3i", b"XYZ ", *(round(value * 65536) for value in values.tolist()))


def _assemble(space: bytes, tags: dict[bytes, bytes]) -> bytes:
    at = 132 + 12 * len(tags)
    table, data = struct.pack(">I", len(tags)), b""
    for name, value in tags.items():
        table += struct.pack(">4sII", name, at + len(data), len(value))
        data += value + bytes(-len(value) % 4)
    head = struct.pack(">I4xI4s4s4s12x4s", at + len(data), 0x02400000, b"mntr", space, b"XYZ ", b"acsp")
    return (head + bytes(28) + _xyz(_D50)[8:]).ljust(128, b"\0") + table + data


_NAME = b"Gamma of a PNG\0"
_DESCRIPTION = struct.pack(">4s4xI", b"desc", len(_NAME)) + _NAME + bytes(78)
_COPYRIGHT = struct.pack(">4s4x", b"text") + b"None\0"
