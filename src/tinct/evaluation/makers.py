"""Who gives the colors that are measured: the baselines, Tinct's models, an external command."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tinct.color.figures import Pixels
from tinct.color.lab import gray_to_lightness
from tinct.errors import DataError, OptionError, PhotoError
from tinct.evaluation import external, protocol
from tinct.evaluation.protocol import Item, Original
from tinct.evaluation.resample import resize
from tinct.inference import resolution
from tinct.inference.backends import Backend
from tinct.inference.options import ColorizeOptions, Mode
from tinct.inference.pipeline import Colorizer
from tinct.media.photo import read_photo

Writing = Callable[[tuple[int, Item]], str | None]
InOrder = Callable[[Writing, Sequence[tuple[int, Item]]], Iterator[tuple[tuple[int, Item], str | None]]]
"""Does a piece of work for each task, in threads or not; gives task and result in the order of the tasks."""


class Maker(Protocol):
    """One row of the table. Several threads may share it."""

    @property
    def name(self) -> str:
        """What the row is called."""

    @property
    def baseline(self) -> bool:
        """Whether the row is there for comparison only."""

    def identity(self, item: Item) -> str:
        """Return what, beside photograph and protocol, decides the result."""

    def make(self, item: Item, original: Original) -> Pixels:
        """Return the colored photograph, uint8 (H, W, 3), as large as the original.

        Raises:
            TinctError: there is none; the message says why.
        """


class _Baseline:
    baseline = True

    def __init__(self, name: str) -> None:
        self.name = name

    def identity(self, item: Item) -> str:
        del item
        return self.name


class Same(_Baseline):
    """The original itself: what a perfect colorizer would get."""

    def make(self, item: Item, original: Original) -> Pixels:
        """See :class:`Maker`."""
        del item
        return original.rgb


class Gray(_Baseline):
    """No color: what a colorizer is given."""

    def make(self, item: Item, original: Original) -> Pixels:
        """See :class:`Maker`."""
        del item
        return np.repeat(original.levels[..., np.newaxis], 3, axis=-1)


class OneColor(_Baseline):
    """The original's mean a and b everywhere, over its own lightness: the best that a single tint can do."""

    def make(self, item: Item, original: Original) -> Pixels:
        """See :class:`Maker`."""
        del item
        lab = original.lab.copy()
        lab[..., 1:] = lab[..., 1:].mean(axis=(0, 1), dtype=np.float64)
        return protocol.to_pixels(lab)


class OtherColors(_Baseline):
    """The colors of another photograph of the set, chosen by its hash, over the original's lightness.

    Source: "Random" of Zhang, Isola, Efros (ECCV 2016), table 1.
    """

    def __init__(self, name: str, items: Sequence[Item], chosen: protocol.Protocol) -> None:
        super().__init__(name)
        self._ranked = sorted({item.sha256: item for item in items}.values(), key=lambda item: item.sha256)
        self._place = {item.sha256: place for place, item in enumerate(self._ranked)}
        self._protocol = chosen

    def identity(self, item: Item) -> str:
        """See :class:`Maker`."""
        after = self._ranked[(self._place[item.sha256] + 1) % len(self._ranked)]
        return f"{self.name} {after.sha256}"

    def make(self, item: Item, original: Original) -> Pixels:
        """See :class:`Maker`."""
        place, count = self._place[item.sha256], len(self._ranked)
        for step in range(1, count):
            try:
                other = protocol.read_original(self._ranked[(place + step) % count].source, self._protocol)
            except PhotoError:
                continue
            if not other.near_gray:
                height, width = original.rgb.shape[:2]
                theirs = protocol.to_lab(resize(other.rgb, height, width))
                return protocol.to_pixels(np.concatenate([original.lab[..., :1], theirs[..., 1:]], axis=-1))
        raise DataError("the set has no other photograph with color")


