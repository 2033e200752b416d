"""TIFF directories: the structure of EXIF blobs, and of TIFF files themselves.

libvips hands EXIF through libexif, which drops private tags and rewrites maker notes, and it reads none of a TIFF
file's; hence this small reader and writer. It keeps every value as its bytes, and a maker note where it was: many hold
offsets of their own, counted from the start of the EXIF.

Source: TIFF 6.0, BigTIFF (libtiff's design page), EXIF 2.32.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO

EXIF, GPS, INTEROP = 0x8769, 0x8825, 0xA005
"""Tags that point at the sub-directories."""
MAKER_NOTE = 0x927C
_USER_COMMENT = 0x9286
_UNICODE = b"UNICODE\0"  # what a comment in UTF-16 begins with

_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8, 129: 1}
# Bytes that turn around together when the byte order changes: a rational is two numbers.
_WORDS = _SIZES | {5: 4, 10: 4}
_LARGEST = 1 << 24  # no tag that is text about a picture is larger; what is, holds pixels or an attack


class BadStructure(ValueError):
    """The bytes are no TIFF structure, or damaged beyond use."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One tag's value."""

    type: int
    """Type as TIFF numbers them: 2 text, 3 short, 4 long, 5 rational, 7 undefined..."""
    count: int
    """How many values of that type."""
    data: bytes
    """The values in the structure's byte order."""


Directory = dict[int, Entry]


@dataclass(slots=True)
class Structure:
    """The first picture's directory with its sub-directories; pointers and thumbnails aren't part of it."""

    order: str = "<"
    """Byte order as :mod:`struct` writes it: ``<`` little endian, ``>`` big endian."""
    main: Directory = field(default_factory=dict)
    exif: Directory = field(default_factory=dict)
    gps: Directory = field(default_factory=dict)
    interop: Directory = field(default_factory=dict)
    maker_note_at: int | None = None
    """Where the maker note lay, in bytes from the start."""

    def directories(self) -> tuple[Directory, Directory, Directory, Directory]:
        """Return the four directories: main, EXIF, GPS, interoperability."""
        return self.main, self.exif, self.gps, self.interop

    def text(self, tag: int) -> str | None:
        """Return a text of the main directory, None where there is none."""
        entry = self.main.get(tag)
        if entry is None or entry.type not in (2, 129):
            return None
        data = entry.data.split(b"\0")[0]
        try:
            return data.decode().strip() or None
        except UnicodeDecodeError:  # EXIF asks for ASCII; who writes neither that nor UTF-8 writes Latin-1
            return data.decode("latin-1").strip() or None

    def numbers(self, directory: Directory, tag: int) -> tuple[float, ...]:
        """Return a tag's integers or rationals; empty where there are none."""
        entry = directory.get(tag)
        codes = {1: "B", 3: "H", 4: "I", 5: "I", 16: "Q"}
        if entry is None or entry.type not in codes:
            return ()
        pairs = entry.count * 2 if entry.type == 5 else entry.count
        values = struct.unpack(f"{self.order}{pairs}{codes[entry.type]}", entry.data)
        if entry.type != 5:
            return tuple(float(value) for value in values)
        return tuple(top / bottom if bottom else 0.0 for top, bottom in zip(values[::2], values[1::2], strict=True))

    def set_text(self, tag: int, text: str) -> None:
        """Put a text into the main directory, as UTF-8."""
        data = text.encode() + b"\0"
        self.main[tag] = Entry(2, len(data), data)

    def set_short(self, directory: Directory, tag: int, value: int) -> None:
        """Put a number of 16 bits into a directory; a larger one gets 32."""
        kind, code = (3, "H") if value < 65536 else (4, "I")
        directory[tag] = Entry(kind, 1, struct.pack(self.order + code, value))

    def set_rational(self, tag: int, value: float, denominator: int = 10000) -> None:
        """Put a fraction into the main directory."""
        whole = float(value).is_integer()
        pair = (int(value), 1) if whole else (round(value * denominator), denominator)
        self.main[tag] = Entry(5, 1, struct.pack(self.order + "II", *pair))

    def reordered(self, order: str) -> Structure:
        """Return the same structure in another byte order."""
        if order == self.order:
            return self
        main, exif, gps, interop = (
            {tag: Entry(entry.type, entry.count, _swap(tag, entry)) for tag, entry in directory.items()}
            for directory in self.directories()
        )
        return Structure(order, main, exif, gps, interop, self.maker_note_at)

    def to_blob(self) -> bytes:
        """Return it as an EXIF blob: a TIFF without pixels, without the prefix ``Exif\\0\\0``."""
        data, first = lay_out(self, start=8, pinned=self.maker_note_at)
        return (b"II*\0" if self.order == "<" else b"MM\0*") + struct.pack(self.order + "I", first) + data


