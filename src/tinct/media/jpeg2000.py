"""Pixels of JPEG 2000 files, decoded by a library of their own: the libvips that pip brings has no decoder for them.

The whole picture is in memory while its photograph is in use, so there is a limit to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinct.errors import PhotoTooLarge, TruncatedPhoto
from tinct.media.containers.jp2 import EXIF, IPTC, MOST_SAMPLES, PHOTOSHOP, XMP, Header, codec, read_header
from tinct.media.dpi import upright_dpi
from tinct.media.exif import read_exif, read_orientation, resolution
from tinct.media.metadata import Metadata
from tinct.media.photoshop import split_iptc
from tinct.media.source import EncodedSource, as_image
from tinct.media.spaces import is_sound

Levels = NDArray[np.uint8] | NDArray[np.uint16]


@dataclass(frozen=True)
class Jpeg2000Source(EncodedSource):
    """A JPEG 2000 file, or the bytes of one."""

    @cached_property
    def header(self) -> Header:
        """What the file says of itself.

        Raises:
            UnreadablePhoto: it is damaged, or no photograph.
            PhotoTooLarge: it can't be decoded in a reasonable amount of memory.
        """
        with self.open() as file:
            found = read_header(file, self.name)
        if found.height * found.width * found.channels > MOST_SAMPLES:
            raise PhotoTooLarge(
                f"{self.name} has {found.width} x {found.height} pixels of {found.channels} channels; JPEG 2000 is "
                f"decoded in memory, so at most {MOST_SAMPLES:,} samples; convert it to TIFF"
            )
        return found

    @cached_property
    def _levels(self) -> Levels:
        header = self.header
        with self.open() as file:
            # Without the boxes: the codec would apply a profile by itself, in 8 bits.
            file.seek(header.start)
            data = file.read()
        library = codec(self.name)
        try:
            levels = library.jpeg2k_decode(data)
        except library.Jpeg2kError as error:
            raise TruncatedPhoto(
                f"{self.name} is cut short or damaged ({error}), and nothing of it can be decoded; get the whole file"
            ) from error
        depth = 8 if header.bits <= 8 else 16
        if header.bits != depth:
            top, most = (1 << header.bits) - 1, (1 << depth) - 1
            table = np.rint(np.arange(top + 1) * (most / top)).astype(np.uint8 if depth == 8 else np.uint16)
            levels = table[levels]
        return np.ascontiguousarray(levels)

    def load(self, *, sequential: bool) -> Any:
        """See :class:`~tinct.media.source.Source`."""
        image = as_image(self._levels)
        return image.copy(interpretation="cmyk") if self.header.cmyk else image

    def load_small(self, shrink: float) -> Any:
        """See :class:`~tinct.media.source.Source`."""
        return self.load(sequential=True)

    def metadata(self) -> Metadata:
        """Return what the file says beside its pixels."""
        header = self.header
        exif = header.boxes.get(EXIF, b"").removeprefix(b"Exif\0\0") or None
        structure = read_exif(exif)
        orientation = read_orientation(structure)
        inside, photoshop = split_iptc(header.boxes.get(PHOTOSHOP, b""))
        return Metadata(
            exif=exif,
            icc=header.icc if header.icc and is_sound(header.icc) else None,
            xmp=header.boxes.get(XMP),
            iptc=header.boxes.get(IPTC) or inside,
            photoshop=photoshop,
            orientation=orientation,
            dpi=upright_dpi((resolution(structure), header.dpi), orientation),
        )
