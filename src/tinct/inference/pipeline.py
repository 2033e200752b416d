"""The one visible path from a photograph to its colors.

photo -> L, small -> fitted to the network -> network -> read-out -> a, b of each cell -> variant
      -> saturation -> hints, reference -> lines over L -> joined with the photograph's own L at full size
"""

from __future__ import annotations

import dataclasses
import os
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import tinct
from tinct.errors import OptionError
from tinct.inference import guidance, readout, resolution
from tinct.inference.backends import Backend, Device, load_backend
from tinct.inference.join import Join
from tinct.inference.kriging import Scene, remaining, spread
from tinct.inference.options import ColorizeOptions, Variant
from tinct.inference.provenance import to_settings
from tinct.inference.result import Result
from tinct.inference.views import View, Views
from tinct.media.marking import Marking, Step
from tinct.media.photo import Photo, read_photo
from tinct.media.restore import restore
from tinct.models.registry import ModelSpec

if TYPE_CHECKING:
    from tinct.inference.confidence import Belief
    from tinct.inference.suggestions import Point, Swatch

Floats = NDArray[np.float32]


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
        OptionError: the device isn't to be had, or an argument is of another kind.
        MissingExtra: a checkpoint, without torch installed.
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | Backend = "default",
        device: Device = "auto",
        *,
        threads: int | None = None,
    ) -> None:
        if isinstance(model, (str, os.PathLike)):
            model = load_backend(model, device, threads)
        elif not hasattr(model, "run"):
            raise OptionError(f"model is {model!r}, expected a name, a file, a folder, or a loaded backend")
        self._backend: Backend = model

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
            OptionError: it is a result that isn't saved.
        """
        return Prepared(_open(photo), self._backend)

    def colorize(self, photo: Any, options: ColorizeOptions | None = None) -> Result:
        """Colorize a photograph.

        The network runs now (unless a prepared photograph remembers its output); the full size is computed while the
        result is written or looked at, from the photograph's file, which has to stay as it is until then.

        Args:
            photo: what :meth:`prepare` takes or returned.
            options: how to colorize.

        Raises:
            UnreadablePhoto, TruncatedPhoto, PhotoTooLarge: the photograph can't be read.
            HintError: a hint lies outside the picture.
            OptionError: the mask doesn't fit the photograph, the reference has no colors, one of the three is a result
                that isn't saved, or the photograph was prepared for another model.
        """
        return self._prepared(photo).colorize(options or ColorizeOptions())

    def variants(
        self, photo: Any, n: int = 4, options: ColorizeOptions | None = None, *, seed: int = 0
    ) -> list[Result]:
        """Colorize a photograph in several other ways, each coherent; see :mod:`tinct.inference.variants`.

        Args:
            photo: what :meth:`prepare` takes or returned.
            n: how many, 1 to 12; the usual result is none of them.
            options: what else to heed; its ``variant`` doesn't count.
            seed: another one gives others.

        Raises:
            OptionError: a number is out of range, or the model gives colors, and no distribution.
        """
        prepared, plain = self._prepared(photo), options or ColorizeOptions()
        return [prepared.colorize(dataclasses.replace(plain, variant=each)) for each in Variant.all(n, seed)]

    def suggest_points(self, photo: Any, n: int = 10, options: ColorizeOptions | None = None) -> list[Point]:
        """Say where hints would help most: places of which the model is unsure, and which many others follow.

        Args:
            photo: what :meth:`prepare` takes or returned.
            n: how many, 1 to 100.
            options: with the hints that there are.

        Returns:
            The most helpful first.

        Raises:
            OptionError: n is out of range, or the model gives colors, and no distribution.
        """
        from tinct.inference.suggestions import suggest_points

        return suggest_points(self._prepared(photo), n, options or ColorizeOptions())

    def suggest_colors(self, photo: Any, x: float | str, y: float | str, n: int = 5) -> list[Swatch]:
        """Say which distinct colors a place may have, and how probable each is; hex values are as light as it is.

        Args:
            photo: what :meth:`prepare` takes or returned.
            x: from the left of the upright picture, in pixels or as ``"40%"`` of the width.
            y: from the top, likewise.
            n: how many at most, 1 to 20.

        Raises:
            HintError: the place lies outside the picture.
            OptionError: n is out of range, or the model gives colors, and no distribution.
        """
        from tinct.inference.suggestions import suggest_colors

        return suggest_colors(self._prepared(photo), x, y, n)

    def _prepared(self, photo: Any) -> Prepared:
        if not isinstance(photo, Prepared):
            return self.prepare(photo)
        own, other = self._backend, photo._backend
        if own is not other and own.model_hash != other.model_hash:
            raise OptionError(f"{photo.photo.name} was prepared for {other.spec.name}; prepare it for {own.spec.name}")
        return photo


class Prepared:
    """A photograph with what the network made of it; see :meth:`Colorizer.prepare`."""

    def __init__(self, photo: Photo, backend: Backend, steps: tuple[Step, ...] = ()) -> None:
        self.photo = photo
        """The photograph, restored by the steps."""
        self._steps = steps
        self._backend = backend
        self._views = Views(photo, backend)

    def colorize(self, options: ColorizeOptions) -> Result:
        """Colorize it; see :meth:`Colorizer.colorize`."""
        if options.restore != self._steps:
            return self.restored(options.restore).colorize(options)
        photo, spec = self.photo, self._backend.spec
        source_hash = photo.source_hash  # computed here, where the model may still be on its way
        mask = None if options.mask is None else _open(options.mask)
        if mask is not None:
            guidance.check_mask(mask, photo.width, photo.height)
        hints = guidance.place(options.hints, photo.height, photo.width)
        reference = None if options.reference is None else Prepared(_open(options.reference), self._backend)
        taken = [] if reference is None else self._take_over(reference, options)
        placed = [*taken, *hints]
        view = self._views.look(options.size)
        choice = readout.choose(spec, options.mode, options.vividness)
        ab = self._read(view, choice)
        if options.variant is not None:
            from tinct.inference.variants import vary

            change = vary(self.believe(options), spec, choice.knot, ab, options.variant)
        if placed and spec.takes_hints:
            told = self._read(self._views.look(options.size, placed), choice)
            ab += np.float32(guidance.NETWORK_SHARE) * (told - ab)
        if options.variant is not None:
            ab += change
        if options.prior is not None:
            ab = options.prior.shift(view.lightness, ab)
        if options.saturation != 1:
            ab = readout.saturate(view.lightness, ab, options.saturation)
        scale = (photo.height / view.cells[0], photo.width / view.cells[1])
        before = ab
        if placed:
            believed = spec.output == "bins"
            scene = Scene.of_belief(self.believe(options)) if believed else Scene.of_colors(view.lightness, ab)
            ab = spread(placed, scene, ab, scale)
        join = Join(
            photo,
            resolution.guide(view.lightness, ab),
            view.cells,
            overlay=guidance.overlay(hints, photo.height, photo.width) if hints else None,
            layer=options.layer,
            mask=mask,
            value_shift=options.value_shift,
            original=photo.origin,
        )
        notes = list(dict.fromkeys((*photo.notes, *([choice.note] if choice.note else []))))
        if reference is not None and not taken:
            notes.append("nothing in the reference looks like anything in the photograph; it changed nothing")
        mark = self._mark(source_hash, options, mask, None if reference is None else reference.photo)

        def chances() -> Floats:
            from tinct.inference.confidence import chance

            belief = self.believe(options)
            left = remaining(hints, Scene.of_belief(belief), scale) if hints else None
            return chance(belief, before, ab, left)

        result = Photo.from_image(join.build, like=photo, mark=mark, notes=tuple(notes), kept=join.kept)
        return Result(result, tuple(notes), spec.name, _chances=chances, _cells=view.cells)

    def restored(self, steps: tuple[Step, ...]) -> Prepared:
        """Return the photograph with these steps of restoration; itself where it has them."""
        if steps == self._steps:
            return self
        return Prepared(restore(self.photo.origin, steps), self._backend, steps)

    def believe(self, options: ColorizeOptions) -> Belief:
        """Return what the model believes of each cell, before any hint; of the options, the size counts.

        Raises:
            OptionError: the model gives colors, and no distribution.
        """
        from tinct.inference.confidence import believe

        view = self._views.look(options.size)
        return believe(view.output, self._backend.spec, view.lightness, view.pooling)

    def locate(self, options: ColorizeOptions) -> tuple[list[guidance.Placed], tuple[float, float]]:
        """Return the hints in place, and how many pixels a cell has along y and x."""
        rows, columns = self._views.look(options.size).cells
        photo = self.photo
        placed = guidance.place(options.hints, photo.height, photo.width)
        return placed, (photo.height / rows, photo.width / columns)

    def cells(self, options: ColorizeOptions) -> tuple[Floats, Floats]:
        """Return what the network says, before anything else has changed it.

        Args:
            options: of which mode, vividness and size count.

        Returns:
            L in 0..100, (h, w), and a and b in Lab units, (h, w, 2), of the cells of a coarse grid.
        """
        view = self._views.look(options.size)
        return view.lightness, self._read(view, readout.choose(self._backend.spec, options.mode, options.vividness))

    def _read(self, view: View, choice: readout.Choice) -> Floats:
        """Read a and b, (h', w', 2), from what the network said."""
        return resolution.pool(readout.read_colors(view.output, self._backend.spec, choice.knot), view.pooling)

    def _take_over(self, reference: Prepared, options: ColorizeOptions) -> list[guidance.Placed]:
        from tinct.inference.reference import find_hints, read_colors

        own, other = self.believe(options), reference.believe(options)
        colors = read_colors(reference.photo, *other.lightness.shape)
        return find_hints(own, other, colors, self.locate(options)[1])

    def _mark(self, source_hash: str, options: ColorizeOptions, mask: Photo | None, reference: Photo | None) -> Marking:
        settings = to_settings(
            options,
            mask_hash=None if mask is None else mask.source_hash,
            reference_hash=None if reference is None else reference.source_hash,
            truncated=self.photo.origin.is_truncated,
            page=1 if self.photo.metadata.tiff is None else self.photo.metadata.tiff.page,
            sidecar_hash=self.photo.metadata.sidecar_hash,
        )
        return Marking(
            software="Tinct",
            version=tinct.__version__,
            model=self._backend.spec.name,
            model_hash=self._backend.model_hash,
            source_hash=source_hash,
            settings=settings,
            hinted=bool(options.hints),
        )


def _open(picture: Any) -> Photo:
    """Open a picture that is a file's own, so that the mark can say by its hash what was taken.

    Raises:
        OptionError: it is a result.
    """
    photo = picture if isinstance(picture, Photo) else read_photo(picture)
    if photo.mark is not None:
        raise OptionError(
            f"this picture is a result, made from {photo.name}; save it and give the file, so that a mark can name it, "
            "or give the photograph itself (Photo.origin)"
        )
    return photo