def read_blob(blob: bytes) -> Structure:
    """Read an EXIF blob.

    Raises:
        BadStructure: it is none.
    """
    return read_structure(io.BytesIO(blob))


def read_structure(file: BinaryIO, offset: int | None = None, *, largest: int = _LARGEST) -> Structure:
    """Read a directory of a TIFF (classic or big) and the sub-directories with what a camera or a person wrote.

    Args:
        file: the TIFF.
        offset: where the directory lies; None takes the first.
        largest: values of more bytes in the directory itself are left out.

    Raises:
        BadStructure: the file is none, or the directory is damaged. Damaged sub-directories are left out.
    """
    reader = Reader(file)
    main, _ = reader.directory(reader.first if offset is None else offset, largest=largest)
    found = Structure(reader.order, main)
    found.exif, found.maker_note_at = reader.below(main, EXIF)
    found.gps, _ = reader.below(main, GPS)
    found.interop, _ = reader.below(found.exif, INTEROP)
    return found


class Reader:
    """Directories of a classic or big TIFF."""

    def __init__(self, file: BinaryIO) -> None:
        """Read the header.

        Raises:
            BadStructure: it is none of a TIFF.
        """
        self._file = file
        self.size = file.seek(0, io.SEEK_END)
        head = self._read(0, 8)
        if head[:2] not in (b"II", b"MM"):
            raise BadStructure("no TIFF byte order mark")
        self.order = "<" if head[:2] == b"II" else ">"
        version = self.number(head[2:4])
        if version not in (42, 43):
            raise BadStructure(f"unknown TIFF version {version}")
        self.big = version == 43
        self.first = self.number(self._read(8, 8) if self.big else head[4:8])

    def raw_entries(self, offset: int) -> Iterator[tuple[int, int, int, int]]:
        """Yield tag, type, count and place of the value of each entry of the directory at ``offset``."""
        head, width, code = (8, 20, "Q") if self.big else (2, 12, "I")
        count = self.number(self._read(offset, head))
        if count > 4096:
            raise BadStructure(f"a directory of {count} tags")
        table = self._read(offset + head, count * width)
        for at in range(0, len(table), width):
            tag, kind = struct.unpack_from(self.order + "HH", table, at)
            number = struct.unpack_from(self.order + code, table, at + 4)[0]
            place = offset + head + at + width - (8 if self.big else 4)
            if kind in _SIZES and number * _SIZES[kind] > (8 if self.big else 4):
                place = struct.unpack_from(self.order + code, table, at + width - (8 if self.big else 4))[0]
            yield tag, kind, number, place

    def places(self, offset: int) -> dict[int, int]:
        """Return where the values of the directory at ``offset`` lie, by tag."""
        return {tag: place for tag, _, _, place in self.raw_entries(offset)}

    def next_at(self, offset: int) -> int:
        """Return where the directory at ``offset`` keeps the place of the next one."""
        head, width = (8, 20) if self.big else (2, 12)
        return offset + head + self.number(self._read(offset, head)) * width

    def next_of(self, offset: int) -> int:
        """Return where the directory after the one at ``offset`` lies, 0 at the end."""
        return self.number(self._read(self.next_at(offset), 8 if self.big else 4))

    def directory(self, offset: int, *, largest: int = _LARGEST) -> tuple[Directory, int | None]:
        """Read the directory at ``offset``; values outside the file, or of more than ``largest`` bytes, are left out.

        Returns:
            the directory, and where its maker note lies.
        """
        found: Directory = {}
        notes = None
        for tag, kind, count, place in self.raw_entries(offset):
            size = count * _SIZES.get(kind, 0)
            if not 0 < size <= largest or place + size > self.size:
                continue
            found[tag] = Entry(kind, count, self._read(place, size))
            if tag == MAKER_NOTE:
                notes = place
        return found, notes

    def below(self, parent: Directory, tag: int) -> tuple[Directory, int | None]:
        """Read the directory that ``tag`` points at, and take the pointer out; empty where it is damaged or missing."""
        pointer = parent.pop(tag, None)
        try:
            return self.directory(self.number(pointer.data)) if pointer is not None else ({}, None)
        except BadStructure:
            return {}, None

    def number(self, data: bytes) -> int:
        """Return an integer in the file's byte order."""
        return int.from_bytes(data, "little" if self.order == "<" else "big")

    def _read(self, offset: int, size: int) -> bytes:
        if offset + size > self.size:
            raise BadStructure("a directory lies outside the file")
        self._file.seek(offset)
        return self._file.read(size)


