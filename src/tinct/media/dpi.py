"""The one rule for a picture's resolution, wherever it is said."""

from __future__ import annotations

from collections.abc import Iterable

Resolution = tuple[float, float]
"""Dots an inch, across and down."""
LEAST, MOST = 0.1, 100_000
"""Dots an inch that count; what is outside is a slip of whoever wrote it, and more than some formats hold."""


def upright_dpi(said: Iterable[Resolution | None], orientation: int) -> Resolution | None:
    """Return the resolution of the upright picture.

    Args:
        said: what is said of the picture as stored, what counts most first.
        orientation: how it is stored, 1..8 as in EXIF.

    Returns:
        the first that counts, None where there is none.

    >>> upright_dpi([None, (2e8, 2e8), (299.9994, 150)], 6)
    (150, 300)
    """
    for found in said:
        if found is not None and all(LEAST <= value <= MOST for value in found):
            across, down = map(_tidy, found)
            return (across, down) if orientation < 5 else (down, across)
    return None


def _tidy(value: float) -> float:
    """Return what was whole before some format counted dots a meter."""
    return round(value) if abs(value - round(value)) < 0.02 else value
