"""Photographs for training: found in folders and tar shards, decoded once, kept in memory as 8-bit RGB."""

from __future__ import annotations

import hashlib
import logging
import tarfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinct.color.lab import srgb_to_lab
from tinct.errors import DataError, PhotoError
from tinct.media.formats import HEAD, sniff
from tinct.media.source import EncodedSource
from tinct.media.vips import reading

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".heic", ".avif"})
MIN_CHROMA = 2.8
"""Photos with a mean chroma below this teach gray and are left out."""
MIN_SIDE = 32

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Source:
    """Where one encoded photo lies: a file, or a stretch of an uncompressed tar."""

    name: str
    """Name inside the data set, with forward slashes; its first part is the source it came from."""
    path: Path
    offset: int = 0
    size: int = -1

    def read(self) -> bytes:
        """Return the encoded photo."""
        with self.path.open("rb") as file:
            file.seek(self.offset)
            return file.read(self.size)


def find_photos(path: Path) -> list[Source]:
    """List the photos of a folder of pictures, a tar, or a folder of tars, sorted by name.

    In a folder of tars ``val.tar`` is left out: it is for validation. A shard that can't be read to its end gives the
    photos before the fault, and a warning.

    Raises:
        DataError: there is no such path, or no photo in it.
    """
    if not path.exists():
        raise DataError(f"{path}: no such file or folder; --data takes a folder of photos, a tar, or a folder of tars")
    if path.is_file():
        found = list(_members(path))
    else:
        shards = sorted(p for p in path.glob("*.tar") if p.name != "val.tar")
        if shards:
            found = [source for shard in shards for source in _members(shard)]
        else:
            files = (p for p in path.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
            found = [Source(p.relative_to(path).as_posix(), p) for p in files]
    if not found:
        raise DataError(f"{path}: no photo in it; expected {', '.join(sorted(SUFFIXES))} files or tars of them")
    return sorted(found, key=lambda source: source.name)


def _members(shard: Path) -> Iterator[Source]:
    try:
        with tarfile.open(shard, "r:") as tar:
            for member in tar:
                if member.isfile() and Path(member.name).suffix.lower() in SUFFIXES:
                    yield Source(member.name, shard, member.offset_data, member.size)
            end = tar.offset
        # tarfile takes a cut or broken header for the end; the true end is a block of zeros.
        if Source(shard.name, shard, end, tarfile.BLOCKSIZE).read() != bytes(tarfile.BLOCKSIZE):
            log.warning("%s is cut short or damaged; what comes before the fault is used", shard)
    except (tarfile.TarError, OSError) as error:
        raise DataError(f"{shard} is no readable tar ({error}); make or fetch it again") from error


def _rank(name: str) -> bytes:
    return hashlib.sha1(name.encode(), usedforsecurity=False).digest()


def pick(sources: Iterable[Source], count: int) -> list[Source]:
    """Pick some photos by hash: a fair mix, in mixed order, that changes little when others come or go."""
    return sorted(sources, key=lambda source: _rank(source.name))[:count]


def hold_back(sources: Iterable[Source], counts: Mapping[str, int]) -> list[Source]:
    """Leave out the given number of photos of each named source (first part of the name), chosen by hash.

    The choice stays the same when other photos come or go.
    """
    sources = list(sources)
    held: set[str] = set()
    for prefix, count in counts.items():
        of_source = (source for source in sources if source.name.split("/", 1)[0] == prefix)
        held.update(source.name for source in pick(of_source, count))
    return [source for source in sources if source.name not in held]


def split_by_hash(sources: Iterable[Source], share: float) -> tuple[list[Source], list[Source]]:
    """Split into two parts, the second with about ``share`` of the photos, by a hash of each name.

    A photo stays on its side when others come or go.
    """
    first: list[Source] = []
    second: list[Source] = []
    for source in sources:
        position = int.from_bytes(_rank(source.name)[:4], "big") / 2**32
        (second if position < share else first).append(source)
    return first, second


def decode(data: bytes, short_side: int) -> NDArray[np.uint8]:
    """Decode to upright 8-bit sRGB, (H, W, 3), brought down to ``short_side`` where it is larger.

    Raises:
        PhotoError: the bytes are no whole picture.
    """
    source = EncodedSource(data, "the photo", sniff(data[:HEAD], "the photo"))
    image = source.load(sequential=True)
    scale = short_side / min(image.width, image.height)
    with reading("the photo"):
        if scale < 1:
            width, height = round(image.width * scale), round(image.height * scale)
            image = source.load_small(1 / scale).thumbnail_image(width, height=height, size="force")
        image = image.autorot().colourspace("srgb")
        if image.hasalpha():
            image = image.flatten(background=255)
        pixels: NDArray[np.uint8] = image.cast("uchar").numpy()
    return pixels


def is_colored(rgb: NDArray[np.uint8]) -> bool:
    """Tell whether a photo, (H, W, 3), has color worth learning: a mean chroma of at least :data:`MIN_CHROMA`."""
    lab = srgb_to_lab(rgb[::4, ::4].astype(np.float32) / 255)
    return float(np.hypot(lab[..., 1], lab[..., 2]).mean()) >= MIN_CHROMA


class PhotoSet(Sequence[NDArray[np.uint8]]):
    """Decoded photos, (H, W, 3) uint8 each, with a short side of at most ``short_side``.

    Args:
        sources: where they lie.
        short_side: in pixels.
        colored_only: leave out photos that are nearly gray.
        progress: called with the number of photos decoded so far.
        workers: decoding threads.

    Raises:
        DataError: no photo is usable.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        short_side: int,
        *,
        colored_only: bool = True,
        progress: Callable[[int], None] = lambda done: None,
        workers: int = 4,
    ) -> None:
        self.names: list[str] = []
        self.rejected: dict[str, str] = {}
        self._photos: list[NDArray[np.uint8]] = []

        def load(source: Source) -> NDArray[np.uint8] | str:
            try:
                photo = decode(source.read(), short_side)
            except (PhotoError, OSError) as error:
                return str(error)
            if min(photo.shape[:2]) < MIN_SIDE:
                return f"smaller than {MIN_SIDE} pixels"
            return "nearly gray" if colored_only and not is_colored(photo) else photo

        with ThreadPoolExecutor(workers) as pool:
            for done, (source, photo) in enumerate(zip(sources, pool.map(load, sources), strict=True), 1):
                if isinstance(photo, str):
                    self.rejected[source.name] = photo
                else:
                    self.names.append(source.name)
                    self._photos.append(photo)
                progress(done)
        if not self._photos:
            reasons = "; ".join(f"{name}: {why}" for name, why in list(self.rejected.items())[:3])
            raise DataError(f"none of the {len(sources)} photos is usable ({reasons})")

    def __len__(self) -> int:
        return len(self._photos)

    def __getitem__(self, index: int) -> NDArray[np.uint8]:  # type: ignore[override]
        return self._photos[index]

    def fingerprint(self) -> str:
        """Return a hash of the photos' names and sizes, to tell whether a run goes on with the same data."""
        digest = hashlib.sha256()
        for name, photo in zip(self.names, self._photos, strict=True):
            digest.update(f"{name} {photo.shape}\n".encode())
        return digest.hexdigest()
