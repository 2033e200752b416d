"""What a user can ask of a colorization, and what comes back."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar, get_args

import numpy as np
from numpy.typing import NDArray

from tinct.color.lab import srgb_to_lab
from tinct.errors import HintError, OptionError
from tinct.media.marking import STEPS, Step

if TYPE_CHECKING:
    from tinct.inference.prior import Prior
    from tinct.media.photo import Photo

Made = TypeVar("Made")
Mode = Literal["vivid", "faithful"]
"""``vivid``: lively colors; ``faithful``: the expected ones, duller and more often right."""
MODES: tuple[Mode, ...] = get_args(Mode)

SIZES = (16, 1536)
"""Least and most of the short side that the network may see, in pixels."""
MOST_VARIANTS = 12
"""More of one photograph resemble each other."""
MOST_SATURATION = 10.0
"""Beyond it every color is as full as it gets."""

_COLOR = re.compile(r"#[0-9a-fA-F]{6}")
_FIELDS = ("x", "y", "color", "radius")


@dataclass(frozen=True, slots=True)
class Hint:
    """A color chosen for a place of the picture; only its a and b count, lightness stays the photograph's.

    It covers the pixels x - radius to x + radius - 1, and the same in y, as far as they are in the picture.

    Raises:
        HintError: a value is malformed; whether it lies in the picture is found out with a picture at hand.

    >>> Hint.parse("12,40%,#a03020").radius
    3
    """

    x: float | str
    """From the left of the upright picture, in pixels or as ``"40%"`` of the width."""
    y: float | str
    """From the top, in pixels or as a percentage of the height."""
    color: str
    """sRGB as ``#RRGGBB``."""
    radius: int = 3
    """In pixels of the picture, at least 1."""

    def __post_init__(self) -> None:
        _position(self.x, 100.0, "x")
        _position(self.y, 100.0, "y")
        if not isinstance(self.color, str) or not _COLOR.fullmatch(self.color):
            raise HintError(f"a hint's color is {self.color!r}, expected #RRGGBB, for example #a03020")
        if isinstance(self.radius, bool) or not isinstance(self.radius, int) or self.radius < 1:
            raise HintError(f"a hint's radius is {self.radius!r}, expected a whole number of pixels from 1 up")

    @classmethod
    def parse(cls, text: str) -> Hint:
        """Read ``X,Y,#RRGGBB[,RADIUS]``.

        Raises:
            HintError: the text is malformed.
        """
        parts = [part.strip() for part in text.split(",")]
        if len(parts) not in (3, 4):
            raise HintError(f"hint {text!r} is malformed, expected X,Y,#RRGGBB[,RADIUS], for example 120,40%,#a03020")
        try:
            radius = int(parts[3]) if len(parts) == 4 else 3
        except ValueError as error:
            raise HintError(f"hint {text!r} has the radius {parts[3]!r}, expected a whole number of pixels") from error
        return cls(parts[0], parts[1], parts[2], radius)

    def place(self, height: int, width: int) -> tuple[int, int, int, int]:
        """Return the pixels that it covers: top, bottom, left, right; bottom and right are the first not covered.

        Raises:
            HintError: its center lies outside the picture.
        """
        y, x = _position(self.y, height, "y"), _position(self.x, width, "x")
        for name, value, end, given in (("x", x, width, self.x), ("y", y, height, self.y)):
            if not 0 <= value < end:
                raise HintError(
                    f"the hint at x={self.x}, y={self.y} lies outside the picture of {width} x {height} pixels: "
                    f"{name} is {given}, expected 0 to {end - 1}"
                )
        row, column, r = int(y), int(x), self.radius
        return max(0, row - r), min(height, row + r), max(0, column - r), min(width, column + r)

    def ab(self) -> NDArray[np.float32]:
        """Return a and b of its color, float32 (2,), in Lab units."""
        rgb = np.array([int(self.color[start : start + 2], 16) for start in (1, 3, 5)], np.float32)
        return srgb_to_lab(rgb / np.float32(255))[1:]


