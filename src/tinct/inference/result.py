"""What comes back of a colorization."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from tinct.media.photo import Photo


@dataclass(frozen=True, slots=True)
class Result:
    """A colorized photograph."""

    photo: Photo
    """The picture; its pixels are computed when they are asked for or written."""
    notes: tuple[str, ...]
    """What a user should know, a sentence each."""
    model: str
    """Name of the model."""
    _chances: Callable[[], NDArray[np.float32]] = field(compare=False)
    """Computes the confidence of the cells."""
    _cells: tuple[float, float] = field(compare=False)
    """How many cells cover the photograph's height and width."""

    def __repr__(self) -> str:
        return f"<Result {self.photo.summary}, by {self.model}>"

    def _repr_jpeg_(self) -> bytes:
        return self.photo._repr_jpeg_()

    def confidence(self, *, full: bool = False) -> NDArray[np.float32]:
        """Return how probable it is that each color is right: that the true one lies within 20 Lab units of it.

        Args:
            full: for the photograph's pixels, (H, W), rather than for the cells of a coarse grid, (h, w).

        Returns:
            float32, 0..1.

        Raises:
            OptionError: the model gives colors, and doesn't say how sure it is.
        """
        from tinct.inference.confidence import enlarged

        found = self._chances()
        if not full:
            return found
        pixels: NDArray[np.float32] = enlarged(found, self.photo, self._cells).numpy()
        return pixels.reshape(self.photo.height, self.photo.width)

    def save_confidence(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
        """Write :meth:`confidence` as a gray PNG of 8 bits and the photograph's size, white where it is 1.

        Raises:
            OptionError: the model gives colors, and doesn't say how sure it is; or the path ends like another format's.
            OutputExists: the file is there and ``overwrite`` is False.
            OutputError: it can't be written.
        """
        from tinct.inference.confidence import save

        save(self._chances(), self.photo, self._cells, Path(path), overwrite)
