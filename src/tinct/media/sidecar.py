"""XMP beside a picture, in a file of its own: what it says goes before what the picture itself says."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tinct.errors import UnreadablePhoto
from tinct.media.atomic import atomic_path
from tinct.media.pages import Pages
from tinct.media.photo import MAX_PIXELS, read_pages, read_photo
from tinct.media.picture import Photo
from tinct.media.write import outgoing_xmp
from tinct.media.xmp import Packet

SUFFIX = ".xmp"
LARGEST = 1 << 26
"""Most bytes of a sidecar."""


def find_sidecar(picture: Path) -> Path | None:
    """Return the sidecar of a picture: ``scan.tif.xmp``, else ``scan.xmp``; None where there is none."""
    found = (picture.with_name(name) for name in names_of_sidecars(picture.name))
    return next((path for path in found if path.is_file()), None)


def names_of_sidecars(picture: str) -> tuple[str, ...]:
    """Return the names that the sidecar of a picture may have, the likeliest first.

    >>> names_of_sidecars("box/scan.tif")
    ('box/scan.tif.xmp', 'box/scan.tif.XMP', 'box/scan.xmp', 'box/scan.XMP')
    """
    return tuple(
        stem + suffix for stem in (picture, os.path.splitext(picture)[0]) for suffix in (SUFFIX, SUFFIX.upper())
    )


def is_sidecar(name: str) -> bool:
    """Whether a file's name is one that :func:`names_of_sidecars` gives."""
    return os.path.splitext(name)[1] in (SUFFIX, SUFFIX.upper())


def sidecar_of(target: Path) -> Path:
    """Return where the sidecar of a result goes, under a name that no other result's sidecar has."""
    return target.with_name(target.name + SUFFIX)


def read_scan(
    source: str | Path | bytes,
    pages: Pages | None = None,
    *,
    sidecar: bool = False,
    max_pixels: int = MAX_PIXELS,
    allow_truncated: bool = False,
) -> Iterator[Photo]:
    """Open a photograph, or pages of one, with what its sidecar says.

    Args:
        source: a path, or the bytes of a file.
        pages: which ones, each when it is asked for; None takes the first, with a note where there are others.
        sidecar: look for a sidecar beside a path.
        max_pixels: the most pixels that a page may have.
        allow_truncated: take what is readable of a damaged file.

    Raises:
        UnreadablePhoto, TruncatedPhoto, PhotoTooLarge, OptionError: it can't be read so.
    """
    if pages is None:
        photos = iter([read_photo(source, max_pixels=max_pixels, allow_truncated=allow_truncated)])
    else:
        photos = read_pages(source, pages, max_pixels=max_pixels, allow_truncated=allow_truncated)
    beside = find_sidecar(Path(source)) if sidecar and not isinstance(source, bytes) else None
    return photos if beside is None else (with_sidecar(photo, beside) for photo in photos)


def with_sidecar(photo: Photo, sidecar: Path) -> Photo:
    """Return a photograph with what a sidecar says in place of what its own XMP says of the same.

    Raises:
        UnreadablePhoto: the sidecar can't be read, or is no XMP.
    """
    try:
        if sidecar.stat().st_size > LARGEST:
            raise UnreadablePhoto(f"the sidecar {sidecar} is larger than {LARGEST >> 20} MiB, which no XMP is")
        data = sidecar.read_bytes()
    except OSError as error:
        raise UnreadablePhoto(f"the sidecar {sidecar} can't be read ({error.strerror or error})") from error
    if not Packet.is_sound(data):
        raise UnreadablePhoto(f"the sidecar {sidecar} is no XMP, or damaged; repair it, or leave --sidecar out")
    packet = Packet(photo.metadata.xmp)
    packet.merge(Packet(data))
    metadata = dataclasses.replace(photo.metadata, xmp=packet.to_bytes(), sidecar_hash=hashlib.sha256(data).hexdigest())
    return dataclasses.replace(photo, metadata=metadata)


@contextmanager
def sidecar_beside(target: Path, *, overwrite: bool) -> Iterator[SidecarFile]:
    """Give what takes the first page of a result that is written inside the block; the sidecar is there at its end.

    Raises:
        OutputExists: there is one, and ``overwrite`` is False.
        OutputError: it can't be written.
    """
    with atomic_path(sidecar_of(target), overwrite=overwrite) as path:
        file = SidecarFile()
        yield file
        path.write_bytes(file.packet)


class SidecarFile:
    """The sidecar of a result on its way."""

    def __init__(self) -> None:
        self.packet = Packet().to_bytes()

    def take(self, photo: Photo, target: Path, format: str | None, quality: int | None) -> None:
        """Note what to write.

        Args:
            photo: the result.
            target, format, quality: as for :func:`tinct.media.write.write_photo`.
        """
        self.packet = outgoing_xmp(photo, target, format, quality) or self.packet
