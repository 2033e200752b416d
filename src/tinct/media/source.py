"""Where pixels come from: an encoded file or its bytes, an array, or a pipeline that is built anew each time."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import numpy as np
from numpy.typing import NDArray

from tinct.errors import UnreadablePhoto
from tinct.media.formats import JPEG, WEBP, Format
from tinct.media.tiff_layout import TiffLayout
from tinct.media.vips import file_name, reading, vips


class Source(Protocol):
    """Pixels that can be read several times. Images are ``pyvips.Image`` as stored: not upright, in any color space."""

    @property
    def name(self) -> str:
        """What to call it in messages."""

    @property
    def format(self) -> Format | None:
        """Format of the file, None where there is none."""

    def load(self, *, sequential: bool) -> Any:
        """Return a fresh image; ``sequential`` promises that its rows are read once, from top to bottom."""

    def load_small(self, shrink: float) -> Any:
        """Return a fresh image to be read like a sequential one.

        It is smaller by up to ``shrink`` where the format has, or decodes, smaller pictures for less.
        """

    def digest(self) -> str:
        """Return the SHA-256 of the source, in hex."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """What changes when a file is written again or replaced."""

    size: int
    """In bytes."""
    changed: int
    """When it was last written to, in nanoseconds."""
    inode: int

    @classmethod
    def of(cls, status: os.stat_result) -> Stamp:
        """Return that of a file whose status is given."""
        return cls(status.st_size, status.st_mtime_ns, status.st_ino)


@dataclass(frozen=True)
class EncodedSource:
    """A file, or the bytes of one. The file is read whenever pixels are asked for, so it has to stay as it was."""

    data: Path | bytes = field(repr=False)
    """The path is absolute, so that another working directory doesn't matter."""
    name: str
    format: Format
    layout: TiffLayout | None = None
    """How it is stored, for a TIFF."""
    allow_truncated: bool = False
    """Whether pixels that the file doesn't hold may be made up by the decoder."""
    known_digest: str | None = None
    """The file's SHA-256, where it was computed before, for another page."""
    stamp: Stamp | None = None
    """The file's when it was opened; None for bytes."""

    def check(self) -> None:
        """Refuse a file that isn't the one that was opened: what was found out about that doesn't hold for it.

        Raises:
            UnreadablePhoto: it was written to, replaced or deleted since, or may not be read.
        """
        if isinstance(self.data, bytes) or self.stamp is None:
            return
        try:
            now = Stamp.of(self.data.stat())
        except OSError as error:
            raise UnreadablePhoto(f"{self.name} can't be read ({error.strerror or error})") from error
        if now != self.stamp:
            raise UnreadablePhoto(
                f"{self.name} has changed since it was opened; open it again, and save results before you change it"
            )

    def open(self) -> BinaryIO:
        """Open the file for reading.

        Raises:
            UnreadablePhoto: it is missing or may not be read, or see :meth:`check`.
        """
        if isinstance(self.data, bytes):
            return io.BytesIO(self.data)
        self.check()
        try:
            return self.data.open("rb")
        except OSError as error:
            raise UnreadablePhoto(f"{self.name} can't be read ({error.strerror or error})") from error

    def load(self, *, sequential: bool) -> Any:
        """See :class:`Source`."""
        return self._call(access="sequential" if sequential else "random")

    def load_small(self, shrink: float) -> Any:
        """See :class:`Source`."""
        if self.format is JPEG:
            return self._call(access="sequential", shrink=max(k for k in (1, 2, 4, 8) if k <= max(shrink, 1)))
        if self.format is WEBP:
            return self._call(access="sequential", scale=min(1.0, 1 / shrink))
        levels = self.layout.levels if self.layout else ()
        fitting = [level for number, level in enumerate(levels, start=1) if 2**number <= shrink]
        return self._call(access="sequential", **({fitting[-1].kind: fitting[-1].index} if fitting else {}))

    def digest(self) -> str:
        """See :class:`Source`."""
        if self.known_digest is not None:
            return self.known_digest
        with self.open() as file:
            return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]

    def _call(self, **options: Any) -> Any:
        self.check()
        loader, data = self.format.loader, self.data
        if isinstance(data, Path):
            data = file_name(data)
        else:
            loader += "_buffer"
        # Without revalidation, libvips would hand out the pixels of a file that has been replaced since.
        options |= {"fail_on": "none" if self.allow_truncated else "error", "revalidate": True}
        if self.layout is None:
            with reading(self.name):
                return vips().Operation.call(loader, data, **options)
        if self.layout.index:
            options.setdefault("page", self.layout.index)
        self.layout.samples.check(self.name)
        with reading(self.name):
            return self.layout.samples.decode(vips().Operation.call(loader, data, **options))


@dataclass(frozen=True)
class ArraySource:
    """An array (H, W), (H, W, 2) with alpha, or (H, W, 3|4), of uint8 or uint16, sRGB."""

    array: NDArray[np.uint8] | NDArray[np.uint16] = field(repr=False)
    name: str
    format: None = None

    def load(self, *, sequential: bool) -> Any:
        """See :class:`Source`."""
        return as_image(self.array)

    def load_small(self, shrink: float) -> Any:
        """See :class:`Source`."""
        return self.load(sequential=True)

    def digest(self) -> str:
        """See :class:`Source`."""
        shape = f"{self.array.dtype.name} {self.array.shape} ".encode()
        return hashlib.sha256(shape + np.ascontiguousarray(self.array).tobytes()).hexdigest()


def as_image(array: NDArray[np.uint8] | NDArray[np.uint16]) -> Any:
    """Return an array (H, W) or (H, W, bands) as an image of gray or sRGB that shares its memory."""
    height, width, bands = (*array.shape, 1)[:3]
    deep = array.dtype == np.uint16
    data = np.ascontiguousarray(array).data
    image = vips().Image.new_from_memory(data, width, height, bands, "ushort" if deep else "uchar")
    gray, color = ("grey16", "rgb16") if deep else ("b-w", "srgb")
    return image.copy(interpretation=color if bands > 2 else gray)


@dataclass(frozen=True)
class PipelineSource:
    """A pipeline built by a function; each call returns a fresh, upright sRGB image without alpha."""

    build: Callable[[], Any]
    name: str
    format: Format | None
    alpha: Callable[[], Any]
    """Returns the transparency, one band, or None."""
    source_hash: Callable[[], str]
    """Returns the hash of the photograph that the pipeline starts from."""

    def load(self, *, sequential: bool) -> Any:
        """See :class:`Source`."""
        image, alpha = self.build(), self.alpha()
        return image if alpha is None else image.bandjoin(alpha.cast(image.format, shift=True))

    def load_small(self, shrink: float) -> Any:
        """See :class:`Source`."""
        return self.build()

    def digest(self) -> str:
        """See :class:`Source`."""
        return self.source_hash()
