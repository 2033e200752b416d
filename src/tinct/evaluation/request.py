"""What to evaluate, and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tinct.data.source import Part
from tinct.errors import OptionError
from tinct.evaluation.catalog import Figure, choose
from tinct.evaluation.protocol import PROTOCOLS, Protocol, Status
from tinct.inference.options import MODES, Mode

PARTS: tuple[Part, ...] = ("val", "test")
Progress = Callable[[str, int, int], None]
"""Called with what is being done, how far it is, and of how many steps."""


@dataclass(frozen=True, slots=True)
class Request:
    """What to evaluate.

    Raises:
        OptionError: a value is out of range.
    """

    data: tuple[Path, ...]
    """Folders, tars, or what else :func:`tinct.evaluation.protocol.open_dataset` takes."""
    models: tuple[str, ...] = ()
    """Names, ONNX files, checkpoints."""
    command: str | None = None
    """An external colorizer, see :mod:`tinct.evaluation.external`."""
    protocol: Protocol = "stretch256"
    mode: Mode = "vivid"
    """Read-out of models that have several."""
    count: int | None = None
    """Draw this many photographs of each data set; None takes all."""
    part: Part | None = None
    """Measure on this part of data sets that are divided, ``val`` or ``test``; None takes the first of both that is
    there, or all of what is not divided."""
    held_of: Path | None = None
    """A training run's folder; measure only on photographs that it held back."""
    metrics: tuple[str, ...] = ()
    """Keys of :data:`tinct.evaluation.catalog.FIGURES`; none for all."""
    raw_rgb: bool = False
    """Measure the RGB that the networks give, not its colors over the original lightness."""
    hint_curve: bool = False
    """Measure PSNR over the number of hints, too."""
    time_limit: float = 3600.0
    """Seconds that the command may take."""
    fid_weights: Path | None = None
    """Of Inception-v3, for FID."""
    lpips_weights: Path | None = None
    """For LPIPS."""
    store: Path | None = None
    """File that keeps what is measured; None keeps nothing."""
    device: str = "auto"
    jobs: int | None = None
    """Photographs worked on at once; None takes one for each processor."""

    def __post_init__(self) -> None:
        if not self.data:
            raise OptionError("nothing to evaluate on; give a folder or tar of color photographs (--data)")
        if self.protocol not in PROTOCOLS:
            raise OptionError(f"protocol is {self.protocol!r}; choose one of {', '.join(PROTOCOLS)}")
        if self.mode not in MODES:
            raise OptionError(f"mode is {self.mode!r}; choose one of {', '.join(MODES)}")
        if self.part not in (None, *PARTS):
            raise OptionError(f"part is {self.part!r}; choose one of {', '.join(PARTS)}")
        if self.part is not None and self.held_of is not None:
            raise OptionError("--part and --held-of contradict each other; give one")
        if self.time_limit <= 0:
            raise OptionError(f"--time-limit is {self.time_limit:g}, expected seconds above 0")
        if self.jobs is not None and self.jobs < 1:
            raise OptionError(f"--jobs is {self.jobs}, expected a whole number from 1 up")
        choose(self.metrics)

    @property
    def figures(self) -> tuple[Figure, ...]:
        """The figures asked for."""
        return choose(self.metrics)


@dataclass(frozen=True, slots=True)
class Photograph:
    """What became of one photograph."""

    name: str
    sha256: str
    status: Status
    reason: str = ""
    """Why it couldn't be read."""


@dataclass(slots=True)
class Row:
    """One colorizer on one data set."""

    data: str
    name: str
    baseline: bool
    figures: dict[str, float | str] = field(default_factory=dict)
    """Key -> value, or :data:`tinct.evaluation.catalog.NOT_AVAILABLE`."""
    intervals: dict[str, tuple[float, float] | None] = field(default_factory=dict)
    """Key -> 95 % interval, None where there is none."""
    faults: dict[str, str] = field(default_factory=dict)
    """Photograph -> why there is no result of it."""
    names: list[str] = field(default_factory=list)
    """The photographs measured, in order."""
    per_photo: dict[str, list[float | None]] = field(default_factory=dict)
    """Key -> value of each of them."""
    colors: list[int] = field(default_factory=list)
    """(229,), pixels of the results by color bin; empty where no area was asked for."""


@dataclass(slots=True)
class Evaluation:
    """All that was found."""

    request: Request
    manifest: dict[str, list[Photograph]]
    """Data set -> its photographs."""
    hashes: dict[str, str]
    """Data set -> the hash of its manifest."""
    manifest_sha256: str
    """Of all photographs together."""
    rows: list[Row]
    comparisons: list[dict[str, Any]]
    """Paired differences: ``data``, ``first``, ``second``, ``figure``, ``photos``, ``difference``, ``ci95``, ``p``."""
    curve: list[dict[str, Any]]
    """PSNR over hints: ``data``, ``name``, ``protocol``, ``hints``, ``psnr``, ``psnr_ci95``."""
    reasons: dict[str, str]
    """Figure -> why it isn't available."""
    warnings: list[str]
    """What makes figures mean less than they seem to."""
    already: int
    """Photographs that an earlier run had measured."""
    unshown: dict[str, str]
    """Of the other photographs that a report is to show: name -> why it doesn't. Filled while it is made."""

    @property
    def faults(self) -> list[str]:
        """What failed, a line each."""
        lines = [f"{p.name}: {p.reason}" for photos in self.manifest.values() for p in photos if p.reason]
        lines += [f"{name} is left out of the report: {why}" for name, why in self.unshown.items()]
        return lines + [
            f"{row.name}: {name}: {why}" for row in self.rows if not row.baseline for name, why in row.faults.items()
        ]
