"""Which pages of a file are meant: ``all``, or numbers and ranges such as ``1,3-5``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tinct.errors import OptionError, UnreadablePhoto

_PART = re.compile(r"(\d+)(?:-(\d+)?)?")


@dataclass(frozen=True, slots=True)
class Pages:
    """Pages of a file, counted from 1."""

    spans: tuple[tuple[int, int | None], ...] = ((1, None),)
    """First and last of each range, in order; None stands for the file's last."""

    @classmethod
    def parse(cls, text: str) -> Pages:
        """Read ``all``, or numbers and ranges: ``2``, ``1,3-5``, ``4-`` (the fourth and all after it).

        Raises:
            OptionError: it is something else.

        >>> Pages.parse("1,3-5").spans
        ((1, 1), (3, 5))
        """
        if text.strip().lower() == "all":
            return cls()
        spans: list[tuple[int, int | None]] = []
        for part in text.split(","):
            match = _PART.fullmatch(part.strip())
            first = int(match[1]) if match else 0
            last = first if match is None or "-" not in part else int(match[2]) if match[2] else None
            if first < 1 or (last is not None and last < first):
                raise OptionError(
                    f"pages are {text!r}, expected all, or numbers and ranges from 1 up, for example 1,3-5 or 4-"
                )
            spans.append((first, last))
        return cls(tuple(spans))

    @property
    def one(self) -> int | None:
        """The number of the page where it is one alone, else None."""
        (first, last), *others = self.spans
        return first if first == last and not others else None

    def choose(self, count: int, name: str) -> list[int]:
        """Return the numbers of the pages, each once.

        Args:
            count: how many the file has.
            name: what to call it in messages.

        Raises:
            UnreadablePhoto: it has fewer.
        """
        found: dict[int, None] = {}
        for first, last in self.spans:
            if max(first, last or first) > count:
                there = f"{count} pages" if count > 1 else "one page"
                raise UnreadablePhoto(f"{name} has {there}; there is no page {max(first, last or first)}")
            found |= dict.fromkeys(range(first, (last or count) + 1))
        return list(found)

    def __str__(self) -> str:
        """Return what :meth:`parse` reads."""
        if self.spans == ((1, None),):
            return "all"
        return ",".join(
            str(first) if first == last else f"{first}-{'' if last is None else last}" for first, last in self.spans
        )


def join_notes(said: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Return the notes on the pages of a file, each once, with its pages where it isn't about all of them.

    Args:
        said: for each page, in order, what there is to say of it.

    >>> join_notes([("toned",), ("toned", "cut short")])
    ('toned', 'page 2: cut short')
    """
    pages: dict[str, list[str]] = {}
    for number, notes in enumerate(said, start=1):
        for note in notes:
            pages.setdefault(note, []).append(str(number))
    return tuple(
        note if len(found) == len(said) else f"page{'s' * (len(found) > 1)} {', '.join(found)}: {note}"
        for note, found in pages.items()
    )
