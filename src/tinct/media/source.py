"""Where pixels come from: an encoded file or bytes, an array, or a pipeline that is built anew each time."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tinct.media.formats import Format
from tinct.media.vips import reading, vips


class Source(Protocol):
    """Pixels that can be read several times. Images are ``pyvips.Image``, as stored: not upright, in any color space."""

    @property
    def name(self) -> str:
        """What to call it in messages."""

    @property
    def format(self) -> Format | None:
        """Format of the file, None where there is none."""

    def load(self, *, sequential: bool) -> Any:
        """Return a fresh image; ``sequential`` promises that its rows are read once, from top to bottom."""

    def load_small(self, shrink: float) -> Any:
        """Return a fresh image, by up to ``shrink`` smaller where the format decodes smaller pictures for less."""

    def digest(self) -> str:
        """Return the SHA-256 of the source, in hex."""


@dataclass(frozen=True)
class EncodedSource:
    """A file, or the bytes of one."""

    data: Path | bytes
    name: str
    format: Format
    allow_truncated: bool = False

    def load(self, *, sequential: bool) -> Any:
        """See :class:`Source`."""
        return self._call(access="sequential" if sequential else "random")

    def load_small(self, shrink: float) -> Any:
        """See :class:`Source`."""
        if self.format.loader == "jpegload":
            return self._call(access="sequential", shrink=max(k for k in (1, 2, 4, 8) if k <= max(shrink, 1)))
        if self.format.loader == "webpload":
            return self._call(access="sequential", scale=min(1.0, 1 / shrink))
        return self._call(access="sequential")

    def digest(self) -> str:
        """See :class:`Source`."""
        if isinstance(self.data, bytes):
            return hashlib.sha256(self.data).hexdigest()
        with self.data.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def _call(self, **options: Any) -> Any:
        fail_on = "none" if self.allow_truncated else "error"
        with reading(self.name):
            if isinstance(self.data, bytes):
                return vips().Operation.call(f"{self.format.loader}_buffer", self.data, fail_on=fail_on, **options)
            return vips().Operation.call(self.format.loader, str(self.data), fail_on=fail_on, **options)


@dataclass(frozen=True)
class ArraySource:
    """An array (H, W) or (H, W, C) of uint8 or uint16."""

    array: NDArray[np.uint8] | NDArray[np.uint16]
    name: str
    format: None = None

    def load(self, *, sequential: bool) -> Any:
        """See :class:`Source`."""
        height, width, bands = (*self.array.shape, 1)[:3]
        format = "uchar" if self.array.dtype == np.uint8 else "ushort"
        image = vips().Image.new_from_memory(np.ascontiguousarray(self.array).data, width, height, bands, format)
        spaces = ("b-w", "srgb") if format == "uchar" else ("grey16", "rgb16")
        return image.copy(interpretation=spaces[bands > 2])

    def load_small(self, shrink: float) -> Any:
        """See :class:`Source`."""
        return self.load(sequential=False)

    def digest(self) -> str:
        """See :class:`Source`."""
        shape = f"{self.array.dtype.name} {self.array.shape} ".encode()
        return hashlib.sha256(shape + np.ascontiguousarray(self.array).tobytes()).hexdigest()


@dataclass(frozen=True)
class PipelineSource:
    """A pipeline built by a function; each call returns a fresh, upright sRGB image."""

    build: Callable[[], Any]
    name: str
    source_hash: Callable[[], str]
    format: Format | None
    alpha: Callable[[], Any]

    def load(self, *, sequential: bool) -> Any:
        """See :class:`Source`."""
        image = self.build()
        return image if sequential else image.copy_memory()

    def load_small(self, shrink: float) -> Any:
        """See :class:`Source`."""
        return self.build()

    def digest(self) -> str:
        """See :class:`Source`; the hash is that of the photograph from which the pipeline starts."""
        return self.source_hash()
