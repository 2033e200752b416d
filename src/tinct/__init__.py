"""Color for black-and-white photographs.

>>> import numpy, tinct
>>> photo = tinct.colorize(numpy.full((20, 30), 128, numpy.uint8))
>>> photo.to_numpy().shape
(20, 30, 3)

Names are loaded when they are first used, so that ``import tinct`` costs next to nothing.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False  # as that of typing, which takes longer to import than all else here
if TYPE_CHECKING:
    from tinct import errors
    from tinct.inference.options import ColorizeOptions, Hint, Variant
    from tinct.inference.pipeline import Colorizer
    from tinct.inference.result import Result
    from tinct.inference.shortcut import colorize
    from tinct.media.photo import Photo, read_photo
    from tinct.weights.store import list_models

__version__ = "0.1.0"
__all__ = [
    "ColorizeOptions",
    "Colorizer",
    "Hint",
    "Photo",
    "Result",
    "Variant",
    "__version__",
    "colorize",
    "errors",
    "list_models",
    "read_photo",
]

_HOMES = {
    "ColorizeOptions": "tinct.inference.options",
    "Colorizer": "tinct.inference.pipeline",
    "Hint": "tinct.inference.options",
    "Photo": "tinct.media.photo",
    "Result": "tinct.inference.result",
    "Variant": "tinct.inference.options",
    "colorize": "tinct.inference.shortcut",
    "errors": "tinct.errors",
    "list_models": "tinct.weights.store",
    "read_photo": "tinct.media.photo",
}
"""Module of each name, or the module that it is."""


# onnxruntime would otherwise send reports to its makers, and keep an identity of the machine below the home folder.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

# Only the names of __all__ are public.
del TYPE_CHECKING, os


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    home = import_module(_HOMES[name])
    value: object = home if name == "errors" else getattr(home, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
