"""A photograph as Tinct sees it: upright sRGB pixels that can be read again and again, and what its file said."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path, PurePath
from typing import IO, TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from tinct.errors import OptionError
from tinct.media.formats import Format, result_format
from tinct.media.marking import Marking
from tinct.media.metadata import Metadata
from tinct.media.source import EncodedSource, PipelineSource, Source
from tinct.media.spaces import split_alpha, to_lightness, to_srgb
from tinct.media.tone import SIDE, Tone, tone_of
from tinct.media.vips import reading, to_eight_bits
from tinct.media.write import write_photo

if TYPE_CHECKING:
    import PIL.Image
    import pyvips

    from tinct.media.credentials import Signer

SHOWN = 640
"""Longest side of a picture that a notebook shows, in pixels."""

# What turns stored pixels upright, for each EXIF orientation: a mirroring first, then a turn clockwise.
_MIRROR = {2: "horizontal", 4: "vertical", 5: "horizontal", 7: "horizontal"}
_TURN = {3: "d180", 5: "d270", 6: "d90", 7: "d90", 8: "d270"}
_LEVEL = (1, 2)  # orientations whose rows stay where they are, so that they stream


@dataclass(frozen=True)
class Kept:
    """What of a result stays as it is in the file of its photograph, where a mask says so."""

    colored: Callable[[], pyvips.Image]
    """Returns a fresh image of the result as it would be without the mask, sRGB."""
    mask: Callable[[], pyvips.Image]
    """Returns a fresh image, one band of uchar: 0 where the photograph stays, 255 where the result is seen."""
    photo: Photo
    """The photograph."""


@dataclass(frozen=True, eq=False)
class Photo:
    """A photograph, read lazily: nothing is decoded before pixels are asked for.

    :func:`tinct.media.photo.read_photo` makes one.
    """

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
    """What was found worth saying when it was opened; part of :attr:`notes`."""
    mark: Marking | None = None
    """What :meth:`save` writes about the making of a result; None for a photograph as found."""
    made_from: Photo | None = None
    """The photograph that a result was made from; None for one as found."""
    kept: Kept | None = None
    """What :meth:`save` takes from the file's own pixels; None where nothing stays."""

    @property
    def name(self) -> str:
        """What to call it in messages."""
        return self.source.name

    @property
    def summary(self) -> str:
        """Width, height, depth and file, in a few words."""
        return f"{self.width} x {self.height}, {self.depth} bits, {PurePath(self.name).name}"

    def __repr__(self) -> str:
        return f"<Photo {self.summary}>"

    def _repr_jpeg_(self) -> bytes:
        """Return a small copy for notebooks."""
        with reading(self.name):
            data: bytes = self.small(SHOWN, SHOWN).jpegsave_buffer(Q=90, keep="none")
        return data

    @property
    def origin(self) -> Photo:
        """The photograph as found that a result goes back to; itself for one as found."""
        return self if self.made_from is None else self.made_from.origin

    @property
    def output_format(self) -> Format:
        """The format of what is made of it, unless asked otherwise: its own where Tinct writes that."""
        return result_format(self.source.format, depth=self.depth)

    @property
    def is_truncated(self) -> bool:
        """Whether a part of its file is missing, and what is there was taken."""
        return isinstance(self.source, EncodedSource) and self.source.allow_truncated

    @cached_property
    def source_hash(self) -> str:
        """SHA-256 of the source's bytes (of the pixels, for an array), in hex."""
        return self.source.digest()

    @cached_property
    def tone(self) -> Tone:
        """Whether it is ``gray``, ``toned`` all over in one tint (sepia, yellowed paper), or of ``color``.

        Raises:
            TruncatedPhoto, UnreadablePhoto: the file can't be decoded.
        """
        scale = SIDE / max(self.height, self.width, SIDE)
        rows, columns = (max(1, round(side * scale)) for side in (self.height, self.width))
        with reading(self.name):
            image = to_srgb(self._small(rows, columns), self._icc, self.name)
            return "gray" if image.bands == 1 else tone_of(eight_bits(image.numpy()))

    @property
    def color(self) -> bool:
        """Whether it is truly colored: neither gray nor toned all over in one tint."""
        return self.tone == "color"

    @property
    def notes(self) -> tuple[str, ...]:
        """What a user should know: pages left out, colors replaced; of a result, what was noted of its making."""
        if self.made_from is not None:
            return self.remarks
        by_tone = {
            "gray": (),
            "toned": ("its tint (sepia, yellowed paper) is replaced; lightness is kept",),
            "color": ("a color photograph: recolorized from its lightness",),
        }
        return self.remarks + by_tone[self.tone]

    def open(self) -> pyvips.Image:
        """Return a fresh upright image: sRGB, one or three bands, uchar or ushort, without alpha.

        Rows must be read from top to bottom, once: most files stream.

        Raises:
            TruncatedPhoto, UnreadablePhoto: the file can't be decoded; also, as ``pyvips.Error``, when pixels are read.
        """
        with reading(self.name):
            return self._upright(to_srgb(self._colors(), self._icc, self.name))

    def stored(self) -> pyvips.Image | None:
        """Return a fresh upright image of the numbers in the file, three bands of its own profile, without alpha.

        None where that isn't one of RGB: what :meth:`open` returns is as good then. See there.
        """
        if self._icc is None or self._icc[16:20] != b"RGB ":
            return None
        with reading(self.name):
            image = self._upright(self._colors())
        if image.bands not in (1, 3):
            return None
        image = image if image.bands == 3 else image.bandjoin([image, image])
        return image.copy(interpretation="rgb16" if image.format == "ushort" else "srgb")

    def alpha(self) -> pyvips.Image | None:
        """Return a fresh upright image of the transparency, one band as deep as the picture, or None.

        See :meth:`open`.
        """
        if not self.has_alpha:
            return None
        with reading(self.name):
            return self._upright(split_alpha(self._load())[1])

    def lightness(self) -> pyvips.Image:
        """Return a fresh upright image of L, one float band in 0..100; see :meth:`open`."""
        with reading(self.name):
            return self._upright(to_lightness(self._colors(), self._icc, self.name))

    def small_lightness(self, height: int, width: int) -> NDArray[np.float32]:
        """Return L (height, width), float32 in 0..100, averaged down without aliasing (or enlarged smoothly).

        Raises:
            TruncatedPhoto, UnreadablePhoto: the file can't be decoded.
        """
        with reading(self.name):
            image = to_lightness(self._small(height, width), self._icc, self.name)
            small: NDArray[np.float32] = self._upright(image.copy_memory()).numpy()
        return small.reshape(height, width)

    def small(self, height: int, width: int) -> pyvips.Image:
        """Return a small upright copy, sRGB of three bands, uchar, without transparency; never enlarged.

        Args:
            height: at most, in pixels; the aspect is kept.
            width: likewise.

        Raises:
            TruncatedPhoto, UnreadablePhoto: the file can't be decoded.
        """
        scale = min(1.0, height / self.height, width / self.width)
        rows, columns = (max(1, round(side * scale)) for side in (self.height, self.width))
        with reading(self.name):
            image = to_srgb(self._small(rows, columns), self._icc, self.name)
            return self._upright(to_eight_bits(image).colourspace("srgb").copy_memory())

    def to_numpy(self) -> NDArray[np.uint8] | NDArray[np.uint16]:
        """Return the pixels, sRGB: (H, W) or (H, W, 3), with transparency (H, W, 4); uint8 or uint16.

        Raises:
            TruncatedPhoto, UnreadablePhoto: the file can't be decoded.
        """
        with reading(self.name):
            image, alpha = self.open(), self.alpha()
            if alpha is not None:
                image = (image if image.bands == 3 else image.bandjoin([image, image])).bandjoin(alpha)
            array: NDArray[np.uint8] | NDArray[np.uint16] = image.numpy()
        return array.reshape(self.height, self.width, *array.shape[2:])

    def to_pil(self) -> PIL.Image.Image:
        """Return the pixels as a Pillow image, of 8 bits a channel, gray ones of as many as they have.

        Raises:
            TruncatedPhoto, UnreadablePhoto: the file can't be decoded.
        """
        from PIL import Image

        array = self.to_numpy()
        return Image.fromarray(array if array.ndim == 2 else eight_bits(array))

    def save(
        self,
        path: str | os.PathLike[str] | IO[bytes],
        *,
        format: str | None = None,
        quality: int | None = None,
        overwrite: bool = False,
        signer: Signer | None = None,
    ) -> None:
        """Write it to a file, with its metadata. The source's pixels are read now, at full size.

        Args:
            path: file to write, or a file object open for writing bytes.
            format: ``jpeg``, ``png``, ``tiff``, ``webp``, ``avif`` or ``jp2``; None goes by the path's ending, without
                one by the photograph.
            quality: 1..100 for formats with loss; None takes the format's usual one.
            overwrite: whether a file may be replaced.
            signer: signs it with Content Credentials; None leaves it unsigned.

        Raises:
            OptionError: an unknown format or ending, quality out of range, or ``path`` is neither path nor file object.
            OutputExists: the file is there and ``overwrite`` is False.
            OutputError: the file can't be written, or the format can't be signed.
            TruncatedPhoto, UnreadablePhoto: the source can't be decoded, or has changed since it was opened.
        """
        write_photo(
            self.open(),
            Path(path) if isinstance(path, (str, os.PathLike)) else path,
            like=self,
            format=format,
            quality=quality,
            overwrite=overwrite,
            mark=self.mark,
            signer=signer,
        )

    @classmethod
    def from_image(
        cls,
        build: Callable[[], pyvips.Image],
        *,
        like: Photo,
        mark: Marking | None = None,
        notes: tuple[str, ...] = (),
        kept: Kept | None = None,
    ) -> Photo:
        """Wrap a result.

        Args:
            build: returns a fresh upright image each time: sRGB, one or three bands, uchar or ushort, without alpha.
            like: the photograph that it was made from, of the same size; gives transparency and metadata.
            mark: what to write about its making.
            notes: what a user should know.
            kept: what of it is the photograph's own.
        """
        image = build()
        if (image.height, image.width) != (like.height, like.width):
            raise OptionError(
                f"the result has {image.width} x {image.height} pixels, its photograph {like.width} x {like.height}"
            )
        return cls(
            height=image.height,
            width=image.width,
            depth=16 if image.format == "ushort" else 8,
            has_alpha=like.has_alpha,
            metadata=replace(like.metadata, orientation=1),
            source=PipelineSource(build, like.name, like.output_format, like.alpha, lambda: like.source_hash),
            remarks=notes,
            mark=mark,
            made_from=like,
            kept=kept,
        )

    @property
    def _icc(self) -> bytes | None:
        """The profile of the source's pixels; a pipeline's are sRGB, whatever profile the result will have."""
        return None if isinstance(self.source, PipelineSource) else self.metadata.icc

    def _load(self) -> Any:
        return self.source.load(sequential=self.metadata.orientation in _LEVEL)

    def _colors(self) -> Any:
        return split_alpha(self._load())[0]

    def _small(self, height: int, width: int) -> Any:
        """Return the color bands as stored, at the size that upright has ``height`` and ``width``."""
        if self.metadata.orientation >= 5:
            height, width = width, height
        stored = (self.height, self.width) if self.metadata.orientation < 5 else (self.width, self.height)
        # Half of the shrinking is left to the better filter.
        image = split_alpha(self.source.load_small(min(stored[0] / height, stored[1] / width) / 2))[0]
        return image.resize(width / image.width, vscale=height / image.height)

    def _upright(self, image: Any) -> Any:
        mirror, turn = _MIRROR.get(self.metadata.orientation), _TURN.get(self.metadata.orientation)
        image = image.flip(mirror) if mirror else image
        return image.rot(turn) if turn else image


def eight_bits(array: NDArray[np.uint8] | NDArray[np.uint16]) -> NDArray[np.uint8]:
    """Round levels of 16 bits, of any shape, to 8; those of 8 bits stay as they are."""
    return np.asarray(array if array.dtype == np.uint8 else np.rint(array / 257), np.uint8)
