"""A photograph as Tinct sees it: upright sRGB pixels that can be read several times, and what its file said beside them."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal

import numpy as np
from numpy.typing import NDArray

from tinct.errors import PhotoTooLarge, UnreadablePhoto
from tinct.media.formats import HEAD, JPEG, PNG, Format, sniff
from tinct.media.marking import Marking
from tinct.media.metadata import Metadata
from tinct.media.source import ArraySource, EncodedSource, PipelineSource, Source
from tinct.media.spaces import lightness_of, split_alpha, to_srgb
from tinct.media.vips import reading
from tinct.media.write import encode_photo, write_photo

if TYPE_CHECKING:
    import PIL.Image
    import pyvips

__all__ = ["Photo", "encode_photo", "read_photo", "write_photo"]

# What turns stored pixels upright, for each EXIF orientation: a mirroring first, then a turn clockwise.
_MIRROR = {2: "horizontal", 4: "vertical", 5: "horizontal", 7: "horizontal"}
_TURN = {3: "d180", 5: "d270", 6: "d90", 7: "d90", 8: "d270"}


@dataclass(frozen=True, eq=False)
class Photo:
    """A photograph, read lazily: nothing is decoded before pixels are asked for."""

    height: int
    """Upright height in pixels."""
    width: int
    """Upright width in pixels."""
    depth: Literal[8, 16]
    """Bits a channel."""
    has_alpha: bool
    """Whether it has transparency."""
    metadata: Metadata
    """What the file says beside its pixels."""
    source: Source
    """Where the pixels come from."""
    remarks: tuple[str, ...] = ()
    """What was worth saying when it was opened; part of :attr:`notes`."""
    mark: Marking | None = None
    """What :meth:`save` writes about the making of a result; None for a photograph as found."""

    @property
    def name(self) -> str:
        """What to call it in messages."""
        return self.source.name

    @property
    def output_format(self) -> Format:
        """The format that a result gets unless asked otherwise: the source's own where Tinct writes it."""
        own = self.source.format
        if own is not None and own.saver:
            return own
        return JPEG if own is not None and own.loader == "heifload" and self.depth == 8 else PNG

    @cached_property
    def source_hash(self) -> str:
        """SHA-256 of the source's bytes (of the pixels, for an array), in hex."""
        return self.source.digest()

    @cached_property
    def color(self) -> bool:
        """Whether it is truly colored: neither gray nor toned all over in one tint."""
        return False

    @property
    def notes(self) -> tuple[str, ...]:
        """What a user should know: pages left out, color replaced."""
        return self.remarks + (("recolorized from its lightness",) if self.color else ())

    def open(self) -> pyvips.Image:
        """Return a fresh upright image: sRGB, one or three bands, uchar or ushort, without alpha.

        Rows are best read from top to bottom; an image with the orientation of a normal file streams.
        """
        return self._upright(self._load())

    def alpha(self) -> pyvips.Image | None:
        """Return a fresh upright image of the transparency, one band as deep as the picture, or None."""
        if not self.has_alpha:
            return None
        if isinstance(self.source, PipelineSource):
            return self.source.alpha()
        return self._turn(split_alpha(self._load())[1])

    def lightness(self) -> pyvips.Image:
        """Return a fresh upright image of L, one float band in 0..100."""
        with reading(self.name):
            return lightness_of(self.open())

    def small_lightness(self, height: int, width: int) -> NDArray[np.float32]:
        """Return L (height, width), float32 in 0..100, averaged down without aliasing (or enlarged smoothly).

        Raises:
            TruncatedPhoto, UnreadablePhoto: the file can't be decoded.
        """
        shrink = min(self.height / height, self.width / width) / 2
        with reading(self.name):
            image = self._upright(self.source.load_small(shrink))
            image = image.resize(width / image.width, vscale=height / image.height)
            small: NDArray[np.float32] = lightness_of(image).numpy()
        return small.reshape(height, width)

    def to_numpy(self) -> NDArray[np.uint8] | NDArray[np.uint16]:
        """Return the pixels: (H, W) or (H, W, 3), with alpha (H, W, 4), uint8 or uint16."""
        with reading(self.name):
            image, alpha = self.open(), self.alpha()
            if alpha is not None:
                image = (image if image.bands == 3 else image.bandjoin([image, image])).bandjoin(alpha)
            array: NDArray[np.uint8] | NDArray[np.uint16] = image.numpy()
        return array

    def to_pil(self) -> PIL.Image.Image:
        """Return the pixels as a Pillow image, of 8 bits a channel."""
        from PIL import Image

        array = self.to_numpy()
        return Image.fromarray(array if array.dtype == np.uint8 else (array / 257).round().astype(np.uint8))

    def save(
        self, path: str | Path, *, format: str | None = None, quality: int | None = None, overwrite: bool = False
    ) -> None:
        """Write it to a file, with its metadata; see :func:`tinct.media.write.write_photo`."""
        target = Path(path)
        write_photo(self.open(), target, like=self, format=format, quality=quality, overwrite=overwrite, mark=self.mark)

    @classmethod
    def from_image(
        cls, build: Callable[[], pyvips.Image], *, like: Photo, mark: Marking | None = None, notes: tuple[str, ...] = ()
    ) -> Photo:
        """Wrap a result: ``build`` returns a fresh upright sRGB image, without alpha, each time it is called."""
        image = build()
        source = PipelineSource(build, like.name, lambda: like.source_hash, like.source.format, like.alpha)
        depth: Literal[8, 16] = 16 if image.format == "ushort" else 8
        metadata = replace(like.metadata, orientation=1)
        return cls(image.height, image.width, depth, like.has_alpha, metadata, source, notes, mark)

    def _load(self) -> Any:
        return self.source.load(sequential=self.metadata.orientation in (1, 2))

    def _upright(self, stored: Any) -> Any:
        with reading(self.name):
            return self._turn(to_srgb(split_alpha(stored)[0], self.metadata.icc, self.name))

    def _turn(self, image: Any) -> Any:
        mirror, turn = _MIRROR.get(self.metadata.orientation), _TURN.get(self.metadata.orientation)
        image = image.flip(mirror) if mirror else image
        return image.rot(turn) if turn else image


