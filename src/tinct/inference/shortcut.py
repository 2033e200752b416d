"""Colorizing in one call."""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

from tinct.errors import BadModelFile
from tinct.inference.backends import Device, check_device, is_checkpoint
from tinct.inference.options import ColorizeOptions, HintLike, Mode
from tinct.inference.pipeline import Colorizer
from tinct.media.photo import Photo, Readable
from tinct.weights import store

KEPT_MODELS = 4
"""Models that stay loaded, those used last."""


def colorize(
    photo: Any,
    *,
    mode: Mode = "vivid",
    vividness: float | None = None,
    saturation: float = 1.0,
    hints: HintLike | Iterable[HintLike] | None = (),
    size: int | None = None,
    layer: bool = False,
    mask: Photo | Readable | None = None,
    reference: Photo | Readable | None = None,
    value_shift: float = 0.0,
    model: str | os.PathLike[str] = "default",
    device: Device = "auto",
) -> Photo:
    """Colorize a photograph.

    The model stays loaded for the next call; it is loaded again once its file, or its checkpoint, is another.

    Args:
        photo: a path, the bytes of a file, a file object, a Pillow image, an array ((H, W) or (H, W, 3|4); uint8,
            uint16, or floats in 0..1), or a :class:`~tinct.media.photo.Photo`.
        mode: ``vivid`` or ``faithful``.
        vividness: 0..1, in place of ``mode``.
        saturation: factor on the saturation of HSV; 1 is off.
        hints: colors chosen by hand: a :class:`~tinct.inference.options.Hint`, its text ``X,Y,#RRGGBB[,RADIUS]`` or
            its fields as a dictionary, or several of them.
        size: short side that the network sees, in pixels; None takes the model's own.
        layer: give the color alone, as a 16-bit layer.
        mask: a picture of the same shape, white where color is wanted.
        reference: a color picture of the same or like things; its colors steer where both look alike.
        value_shift: added to the value of HSV, -1..1; 0 keeps the photograph's lightness.
        model: a name, an ONNX file, or a checkpoint.
        device: ``auto``, ``cpu`` or ``cuda``.

    Returns:
        The colorized photograph, of the same size and depth. Pixels are read when it is saved or looked at, so a file
        has to stay as it is until then.

    Raises:
        TinctError: something can't be used; :mod:`tinct.errors` lists the kinds.
    """
    options = ColorizeOptions(
        mode, vividness, saturation, hints, size, layer, mask, reference=reference, value_shift=value_shift
    )
    check_device(device)
    path = store.resolve(model).resolve()
    return _colorizer(path, device, _version(path)).colorize(photo, options).photo


@lru_cache(maxsize=KEPT_MODELS)
def _colorizer(path: Path, device: Device, _: tuple[object, ...]) -> Colorizer:
    return Colorizer(path, device)


def _version(path: Path) -> tuple[object, ...]:
    """Return what changes when the files of a model do; where they can't be found, loading them says why."""
    try:
        files = [path]
        if is_checkpoint(path):
            from tinct.weights.checkpoint import MODEL, SPEC, locate

            files = [locate(path) / name for name in (MODEL, SPEC)]
        return tuple((file, (found := file.stat()).st_mtime_ns, found.st_size, found.st_ino) for file in files)
    except (ImportError, OSError, BadModelFile):
        return ()
