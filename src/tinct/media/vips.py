"""The border to libvips: it is loaded on first use, and its errors become Tinct's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tinct.errors import OutputError, PhotoError, TruncatedPhoto, UnreadablePhoto

if TYPE_CHECKING:
    import pyvips

# What the decoders say about a file that ends too early (libjpeg, libspng, libtiff, libwebp, libheif, nsgif).
_CUT_SHORT = (
    "premature end",
    "unexpected end",
    "end of stream",
    "end of file",
    "unable to read at row",
    "not enough data",
    "read error",
    "read gave error",
    "truncated",
    "read beyond",
    "out of range",
)
# What libvips says where the system refused a write.
_NOT_WRITTEN = ("write error", "write failed", "no space left", "unable to write", "disk", "quota", "file too large")


def vips() -> Any:
    """Return the module ``pyvips``, loaded now if it wasn't; untyped, as its operations are found at run time."""
    import pyvips

    return pyvips


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Turn libvips' errors inside the block into those of a photograph called ``name``.

    Raises:
        TruncatedPhoto: the file ends before its last pixel.
        UnreadablePhoto: anything else that keeps libvips from reading it.
    """
    try:
        yield
    except vips().Error as error:
        raise read_error(name, error) from error


def read_error(name: str, error: pyvips.Error) -> PhotoError:
    """Return Tinct's error for what libvips said while it read the photograph called ``name``."""
    reason = _reason(error)
    if any(sign in reason.lower() for sign in _CUT_SHORT):
        return TruncatedPhoto(
            f"{name} is cut short or damaged ({reason}); get the whole file, or keep what is there with --allow-truncated"
        )
    return UnreadablePhoto(f"{name} can't be decoded ({reason})")


def write_error(source: str, target: str, error: pyvips.Error) -> PhotoError | OutputError:
    """Return Tinct's error for what libvips said while ``source`` was decoded and written to ``target``."""
    reason = _reason(error)
    if any(sign in reason.lower() for sign in _NOT_WRITTEN):
        return OutputError(f"{target} can't be written ({reason})")
    found = read_error(source, error)
    return (
        found if isinstance(found, TruncatedPhoto) else OutputError(f"{target} can't be made from {source} ({reason})")
    )


def _reason(error: pyvips.Error) -> str:
    lines = [line.strip() for line in str(error.detail or error.message).splitlines() if line.strip()]
    telling = [line for line in lines if "bad seek" not in line]
    return (telling or lines or ["no reason given"])[0]
