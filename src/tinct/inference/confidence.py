"""How sure a model is: what it believes of each cell, and how probable it makes it that a shown color is right.

A classification model gives a distribution over colors. Its training counted rare colors more; divided by those
weights, it says how often each color is the true one. The chance that the true color lies near the shown one is the
mass around it. Temperature scaling (Guo et al., "On Calibration of Modern Neural Networks", 2017) makes it come true.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tinct.errors import OptionError
from tinct.inference import resolution
from tinct.media.atomic import atomic_path
from tinct.media.formats import PNG
from tinct.media.vips import file_name, vips, write_error
from tinct.models.registry import ModelSpec

if TYPE_CHECKING:
    import pyvips

    from tinct.media.photo import Photo

Floats = NDArray[np.float32]

NEARBY = 20.0
"""Distance from the shown color up to which the true one counts as the same, in Lab units of a and b."""
TEMPERATURE = 1.1
"""Of the distribution, so that its chances come true."""
LEAST_LEFT = 1e-3
"""A cell's variance is never taken for less than this share of what it was without hints."""


@dataclass(frozen=True, slots=True)
class Belief:
    """What a model believes of a photograph, before any hint."""

    lightness: Floats
    """(h, w), L of each cell in 0..100."""
    chances: Floats
    """(h, w, Q), how probable each color is there; they sum to 1."""
    bins: Floats
    """(Q, 2), a and b of the colors."""
    likeness: Floats | None = None
    """(h, w, C), what the model says of which cells err alike, see
    :attr:`tinct.models.registry.ModelSpec.likeness`; None of a model that doesn't."""

    @property
    def grid(self) -> float:
        """Distance of neighboring colors, in Lab units."""
        return float(np.min(np.diff(np.unique(self.bins[:, 0]))))

    def variance(self, ab: Floats) -> Floats:
        """Return how far the true colors are expected to be from some, squared, (h, w); ab (h, w, 2)."""
        mean = self.chances @ self.bins
        spread = self.chances @ (self.bins**2).sum(axis=1) - (mean**2).sum(axis=-1)
        expected: Floats = spread + ((ab - mean) ** 2).sum(axis=-1)
        return expected

    def within(self, ab: Floats, radius: Floats) -> Floats:
        """Return the chance that the true color lies within a radius of a color.

        Args:
            ab: (h, w, 2).
            radius: (h, w), in Lab units.

        Returns:
            float32 (h, w), in 0..1.
        """
        # A bin stands for a square of colors, of which a border of the circle cuts off a part: a logistic in place of
        # the uniform distribution across it, of the same variance.
        softness = np.float32(self.grid / np.sqrt(12) * np.sqrt(3) / np.pi)
        found = np.empty(radius.shape, np.float32)
        for row in range(len(found)):
            distance = np.linalg.norm(self.bins - ab[row, :, np.newaxis], axis=-1)
            beyond = np.clip((distance - radius[row, :, np.newaxis]) / softness, -60, 60)
            found[row] = (self.chances[row] / (1 + np.exp(beyond))).sum(axis=-1)
        return np.clip(found, 0, 1)


def believe(output: Floats, spec: ModelSpec, lightness: Floats, pooling: int) -> Belief:
    """Read a network's output as chances of colors.

    Args:
        output: (C, h', w'), raw.
        spec: of the network.
        lightness: (h, w), L of each cell.
        pooling: how many outputs a side make one cell.

    Raises:
        OptionError: the model gives colors, and no distribution.
    """
    if spec.output != "bins":
        raise OptionError(
            f"the model {spec.name} gives one color for each place and doesn't say what else it could be; "
            "choose one that does, such as the default"
        )
    bins = np.array(spec.bins, np.float32)
    planes = np.moveaxis(output, 0, -1)
    levels = planes[..., : len(bins)] - np.log(np.array(spec.weights, np.float32))
    levels /= np.float32(TEMPERATURE)
    levels -= levels.max(axis=-1, keepdims=True)
    np.exp(levels, out=levels)
    levels /= levels.sum(axis=-1, keepdims=True)
    likeness = resolution.pool(planes[..., len(bins) :], pooling) if spec.likeness else None
    return Belief(lightness, resolution.pool(levels, pooling), bins, likeness)


def chance(belief: Belief, before: Floats, shown: Floats, left: Floats | None) -> Floats:
    """Return how probable it is that each shown color is right, (h, w), in 0..1.

    Args:
        belief: of the model.
        before: (h, w, 2), the colors before hints were spread.
        shown: (h, w, 2), those after.
        left: (h, w), the share of variance that a person's hints leave; None without any. Errors shrink by its root,
            so what counts as near grows by as much; and where little is left, the hints are why the color is another.
    """
    if left is None:
        return belief.within(shown, np.full(belief.lightness.shape, NEARBY, np.float32))
    left = np.maximum(left, np.float32(LEAST_LEFT))
    radius = (NEARBY / np.sqrt(left)).astype(np.float32)
    return belief.within(before + left[..., np.newaxis] * (shown - before), radius)


def enlarged(chances: Floats, photo: Photo, cells: tuple[float, float]) -> pyvips.Image:
    """Return chances of cells as an image of a photograph's size."""
    from tinct.inference.join import as_image, enlarge

    image: pyvips.Image = enlarge(as_image(chances[..., np.newaxis]), photo, cells)
    return image


def save(chances: Floats, photo: Photo, cells: tuple[float, float], path: Path, overwrite: bool) -> None:
    """Write chances of cells as a gray PNG of a photograph's size.

    Raises:
        OptionError: the path has the ending of another format.
        OutputError: it can't be written, or is there.
    """
    if path.suffix.lower() not in ("", *PNG.suffixes):
        raise OptionError(f"{path}: the map is a PNG; give a name that ends in .png")
    gray = enlarged(chances, photo, cells).linear(255, 0.5).cast("uchar").copy(interpretation="b-w")
    with atomic_path(path, overwrite=overwrite) as temporary:
        try:
            vips().Operation.call("pngsave", gray, file_name(temporary), compression=3, keep="none")
        except vips().Error as error:
            raise write_error(photo.name, str(path), error) from error