class ModelMaker:
    """One of Tinct's models, through the same path as ``tinct colorize``.

    Args:
        name: as it was given.
        backend: the loaded model.
        mode: its read-out, where it has several.
        raw: take the RGB that the network gives as it is, in place of its colors over the original lightness.

    Raises:
        OptionError: ``raw``, and the network gives no RGB.
    """

    baseline = False

    def __init__(self, name: str, backend: Backend, mode: Mode, *, raw: bool = False) -> None:
        if raw and backend.spec.output != "rgb":
            raise OptionError(
                f"--raw-rgb: the model {name} gives {backend.spec.output}, not RGB; measure it without this switch"
            )
        self.name = name
        self.backend = backend
        self.colorizer = Colorizer(backend)
        self.options = ColorizeOptions(mode=mode)
        self._raw = raw

    def identity(self, item: Item | None = None) -> str:
        """See :class:`Maker`; the same for all photographs."""
        del item
        return f"model {self.backend.model_hash} {self.options.mode}{' raw' if self._raw else ''}"

    def make(self, item: Item, original: Original) -> Pixels:
        """See :class:`Maker`."""
        del item
        if self._raw:
            return raw_rgb(self.backend, original.levels)
        return protocol.eight_bits(self.colorizer.colorize(original.levels, self.options).photo.to_numpy())


def raw_rgb(backend: Backend, levels: Pixels) -> Pixels:
    """Return what a network that gives RGB makes of gray levels, (H, W), at their own size: uint8 (H, W, 3)."""
    height, width = levels.shape
    spec = backend.spec
    fitted = resolution.fit(height, width, min(height, width), spec.multiple)
    lightness = gray_to_lightness(levels.astype(np.float32) / np.float32(255))
    if (fitted.height, fitted.width) != (height, width):
        raise OptionError(f"--raw-rgb: {width} x {height} pixels are too many for a network at once; use stretch256")
    output: NDArray[np.float32] = fitted.crop(backend.run(fitted.pad(lightness), None), spec.stride)
    pixels = np.rint(np.clip(np.moveaxis(output, 0, -1), 0, 1) * np.float32(255)).astype(np.uint8)
    return resize(pixels, height, width)


class CommandMaker:
    """What an external command left in its output folder; see :mod:`tinct.evaluation.external`.

    Args:
        files: hash of a photograph -> the file that the command made of it.
        milliseconds: that the command took, a photograph.
    """

    baseline = False
    name = "command"

    def __init__(self, files: Mapping[str, Path], milliseconds: float) -> None:
        self._files = files
        self.milliseconds = milliseconds

    def identity(self, item: Item) -> str:
        """See :class:`Maker`."""
        path = self._files.get(item.sha256)
        return "command without output" if path is None else f"command {hashlib.sha256(path.read_bytes()).hexdigest()}"

    def make(self, item: Item, original: Original) -> Pixels:
        """See :class:`Maker`."""
        path = self._files.get(item.sha256)
        if path is None:
            raise DataError("missing from the command's output")
        found = protocol.eight_bits(read_photo(path).to_numpy())
        if found.shape != original.rgb.shape:
            (height, width), (rows, columns) = found.shape[:2], original.rgb.shape[:2]
            raise DataError(f"the command made {width} x {height} pixels of {columns} x {rows}")
        return found


def run_command(
    command: str,
    items: Sequence[Item],
    chosen: protocol.Protocol,
    folder: Path,
    time_limit: float,
    in_order: InOrder,
    progress: Callable[[str, int, int], None],
) -> CommandMaker | None:
    """Run an external command on photographs, those near gray left out.

    Args:
        command: see :mod:`tinct.evaluation.external`.
        items: the photographs; each counts once.
        chosen: the protocol.
        folder: an empty one, to be kept while the results are needed.
        time_limit: of the command, in seconds.
        in_order: how to go through the photographs.
        progress: called with what is done, how far, and of how many steps.

    Returns:
        What it made; None where no photograph has color.

    Raises:
        CommandFailed: it can't be started, failed, or took too long.
    """
    given, made = folder / "in", folder / "out"
    given.mkdir()
    made.mkdir()

    def write(task: tuple[int, Item]) -> str | None:
        number, item = task
        try:
            original = protocol.read_original(item.source, chosen)
        except PhotoError:
            return None
        return None if original.near_gray else external.write_gray(given, number, item.source.name, original.levels)

    once = list({item.sha256: item for item in items}.values())
    stems: dict[str, str] = {}
    for done, ((_, item), stem) in enumerate(in_order(write, list(enumerate(once))), 1):
        progress("writing gray pictures", done, len(once))
        if stem is not None:
            stems[stem] = item.sha256
    if not stems:
        return None
    progress("running the command", 0, 0)
    seconds = external.run_command(command, given, made, time_limit)
    files = external.find_outputs(made, stems)
    return CommandMaker({stems[stem]: path for stem, path in files.items()}, 1000 * seconds / len(stems))