def lay_out(
    structure: Structure,
    *,
    start: int,
    pinned: int | None = None,
    big: bool = False,
    next_at: int = 0,
    there: Mapping[int, int] | None = None,
) -> tuple[bytes, int]:
    """Write the directories of a structure one after the other.

    Args:
        structure: what to write.
        start: where the bytes will lie; even.
        pinned: where the maker note must lie, None where it may go anywhere.
        big: whether the file is a BigTIFF.
        next_at: where the next picture's directory lies, 0 where there is none.
        there: tags of the main directory whose values lie in the file already, and where; they aren't written again.

    Returns:
        the bytes for ``start`` and on, and where the main directory lies.
    """
    order, code, inline = structure.order, "Q" if big else "I", 8 if big else 4
    note = structure.exif.get(MAKER_NOTE)
    hole = (pinned, pinned + len(note.data)) if note and pinned is not None and len(note.data) > inline else None
    if hole and not start <= hole[0] <= start + _LARGEST:
        hole = None
    out = bytearray()
    cursor = start

    def put(data: bytes, at: int) -> None:
        end = at - start + len(data)
        out.extend(bytes(max(0, end - len(out))))
        out[at - start : end] = data

    def room(size: int) -> int:
        nonlocal cursor
        cursor += cursor % 2
        if hole and cursor < hole[1] and cursor + size > hole[0]:
            cursor = hole[1] + hole[1] % 2
        at = cursor
        cursor += size
        return at

    directories = {0: dict(structure.main), EXIF: dict(structure.exif), GPS: structure.gps, INTEROP: structure.interop}
    parents = ((INTEROP, EXIF), (EXIF, 0), (GPS, 0))
    for child, parent in parents:
        if directories[child]:
            directories[parent][child] = Entry(16 if big else 4, 1, bytes(inline))
    tables = {
        name: room((8 if big else 2) + len(entries) * (20 if big else 12) + inline)
        for name, entries in directories.items()
        if entries or name == 0
    }
    for child, parent in parents:
        if directories[child]:
            directories[parent][child] = Entry(16 if big else 4, 1, struct.pack(order + code, tables[child]))
    for name, at in tables.items():
        entries = directories[name]
        table = struct.pack(order + ("Q" if big else "H"), len(entries))
        for tag, entry in sorted(entries.items()):
            value = entry.data.ljust(inline, b"\0")
            if len(entry.data) > inline:
                place = there.get(tag) if there and name == 0 else None
                if place is None:
                    place = hole[0] if hole and entry is note else room(len(entry.data))
                    put(entry.data, place)
                value = struct.pack(order + code, place)
            table += struct.pack(order + "HH" + code, tag, entry.type, entry.count) + value
        put(table + struct.pack(order + code, next_at if name == 0 else 0), at)
    return bytes(out), tables[0]


def _swap(tag: int, entry: Entry) -> bytes:
    size, data = _WORDS[entry.type], entry.data
    if tag == _USER_COMMENT and data.startswith(_UNICODE):
        return _UNICODE + b"".join(data[at : at + 2][::-1] for at in range(len(_UNICODE), len(data), 2))
    return b"".join(data[at : at + size][::-1] for at in range(0, len(data), size)) if size > 1 else data
