"""Photographs for training and evaluation: decoded once, kept as 8-bit RGB."""

from __future__ import annotations

import hashlib
import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinct.data.decoded import MOST_BYTES, Decoded, DecodedCache
from tinct.data.source import LEAST_CHROMA, Source, fingerprint, is_colored
from tinct.errors import DataError, PhotoError
from tinct.media.memory import memory_bytes

MIN_SIDE = 32
NEARLY_GRAY = "nearly gray"

log = logging.getLogger(__name__)


class PhotoSet(Sequence[NDArray[np.uint8]]):
    """Decoded photos, (H, W, 3) uint8 each, with a short side of at most ``short_side``.

    They lie in the cache's files, or in memory where there is no cache or no room in it. A set that is too large for
    that (:data:`tinct.data.decoded.MOST_BYTES`, half of the memory) is decoded photo by photo when asked for; one that
    turns out unusable is then replaced by the next that is not.

    Args:
        sources: where they lie.
        short_side: in pixels.
        least_chroma: leave out photos with a mean chroma below this, as nearly gray; 0 keeps them all.
        cache: a folder to keep the decoded photos in, so that the next set of the same takes no time; None keeps
            nothing.
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
        least_chroma: float = LEAST_CHROMA,
        cache: Path | None = None,
        progress: Callable[[int], None] = lambda done: None,
        workers: int = 4,
    ) -> None:
        self.sources = sources
        self.settings = (short_side, least_chroma)
        """How they are decoded."""
        load = _Load(short_side, least_chroma)
        size = len(sources) * short_side**2 * _BYTES_A_PIXEL
        decoded = None
        if cache is not None and size <= MOST_BYTES:
            kept = DecodedCache(cache, fingerprint(sources, *self.settings))
            decoded = kept.load() or kept.fill(_decode(sources, load, progress, workers), size)
        if decoded is None:
            # Not the free memory: a run that is resumed must decide as before.
            fits = size <= min(MOST_BYTES, (memory_bytes()[0] or MOST_BYTES) / 2)
            decoded = _in_memory(_decode(sources, load, progress, workers)) if fits else _on_demand(sources, load)
        progress(len(sources))
        self.names = decoded.names
        self.labels = decoded.labels
        """The class of each, None where the data set has none."""
        self.rejected = decoded.rejected
        """Name -> why it was left out."""
        self._photos = decoded.photos

    def __len__(self) -> int:
        return len(self._photos)

    def __getitem__(self, index: int) -> NDArray[np.uint8]:  # type: ignore[override]
        return self._photos[index]

    def identity(self) -> dict[str, int | str]:
        """Return what tells whether a run goes on with the same data.

        That is the number of photos, a hash of their names and sizes, and one of the middle row of each, which takes
        seconds where all pixels would take minutes. Of photos that are decoded on demand it is a hash of their files.
        """
        if isinstance(self._photos, _OnDemand):
            return {"photos": len(self), "fingerprint": fingerprint(self.sources, *self.settings)}
        names, pixels = hashlib.sha256(), hashlib.sha256()
        for name, photo in zip(self.names, self._photos, strict=True):
            names.update(f"{name} {photo.shape}\n".encode(errors="surrogateescape"))
            pixels.update(photo[len(photo) // 2].tobytes())
        return {"photos": len(self), "fingerprint": names.hexdigest(), "pixels": pixels.hexdigest()}

    def left_out(self) -> dict[str, int]:
        """Return how many photos were left out for each reason."""
        reasons = Counter(why if why in _RULES else UNREADABLE for why in self.rejected.values())
        return dict(sorted(reasons.items()))

    def unreadable(self) -> dict[str, str]:
        """Return the photos that can't be decoded, by name, each with what is wrong with it."""
        return {name: why for name, why in sorted(self.rejected.items()) if why not in _RULES}

    def says_left_out(self, what: str) -> str:
        """Return a line on what was left out, with names of what can't be decoded; none where all are used.

        Args:
            what: the photos are.
        """
        if not self.rejected:
            return ""
        reasons = ", ".join(f"{count:,} {why}" for why, count in self.left_out().items())
        names = list(self.unreadable())
        more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
        named = f": {', '.join(names[:_NAMED])}{more}" if names else ""
        return f"{len(self.rejected):,} of {len(self.sources):,} {what} are left out: {reasons}{named}"


