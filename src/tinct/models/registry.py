"""What each model is: specifications that need no torch, and a table of the architectures.

A :class:`ModelSpec` travels with every weight file (in an ONNX file's metadata, in a checkpoint), so that a file alone
is enough to use a model. The pipeline obeys the specification; it knows no model by name.
"""

from __future__ import annotations

import dataclasses
import importlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from tinct.errors import BadModelFile, UnknownModel

if TYPE_CHECKING:
    from torch import nn

SPEC_KEY = "tinct.spec"
"""Where an ONNX file's metadata hold the model's specification."""

Output = Literal["ab", "rgb", "bins"]


@dataclass(frozen=True, slots=True)
class Knot:
    """One point of the path from dull to lively; between two of them the values are interpolated linearly."""

    vividness: float
    """Position on the path, 0..1."""
    division: float
    """Exponent u of p / w^u: 1 divides the rebalancing out of the distribution, 0 leaves it in."""
    temperature: float
    """T of the annealed mean: 1 the mean, towards 0 the mode."""
    chroma: float
    """Factor on a and b after the read-out."""


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """What a model takes and gives.

    Every model takes ``lightness``, float32 (N, 1, H, W), L of CIE Lab in 0..100, with H and W multiples of
    ``multiple``. One that takes hints has a second input ``hints``, float32 (N, 3, H, W): a mask (1 where hinted, else
    0), then a and b in Lab units, 0 outside the mask.
    """

    name: str
    """Name of the model, as given to ``--model``."""
    architecture: str
    """Name of the network in :data:`ARCHITECTURES`."""
    output: Output
    """``ab``: (N, 2, h, w) in Lab units. ``rgb``: (N, 3, h, w) sRGB in 0..1. ``bins``: logits (N, Q, h, w)."""
    stride: int = 1
    """How many input pixels one output pixel covers: h = H / stride."""
    multiple: int = 1
    """Height and width must be multiples of this."""
    size: int = 256
    """Short side that the network sees unless asked otherwise, in pixels."""
    takes_hints: bool = False
    """Whether it has the input ``hints``."""
    modes: Mapping[str, float] = field(default_factory=dict)
    """Vividness of each named mode; empty for a model with one read-out."""
    path: tuple[Knot, ...] = ()
    """The read-outs by vividness, in ascending order; for ``bins`` at least one."""
    bins: tuple[tuple[float, float], ...] = ()
    """Centres (a, b) of the Q color bins; only for ``bins``."""
    weights: tuple[float, ...] = ()
    """Rebalancing weight of each bin, as used in training (1 without rebalancing); only for ``bins``."""
    likeness: int = 0
    """How many channels follow the logits of ``bins``: the nearer two places lie in them, the more alike their colors
    err, by :data:`tinct.models.kernels.LEARNED`; the last one is how far each place errs, of which ratios count."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Keyword arguments that built the network."""
    parameters: int = 0
    """Number of trainable parameters, 0 where not yet known."""

    @property
    def output_name(self) -> str:
        """Name of the output in an ONNX file."""
        return "logits" if self.output == "bins" else self.output

    def knot(self, vividness: float) -> Knot:
        """Return the read-out at a place of :attr:`path`, which must not be empty."""
        places = [knot.vividness for knot in self.path]
        division, temperature, chroma = (
            float(np.interp(vividness, places, [getattr(knot, name) for knot in self.path]))
            for name in ("division", "temperature", "chroma")
        )
        return Knot(vividness, division, temperature, chroma)

    def to_json(self) -> str:
        """Return the specification as one line of JSON."""
        return json.dumps(dataclasses.asdict(self), separators=(",", ":"), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> ModelSpec:
        """Read a specification back.

        Raises:
            BadModelFile: the text is no specification of this version of Tinct.
        """
        try:
            raw = json.loads(text)
            raw["path"] = tuple(Knot(**knot) for knot in raw.get("path", ()))
            raw["bins"] = tuple((float(a), float(b)) for a, b in raw.get("bins", ()))
            raw["weights"] = tuple(float(w) for w in raw.get("weights", ()))
            return cls(**raw)
        except (ValueError, TypeError, AttributeError) as error:
            raise BadModelFile(f"the model's specification can't be read ({error}); export it again") from error


ARCHITECTURES: dict[str, str] = {
    "cifar_cnn": "tinct.models.cifar_cnn:CifarCnn",
    "colorful": "tinct.models.colorful:Colorful",
    "efficientnet_unet": "tinct.models.efficientnet_unet:EfficientNetUnet",
    "encdec_rgb": "tinct.models.encdec_rgb:EncdecRgb",
    "lab_cnn": "tinct.models.lab_cnn:LabCnn",
    "tinct": "tinct.models.tinct:Tinct",
}
"""Where each architecture lives, as ``module:class``; a class takes keyword options and has ``make_spec(name)``."""


def create_model(architecture: str, **options: Any) -> nn.Module:
    """Build a network with fresh weights.

    Raises:
        UnknownModel: no architecture has that name.
        TypeError: the architecture has no such option.
    """
    if architecture not in ARCHITECTURES:
        raise UnknownModel(architecture, sorted(ARCHITECTURES))
    module, _, name = ARCHITECTURES[architecture].partition(":")
    network: nn.Module = getattr(importlib.import_module(module), name)(**options)
    return network
