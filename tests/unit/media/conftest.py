"""ICC profiles made here: small ones of gray and of RGB, with a plain power curve."""

from __future__ import annotations

import struct
from collections.abc import Callable

import pytest

D50 = (0.9642, 1.0, 0.8249)
ADOBE = ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457))


def make_profile(space: str, gamma: float) -> bytes:
    """An ICC profile, version 2: ``GRAY``, or ``RGB `` with Adobe RGB's primaries."""

    def xyz(values: tuple[float, float, float]) -> bytes:
        return b"XYZ " + bytes(4) + struct.pack(">3i", *(round(value * 65536) for value in values))

    curve = b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256)) + bytes(2)
    text = b"desc" + bytes(4) + struct.pack(">I", 5) + b"test\0" + bytes(78)
    tags = {b"desc": text + bytes(-len(text) % 4), b"wtpt": xyz(D50), b"cprt": b"text" + bytes(4) + b"none"}
    if space == "GRAY":
        tags[b"kTRC"] = curve
    else:
        for letter, primary in zip((b"r", b"g", b"b"), ADOBE, strict=True):
            tags |= {letter + b"XYZ": xyz(primary), letter + b"TRC": curve}
    at = 132 + 12 * len(tags)
    table, data = struct.pack(">I", len(tags)), b""
    for name, value in tags.items():
        table += struct.pack(">4sII", name, at + len(data), len(value))
        data += value
    header = struct.pack(">I4sI4s4s4s", at + len(data), b"test", 0x02400000, b"mntr", space.encode(), b"XYZ ")
    header += bytes(12) + b"acsp" + bytes(28) + struct.pack(">3i", *(round(value * 65536) for value in D50))
    return header.ljust(128, b"\0") + table + data


@pytest.fixture(scope="session")
def profile() -> Callable[[str, float], bytes]:
    """Returns :func:`make_profile`."""
    return make_profile
