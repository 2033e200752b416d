"""Photographs for training and evaluation: decoded once, kept as 8-bit RGB."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinct.data.decoded import MOST_BYTES, Decoded, DecodedCache
from tinct.data.source import LEAST_CHROMA, Source, fingerprint, is_colored
from tinct.errors import DataError, PhotoError

MIN_SIDE = 32
NEARLY_GRAY = "nearly gray"


class PhotoSet(Sequence[NDArray[np.uint8]]):
    """Decoded photos, (H, W, 3) uint8 each, with a short side of at most ``short_side``.

    A set that is too large for that (:data:`tinct.data.decoded.MOST_BYTES`) is decoded photo by photo when asked for;
    one that turns out unusable is then replaced by the next that is not.

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
        large = len(sources) * short_side**2 * _BYTES_A_PIXEL > MOST_BYTES
        kept = None if cache is None or large else DecodedCache(cache, fingerprint(sources, *self.settings))
        decoded = None if kept is None else kept.load()
        if large:
            decoded = _on_demand(sources, load)
            progress(len(sources))
        elif decoded is None:
            decoded = _decode(sources, load, progress, workers)
            if kept is not None:
                decoded = kept.save(decoded)
        else:
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
        reasons = Counter(why if why in _RULES else "unreadable" for why in self.rejected.values())
        return dict(sorted(reasons.items()))


_TOO_SMALL = f"smaller than {MIN_SIDE} pixels"
_RULES = (NEARLY_GRAY, _TOO_SMALL)
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
            self.rejected[source.name] = photo
        raise _none_usable(self.rejected)


def _on_demand(sources: Sequence[Source], load: _Load) -> Decoded:
    rejected: dict[str, str] = {}
    photos = _OnDemand(sources, load, rejected)
    return Decoded([source.name for source in sources], [source.label for source in sources], rejected, photos)


def _decode(sources: Sequence[Source], load: _Load, progress: Callable[[int], None], workers: int) -> Decoded:
    names: list[str] = []
    labels: list[str | None] = []
    rejected: dict[str, str] = {}
    photos: list[NDArray[np.uint8]] = []
    with ThreadPoolExecutor(workers) as pool:
        for done, (source, photo) in enumerate(zip(sources, pool.map(load, sources), strict=True), 1):
            if isinstance(photo, str):
                rejected[source.name] = photo
            else:
                names.append(source.name)
                labels.append(source.label)
                photos.append(photo)
            progress(done)
    if not photos:
        raise _none_usable(rejected)
    return Decoded(names, labels, rejected, photos)


def _none_usable(rejected: dict[str, str]) -> DataError:
    reasons = "; ".join(f"{name}: {why}" for name, why in list(rejected.items())[:3])
    return DataError(f"none of the {len(rejected)} photos is usable ({reasons})")