_TOO_SMALL = f"smaller than {MIN_SIDE} pixels"
_RULES = (NEARLY_GRAY, _TOO_SMALL)
UNREADABLE = "unreadable"
_NAMED = 5
_AHEAD = 256
"""Photos decoded at once, at most."""
_BYTES_A_PIXEL = 4
"""Of the square of the short side: three colors, and photos are a third longer than high."""


@dataclass(frozen=True, slots=True)
class _Load:
    """Decodes a photo, or says why it is left out."""

    short_side: int
    least_chroma: float

    def __call__(self, source: Source) -> NDArray[np.uint8] | str:
        try:
            photo = source.load(self.short_side)
        except (PhotoError, OSError) as error:
            return str(error)
        if min(photo.shape[:2]) < MIN_SIDE:
            return _TOO_SMALL
        return photo if is_colored(photo, self.least_chroma) else NEARLY_GRAY


class _OnDemand(Sequence[NDArray[np.uint8]]):
    """Photos that are decoded each time they are asked for."""

    def __init__(self, sources: Sequence[Source], load: _Load, rejected: dict[str, str]) -> None:
        self.sources = sources
        self.load = load
        self.rejected = rejected

    def __len__(self) -> int:
        return len(self.sources)

    def __getitem__(self, index: int) -> NDArray[np.uint8]:  # type: ignore[override]
        for step in range(len(self.sources)):
            source = self.sources[(index + step) % len(self.sources)]
            photo = self.load(source)
            if not isinstance(photo, str):
                return photo
            if source.name not in self.rejected and photo not in _RULES:
                log.warning("%s is left out (%s)", source.name, photo)
            self.rejected[source.name] = photo
        raise _none_usable(self.rejected)


def _on_demand(sources: Sequence[Source], load: _Load) -> Decoded:
    log.warning("%s photos are too many to keep decoded; each is decoded whenever it is needed", f"{len(sources):,}")
    rejected: dict[str, str] = {}
    photos = _OnDemand(sources, load, rejected)
    return Decoded([source.name for source in sources], [source.label for source in sources], rejected, photos)


def _in_memory(photos: Iterator[tuple[Source, NDArray[np.uint8] | str]]) -> Decoded:
    names: list[str] = []
    labels: list[str | None] = []
    rejected: dict[str, str] = {}
    kept: list[NDArray[np.uint8]] = []
    for source, photo in photos:
        if isinstance(photo, str):
            rejected[source.name] = photo
        else:
            names.append(source.name)
            labels.append(source.label)
            kept.append(photo)
    return Decoded(names, labels, rejected, kept)


def _decode(
    sources: Sequence[Source], load: _Load, progress: Callable[[int], None], workers: int
) -> Iterator[tuple[Source, NDArray[np.uint8] | str]]:
    """Yield each photo, or why it is left out.

    Raises:
        DataError: none is usable.
    """
    rejected: dict[str, str] = {}
    with ThreadPoolExecutor(workers) as pool:
        for start in range(0, len(sources), _AHEAD):
            some = sources[start : start + _AHEAD]
            for done, (source, photo) in enumerate(zip(some, pool.map(load, some), strict=True), start + 1):
                if isinstance(photo, str):
                    rejected[source.name] = photo
                yield source, photo
                progress(done)
    if len(rejected) == len(sources):
        raise _none_usable(rejected)


def _none_usable(rejected: dict[str, str]) -> DataError:
    reasons = "; ".join(f"{name}: {why}" for name, why in list(rejected.items())[:3])
    return DataError(f"none of the {len(rejected)} photos is usable ({reasons})")
