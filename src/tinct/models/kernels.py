"""How alike two places of a photograph are expected to err: kernels of their distance, lightness and looks."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Kernel:
    """How alike two places are expected to err: a Gaussian of their distance and of how different they look."""

    variance: float
    reach: float
    """Share of the short side."""
    lightness: float
    """In L."""
    likeness: float
    """Of what is compared, see :class:`Kernels`."""


@dataclass(frozen=True, slots=True)
class Kernels:
    """What spreads a difference over all of a photograph, and what spreads it over near places."""

    wide: tuple[Kernel, ...]
    wide_noise: float
    """Variance of what no other place shares."""
    near: tuple[Kernel, ...]
    near_noise: float


CAST: Final = 20.0
"""Length of a difference, in Lab units, of which half counts as a cast of the whole picture; of longer ones less."""
BELIEVED: Final = Kernels(
    wide=(Kernel(0.36, 1.5, 50.0, 0.52), Kernel(0.03, math.inf, math.inf, math.inf)),
    wide_noise=0.19,
    near=(Kernel(1.0, 0.4, 25.0, 0.42), Kernel(0.3, 0.08, 20.0, 1.0)),
    near_noise=0.14,
)
"""For beliefs: the likeness is the Euclidean distance of the roots of their chances, 0 to the root of 2."""
LEARNED: Final = Kernels(
    wide=(Kernel(0.36, 3.0, 60.0, 1.2), Kernel(0.2, 11.0, 150.0, 5.0)),
    wide_noise=0.133,
    near=(Kernel(1.6, 0.5, 40.0, 1.2), Kernel(0.26, 0.08, 27.0, 1.0)),
    near_noise=0.09,
)
"""For a likeness that a model learned with these very kernels, see :attr:`tinct.models.registry.ModelSpec.likeness`."""
