"""How a TIFF stores a page, for reading less of it, and for writing a result the same way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import BinaryIO, Literal

from tinct.errors import UnreadablePhoto
from tinct.media.ifd import BadStructure, Directory, Reader, Structure
from tinct.media.tiff_samples import Samples, read_samples

_SUBFILE, _WIDTH, _HEIGHT, _COMPRESSION, _SUBIFDS = 254, 256, 257, 259, 330
_TILE_WIDTH, _TILE_HEIGHT, _PREDICTOR = 322, 323, 317
_DNG_VERSION = 50706
_REDUCED, _MASK = 1, 4  # bits of the kind of a picture
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
    """How a TIFF stores a page."""

    compression: int = 1
    """As TIFF numbers it."""
    predictor: int = 1
    """1 none, 2 differences of neighbors."""
    tile: tuple[int, int] | None = None
    """Height and width of a tile, None where it is in strips."""
    levels: tuple[Level, ...] = ()
    """Smaller copies, the largest first; empty where it is no pyramid."""
    pages: int = 1
    """Pages of the file: its pictures without their smaller copies and masks."""
    big: bool = False
    """Whether the file is a BigTIFF."""
    page: int = field(default=1, compare=False)
    """Which of the pages this is, from 1 up."""
    index: int = field(default=0, compare=False)
    """Number of its directory, smaller copies counted, from 0 up."""
    offset: int = field(default=0, compare=False)
    """Where its directory lies."""
    document: int = field(default=0, compare=False)
    """Pixels of all pages."""
    samples: Samples = field(default=Samples(), compare=False)
    """What those of a pixel mean."""


def read_layouts(file: BinaryIO, name: str) -> list[TiffLayout]:
    """Read how the pages of a TIFF are stored; none where its directories are damaged.

    Raises:
        UnreadablePhoto: it is a camera's raw file, whose first picture is a thumbnail.
    """
    try:
        reader = Reader(file)
        offsets, directories = _walk(reader)
        while len(directories) > 1 and _WIDTH not in directories[-1]:
            directories.pop()  # it holds no picture, but Content Credentials of a file of several
    except BadStructure:
        return []

    def number(directory: Directory, tag: int, default: int = 0) -> int:
        entry = directory.get(tag)
        return reader.number(entry.data[: len(entry.data) // entry.count]) if entry else default

    def size(directory: Directory) -> tuple[int, int]:
        return number(directory, _HEIGHT), number(directory, _WIDTH)

    first = directories[0]
    if _DNG_VERSION in first or (number(first, _SUBFILE) & _REDUCED and _SUBIFDS in first):
        raise UnreadablePhoto(f"{name} is a camera's raw file, which Tinct doesn't read; develop it to TIFF or JPEG")
    starts = [n for n, d in enumerate(directories) if not number(d, _SUBFILE) & (_REDUCED | _MASK)] or [0]
    if _TILE_WIDTH in first and _levels("page", 1, [size(d) for d in directories[1:]], size(first)):
        starts = [0]  # a pyramid by a program that doesn't say so
    found = []
    for page, (start, end) in enumerate(zip(starts, [*starts[1:], len(directories)], strict=True), start=1):
        own = directories[start]
        levels = _levels("page", start + 1, [size(d) for d in directories[start + 1 : end]], size(own))
        if not levels:
            levels = _levels("subifd", 0, [size(d) for d in _sub_directories(reader, own)], size(own))
        found.append(
            TiffLayout(
                compression=number(own, _COMPRESSION, 1),
                predictor=number(own, _PREDICTOR, 1),
                tile=(number(own, _TILE_HEIGHT), number(own, _TILE_WIDTH)) if _TILE_WIDTH in own else None,
                levels=levels,
                pages=len(starts),
                big=reader.big,
                page=page,
                index=start,
                offset=offsets[start],
                document=sum(height * width for height, width in (size(directories[n]) for n in starts)),
                samples=read_samples(Structure(reader.order, own)),
            )
        )
    return found


def _walk(reader: Reader) -> tuple[list[int], list[Directory]]:
    """Return where the directories lie, and the directories."""
    found: list[Directory] = []
    offsets: list[int] = []
    seen: set[int] = set()
    offset = reader.first
    while offset and offset not in seen and len(found) < _MOST_PAGES:
        seen.add(offset)
        here = offset
        try:
            directory, _ = reader.directory(offset)
            offset = reader.next_of(offset)
        except BadStructure:
            if not found:
                raise
            break
        offsets.append(here)
        found.append(directory)
    if not found:
        raise BadStructure("no directory")
    return offsets, found


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


def _levels(
    kind: Literal["page", "subifd"], start: int, sizes: list[tuple[int, int]], full: tuple[int, int]
) -> tuple[Level, ...]:
    """Return the pictures, numbered from ``start``, that halve the full one again and again; none unless all do."""
    found: list[Level] = []
    for number, (height, width) in enumerate(sizes, start=1):
        if any(abs(side * 2**number - whole) > 2**number for side, whole in zip((height, width), full, strict=True)):
            return ()
        found.append(Level(kind, start + number - 1, height, width))
    return tuple(found)
