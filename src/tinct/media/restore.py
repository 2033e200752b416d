"""Steps of restoration before coloring: dust, scratches, faded contrast. Each is off unless asked for.

They change the lightness alone, at full size and in 16 bits. What is found is found in a copy of at most
:data:`SEARCHED` pixels a side, what is filled is filled in blocks of a file on the disk, and contrast is one table: so
memory doesn't grow with the picture.
"""

from __future__ import annotations

import dataclasses
import os
import weakref
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from tinct.color.lab import gray_to_lightness, lightness_to_gray
from tinct.errors import MissingExtra, OptionError, OutputError
from tinct.media.atomic import scratch_folder
from tinct.media.defects import Kind, fill, find_defects
from tinct.media.marking import STEPS, Step
from tinct.media.picture import Photo
from tinct.media.spaces import as_table
from tinct.media.vips import file_name, forget_errors, reading, vips, write_error

EXTRA = "restore"
SEARCHED = 3072
"""Longest side, in pixels, of the copy in which defects are looked for; what is smaller than a pixel of it stays."""
BLOCK, MARGIN = 512, 48
"""Side of a block that is filled at once, in pixels, and what is seen around it, in pixels of that copy."""
TAIL = 0.005
"""Share of the darkest and of the lightest pixels that a stretch of contrast may cut off."""
DARKEST, LIGHTEST = 3.0, 97.0
"""L that these get."""
MOST_GAIN = 3.0
"""A blank page would be stretched to noise."""
FRAME = 0.05
"""Share of each side that isn't looked at for contrast: borders and mounts."""


def parse_steps(texts: Sequence[str]) -> tuple[Step, ...]:
    """Read the names of steps, each text one or several with commas, and return them in the order of their work.

    Raises:
        OptionError: a name is unknown.

    >>> parse_steps(["contrast,dust"])
    ('dust', 'contrast')
    """
    named = {part.strip().lower() for text in texts for part in text.split(",")}
    if unknown := sorted(named - set(STEPS)):
        raise OptionError(f"can't restore {', '.join(map(repr, unknown))}; choose of {', '.join(STEPS)}")
    return tuple(step for step in STEPS if step in named)


def check(steps: Sequence[str]) -> None:
    """Refuse steps that can't be carried out here.

    Raises:
        MissingExtra: a library isn't installed.
    """
    if not {"dust", "scratches"} & set(steps):
        return
    try:
        import cv2  # noqa: F401 - only to see
    except ImportError as error:
        raise MissingExtra("removing dust and scratches", EXTRA) from error


def restore(photo: Photo, steps: Sequence[Step]) -> Photo:
    """Return a photograph restored: gray, of the same size; its pixels are 16 bits within, whatever its depth.

    Args:
        photo: the photograph.
        steps: what to do; none returns the photograph itself.

    Raises:
        MissingExtra: a library isn't installed.
        TruncatedPhoto, UnreadablePhoto: it can't be decoded.
        OutputError: there is no space for temporary files.
    """
    if not steps:
        return photo
    check(steps)
    wanted = frozenset[Kind](step for step in steps if step != "contrast")
    mask = _find(photo, wanted) if wanted else None
    kept = None if mask is None else _Kept(photo, mask)

    def build() -> Any:
        return _gray(photo) if kept is None else kept.open()

    table = None
    if "contrast" in steps:
        with reading(photo.name):
            table = as_table(stretch(_histogram(build())))

    def finished() -> Any:
        return build() if table is None else build().maplut(table).copy(interpretation="grey16")

    result = Photo.from_image(finished, like=photo, notes=photo.notes)
    # A photograph of 8 bits stays one: the 16 bits only keep the steps from adding up roundings.
    return dataclasses.replace(result, depth=photo.depth)


def stretch(counts: NDArray[np.int64]) -> NDArray[np.uint16]:
    """Return a table from gray levels to gray levels that brings faded blacks and whites back, evenly in L.

    Args:
        counts: how often each of the 65,536 gray levels of sRGB occurs.
    """
    levels = gray_to_lightness(np.linspace(0, 1, 65536, dtype=np.float32))
    shares = np.cumsum(counts) / max(int(counts.sum()), 1)
    low, high = (float(levels[min(int(np.searchsorted(shares, share)), 65535)]) for share in (TAIL, 1 - TAIL))
    # Only outward: a picture that reaches further than asked for keeps its range.
    dark, light = min(low, DARKEST), max(high, LIGHTEST)
    gain = min((light - dark) / max(high - low, 1e-6), MOST_GAIN)
    middle = (low - dark) / max(low - dark + light - high, 1e-6)  # what stays where it is when the gain is limited
    anchor = low + middle * (high - low)
    stretched = np.clip(anchor + gain * (levels - anchor), 0, 100)
    return np.rint(lightness_to_gray(stretched.astype(np.float32)) * 65535).astype(np.uint16)


