"""Decoded photos kept on disk and mapped into memory, so that the next run with the same data starts at once."""

from __future__ import annotations

import json
import logging
import os
import shutil
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinct.data.source import Source
from tinct.errors import OutputError
from tinct.media.atomic import atomic_path

FORMAT = 1
"""Changes with the layout of the files."""
MOST_BYTES = 16 << 30
"""Of all that is kept; what was used longest ago goes first."""
ABANDONED = 24 * 3600
"""Seconds after which a file that is not finished never will be."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Decoded:
    """A data set's photos after decoding."""

    names: list[str]
    labels: list[str | None]
    rejected: dict[str, str]
    """Name -> why it was left out."""
    photos: Sequence[NDArray[np.uint8]]
    """(H, W, 3) each."""


class DecodedCache:
    """The place of one set of decoded photos: all pixels in one file, and a list of names and shapes beside it.

    The list is written last, and nothing is read without it, so a set is there whole or not at all.

    Args:
        folder: of the cache; made where missing.
        key: of the set.
    """

    def __init__(self, folder: Path, key: str) -> None:
        self.folder = folder / "photos"
        self.pixels = self.folder / f"{key}.pixels"
        self.list = self.folder / f"{key}.json"

    def load(self) -> Decoded | None:
        """Return the set, its photos mapped read-only; None where it isn't there or not whole."""
        try:
            said = json.loads(self.list.read_text("utf-8"))
            shapes = [(int(height), int(width), 3) for height, width in said["shapes"]]
            total = sum(height * width * 3 for height, width, _ in shapes)
            if said["format"] != FORMAT or self.pixels.stat().st_size != total or not shapes:
                return None
            flat = np.memmap(self.pixels, np.uint8, "r")
            with suppress(OSError):  # of another user
                os.utime(self.list)
        except (OSError, ValueError, KeyError, TypeError):
            return None
        ends = np.cumsum([height * width * 3 for height, width, _ in shapes])
        # A plain array over the mapped bytes: a memmap's own slices cost ten times as much to make.
        pixels = flat.view(np.ndarray)
        photos = [
            pixels[end - shape[0] * shape[1] * 3 : end].reshape(shape) for shape, end in zip(shapes, ends, strict=True)
        ]
        return Decoded(said["names"], said["labels"], said["rejected"], photos)

    def fill(self, photos: Iterable[tuple[Source, NDArray[np.uint8] | str]], expected: int) -> Decoded | None:
        """Write a set while it is decoded, so that memory never holds it, and return it as :meth:`load` does.

        Args:
            photos: each with its source; a text says why it is left out.
            expected: about how many bytes they will be.

        Returns:
            None where there is no room, or the folder can't be written.
        """
        names: list[str] = []
        labels: list[str | None] = []
        shapes: list[tuple[int, ...]] = []
        rejected: dict[str, str] = {}
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._remove_remains()
            self._make_room(expected)
            if shutil.disk_usage(self.folder).free < 2 * expected:
                log.info("too little room in %s to keep %.1f GB of decoded photos", self.folder, expected / 1e9)
                return None
            with atomic_path(self.pixels, overwrite=True) as path, path.open("wb") as file:
                for source, photo in photos:
                    if isinstance(photo, str):
                        rejected[source.name] = photo
                        continue
                    file.write(np.ascontiguousarray(photo).data)
                    names.append(source.name)
                    labels.append(source.label)
                    shapes.append(photo.shape[:2])
            said = {"format": FORMAT, "names": names, "labels": labels, "rejected": rejected, "shapes": shapes}
            with atomic_path(self.list, overwrite=True) as path:
                path.write_text(json.dumps(said), "utf-8")
        except (OSError, OutputError) as error:
            log.warning("decoded photos can't be kept in %s (%s); the next run decodes them again", self.folder, error)
            return None
        return self.load()

    def _remove_remains(self) -> None:
        """Remove what processes left that were killed while they wrote."""
        for path in (*self.folder.glob("*.pixels"), *self.folder.glob(".tinct-*.tmp")):
            if not path.with_suffix(".json").exists() and time.time() - _changed(path) > ABANDONED:
                with suppress(OSError):
                    path.unlink()

    def _make_room(self, wanted: int) -> None:
        """Remove sets that were used longest ago until the wanted bytes fit."""
        sets = sorted(self.folder.glob("*.json"), key=_changed)
        sizes = {path: _size(path.with_suffix(".pixels")) for path in sets}
        held = sum(sizes.values())
        for path, size in sizes.items():
            if held + wanted <= MOST_BYTES:
                break
            # On Windows a set that another process uses stays.
            with suppress(OSError):
                path.with_suffix(".pixels").unlink(missing_ok=True)
                path.unlink(missing_ok=True)
                held -= size


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _changed(path: Path) -> float:
    """Return when a file was last written or used, in seconds."""
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
