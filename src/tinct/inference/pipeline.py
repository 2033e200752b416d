"""The one visible path from a photograph to its colors.

photo -> L, small -> fitted to the network -> network -> read-out -> a, b of each cell
      -> saturation -> hints -> lines over L -> joined with the photograph's own L at full size
"""

from __future__ import annotations

import dataclasses
import os
import threading
from collections import OrderedDict
from collections.abc import Iterable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

import tinct
from tinct.color.enhance import scale_saturation
from tinct.color.gamut import reduce_chroma
from tinct.color.lab import lab_to_srgb, srgb_to_lab
from tinct.errors import OptionError
from tinct.inference import guidance, readout, resolution
from tinct.inference.backends import Backend, Device, load_backend
from tinct.inference.join import Join
from tinct.inference.options import ColorizeOptions, Hint, Mode, Result
from tinct.inference.provenance import to_settings
from tinct.media.marking import Marking
from tinct.media.photo import Photo, read_photo
from tinct.models.registry import ModelSpec

Floats = NDArray[np.float32]

KEPT_OUTPUTS = 4
"""Raw outputs that a prepared photograph remembers, one for each set of hints and size."""
ASPECT_TOLERANCE = 0.01
"""How far the aspect of a mask may differ from the photograph's."""


class Colorizer:
    """Colorizes photographs with one model; several threads may share it.

    Args:
        model: a name (see :func:`tinct.list_models`), an ONNX file, a checkpoint, or a loaded
            :class:`~tinct.inference.backends.Backend`, for which ``device`` and ``threads`` don't count.
        device: ``auto``, ``cpu`` or ``cuda``.
        threads: how many the network may use on a CPU; None takes one for each core.

    Raises:
        UnknownModel: no model of that name.
        BadModelFile: the file is corrupt, no model of Tinct, or of another architecture.
        OptionError: the device isn't to be had.
        MissingExtra: a checkpoint, without torch installed.
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | Backend = "default",
        device: Device = "auto",
        *,
        threads: int | None = None,
    ) -> None:
        self._backend: Backend
        if isinstance(model, (str, os.PathLike)):
            self._backend = load_backend(model, device, threads)
        else:
            self._backend = model

    @property
    def spec(self) -> ModelSpec:
        """What the model takes and gives."""
        return self._backend.spec

    def prepare(self, photo: Any) -> Prepared:
        """Make a photograph ready for being colorized several times, each time for little.

        Args:
            photo: a :class:`~tinct.media.photo.Photo`, or anything that :func:`~tinct.media.photo.read_photo` takes.

        Raises:
            UnreadablePhoto, TruncatedPhoto, PhotoTooLarge: it can't be read.
        """
        return Prepared(photo if isinstance(photo, Photo) else read_photo(photo), self._backend)

    def colorize(self, photo: Any, options: ColorizeOptions | None = None) -> Result:
        """Colorize a photograph.

        The network runs now (unless a prepared photograph remembers its output); the full size is computed while the
        result is written or looked at.

        Args:
            photo: what :meth:`prepare` takes or returned.
            options: how to colorize.

        Raises:
            UnreadablePhoto, TruncatedPhoto, PhotoTooLarge: the photograph can't be read.
            HintError: a hint lies outside the picture.
            OptionError: the mask doesn't fit the photograph.
        """
        prepared = photo if isinstance(photo, Prepared) else self.prepare(photo)
        return prepared.colorize(options or ColorizeOptions())


class Prepared:
    """A photograph with what the network made of it; see :meth:`Colorizer.prepare`."""

    def __init__(self, photo: Photo, backend: Backend) -> None:
        self.photo = photo
        """The photograph."""
        self._backend = backend
        self._seen: OrderedDict[tuple[int, tuple[Hint, ...]], _Seen] = OrderedDict()
        self._lock = threading.Lock()

    def colorize(self, options: ColorizeOptions) -> Result:
        """Colorize it; see :meth:`Colorizer.colorize`."""
        photo, spec = self.photo, self._backend.spec
        mask = None if options.mask is None else _read_mask(options.mask, photo)
        placed = guidance.place(options.hints, photo.height, photo.width)
        size = options.size or spec.size
        seen = self._look(size, (), placed)
        choice = readout.choose(spec, options.mode, options.vividness)
        ab = self._read(seen, choice)
        if placed and spec.takes_hints:
            told = self._read(self._look(size, options.hints, placed), choice)
            ab += np.float32(guidance.NETWORK_SHARE) * (told - ab)
        if options.prior is not None:
            ab = options.prior.shift(seen.lightness, ab)
        if options.saturation != 1:
            ab = _saturate(seen.lightness, ab, options.saturation)
        rows, columns = seen.cells
        if placed:
            scale = (photo.height / rows, photo.width / columns)
            ab = guidance.spread(placed, seen.lightness, ab, scale)
        join = Join(
            photo,
            resolution.guide(seen.lightness, ab),
            seen.cells,
            overlay=guidance.overlay(placed, photo.height, photo.width) if placed else None,
            layer=options.layer,
            mask=mask,
        )
        notes = (*photo.notes, *(note for note in (choice.note,) if note))
        mark = self._mark(options, mask)
        return Result(Photo.from_image(join.build, like=photo, mark=mark, notes=notes), notes, spec.name)

    def cells(self, options: ColorizeOptions) -> tuple[Floats, Floats]:
        """Return what the network says, before anything else has changed it.

        Args:
            options: of which mode, vividness and size count.

        Returns:
            L in 0..100, (h, w), and a and b in Lab units, (h, w, 2), of the cells of a coarse grid.
        """
        seen = self._look(options.size or self._backend.spec.size, (), [])
        return seen.lightness, self._read(seen, readout.choose(self._backend.spec, options.mode, options.vividness))

    def _read(self, seen: _Seen, choice: readout.Choice) -> Floats:
        """Read a and b, (h', w', 2), from what the network said."""
        return resolution.pool(readout.read_colors(seen.output, self._backend.spec, choice.knot), seen.pooling)

    def _look(self, size: int, hints: tuple[Hint, ...], placed: list[guidance.Placed]) -> _Seen:
        """Run the network, or remember what it said."""
        key = (size, hints)
        with self._lock:
            if key in self._seen:
                self._seen.move_to_end(key)
                return self._seen[key]
        photo, spec = self.photo, self._backend.spec
        fitted = resolution.fit(photo.height, photo.width, size, spec.multiple)
        lightness = photo.small_lightness(fitted.height, fitted.width)
        encoded = guidance.encode(placed, photo.height, photo.width, fitted) if hints else None
        output = fitted.crop(self._backend.run(fitted.pad(lightness), encoded), spec.stride)
        pooling = resolution.pooling(fitted, spec.stride)
        cell = spec.stride * pooling
        seen = _Seen(
            np.ascontiguousarray(output),
            pooling,
            resolution.pool(lightness, cell),
            (fitted.height / cell, fitted.width / cell),
        )
        with self._lock:
            self._seen[key] = seen
            while len(self._seen) > KEPT_OUTPUTS:
                self._seen.popitem(last=False)
        return seen

    def _mark(self, options: ColorizeOptions, mask: Photo | None) -> Marking:
        settings = to_settings(
            options,
            mask_hash=None if mask is None else mask.source_hash,
            truncated=self.photo.is_truncated,
        )
        return Marking(
            software="Tinct",
            version=tinct.__version__,
            model=self._backend.spec.name,
            model_hash=self._backend.model_hash,
            source_hash=self.photo.source_hash,
            settings=settings,
            hinted=bool(options.hints),
        )


@dataclasses.dataclass(frozen=True, slots=True)
class _Seen:
    """What the network said of a photograph."""

    output: Floats
    """(C, h, w), raw, cut to the photograph."""
    pooling: int
    """How many of its cells a side are averaged into one."""
    lightness: Floats
    """(h', w'), L of each of the resulting cells."""
    cells: tuple[float, float]
    """How many cells cover the photograph's height and width."""