def read_photo(
    source: str | os.PathLike[str] | bytes | BinaryIO | PIL.Image.Image | NDArray[Any],
    *,
    max_pixels: int = 2_000_000_000,
    allow_truncated: bool = False,
) -> Photo:
    """Open a photograph.

    Args:
        source: a path, the bytes of a file, a file object, a Pillow image, or an array: (H, W) or (H, W, 3|4), uint8, uint16, or
            floats in 0..1.
        max_pixels: the most pixels it may have, against files made to fill the memory.
        allow_truncated: keep what is there of a file that ends early.

    Raises:
        UnreadablePhoto: missing, unreadable, empty, or no picture of a format that Tinct reads.
        PhotoTooLarge: it has more than ``max_pixels``.
    """
    found: Source
    if isinstance(source, np.ndarray):
        found = ArraySource(source, "the array")
    elif isinstance(source, bytes):
        found = EncodedSource(source, "the data", sniff(source[:HEAD], "the data"), allow_truncated)
    elif isinstance(source, (str, os.PathLike)):
        path = Path(source)
        try:
            with path.open("rb") as file:
                head = file.read(HEAD)
        except OSError as error:
            raise UnreadablePhoto(f"{path} can't be read ({error.strerror or error})") from error
        found = EncodedSource(path, str(path), sniff(head, str(path)), allow_truncated)
    else:
        raise UnreadablePhoto(f"{type(source).__name__} is no photograph")
    image = found.load(sequential=True)
    if image.width * image.height > max_pixels:
        raise PhotoTooLarge(
            f"{found.name} has {image.width} x {image.height} pixels, more than the limit of {max_pixels}; "
            "raise it with --max-pixels if the file is to be trusted"
        )
    metadata = Metadata.of_image(image)
    height, width = (image.height, image.width) if metadata.orientation < 5 else (image.width, image.height)
    depth: Literal[8, 16] = 16 if image.format == "ushort" else 8
    return Photo(height, width, depth, bool(image.hasalpha()), metadata, found)
