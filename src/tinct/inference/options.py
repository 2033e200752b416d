"""What a user can ask of a colorization."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar, get_args

import numpy as np
from numpy.typing import NDArray

from tinct.color.lab import srgb_to_lab
from tinct.errors import HintError, OptionError
from tinct.inference.checks import number, whole
from tinct.media.marking import STEPS, Step

if TYPE_CHECKING:
    from tinct.inference.prior import Prior
    from tinct.media.photo import Photo, Readable

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
        for name in ("x", "y"):
            value = getattr(self, name)
            _position(value, 100.0, name)
            object.__setattr__(self, name, value.item() if isinstance(value, np.generic) else value)
        if not isinstance(self.color, str) or not _COLOR.fullmatch(self.color):
            raise HintError(f"a hint's color is {self.color!r}, expected #RRGGBB, for example #a03020")
        radius = whole(self.radius, "a hint's radius", 1, note=", in pixels", error=HintError)
        object.__setattr__(self, "radius", radius)

    @classmethod
    def parse(cls, text: str) -> Hint:
        """Read ``X,Y,#RRGGBB[,RADIUS]``.

        Raises:
            HintError: the text is malformed.
        """
        if not isinstance(text, str):
            raise HintError(f"a hint is {text!r:.60}, expected the text X,Y,#RRGGBB[,RADIUS]")
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


HintLike: TypeAlias = "Hint | str | Mapping[str, Any]"
"""A hint, the text that :meth:`Hint.parse` reads, or the fields of one as JSON has them."""


def as_hints(given: HintLike | Iterable[HintLike] | None) -> tuple[Hint, ...]:
    """Return hints that were given in any of their forms, one or several; None stands for none.

    Raises:
        HintError: one is malformed; the message says which.

    >>> as_hints(["12,40%,#a03020", {"x": 5, "y": 6, "color": "#203040"}])[1].radius
    3
    """
    entries = () if given is None else (given,) if isinstance(given, (Hint, str, Mapping)) else given
    if not isinstance(entries, Iterable):
        raise HintError(f"hints are {given!r:.60}, expected a list of them")
    return tuple(_hint(entry, place) for place, entry in enumerate(entries, 1))


def _hint(entry: HintLike, place: int) -> Hint:
    if isinstance(entry, Hint):
        return entry
    try:
        if isinstance(entry, str):
            return Hint.parse(entry)
        if isinstance(entry, Mapping) and {*_FIELDS[:3]} <= entry.keys() <= {*_FIELDS}:
            return Hint(**entry)
    except HintError as error:
        raise HintError(f"hint {place}: {error}") from error
    raise HintError(
        f"hint {place} is {entry!r:.80}, expected a Hint, the text X,Y,#RRGGBB[,RADIUS], or a dictionary with the "
        "fields x, y, color and perhaps radius"
    )


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
    for place, entry in enumerate(entries, 1):
        if not isinstance(entry, dict) or not example.keys() <= entry.keys() or entry.keys() - {*example, *_FIELDS}:
            expected = f"{', '.join(example)} and perhaps radius"
            raise HintError(f"hint {place} of {path} is {entry!r}, expected the fields {expected}")
        try:
            hints.append(make(entry))
        except OptionError as error:
            raise HintError(f"hint {place} of {path}: {error}") from error
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
        object.__setattr__(self, "of", whole(self.of, "the number of variants", 1, MOST_VARIANTS))
        object.__setattr__(self, "number", whole(self.number, "the number of this variant", 1, self.of))
        object.__setattr__(self, "seed", whole(self.seed, "the seed of variants", 0))

    @classmethod
    def all(cls, of: int, seed: int = 0) -> tuple[Variant, ...]:
        """Return all variants of a photograph.

        Raises:
            OptionError: see :class:`Variant`.
        """
        first = cls(1, of, seed)
        return tuple(replace(first, number=place) for place in range(1, of + 1))


@dataclass(frozen=True, slots=True)
class ColorizeOptions:
    """How to colorize; each field has a default that suits most photographs.

    Raises:
        OptionError: a value is out of range.
        UnreadablePhoto, TruncatedPhoto, PhotoTooLarge: the mask or the reference is a file object that can't be read.
    """

    mode: Mode = "vivid"
    """Which of the two named read-outs."""
    vividness: float | None = None
    """0..1, a point on the path from dull to lively; goes before ``mode``. None leaves the choice to ``mode``."""
    saturation: float = 1.0
    """Factor on the saturation of HSV, skin and near-gray protected; 1 is off."""
    hints: tuple[Hint, ...] = ()
    """Colors chosen by hand, given in any form of :data:`HintLike`. Where two overlap, the later one counts."""
    size: int | None = None
    """Short side that the network sees, in pixels; None takes the model's own, which a larger one is averaged with."""
    layer: bool = False
    """Give the color alone, as a 16-bit layer of even lightness, in place of the finished picture."""
    mask: Photo | Readable | None = None
    """Of the photograph's shape: white is colorized, black or transparent stays as it was, gray lies between."""
    prior: Prior | None = None
    """Colors shared with other photographs, see :mod:`~tinct.inference.prior`."""
    variant: Variant | None = None
    """Another way to color the whole; None takes the usual one."""
    reference: Photo | Readable | None = None
    """A color picture of the same or like things: where both look alike, its colors steer."""
    value_shift: float = 0.0
    """Added to the value of HSV at the end, -1..1: lighter or darker at the same saturation. 0 keeps the photograph's
    own lightness."""
    restore: tuple[Step, ...] = ()
    """What to do to the lightness before: ``dust``, ``scratches``, ``contrast``; see :mod:`tinct.media.restore`."""

    if TYPE_CHECKING:  # what is taken is wider than what is kept

        def __init__(
            self,
            mode: Mode = "vivid",
            vividness: float | None = None,
            saturation: float = 1.0,
            hints: HintLike | Iterable[HintLike] | None = (),
            size: int | None = None,
            layer: bool = False,
            mask: Photo | Readable | None = None,
            prior: Prior | None = None,
            variant: Variant | None = None,
            reference: Photo | Readable | None = None,
            value_shift: float = 0.0,
            restore: Step | Iterable[Step] | None = (),
        ) -> None: ...

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise OptionError(f"mode is {self.mode!r}; choose one of {', '.join(MODES)}")
        steps = self.restore or ()
        checked: dict[str, object] = {
            "saturation": number(self.saturation, "saturation", 0, MOST_SATURATION, " (1 is off)"),
            "value_shift": number(self.value_shift, "the shift of the value", -1, 1, " (0 is off)"),
            "hints": as_hints(self.hints),
            "restore": (steps,) if isinstance(steps, str) else tuple(steps),
        }
        for name in ("mask", "reference"):
            if hasattr(given := getattr(self, name), "read"):  # it gives its bytes once, options are used again
                from tinct.media.photo import read_photo

                checked[name] = read_photo(given)
        if self.vividness is not None:
            checked["vividness"] = number(self.vividness, "vividness", 0, 1)
        if self.size is not None:
            checked["size"] = whole(self.size, "size", *SIZES, note=", pixels of the short side")
        for name, value in checked.items():
            object.__setattr__(self, name, value)
        if unknown := set(self.restore) - set(STEPS):
            raise OptionError(f"can't restore {', '.join(sorted(map(repr, unknown)))}; choose of {', '.join(STEPS)}")
        if self.restore and self.layer:
            raise OptionError("a layer holds color alone, which restores nothing; leave one of the two out")
        if self.value_shift and self.layer:
            raise OptionError("a layer holds color alone, so there is no value to shift; leave one of the two out")