def _saturate(lightness: Floats, ab: Floats, saturation: float) -> Floats:
    """Put colors through the HSV stage; the lightness that it changes is not theirs anyway."""
    lab = reduce_chroma(np.concatenate([lightness[..., np.newaxis], ab], axis=-1))
    return srgb_to_lab(scale_saturation(np.clip(lab_to_srgb(lab), 0, 1), saturation))[..., 1:]


def _read_mask(mask: Any, photo: Photo) -> Photo:
    found = read_photo(mask)
    if abs(found.width * photo.height / (found.height * photo.width) - 1) > ASPECT_TOLERANCE:
        raise OptionError(
            f"the mask has {found.width} x {found.height} pixels, which is not the shape of the photograph "
            f"({photo.width} x {photo.height}); give one of the same size, or of the same shape"
        )
    return found


@cache
def _colorizer(model: str, device: Device) -> Colorizer:
    return Colorizer(model, device)


def colorize(
    photo: Any,
    *,
    mode: Mode = "vivid",
    vividness: float | None = None,
    saturation: float = 1.0,
    hints: Iterable[Hint] = (),
    size: int | None = None,
    layer: bool = False,
    mask: Any = None,
    model: str | os.PathLike[str] = "default",
    device: Device = "auto",
) -> Photo:
    """Colorize a photograph.

    The model stays loaded for the next call.

    Args:
        photo: a path, the bytes of a file, a file object, a Pillow image, an array ((H, W) or (H, W, 3|4); uint8,
            uint16, or floats in 0..1), or a :class:`~tinct.media.photo.Photo`.
        mode: ``vivid`` or ``faithful``.
        vividness: 0..1, in place of ``mode``.
        saturation: factor on the saturation of HSV; 1 is off.
        hints: colors chosen by hand.
        size: short side that the network sees, in pixels; None takes the model's own.
        layer: give the color alone, as a 16-bit layer.
        mask: a picture of the same shape, white where color is wanted.
        model: a name, an ONNX file, or a checkpoint.
        device: ``auto``, ``cpu`` or ``cuda``.

    Returns:
        The colorized photograph, of the same size and depth.

    Raises:
        TinctError: something can't be used; :mod:`tinct.errors` lists the kinds.
    """
    options = ColorizeOptions(mode, vividness, saturation, tuple(hints), size, layer, mask)
    return _colorizer(os.fspath(model), device).colorize(photo, options).photo
