"""How a TIFF stores its first picture, for reading less of it, and for writing a result the same way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO, Literal

from tinct.errors import UnreadablePhoto
from tinct.media.ifd import BadStructure, Directory, Reader

_SUBFILE, _WIDTH, _HEIGHT, _COMPRESSION, _SUBIFDS = 254, 256, 257, 259, 330
_TILE_WIDTH, _TILE_HEIGHT, _PREDICTOR = 322, 323, 317
_DNG_VERSION = 50706
_REDUCED = 1
_MOST_PAGES = 10_000


@dataclass(frozen=True, slots=True)
class Level:
    """A smaller copy of the picture inside the file."""

    kind: Literal["page", "subifd"]
    """The option of libvips' loader that chooses it."""
    index: int
    """The option's value."""
    height: int
    """In pixels."""
    width: int


@dataclass(frozen=True, slots=True)
class TiffLayout:
    """How a TIFF stores its first picture."""

    compression: int = 1
    """As TIFF numbers it."""
    predictor: int = 1
    """1 none, 2 differences of neighbors."""
    tile: tuple[int, int] | None = None
    """Height and width of a tile, None where it is in strips."""
    levels: tuple[Level, ...] = ()
    """Smaller copies, the largest first; empty where it is no pyramid."""
    pages: int = 1
    """Pictures in the file, smaller copies of the first not counted."""


def read_layout(file: BinaryIO, name: str) -> TiffLayout | None:
    """Read how a TIFF is stored; None where its directories are damaged.

    Raises:
        UnreadablePhoto: it is a camera's raw file, whose first picture is a thumbnail.
    """
    try:
        reader = Reader(file)
        directories = _walk(reader)
    except BadStructure:
        return None
    first, *others = directories

    def number(directory: Directory, tag: int, default: int = 0) -> int:
        entry = directory.get(tag)
        return reader.number(entry.data[: len(entry.data) // entry.count]) if entry else default

    if _DNG_VERSION in first or (number(first, _SUBFILE) & _REDUCED and _SUBIFDS in first):
        raise UnreadablePhoto(f"{name} is a camera's raw file, which Tinct doesn't read; develop it to TIFF or JPEG")
    size = (number(first, _HEIGHT), number(first, _WIDTH))
    levels = _levels("page", [(number(d, _HEIGHT), number(d, _WIDTH)) for d in others], size)
    pages = len(directories) - len(levels)
    if not levels:
        below = _sub_directories(reader, first)
        levels = _levels("subifd", [(number(d, _HEIGHT), number(d, _WIDTH)) for d in below], size)
    tiled = _TILE_WIDTH in first
    return TiffLayout(
        compression=number(first, _COMPRESSION, 1),
        predictor=number(first, _PREDICTOR, 1),
        tile=(number(first, _TILE_HEIGHT), number(first, _TILE_WIDTH)) if tiled else None,
        levels=levels,
        pages=pages,
    )


def _walk(reader: Reader) -> list[Directory]:
    found: list[Directory] = []
    seen: set[int] = set()
    offset = reader.first
    while offset and offset not in seen and len(found) < _MOST_PAGES:
        seen.add(offset)
        try:
            directory, _ = reader.directory(offset)
            offset = reader.next_of(offset)
        except BadStructure:
            if not found:
                raise
            break
        found.append(directory)
    if not found:
        raise BadStructure("no directory")
    return found


def _sub_directories(reader: Reader, first: Directory) -> list[Directory]:
    pointers = first.get(_SUBIFDS)
    if pointers is None:
        return []
    size = len(pointers.data) // pointers.count
    offsets = [reader.number(pointers.data[at : at + size]) for at in range(0, len(pointers.data), size)]
    try:
        return [reader.directory(offset)[0] for offset in offsets]
    except BadStructure:
        return []


def _levels(kind: Literal["page", "subifd"], sizes: list[tuple[int, int]], full: tuple[int, int]) -> tuple[Level, ...]:
    """Return the pictures that halve the full one again and again; none unless all of them do."""
    found: list[Level] = []
    for number, (height, width) in enumerate(sizes, start=1):
        if any(abs(side * 2**number - whole) > 2**number for side, whole in zip((height, width), full, strict=True)):
            return ()
        found.append(Level(kind, number if kind == "page" else number - 1, height, width))
    return tuple(found)
