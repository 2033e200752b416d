"""ZIP files that strangers send: looked at before they are unpacked, and unpacked under names made here."""

from __future__ import annotations

import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from tinct.errors import DataError
from tinct.media.formats import FORMATS, READABLE

PICTURES = frozenset(suffix for form in FORMATS for suffix in form.suffixes)
VALIDATION = ("val", "valid", "validation", "test")
"""Folders in a data set whose photos are kept apart to validate on."""
MOST_ENTRIES = 200_000
MOST_BYTES = 8 * 2**30
"""Unpacked, of all entries together."""
CHUNK = 2**20
DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    OSError,  # of bzip2
    EOFError,
    ValueError,
    RuntimeError,
    NotImplementedError,
)
"""What reading an entry may raise."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A picture in a ZIP."""

    info: zipfile.ZipInfo
    name: str
    """Last part of its name, for showing."""
    validating: bool


def list_pictures(path: Path, *, most: int = MOST_ENTRIES, largest: int) -> list[Entry]:
    """List the pictures in a ZIP without unpacking anything.

    Args:
        path: the file.
        most: pictures that it may hold.
        largest: bytes that one may have.

    Raises:
        DataError: it is no ZIP, holds no pictures or too many, or says that they are too large.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            infos = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise DataError(f"the file can't be read as a ZIP ({error}); send a ZIP of photographs") from error
    found = []
    for info in infos:
        parts = PurePosixPath(info.filename.replace("\\", "/")).parts
        hidden = any(part.startswith((".", "__MACOSX")) and part != ".." for part in parts)
        if info.is_dir() or not parts or hidden or PurePosixPath(parts[-1]).suffix.lower() not in PICTURES:
            continue
        if info.flag_bits & 1:
            raise DataError(f"the ZIP is locked with a password ({parts[-1][:100]}); send it without one")
        if info.file_size > largest:
            raise DataError(f"{parts[-1][:100]} has {info.file_size:,} bytes unpacked, more than the limit {largest:,}")
        found.append(Entry(info, parts[-1], any(part.lower() in VALIDATION for part in parts[:-1])))
    if not found:
        raise DataError(f"the ZIP holds no photographs; put pictures into it ({READABLE})")
    if len(found) > most:
        raise DataError(f"the ZIP holds {len(found):,} pictures, more than the limit of {most:,}")
    if sum(entry.info.file_size for entry in found) > MOST_BYTES:
        raise DataError(f"the ZIP holds more than {MOST_BYTES:,} bytes unpacked; send it in parts")
    return found


def unpack(path: Path, entries: list[Entry], folder: Path) -> Iterator[tuple[Entry, Path]]:
    """Unpack pictures one by one, under numbers; what an entry says of its size is not believed.

    Args:
        path: the ZIP.
        entries: see :func:`list_pictures`.
        folder: where to; those for validation go into ``val`` in it.

    Raises:
        DataError: an entry is damaged, or larger than it says.
    """
    with zipfile.ZipFile(path) as archive:
        for number, entry in enumerate(entries):
            suffix = PurePosixPath(entry.name).suffix.lower()
            target = folder / ("val" if entry.validating else "train") / f"{number:06}{suffix}"
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("wb") as file:
                for data in _read(archive, entry):
                    file.write(data)
            yield entry, target


def _read(archive: zipfile.ZipFile, entry: Entry) -> Iterator[bytes]:
    """Read an entry in parts.

    Raises:
        DataError: it is damaged, or larger than it says.
    """
    left = entry.info.file_size
    try:
        with archive.open(entry.info) as source:
            while data := source.read(CHUNK):
                left -= len(data)
                if left < 0:
                    raise DataError(f"{entry.name[:100]} is larger than the ZIP says; the ZIP is damaged")
                yield data
    except DAMAGED as error:
        raise DataError(f"{entry.name[:100]} can't be unpacked ({error}); make the ZIP anew") from error
