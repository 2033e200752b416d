"""Putting one TIFF behind another, as its next page.

The pages that libvips can write at once are all of one size and one depth; those of a scanned album aren't. Each is
written as a file of its own, copied behind the last, and its directories are written anew with the places moved.
"""

from __future__ import annotations

import io
import shutil
import struct
from pathlib import Path

from tinct.errors import OutputError
from tinct.media.ifd import Directory, Entry, Reader, Structure, lay_out, read_structure

_PLACES = (273, 324)  # of strips, of tiles
_SUBIFDS = 330
_ANEW = (*_PLACES, _SUBIFDS)
_MOST = 0xFFFFFFFF  # the last place in a classic TIFF
_CODES = {3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}


def append_page(path: Path, page: Path) -> None:
    """Make the first picture of ``page``, with its smaller copies in sub-directories, the last page of ``path``.

    Args:
        path: a TIFF.
        page: another one, of the same byte order and kind (classic or big).

    Raises:
        OutputError: they are classic, and too large together.
    """
    with path.open("r+b") as file, page.open("rb") as added:
        last = _last_directory(Reader(file))
        end = file.seek(0, io.SEEK_END)
        base = end + -end % 16
        file.write(bytes(base - end))
        added.seek(0)
        shutil.copyfileobj(added, file, 1 << 20)

        reader = Reader(added)
        structure = read_structure(added, largest=reader.size)
        order, big = reader.order, reader.big
        below = _numbers(structure.main.pop(_SUBIFDS, None), order)
        _move(structure.main, base, order, big=big)

        def put(found: Structure, origin: int) -> int:
            """Write the directory that lay at ``origin`` in the page; its values have come along, but for the moved."""
            there = {tag: place + base for tag, place in reader.places(origin).items() if tag not in _ANEW}
            cursor = file.seek(0, io.SEEK_END)
            start = cursor + -cursor % 16
            data, first = lay_out(found, start=start, big=big, there=there)
            if not big and start + len(data) > _MOST:
                raise OutputError("the pages together are too large for a classic TIFF; colorize them apart (--pages)")
            file.write(bytes(start - cursor) + data)
            return first

        places = []
        for offset in below:
            copy, _ = reader.directory(offset, largest=reader.size)
            _move(copy, base, order, big=big)
            places.append(put(Structure(order, copy), offset))
        if places:
            structure.main[_SUBIFDS] = _pointers(places, order, big=big)
        first = put(structure, reader.first)
        file.seek(last)
        file.write(struct.pack(order + ("Q" if big else "I"), first))


def _last_directory(reader: Reader) -> int:
    """Return where the last page's directory keeps the place of the next one."""
    offset = reader.first
    while following := reader.next_of(offset):
        offset = following
    return reader.next_at(offset)


def _move(directory: Directory, by: int, order: str, *, big: bool) -> None:
    """Add to the places of strips and tiles; they may have been short, and get all the room that there is."""
    for tag in _PLACES:
        if tag in directory:
            directory[tag] = _pointers([place + by for place in _numbers(directory[tag], order)], order, big=big)


def _numbers(entry: Entry | None, order: str) -> tuple[int, ...]:
    return () if entry is None else struct.unpack(f"{order}{entry.count}{_CODES[entry.type]}", entry.data)


def _pointers(places: list[int], order: str, *, big: bool) -> Entry:
    if not big and max(places, default=0) > _MOST:
        raise OutputError("the pages together are too large for a classic TIFF; colorize them apart (--pages)")
    return Entry(16 if big else 4, len(places), struct.pack(f"{order}{len(places)}{'Q' if big else 'I'}", *places))
