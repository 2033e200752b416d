"""What is measured and how: the protocols, the original as all rows see it, and the manifest of a data set."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from tinct.color.figures import Pixels
from tinct.color.lab import lab_to_srgb, lightness_to_gray, srgb_to_lab
from tinct.data.inventory import listed, take_inventory
from tinct.data.source import Part, Source
from tinct.data.split import pick
from tinct.errors import DataError, DataOutOfReach, OptionError
from tinct.evaluation import auc, metrics
from tinct.evaluation.resample import resize
from tinct.media import picture
from tinct.media.photo import read_photo

Floats = NDArray[np.float32]
Protocol = Literal["stretch256", "native", "center256"]
"""``stretch256``: the whole photograph stretched to 256x256. ``native``: as it is. ``center256``: short side brought to
256 pixels, then the middle square. Resampling is bicubic, see :mod:`tinct.evaluation.resample`."""
PROTOCOLS: tuple[Protocol, ...] = get_args(Protocol)
SIDE = 256
LEAST_CHROMA = 3.0
"""Originals with a mean chroma below this are left out and counted: nobody could tell their colors."""
Status = Literal["measured", "near gray", "unreadable"]


def fit(rgb: Pixels, protocol: Protocol) -> Pixels:
    """Bring a photograph, (H, W, 3), to the size that a protocol measures at."""
    if protocol == "native":
        return rgb
    if protocol == "stretch256":
        return resize(rgb, SIDE, SIDE)
    height, width = rgb.shape[:2]
    # As usual in the field: the long side is cut to a whole number, the margin rounded.
    rows, columns = (SIDE, int(SIDE * width / height)) if height <= width else (int(SIDE * height / width), SIDE)
    top, left = round((rows - SIDE) / 2), round((columns - SIDE) / 2)
    return np.ascontiguousarray(resize(rgb, rows, columns)[top : top + SIDE, left : left + SIDE])


def to_lab(rgb: Pixels) -> Floats:
    """Return the Lab picture, float32 (H, W, 3), of 8-bit sRGB."""
    return srgb_to_lab(rgb.astype(np.float32) / np.float32(255))


def to_pixels(lab: Floats) -> Pixels:
    """Return the 8-bit sRGB picture of Lab, clipped to the gamut and rounded."""
    pixels: Pixels = np.rint(np.clip(lab_to_srgb(lab), 0, 1) * np.float32(255)).astype(np.uint8)
    return pixels


def eight_bits(pixels: NDArray[np.uint8] | NDArray[np.uint16]) -> Pixels:
    """Return a picture, (H, W), (H, W, 3) or with transparency, which is dropped, as uint8 (H, W, 3)."""
    levels = picture.eight_bits(pixels)
    return np.ascontiguousarray(np.repeat(levels[..., np.newaxis], 3, axis=-1) if levels.ndim == 2 else levels[..., :3])


@dataclass(frozen=True, eq=False)
class Original:
    """A photograph at the protocol's size, with what several figures need of it, computed once."""

    rgb: Pixels
    """(H, W, 3)."""

    @cached_property
    def lab(self) -> Floats:
        """(H, W, 3)."""
        return to_lab(self.rgb)

    @cached_property
    def levels(self) -> Pixels:
        """What a colorizer gets: L written as sRGB gray in 8 bits, (H, W)."""
        levels: Pixels = np.rint(lightness_to_gray(self.lab[..., 0]) * np.float32(255)).astype(np.uint8)
        return levels

    @cached_property
    def bins(self) -> NDArray[np.int16]:
        """The bin of each pixel's color, (H, W), see :func:`tinct.evaluation.auc.nearest_bins`."""
        return auc.nearest_bins(self.lab[..., 1:])

    @cached_property
    def lightness_slope(self) -> Floats:
        """(H, W), see :func:`tinct.evaluation.metrics.slope`."""
        return metrics.slope(self.lab[..., 0])

    @property
    def near_gray(self) -> bool:
        """Whether its mean chroma is below :data:`LEAST_CHROMA`."""
        return float(np.hypot(self.lab[..., 1], self.lab[..., 2]).mean(dtype=np.float64)) < LEAST_CHROMA


def read_original(source: Source, protocol: Protocol) -> Original:
    """Decode a photograph to 8-bit sRGB and bring it to the protocol's size.

    Raises:
        PhotoError: its bytes are no picture that can be used.
        DataOutOfReach: they can't be had, as of a disk or share that fails.
    """
    try:
        held = source.held
        photo = read_photo(held if isinstance(held, np.ndarray) else source.read())
    except OSError as error:
        raise DataOutOfReach(
            f"{source.name} can't be read any more ({error.strerror or error}); see to the disk or share that holds "
            "it, and run the same command again"
        ) from error
    return Original(fit(eight_bits(photo.to_numpy()), protocol))


@dataclass(frozen=True, slots=True)
class Item:
    """A photograph of a data set."""

    source: Source
    sha256: str
    """Of its encoded bytes, in hex."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """The photographs to measure on."""

    name: str
    items: tuple[Item, ...]
    """In the order of their names."""


def open_dataset(
    path: Path, count: int | None = None, part: Part | None = None, names: Collection[str] | None = None
) -> Dataset:
    """Find the photographs at a place, and hash them.

    Args:
        path: a folder, a tar, or what else :func:`tinct.data.inventory.take_inventory` knows.
        count: draw this many, by a hash of their names: the same ones each time.
        part: of a data set that is divided; None takes ``val``, else ``test``, else all.
        names: of the photographs that count, whatever their part; None for all.

    Raises:
        DataError: there is no photograph, or none of that part or of those names.
        OptionError: a count below 1.
    """
    if count is not None and count < 1:
        raise OptionError(f"--count is {count}, expected a whole number from 1 up")
    inventory = take_inventory(path)
    if names is not None:
        sources = [source for source in inventory.sources if source.name in names]
    elif part is not None:
        sources = inventory.of(part)
    else:
        sources = inventory.of("val") or inventory.of("test") or inventory.sources
    if not sources:
        which = f"of the part {part}" if names is None else f"of the {len(names):,} that the run held back"
        raise DataError(f"{path} has none {which}; it holds {listed(Counter(s.part for s in inventory.sources))}")
    if count is not None:
        sources = sorted(pick(sources, count), key=lambda source: source.name)
    try:
        items = tuple(Item(source, hashlib.sha256(source.read()).hexdigest()) for source in sources)
    except OSError as error:
        raise DataError(f"{path} can't be read ({error.strerror or error})") from error
    return Dataset(path.name, items)


def manifest_hash(hashes: Iterable[str]) -> str:
    """Return what stands for a set of photographs: the SHA-256 of their sorted hashes, a line each.

    Names don't count, so a folder and a tar of the same files agree.
    """
    return hashlib.sha256("".join(f"{digest}\n" for digest in sorted(hashes)).encode()).hexdigest()
