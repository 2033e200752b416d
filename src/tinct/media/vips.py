"""The border to libvips: it is loaded on first use, and its errors become Tinct's."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tinct.errors import ForkedProcess, OutputError, PhotoError, TruncatedPhoto, UnreadablePhoto

if TYPE_CHECKING:
    import pyvips

# What the decoders say about a file that ends too early or is damaged inside (libjpeg, libpng, libtiff, libwebp,
# libheif, nsgif, and libvips of a seek beyond the end). The last is all that the PNG saver may say of pixels that
# didn't come: a write that the system refused there is an OSError.
_CUT_SHORT = (
    "premature end",
    "unexpected end",
    "end of file",
    "io error",
    "read error",
    "load error",
    "bad seek",
    "truncated",
    "unable to parse",
    "not defined",
    "decode_mcu",
    "unable to write to target",
)
# What libvips says where the system refused a write; "unable to write" it says also where the source can't be read.
_NOT_WRITTEN = ("write error", "write failed", "no space left", "quota", "file too large")


def vips() -> Any:
    """Return the module ``pyvips``, loaded now if it wasn't; untyped, as its operations are found at run time.

    Raises:
        ForkedProcess: libvips would wait forever for its threads, which stayed behind in the process forked from.
    """
    if os.getpid() != _first_user():
        raise ForkedProcess(
            "this process was forked from one in which Tinct was at work, and can't use it; start processes by spawn: "
            "multiprocessing.get_context('spawn')"
        )
    import pyvips

    return pyvips


@cache
def _first_user() -> int:
    """Return the process that used libvips first: this one, or one that it was forked from."""
    return os.getpid()


def version() -> str:
    """Return the version of libvips, as in ``8.18.7``."""
    return ".".join(str(vips().version(part)) for part in range(3))


def file_name(path: Path) -> bytes:
    """Return a path as libvips takes it: also one whose name is no Unicode."""
    return os.fsencode(path)


def set_blob(image: Any, field: str, data: bytes) -> None:
    """Set a field of an image's metadata that holds bytes."""
    image.set_type(vips().GValue.blob_type, field, data)


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Turn libvips' errors inside the block into those of a photograph called ``name``.

    Raises:
        TruncatedPhoto: the file ends before its last pixel.
        UnreadablePhoto: anything else that keeps libvips from reading it.
    """
    forget_errors()
    try:
        yield
    except vips().Error as error:
        raise read_error(name, error) from error


def forget_errors() -> None:
    """Clear what libvips noted of errors that it went on from, so that it isn't taken for the reason of the next."""
    vips().vips_lib.vips_error_clear()


def read_error(name: str, error: pyvips.Error) -> PhotoError:
    """Return Tinct's error for what libvips said while it read the photograph called ``name``."""
    reason, everything = _reasons(error)
    if "not been built in" in everything:
        return UnreadablePhoto(
            f"{name} is compressed in a way that the installed libvips has no decoder for ({reason}); "
            "convert it to JPEG or TIFF first"
        )
    # Some decoders give up within the pixels without a word.
    if not error.detail or any(sign in everything for sign in _CUT_SHORT):
        return TruncatedPhoto(
            f"{name} is cut short or damaged ({reason}); get the whole file, or keep what is there "
            "(--allow-truncated, in Python tinct.read_photo with allow_truncated=True)"
        )
    return UnreadablePhoto(f"{name} can't be decoded ({reason})")


def write_error(source: str, target: str, error: pyvips.Error) -> PhotoError | OutputError:
    """Return Tinct's error for what libvips said while ``source`` was decoded and written to ``target``."""
    reason, everything = _reasons(error)
    if any(sign in everything for sign in _NOT_WRITTEN):
        return OutputError(f"{target} can't be written ({reason}); is there space, and the right to write?")
    found = read_error(source, error)
    return found if isinstance(found, TruncatedPhoto) else OutputError(f"{target} can't be written ({reason})")


def _reasons(error: pyvips.Error) -> tuple[str, str]:
    """Return the most telling line of what libvips said, and all of it in lower case."""
    lines = [line.strip() for line in f"{error.detail or ''}\n{error.message}".splitlines() if line.strip()]
    # A decoder that looks for the end of a file by seeking beyond it says so, and goes on to the point.
    telling = [line for line in lines if "bad seek" not in line]
    return (telling or lines)[0], "\n".join(lines).lower()


def to_eight_bits(image: Any) -> Any:
    """Round an image of 16 bits to 8; one of 8 bits stays as it is."""
    if image.format == "uchar":
        return image
    return (image / 257).rint().cast("uchar").copy(interpretation="srgb" if image.bands > 2 else "b-w")