def _position(value: float | str, length: float, name: str) -> float:
    """Return a coordinate in pixels; 100 % is the last pixel."""
    try:
        if isinstance(value, str) and value.endswith("%"):
            share = float(value[:-1])
            position = min(share / 100 * length, math.nextafter(length, 0)) if share <= 100 else math.inf
        else:
            position = float(value)
        if math.isnan(position):
            raise ValueError("not a number")
    except (TypeError, ValueError, OverflowError) as error:
        raise HintError(f"a hint's {name} is {value!r:.60}, expected pixels (120) or a percentage ('40%')") from error
    return position


def load_hints(path: str | os.PathLike[str]) -> tuple[Hint, ...]:
    """Read hints from a JSON file: ``[{"x": 12, "y": "40%", "color": "#a03020", "radius": 3}, ...]``.

    Raises:
        HintError: the file can't be read, or an entry is malformed; the message says which.
    """
    return read_hints(path, lambda entry: Hint(**entry))


def read_hints(
    path: str | os.PathLike[str], make: Callable[[dict[str, Any]], Made], further: Mapping[str, Any] | None = None
) -> tuple[Made, ...]:
    """Read a list of hints of any kind from a JSON file.

    Args:
        path: of the file.
        make: makes one of its fields, which are those of :class:`Hint` and the further ones.
        further: fields that every entry must have besides, with an example of each.

    Raises:
        HintError: the file can't be read, or an entry is malformed; the message says which.
    """
    example = {**(further or {}), "x": 12, "y": "40%", "color": "#a03020"}
    try:
        # Some editors begin a file with a byte order mark.
        entries: Any = json.loads(Path(path).read_text("utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise HintError(f"hints can't be read from {path} ({error})") from error
    if not isinstance(entries, list):
        raise HintError(f"{path} holds no list of hints, expected [{json.dumps(example)}, ...]")
    hints: list[Made] = []
    for number, entry in enumerate(entries, 1):
        if not isinstance(entry, dict) or not example.keys() <= entry.keys() or entry.keys() - {*example, *_FIELDS}:
            expected = f"{', '.join(example)} and perhaps radius"
            raise HintError(f"hint {number} of {path} is {entry!r}, expected the fields {expected}")
        try:
            hints.append(make(entry))
        except OptionError as error:
            raise HintError(f"hint {number} of {path}: {error}") from error
    return tuple(hints)


@dataclass(frozen=True, slots=True)
class Variant:
    """One of several other ways in which a photograph could be colored as a whole.

    Raises:
        OptionError: a value is out of range.
    """

    number: int
    """Which one, 1 to ``of``."""
    of: int
    """How many there are; they keep away from each other."""
    seed: int = 0
    """Another one gives others."""

    def __post_init__(self) -> None:
        for name, value, most in (("of", self.of, MOST_VARIANTS), ("number", self.number, self.of)):
            if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
                raise OptionError(f"a variant's {name} is {value!r}, expected a whole number from 1 to {most}")
        if isinstance(self.seed, bool) or not isinstance(self.seed, int) or self.seed < 0:
            raise OptionError(f"a variant's seed is {self.seed!r}, expected a whole number from 0 up")


@dataclass(frozen=True, slots=True)
class ColorizeOptions:
    """How to colorize; each field has a default that suits most photographs.

    Raises:
        OptionError: a value is out of range.
    """

    mode: Mode = "vivid"
    """Which of the two named read-outs."""
    vividness: float | None = None
    """0..1, a point on the path from dull to lively; goes before ``mode``. None leaves the choice to ``mode``."""
    saturation: float = 1.0
    """Factor on the saturation of HSV, skin and near-gray protected; 1 is off."""
    hints: tuple[Hint, ...] = ()
    """Colors chosen by hand. Where two overlap, the later one counts."""
    size: int | None = None
    """Short side that the network sees, in pixels; None takes the model's own, which a larger one is averaged with."""
    layer: bool = False
    """Give the color alone, as a 16-bit layer of even lightness, in place of the finished picture."""
    mask: Photo | str | os.PathLike[str] | bytes | NDArray[Any] | None = None
    """Of the photograph's shape: white is colorized, black or transparent stays as it was, gray lies between."""
    prior: Prior | None = None
    """Colors shared with other photographs, see :mod:`~tinct.inference.prior`."""
    variant: Variant | None = None
    """Another way to color the whole; None takes the usual one."""
    reference: Photo | str | os.PathLike[str] | bytes | NDArray[Any] | None = None
    """A color picture of the same or like things: where both look alike, its colors steer."""
    value_shift: float = 0.0
    """Added to the value of HSV at the end, -1..1: lighter or darker at the same saturation. 0 keeps the photograph's
    own lightness."""
    restore: tuple[Step, ...] = ()
    """What to do to the lightness before: ``dust``, ``scratches``, ``contrast``; see :mod:`tinct.media.restore`."""

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise OptionError(f"mode is {self.mode!r}; choose one of {', '.join(MODES)}")
        if self.vividness is not None and not 0 <= self.vividness <= 1:
            raise OptionError(f"vividness is {self.vividness}, expected 0 to 1")
        if not 0 <= self.saturation <= MOST_SATURATION:
            raise OptionError(f"saturation is {self.saturation}, expected 0 to {MOST_SATURATION:g} (1 is off)")
        if not -1 <= self.value_shift <= 1:
            raise OptionError(f"the shift of the value is {self.value_shift}, expected -1 to 1 (0 is off)")
        if unknown := set(self.restore) - set(STEPS):
            raise OptionError(f"can't restore {', '.join(sorted(unknown))}; choose of {', '.join(STEPS)}")
        if self.restore and self.layer:
            raise OptionError("a layer holds color alone, which restores nothing; leave one of the two out")
        if self.value_shift and self.layer:
            raise OptionError("a layer holds color alone, so there is no value to shift; leave one of the two out")
        if self.size is not None and not SIZES[0] <= self.size <= SIZES[1]:
            raise OptionError(f"size is {self.size}, expected {SIZES[0]} to {SIZES[1]} pixels for the short side")


@dataclass(frozen=True, slots=True)
class Result:
    """A colorized photograph."""

    photo: Photo
    """The picture; its pixels are computed when they are asked for or written."""
    notes: tuple[str, ...]
    """What a user should know, a sentence each."""
    model: str
    """Name of the model."""
    _chances: Callable[[], NDArray[np.float32]] = field(repr=False, compare=False)
    """Computes the confidence of the cells."""
    _cells: tuple[float, float] = field(repr=False, compare=False)
    """How many cells cover the photograph's height and width."""

    def confidence(self, *, full: bool = False) -> NDArray[np.float32]:
        """Return how probable it is that each color is right: that the true one lies within 20 Lab units of it.

        Args:
            full: for the photograph's pixels, (H, W), rather than for the cells of a coarse grid, (h, w).

        Returns:
            float32, 0..1.

        Raises:
            OptionError: the model gives colors, and doesn't say how sure it is.
        """
        from tinct.inference.confidence import enlarged

        found = self._chances()
        if not full:
            return found
        pixels: NDArray[np.float32] = enlarged(found, self.photo, self._cells).numpy()
        return pixels.reshape(self.photo.height, self.photo.width)

    def save_confidence(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
        """Write :meth:`confidence` as a gray PNG of 8 bits and the photograph's size, white where it is 1.

        Raises:
            OptionError: the model gives colors, and doesn't say how sure it is.
            OutputExists: the file is there and ``overwrite`` is False.
            OutputError: it can't be written.
        """
        from tinct.inference.confidence import save

        save(self._chances(), self.photo, self._cells, Path(path), overwrite)
