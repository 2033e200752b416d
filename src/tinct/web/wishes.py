"""How a client wants a photograph colored: the form fields are the options of ``tinct colorize``, by their names."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tinct.errors import OptionError
from tinct.inference.options import ColorizeOptions, Hint, Variant
from tinct.jobs.recipe import Recipe
from tinct.media.formats import FORMATS, PNG, choose_format

TRUE, FALSE = ("true", "1", "yes", "on", ""), ("false", "0", "no", "off")
PREVIEW_PIXELS = 1_000_000
"""Of the copy of a picture that is quick to work with."""
MOST_HINTS = 1000
LONGEST = 200
"""Characters of a name that is shown."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a client asks for one photograph."""

    options: dict[str, Any] = field(default_factory=dict)
    """Of :class:`~tinct.inference.options.ColorizeOptions`, as JSON has them; what isn't there is as usual."""
    model: str | None = None
    """Name of a model, None for the user's default."""
    format: str | None = None
    quality: int | None = None
    mark: bool = True
    allow_truncated: bool = False
    mask: str | None = None
    """Id of a file that the client sent with it."""
    reference: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as a job keeps it."""
        return asdict(self)

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Wish:
        """Read what :meth:`to_json` gave."""
        return cls(**{name: found[name] for name in cls.__slots__ if name in found})

    def request(self, path: Path, name: str, model: str, max_pixels: int, **more: Any) -> dict[str, Any]:
        """Return what to ask a sandbox for.

        Args:
            path: of the picture.
            name: what its user calls it.
            model: what the colorizer takes.
            max_pixels: more are refused.
            more: what else the action needs.
        """
        return {
            "do": "colorize",
            "path": str(path),
            "names": {str(path): name},
            "model": model,
            "max_pixels": max_pixels,
            "options": dict(self.options),
            "format": self.format,
            "quality": self.quality,
            "mark": self.mark,
            "allow_truncated": self.allow_truncated,
            **more,
        }


def parse_wish(given: Iterable[tuple[str, str]]) -> Wish:
    """Read form fields.

    Raises:
        OptionError: an unknown field, one that is given twice, or a value that its option doesn't take.
    """
    found: dict[str, Any] = {}
    hints: list[Hint] = []
    for name, text in given:
        if name == "hint":
            hints.append(Hint.parse(text))
            continue
        if name not in READERS:
            choices = ", ".join([*READERS, "hint"])
            raise OptionError(f"there is no field {name!r}; choose of file, mask, reference, {choices}")
        if name in found:
            raise OptionError(f"the field {name} is given twice; only hint may be")
        found[name] = READERS[name](name, text)
    hints = [*found.pop("hints", ()), *hints]
    if len(hints) > MOST_HINTS:
        raise OptionError(f"there are {len(hints)} hints; give at most {MOST_HINTS}")
    options: dict[str, Any] = {
        name: found[name] for name in ("mode", "vividness", "saturation", "size", "layer") if name in found
    }
    if hints:
        options["hints"] = [asdict(hint) for hint in hints]
    number, of = found.get("variant"), found.get("variants")
    if (number is None) != (of is None):
        raise OptionError("variant and variants go together: which one, of how many")
    if number is not None:
        options["variant"] = {"number": number, "of": of, "seed": found.get("seed", 0)}
        Variant(**options["variant"])
    wish = Wish(
        options=options,
        model=found.get("model"),
        format=found.get("format"),
        quality=found.get("quality"),
        mark=not found.get("no-mark", False),
        allow_truncated=found.get("allow-truncated", False),
    )
    plain = {name: value for name, value in options.items() if name not in ("hints", "variant")}
    Recipe(options=ColorizeOptions(**plain), format=wish.format)
    if wish.quality is not None and not 1 <= wish.quality <= 100:
        raise OptionError(f"quality is {wish.quality}, expected 1..100")
    return wish


def parse_hints(text: str) -> tuple[Hint, ...]:
    """Read the JSON text of a file of hints.

    Raises:
        HintError: it is none.
    """
    return check_hints(_json("hints", text))


def check_hints(found: Any) -> tuple[Hint, ...]:
    """Read hints as JSON has them.

    Raises:
        HintError: they are malformed.
    """
    if not isinstance(found, list) or len(found) > MOST_HINTS:
        raise OptionError(
            f'hints are a list of at most {MOST_HINTS}, such as [{{"x": 12, "y": "40%", "color": "#a03020"}}]'
        )
    hints = []
    for number, entry in enumerate(found, 1):
        if not isinstance(entry, dict) or not {"x", "y", "color"} <= entry.keys() or entry.keys() - set(_HINT):
            raise OptionError(f"hint {number} is malformed, expected the fields x, y, color and perhaps radius")
        hints.append(Hint(**entry))
    return tuple(hints)


_HINT = ("x", "y", "color", "radius")


def _json(name: str, text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise OptionError(f"{name} is no JSON ({error})") from error


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise OptionError(f"{name} is {text[:50]!r}, expected a number") from error


def _whole(name: str, text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise OptionError(f"{name} is {text[:50]!r}, expected a whole number") from error


def _flag(name: str, text: str) -> bool:
    if text.lower() not in TRUE + FALSE:
        raise OptionError(f"{name} is {text[:50]!r}, expected true or false")
    return text.lower() in TRUE


def _text(name: str, text: str) -> str:
    if not text or len(text) > LONGEST:
        raise OptionError(f"{name} has {len(text)} characters, expected 1 to {LONGEST}")
    if not text.isprintable():
        raise OptionError(f"{name} is {text!r}, expected characters that can be printed")
    return text


def _format(_name: str, text: str) -> str:
    return choose_format(text, None, PNG).name


READERS: dict[str, Callable[[str, str], Any]] = {
    "mode": _text,
    "vividness": _number,
    "saturation": _number,
    "size": _whole,
    "layer": _flag,
    "hints": lambda _, text: parse_hints(text),
    "variant": _whole,
    "variants": _whole,
    "seed": _whole,
    "model": _text,
    "format": _format,
    "quality": _whole,
    "no-mark": _flag,
    "allow-truncated": _flag,
}
"""Field -> what reads it."""


def shown_name(name: str | None, default: str = "picture") -> str:
    """Return what to call an upload: the last part of its name, of characters that do no harm where it is shown."""
    last = (name or "").replace("\\", "/").rsplit("/", 1)[-1]
    kept = "".join(letter for letter in last if letter.isprintable() and letter not in '"<>:|?*').strip(" .")
    if len(kept) > LONGEST // 2:  # the ending is worth keeping
        kept = kept[: LONGEST // 2 - 10] + kept[-10:]
    return kept or default


MEDIA_TYPES = {form.name: form.media_type for form in FORMATS}
SUFFIXES = {form.name: form.suffixes[0] for form in FORMATS if form.saver}
"""Of the formats that a result can have."""


def result_name(name: str, form: str) -> str:
    """Return what to call the colored picture of a name."""
    stem = name.rsplit(".", 1)[0] if "." in name[1:] else name
    return f"{stem}.color{SUFFIXES[form]}"
