"""Where one photo of a data set lies, and how it is decoded."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from tinct.color.lab import srgb_to_lab
from tinct.media.formats import HEAD, sniff
from tinct.media.metadata import blob
from tinct.media.source import ArraySource, EncodedSource
from tinct.media.spaces import is_sound, split_alpha, to_srgb
from tinct.media.vips import reading, to_eight_bits

Part = Literal["train", "val", "test"]
"""A part of a data set as its authors published it; what is not divided counts as ``train``."""

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".heic", ".avif"})
DECODING = 2
"""Changes with how photos are decoded, so that what a cache holds of those before isn't used any more."""
LEAST_CHROMA = 2.8
"""Ordinary photos with a mean chroma below this teach gray and are left out of training."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where one photo lies: a file, a stretch of one (of an uncompressed tar), or memory."""

    name: str
    """Name inside the data set, with forward slashes; its first part is the source it came from."""
    path: Path
    """The file that holds it."""
    offset: int = 0
    size: int = -1
    """Bytes from ``offset`` on; -1 for all that follow."""
    part: Part = "train"
    label: str | None = None
    """Name of its class, where the data set has classes."""
    held: bytes | NDArray[np.uint8] | None = field(default=None, repr=False, compare=False)
    """The encoded photo, or its pixels (H, W, 3), where ``path`` is compressed and so can't be read in the middle."""

    def read(self) -> bytes:
        """Return the encoded photo; of one that the data set has as bare pixels, these."""
        if self.held is not None:
            return bytes(self.held)
        with self.path.open("rb") as file:
            file.seek(self.offset)
            return file.read(self.size)

    def load(self, short_side: int) -> NDArray[np.uint8]:
        """Decode to upright 8-bit sRGB, (H, W, 3), brought down to ``short_side`` where it is larger.

        Raises:
            PhotoError: the bytes are no whole picture.
            OSError: the file can't be read.
        """
        if isinstance(self.held, np.ndarray):
            return shrink(self.held, short_side)
        return decode(self.read(), short_side)

    def shape(self) -> tuple[int, int]:
        """Return height and width as stored, in pixels, without decoding the photo.

        Raises:
            PhotoError: the bytes are no picture.
            OSError: the file can't be read.
        """
        if isinstance(self.held, np.ndarray):
            return self.held.shape[0], self.held.shape[1]
        data = self.read()
        image = EncodedSource(data, "the photo", sniff(data[:HEAD], "the photo")).load(sequential=True)
        return image.height, image.width


def decode(data: bytes, short_side: int) -> NDArray[np.uint8]:
    """Decode to upright 8-bit sRGB, (H, W, 3), brought down to ``short_side`` where it is larger.

    Raises:
        PhotoError: the bytes are no whole picture.
    """
    source = EncodedSource(data, "the photo", sniff(data[:HEAD], "the photo"))
    return _pixels(source, short_side)


def shrink(photo: NDArray[np.uint8], short_side: int) -> NDArray[np.uint8]:
    """Bring a photo, (H, W, 3), down to ``short_side`` where it is larger."""
    if min(photo.shape[:2]) <= short_side:
        return np.ascontiguousarray(photo)
    return _pixels(ArraySource(np.ascontiguousarray(photo), "the photo"), short_side)


def _pixels(source: EncodedSource | ArraySource, short_side: int) -> NDArray[np.uint8]:
    image: Any = source.load(sequential=True)
    scale = short_side / min(image.width, image.height)
    width, height = round(image.width * scale), round(image.height * scale)
    with reading("the photo"):
        if scale < 1:
            image = source.load_small(1 / scale)
        profile = blob(image, "icc-profile-data")
        colors, alpha = split_alpha(image)
        colors = to_srgb(colors, profile if profile and is_sound(profile) else None, "the photo")
        image = to_eight_bits(colors).colourspace("srgb")
        if alpha is not None:
            image = image.bandjoin(to_eight_bits(alpha))
        if scale < 1:
            # Width and height are those of the picture as stored.
            image = image.thumbnail_image(width, height=height, size="force", no_rotate=True)
        image = image.copy_memory().autorot()  # which reads rows from bottom to top too
        if alpha is not None:
            image = image.flatten(background=255)
        pixels: NDArray[np.uint8] = image.numpy()
    return pixels


def is_colored(rgb: NDArray[np.uint8], least: float = LEAST_CHROMA) -> bool:
    """Tell whether a photo, (H, W, 3), has color worth learning: a mean chroma, in Lab units, of at least ``least``."""
    lab = srgb_to_lab(rgb[::4, ::4].astype(np.float32) / 255)
    return float(np.hypot(lab[..., 1], lab[..., 2]).mean()) >= least


def fingerprint(sources: Iterable[Source], *settings: object) -> str:
    """Return a hash that changes with the photos, their files, how they are decoded and the settings; for a cache.

    Files are told apart by name, size and time of change, so that nothing has to be read.
    """
    digest = hashlib.sha256(repr((DECODING, *settings)).encode())
    files: dict[Path, str] = {}
    for source in sources:
        if source.path not in files:
            status = source.path.stat()
            files[source.path] = f"{status.st_size} {status.st_mtime_ns}"
        stretch = f"{source.offset} {source.size} {source.part} {source.label}"
        digest.update(f"{source.name}\0{files[source.path]} {stretch}\n".encode(errors="surrogateescape"))
    return digest.hexdigest()[:32]