class _Kept:
    """The gray levels of a photograph with its defects filled, in a file that goes with this object.

    What reads the pixels has to keep hold of it. Where the system lets it, the file has lost its name before it gets
    its pixels, so that it goes with the process however that ends.
    """

    def __init__(self, photo: Photo, mask: NDArray[np.uint8]) -> None:
        self._size = height, width = photo.height, photo.width
        stack = ExitStack()
        folder = stack.enter_context(scratch_folder())
        remove = weakref.finalize(self, stack.close)
        target = f"the temporary folder {folder.parent} (TMPDIR names another)"
        forget_errors()
        try:
            with (folder / "gray").open("w+b") as file:
                file.truncate(height * width * np.dtype(np.uint16).itemsize)
                self._image = vips().Operation.call(
                    "rawload", file_name(folder / "gray"), width, height, 1, format="ushort", interpretation="grey16"
                )
                if os.name == "posix":
                    remove()
                vips().Operation.call("rawsave_target", _gray(photo), vips().Target.new_to_descriptor(file.fileno()))
                self._fill(mask, file)
        except OSError as error:
            raise OutputError(f"{target} can't be written ({error.strerror or error})") from error
        except vips().Error as error:
            raise write_error(photo.name, target, error) from error

    def open(self) -> Any:
        return self._image.copy()

    def _fill(self, mask: NDArray[np.uint8], file: BinaryIO) -> None:
        height, width = self._size
        scale = max(height / mask.shape[0], width / mask.shape[1])
        radius, margin = max(3, round(3 * scale)), round(MARGIN * scale)
        for top, bottom, left, right in _blocks(height, width):
            rows, columns = slice(max(0, top - margin), bottom + margin), slice(max(0, left - margin), right + margin)
            part = _enlarged(mask, rows, columns, height, width)
            if not part[top - rows.start : bottom - rows.start, left - columns.start : right - columns.start].any():
                continue
            pixels = np.memmap(file, np.uint16, "r+", shape=(height, width))
            filled = fill(np.array(pixels[rows, columns]), part, radius)
            inner = filled[top - rows.start : bottom - rows.start, left - columns.start : right - columns.start]
            pixels[top:bottom, left:right] = inner
            del pixels  # so that what was touched doesn't count as ours


def _blocks(height: int, width: int) -> Iterator[tuple[int, int, int, int]]:
    for top in range(0, height, BLOCK):
        for left in range(0, width, BLOCK):
            yield top, min(top + BLOCK, height), left, min(left + BLOCK, width)


def _enlarged(mask: NDArray[np.uint8], rows: slice, columns: slice, height: int, width: int) -> NDArray[np.uint8]:
    """Return the part of a mask that covers some pixels of the full size."""
    y = (np.arange(rows.start, min(rows.stop, height)) + 0.5) * (mask.shape[0] / height)
    x = (np.arange(columns.start, min(columns.stop, width)) + 0.5) * (mask.shape[1] / width)
    return np.ascontiguousarray(mask[y.astype(np.intp)][:, x.astype(np.intp)])


def _find(photo: Photo, kinds: frozenset[Kind]) -> NDArray[np.uint8] | None:
    """Return where the defects are, in the copy that is searched; None where there are none."""
    scale = min(1.0, SEARCHED / max(photo.height, photo.width))
    rows, columns = (max(1, round(side * scale)) for side in (photo.height, photo.width))
    mask = find_defects(photo.small_lightness(rows, columns), kinds)
    return mask if mask.any() else None


def _gray(photo: Photo) -> Any:
    """Return a photograph's lightness as gray levels of sRGB, 16 bits; of a gray one these are its own levels."""
    image = photo.open()
    if image.bands == 1:
        return (image if image.format == "ushort" else (image * 257).cast("ushort")).copy(interpretation="grey16")
    levels = lightness_to_gray(np.linspace(0, 100, 65536, dtype=np.float32))
    table = as_table(np.rint(levels * 65535).astype(np.uint16))
    return (photo.lightness() * 655.35).rint().cast("ushort").maplut(table).copy(interpretation="grey16")


def _histogram(image: Any) -> NDArray[np.int64]:
    left, top = (int(side * FRAME) for side in (image.width, image.height))
    inner = image.crop(left, top, image.width - 2 * left, image.height - 2 * top)
    counts = np.zeros(65536, np.int64)
    found = inner.hist_find().numpy().reshape(-1)
    counts[: len(found)] = found
    return counts
