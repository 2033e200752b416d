"""Opening a photograph, whatever it comes as: a path, bytes, a file object, a Pillow image, an array."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tinct.errors import PhotoTooLarge, TruncatedPhoto, UnreadablePhoto
from tinct.media.formats import GIF, HEAD, JP2, TIFF, WEBP, sniff
from tinct.media.jpeg2000 import Jpeg2000Source
from tinct.media.metadata import Metadata, read_metadata
from tinct.media.pages import Pages
from tinct.media.picture import Photo
from tinct.media.pillow import read_pillow
from tinct.media.source import ArraySource, EncodedSource, Stamp
from tinct.media.tiff_layout import TiffLayout, read_layouts
from tinct.media.vips import reading
from tinct.media.write import encode_photo, write_pages, write_photo

if TYPE_CHECKING:
    import PIL.Image

__all__ = ["MAX_PIXELS", "Photo", "encode_photo", "read_pages", "read_photo", "write_pages", "write_photo"]

MAX_PIXELS = 2_000_000_000
"""Most pixels of a photograph, unless asked otherwise."""


Readable: TypeAlias = (
    "str | os.PathLike[str] | bytes | bytearray | memoryview | IO[bytes] | PIL.Image.Image | NDArray[Any]"
)
"""What :func:`read_photo` takes."""


def read_photo(
    source: Readable,
    *,
    max_pixels: int = MAX_PIXELS,
    allow_truncated: bool = False,
) -> Photo:
    """Open a photograph. Only its header is read; pixels are decoded when they are asked for.

    So a file has to stay as it is until results were saved: of one that changed in between, no pixels are given.

    Args:
        source: a path, the bytes of a file, a file object, a Pillow image, or an array: (H, W) or (H, W, 3|4), of
            uint8, uint16, or floats in 0..1 (which get 16 bits).
        max_pixels: the most pixels it may have, against files made to fill the memory.
        allow_truncated: keep what is there of a file that ends early or is damaged; it is decoded once to see.

    Raises:
        UnreadablePhoto: missing, unreadable, empty, or no picture that Tinct reads.
        PhotoTooLarge: it has more than ``max_pixels``.
        TruncatedPhoto: it ends before its first pixel; one that ends later fails when its pixels are read.
    """
    if isinstance(source, np.ndarray):
        return _of_array(source, Metadata(), max_pixels)
    if isinstance(source, (bytes, bytearray, memoryview)):
        return _of_file(bytes(source), "the data", max_pixels, allow_truncated)
    if isinstance(source, (str, os.PathLike)):
        if not os.fspath(source):
            raise UnreadablePhoto("the path is empty; give the one of a photograph")
        return _of_file(Path(source), str(source), max_pixels, allow_truncated)
    if hasattr(source, "read"):
        named = getattr(source, "name", None)
        name = named if isinstance(named, str) else "the file object"
        return _of_file(_read(source, name), name, max_pixels, allow_truncated)
    if hasattr(source, "getexif") and hasattr(source, "mode"):
        name = "the Pillow image"
        _limit(source.height, source.width, max_pixels, name)
        return _of_array(*read_pillow(source, name), max_pixels, name)
    raise UnreadablePhoto(
        f"a {type(source).__name__} is no photograph; give a path, bytes, a file object, a Pillow image or an array"
    )


def _read(file: Any, name: str) -> bytes:
    try:
        data = file.read()
    except (OSError, ValueError) as error:  # a closed file is a ValueError, a photograph read as text too
        raise UnreadablePhoto(f"{name} can't be read ({error}); open it for reading in binary mode ('rb')") from error
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise UnreadablePhoto("the file object gives text; open it in binary mode ('rb')")
    return bytes(data)


def read_pages(
    source: str | os.PathLike[str] | bytes,
    pages: Pages,
    *,
    max_pixels: int = MAX_PIXELS,
    allow_truncated: bool = False,
) -> Iterator[Photo]:
    """Open pages of a TIFF one after the other; a file of another format has one page, its first frame.

    Args:
        source: a path, or the bytes of a file.
        pages: which ones.
        max_pixels: the most pixels that one page may have.
        allow_truncated: see :func:`read_photo`.

    Raises:
        UnreadablePhoto: the file has no such page, or see :func:`read_photo`.
        PhotoTooLarge, TruncatedPhoto: see :func:`read_photo`.
    """
    data, name = (source, "the data") if isinstance(source, bytes) else (Path(source), str(source))
    found, layouts = _recognize(data, name)
    if len(layouts) < 2:
        pages.choose(1, name)
        yield _of_page(found, None, max_pixels, allow_truncated)
        return
    chosen = pages.choose(len(layouts), name)
    found = replace(found, known_digest=found.digest())
    for number in chosen:
        own = replace(found, name=f"{name} (page {number})", layout=layouts[number - 1])
        yield _of_page(own, number, max_pixels, allow_truncated)


def _of_file(data: Path | bytes, name: str, max_pixels: int, allow_truncated: bool) -> Photo:
    return _of_page(_recognize(data, name)[0], None, max_pixels, allow_truncated)


def _recognize(data: Path | bytes, name: str) -> tuple[EncodedSource, list[TiffLayout]]:
    """Return a file as a source of its first page, and how its pages are stored."""
    data, head, stamp = _head(data, name)
    form = sniff(head, name)
    found = (Jpeg2000Source if form is JP2 else EncodedSource)(data, name, form, stamp=stamp)
    _refuse_missing_end(found, head, stamp.size)
    if found.format is not TIFF:
        return found, []
    with found.open() as file:
        layouts = read_layouts(file, name)
    return replace(found, layout=layouts[0] if layouts else None), layouts


def _of_page(found: EncodedSource, page: int | None, max_pixels: int, allow_truncated: bool) -> Photo:
    """Open a page; None stands for the first, where nobody asked for a page."""
    remarks: list[str] = []
    if isinstance(found, Jpeg2000Source):
        header = found.header
        height, width, deep, has_alpha = header.height, header.width, header.bits > 8, header.alpha
        _limit(height, width, max_pixels, found.name)
        metadata = found.metadata()
    else:
        image = _open(found, allow_truncated)
        height, width, deep, has_alpha = image.height, image.width, image.format != "uchar", bool(image.hasalpha())
        _limit(height, width, max_pixels, found.name)
        with found.open() as file:
            metadata = read_metadata(image, found.format, file, found.layout)
        remarks += _pages(found, image) if page is None else []
        remarks += _left_out(found)
    if allow_truncated and _is_damaged(found):
        found = replace(found, allow_truncated=True)
        remarks.append("cut short or damaged: what is missing stays blank")
    turned = metadata.orientation >= 5
    return Photo(
        height=width if turned else height,
        width=height if turned else width,
        depth=16 if deep else 8,
        has_alpha=has_alpha,
        metadata=metadata,
        source=found,
        remarks=tuple(remarks),
    )


def _head(data: Path | bytes, name: str) -> tuple[Path | bytes, bytes, Stamp]:
    """Return a file by its absolute path, its first bytes, and what tells it from a later one in its place."""
    if isinstance(data, bytes):
        return data, data[:HEAD], Stamp(len(data), 0, 0)
    try:
        data = data.absolute()
        status = data.stat()
        if stat.S_ISDIR(status.st_mode):
            raise UnreadablePhoto(f"{name} is a folder; give a photograph")
        if not stat.S_ISREG(status.st_mode):
            raise UnreadablePhoto(f"{name} is no regular file; pipe it to standard input instead")
        with data.open("rb") as file:
            return data, file.read(HEAD), Stamp.of(status)
    except (OSError, ValueError) as error:  # a name with a zero byte is a ValueError
        raise UnreadablePhoto(f"{name} can't be read ({getattr(error, 'strerror', None) or error})") from error


def _refuse_missing_end(found: EncodedSource, head: bytes, size: int) -> None:
    """Refuse what says at its beginning that it is longer, where libvips can decode no part of it, and says less."""
    short = False  # nothing is known of the others
    if found.format is WEBP:
        short = int.from_bytes(head[4:8], "little") + 8 > size
    elif found.format is TIFF and head[2:4] in (b"*\0", b"\0*"):
        short = int.from_bytes(head[4:8], "little" if head.startswith(b"II") else "big") >= size
    if short:
        raise _hopeless(found.name)


def _hopeless(name: str) -> TruncatedPhoto:
    return TruncatedPhoto(f"{name} is cut short or damaged, and nothing of it can be decoded; get the whole file")


def _open(found: EncodedSource, allow_truncated: bool) -> Any:
    try:
        return found.load(sequential=True)
    except TruncatedPhoto:
        if not allow_truncated:
            raise
    try:
        return replace(found, allow_truncated=True).load(sequential=True)
    except TruncatedPhoto as error:
        raise _hopeless(found.name) from error


def _is_damaged(found: EncodedSource) -> bool:
    """Decode a photograph, and say whether anything is missing.

    Raises:
        TruncatedPhoto, UnreadablePhoto: nothing of it can be decoded.
    """
    if _decodes(found):
        return False
    if _decodes(replace(found, allow_truncated=True)):
        return True
    raise _hopeless(found.name)


def _decodes(found: EncodedSource) -> bool:
    try:
        with reading(found.name):
            # Smaller copies inside a TIFF say nothing of the large one.
            found.load_small(1 if found.format is TIFF else 8).avg()
    except TruncatedPhoto:
        return False
    return True


def _limit(height: int, width: int, max_pixels: int, name: str) -> None:
    if height * width > max_pixels:
        raise PhotoTooLarge(
            f"{name} has {width} x {height} pixels, more than the limit of {max_pixels:,}; "
            "raise it (--max-pixels, in Python max_pixels of tinct.read_photo) if you trust the file"
        )


def _pages(found: EncodedSource, image: Any) -> list[str]:
    pages = int(image.get("n-pages")) if image.get_typeof("n-pages") else 1
    if found.layout is not None:
        pages = found.layout.pages
    if pages < 2:
        return []
    what = "frame" if found.format in (GIF, WEBP) else "page"
    more = "" if what == "frame" else " (--pages takes others)"
    return [f"it has {pages} {what}s; only the first is used{more}"]


def _left_out(found: EncodedSource) -> list[str]:
    count = 0 if found.layout is None else found.layout.samples.left_out
    if not count:
        return []
    return [f"{count} extra channel{'s' if count > 1 else ''} (infrared, a saved selection) left out"]


def _of_array(array: NDArray[Any], metadata: Metadata, max_pixels: int, name: str = "the array") -> Photo:
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (3, 4)) or 0 in array.shape:
        raise UnreadablePhoto(f"{name} has shape {array.shape}, expected (H, W), (H, W, 3) or (H, W, 4)")
    _limit(array.shape[0], array.shape[1], max_pixels, name)
    if np.issubdtype(array.dtype, np.floating):
        if not np.isfinite(array).all():
            raise UnreadablePhoto(f"{name} holds NaN or infinity; replace them by numbers in 0..1")
        levels = np.rint(array.astype(np.float64) * 65535)
        if levels.min() < 0 or levels.max() > 65535:
            raise UnreadablePhoto(
                f"{name} is of floats in {array.min():g}..{array.max():g}, expected 0..1; "
                "divide by the largest value, or convert it to uint8 or uint16"
            )
        array = levels.astype(np.uint16)
    array = array.astype(array.dtype.newbyteorder("="), copy=True)  # the caller may write into theirs
    if array.dtype not in (np.uint8, np.uint16):
        raise UnreadablePhoto(f"{name} is of {array.dtype}, expected uint8, uint16, or floats in 0..1")
    turned = metadata.orientation >= 5
    return Photo(
        height=array.shape[1] if turned else array.shape[0],
        width=array.shape[0] if turned else array.shape[1],
        depth=8 if array.dtype == np.uint8 else 16,
        has_alpha=array.ndim == 3 and array.shape[2] == 4,
        metadata=metadata,
        source=ArraySource(array, name),
    )
