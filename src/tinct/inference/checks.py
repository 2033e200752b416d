"""Numbers that a user gives, of Python or of NumPy: checked, and made Python's."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

from tinct.errors import OptionError


def number(value: Any, name: str, low: float, high: float, note: str = "") -> float:
    """Return a number, as it was given where it is Python's: what a mark says of it depends on that.

    Args:
        value: what was given.
        name: what to call it in messages.
        low: the least.
        high: the most.
        note: what to say after that.

    Raises:
        OptionError: it is no number, or out of range.
    """
    kind = "" if isinstance(value, Real) and not isinstance(value, bool) else "a number, "
    if kind or not low <= value <= high:
        raise OptionError(f"{name} is {value!r:.60}, expected {kind}{low:g} to {high:g}{note}")
    return value if type(value) in (int, float) else float(value)


def whole(
    value: Any, name: str, low: int, high: int | None = None, note: str = "", error: type[OptionError] = OptionError
) -> int:
    """Return a whole number; see :func:`number`. None for ``high`` sets no limit; ``error`` is what to raise."""
    is_whole = isinstance(value, Integral) and not isinstance(value, bool)
    if not is_whole or value < low or (high is not None and value > high):
        span = f"{low} up" if high is None else f"{low} to {high}"
        raise error(f"{name} is {value!r:.60}, expected a whole number from {span}{note}")
    return int(value)
