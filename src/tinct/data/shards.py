"""Tar shards: what lies in them, also beyond a damaged place."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import mmap
import tarfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tinct.errors import DataError

BLOCK = tarfile.BLOCKSIZE
MAGIC = b"ustar"
MAGIC_AT = 257
"""Where a header has its magic."""
MOST_UNPACKED = 4 << 30
"""Bytes to which a compressed tar may grow in memory."""

Buffer = bytes | mmap.mmap
Fault = Callable[[str], None]
"""Told of what is damaged, in words."""

_COMPRESSIONS: dict[bytes, Callable[[Path], gzip.GzipFile | bz2.BZ2File | lzma.LZMAFile]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ": lzma.open,
}


@dataclass(frozen=True, slots=True)
class Member:
    """One file in a tar."""

    name: str
    offset: int
    """Of its first byte in the buffer."""
    size: int


@contextmanager
def opened(path: Path, fault: Fault) -> Iterator[Buffer]:
    """Give the bytes of a tar: mapped into memory, or unpacked there where it is compressed.

    Raises:
        DataError: it can't be read, or is too large to unpack.
    """
    try:
        with path.open("rb") as file:
            head = file.read(6)
            for signature, unpack in _COMPRESSIONS.items():
                if head.startswith(signature):
                    yield _unpacked(path, unpack, fault)
                    return
            if not head:
                yield b""
                return
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
                yield mapped
    except OSError as error:
        raise DataError(f"{path} can't be read ({error.strerror or error}); make or fetch it again") from error


def _unpacked(path: Path, unpack: Callable[[Path], gzip.GzipFile | bz2.BZ2File | lzma.LZMAFile], fault: Fault) -> bytes:
    parts = bytearray()
    with unpack(path) as stream:
        try:
            # Unlike read, read1 doesn't lose what came before the damage.
            while part := stream.read1(1 << 20):
                parts += part
                if len(parts) > MOST_UNPACKED:
                    raise DataError(
                        f"{path} unpacks to more than {MOST_UNPACKED >> 30} GB, too much to hold in memory; unpack it "
                        "once, and give the tar inside"
                    )
        except (EOFError, OSError, zlib.error, lzma.LZMAError) as error:
            fault(f"compressed data ends or is damaged after {len(parts)} unpacked bytes ({error})")
    return bytes(parts)


def walk(buffer: Buffer, fault: Fault) -> Iterator[Member]:
    """Yield the files of a tar in order.

    At a damaged header, what follows is searched for the next valid one, at whatever byte; the member between is lost
    and reported. Of a tar that is cut, the last member is yielded only where it is whole.
    """
    place, long_name, size_given = 0, "", -1
    ended = False
    while place < len(buffer):
        block = buffer[place : place + BLOCK]
        try:
            header = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
        except tarfile.HeaderError:
            empty = block == bytes(BLOCK)
            ended = ended or empty
            after = _next_header(buffer, place + (BLOCK if empty else 1))
            if after is None:
                if len(block) < BLOCK and not ended:
                    fault(f"is cut short at byte {len(buffer)}, within the header of a file")
                elif not empty and not ended:
                    fault(f"is damaged from byte {place} on; nothing more was found after it")
                return
            fault(f"is damaged from byte {place} to {after}")
            place, long_name, size_given, ended = after, "", -1, False
            continue
        start = place + BLOCK
        size = size_given if size_given >= 0 else header.size
        end = start + (size if header.isreg() or header.type in _CARRIERS else 0)
        if end > len(buffer):
            fault(f"is cut short at byte {len(buffer)}, within {long_name or header.name}")
            return
        if header.type in (tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE):
            long_name, size_given = _extended(header.type, bytes(buffer[start:end]), long_name, size_given)
        elif header.type not in _CARRIERS:
            if header.isreg():
                yield Member(long_name or header.name, start, size)
            long_name, size_given = "", -1
        place = start + (end - start + BLOCK - 1) // BLOCK * BLOCK
    if not ended:
        fault(f"is cut short at byte {len(buffer)}: its end is missing")


_CARRIERS = (
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
)
"""Types whose content says something about the next member."""


def _extended(kind: bytes, content: bytes, name: str, size: int) -> tuple[str, int]:
    """Return name and size that an extended header gives the next member; those given where it says nothing."""
    if kind == tarfile.GNUTYPE_LONGNAME:
        return content.rstrip(b"\0").decode("utf-8", "surrogateescape"), size
    while content:
        length, _, _ = content.partition(b" ")
        if not length.isdigit() or not 0 < int(length) <= len(content):
            break
        record, content = content[: int(length)], content[int(length) :]
        keyword, _, value = record.partition(b" ")[2].rstrip(b"\n").partition(b"=")
        if keyword == b"path":
            name = value.decode("utf-8", "surrogateescape")
        elif keyword == b"size" and value.isdigit():
            size = int(value)
    return name, size


def _next_header(buffer: Buffer, start: int) -> int | None:
    """Return where the next valid header begins, None where there is none."""
    place = buffer.find(MAGIC, start + MAGIC_AT)
    while place >= 0:
        try:
            tarfile.TarInfo.frombuf(buffer[place - MAGIC_AT : place - MAGIC_AT + BLOCK], "utf-8", "surrogateescape")
        except tarfile.HeaderError:
            place = buffer.find(MAGIC, place + 1)
        else:
            return place - MAGIC_AT
    return None


def read_label(name: str, content: bytes) -> str | None:
    """Return the class that the file beside a photo names: the text of ``.cls``, or ``label`` in ``.json``."""
    try:
        if name.endswith(".cls"):
            return content.decode("utf-8").strip() or None
        said = json.loads(content)
    except ValueError:
        return None
    label = said.get("label") if isinstance(said, dict) else None
    return str(label) if isinstance(label, str | int) else None
