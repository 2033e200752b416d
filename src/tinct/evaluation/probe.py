"""What a network has learned to see: a linear classifier on its frozen features, layer by layer.

Source: Zhang, Isola, Efros, "Split-Brain Autoencoders" (CVPR 2017), section 4, and the linear test of "Colorful Image
Colorization" (ECCV 2016), section 3.2: the better a classifier that can do nothing but add up features tells classes
apart, the more these features are about the things in the picture.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinct.color.lab import gray_to_lightness
from tinct.errors import DataError, MissingExtra, OptionError, PhotoError
from tinct.evaluation.labelled import LABELS, Labelled, Labels, open_labelled, read_levels
from tinct.evaluation.statistics import Interval, mean_intervals, paired_differences

try:
    import torch

    from tinct.evaluation import layers as looking
    from tinct.evaluation.layers import Network, to_vectors
    from tinct.evaluation.linear import learn
except ImportError as missing:
    raise MissingExtra("tinct probe", "train") from missing

Progress = Callable[[str, int, int], None]
PIXELS = "pixels"
"""The classifier on lightness itself: what can be had without any network."""
_BATCH = 64
LEAST_SIDE, MOST_SIDE = 64, 128
"""Photographs are brought to a size between these unless asked otherwise."""


@dataclass(frozen=True, slots=True)
class ProbeRequest:
    """What to probe.

    Raises:
        OptionError: a value is out of range.
    """

    data: Path
    models: tuple[str, ...]
    layers: tuple[str, ...] = ()
    """Names of modules; none for all blocks."""
    labels: Labels | None = None
    """See :data:`tinct.evaluation.labelled.LABELS`; None chooses."""
    count: int | None = None
    """Draw this many photographs; None takes all."""
    size: int | None = None
    """Side of the squares that networks see; None chooses by the photographs."""
    seed: int = 0
    """Of random weights."""
    jobs: int = 1
    """Threads that decode."""

    def __post_init__(self) -> None:
        if self.labels is not None and self.labels not in LABELS:
            raise OptionError(f"--labels is {self.labels!r}; choose one of {', '.join(LABELS)}")
        for name, value in (("--count", self.count), ("--size", self.size)):
            if value is not None and value < 1:
                raise OptionError(f"{name} is {value}, expected a whole number from 1 up")


@dataclass(frozen=True, slots=True)
class LayerRow:
    """What one layer of one network tells."""

    network: str
    kind: str
    """``model``, ``random``, ``imagenet`` or ``pixels``."""
    layer: str
    shape: tuple[int, ...]
    """Of its output for one photograph."""
    features: int
    """That the classifier got."""
    accuracy: float
    """Percent of the test photographs told right."""
    ci95: Interval
    over_random: float | None
    """Percent more than the same layer with random weights; None where there is none."""
    over_random_ci95: Interval | None
    p: float | None
    """Of the difference being chance; see :func:`tinct.evaluation.statistics.paired_differences`."""


@dataclass(frozen=True, slots=True)
class Probed:
    """What was found."""

    classes: tuple[str, ...]
    train: int
    test: int
    size: int
    sha256: str
    """Of photographs and labels: only with the same are figures comparable."""
    left_out: dict[str, int]
    unreadable: tuple[str, ...]
    most_common: float
    """Percent that who always says the most common class has right."""
    rows: tuple[LayerRow, ...]


@dataclass(frozen=True, slots=True)
class _Photos:
    lightness: NDArray[np.uint8]
    """(n, side, side): gray levels, of training photographs first."""
    train: NDArray[np.int64]
    test: NDArray[np.int64]


def probe(request: ProbeRequest, progress: Progress = lambda what, done, total: None) -> Probed:
    """Learn and test a linear classifier on each layer of each network.

    Models are compared with their architectures under random weights, with EfficientNet-Lite0 under ImageNet weights,
    and with the bare pixels.

    Raises:
        DataError: there are no labelled photographs.
        OptionError: a layer, size or other option that can't be.
        UnknownModel, BadModelFile: a model can't be used.
        MissingExtra: torch or another library isn't installed.
    """
    labelled = open_labelled(request.data, request.labels, request.count)
    networks = looking.load_networks(request.models, request.seed)
    side = request.size or _usual_side(labelled)
    looking.check_side(networks, side)
    wanted = looking.find_layers(networks, side, request.layers)
    with tempfile.TemporaryDirectory(prefix="tinct-probe-") as folder:
        photos, unreadable = _read(labelled, side, request.jobs, Path(folder), progress)
        right: dict[tuple[str, str], NDArray[np.float64]] = {}
        found: list[tuple[Network | None, str, tuple[int, ...], int]] = []
        for network, shapes in zip(networks, wanted, strict=True):
            for layer, features in _features(network, list(shapes), photos, Path(folder), progress):
                progress(f"learning from {network.name}", len(found), sum(map(len, wanted)))
                right[network.name, layer] = _test(features, photos, len(labelled.classes))
                found.append((network, layer, shapes[layer], features.shape[1]))
        pixels = to_vectors(_lightness(photos.lightness)).numpy()
        right[PIXELS, ""] = _test(pixels, photos, len(labelled.classes))
        found.append((None, "", (1, side, side), pixels.shape[1]))
    rows = [_row(*one, right, networks) for one in found]
    common = np.bincount(photos.train).argmax()
    return Probed(
        labelled.classes,
        len(photos.train),
        len(photos.test),
        side,
        labelled.sha256,
        labelled.left_out,
        unreadable,
        float(100 * (photos.test == common).mean()),
        tuple(rows),
    )


def _usual_side(labelled: Labelled) -> int:
    sample = labelled.train[:: max(1, len(labelled.train) // 20)]
    sides = []
    for source in sample:
        with suppress(PhotoError, OSError):  # said later
            sides.append(min(source.shape()))
    middle = int(np.median(sides)) if sides else LEAST_SIDE
    return int(np.clip(middle // 32 * 32, LEAST_SIDE, MOST_SIDE))


def _read(
    labelled: Labelled, side: int, jobs: int, folder: Path, progress: Progress
) -> tuple[_Photos, tuple[str, ...]]:
    sources = (*labelled.train, *labelled.test)
    numbers = np.concatenate([labelled.train_labels, labelled.test_labels])
    # On the disk, so that memory doesn't grow with the set.
    kept = np.memmap(folder / "photos", np.uint8, "w+", shape=(len(sources), side, side))
    readable = np.zeros(len(sources), bool)
    count = 0
    for place, levels in enumerate(read_levels(sources, side, jobs)):
        progress("reading photographs", place, len(sources))
        if levels is not None:
            kept[count] = levels
            count += 1
            readable[place] = True
    in_train = np.arange(len(sources)) < len(labelled.train)
    train, test = numbers[readable & in_train], numbers[readable & ~in_train]
    if not len(test) or len(set(train.tolist())) < 2:
        raise DataError(f"of {len(sources)} photographs only {count} can be read, too few to learn from")
    unreadable = tuple(source.name for source, there in zip(sources, readable, strict=True) if not there)
    return _Photos(kept[:count], train, test), unreadable


def _lightness(levels: NDArray[np.uint8]) -> torch.Tensor:
    """Return L, float (n, 1, h, w), of gray levels (n, h, w)."""
    return torch.from_numpy(gray_to_lightness(np.arange(256) / 255)[levels][:, np.newaxis])


def _features(
    network: Network, names: Sequence[str], photos: _Photos, folder: Path, progress: Progress
) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Give the vectors of each layer, (n, d), of which one pass over the photographs caught all."""
    count = len(photos.lightness)
    if network.kind == "random":
        looking.calibrate(network, _lightness(photos.lightness[: min(count, 256)]))
    kept: dict[str, NDArray[np.float32]] = {}
    for start in range(0, count, _BATCH):
        progress(f"running {network.name}", start, count)
        with looking.catching(network, names) as caught:
            network(_lightness(photos.lightness[start : start + _BATCH]))
        for number, (name, output) in enumerate(caught.items()):
            vectors = to_vectors(output).numpy()
            if name not in kept:
                kept[name] = np.memmap(folder / f"layer-{number}", np.float32, "w+", shape=(count, vectors.shape[1]))
            kept[name][start : start + len(vectors)] = vectors
    yield from kept.items()


def _test(features: NDArray[np.float32], photos: _Photos, classes: int) -> NDArray[np.float64]:
    """Return for each test photograph whether a classifier told its class, 1 or 0."""
    classifier = learn(features[: len(photos.train)], photos.train, classes)
    right: NDArray[np.bool_] = classifier.predict(features[len(photos.train) :]) == photos.test
    return right.astype(np.float64)


def _row(
    network: Network | None,
    layer: str,
    shape: tuple[int, ...],
    features: int,
    right: dict[tuple[str, str], NDArray[np.float64]],
    networks: Sequence[Network],
) -> LayerRow:
    name = PIXELS if network is None else network.name
    mine = 100 * right[name, layer]
    over: tuple[float | None, Interval | None, float | None] = (None, None, None)
    twin = next((other.name for other in networks if network is not None and other.name == network.twin), None)
    if twin is not None:
        (difference,) = paired_differences(mine[:, np.newaxis], 100 * right[twin, layer][:, np.newaxis])
        over = difference.mean, (difference.low, difference.high), difference.p
    kind = PIXELS if network is None else network.kind
    return LayerRow(
        name, kind, layer, shape, features, float(mine.mean()), mean_intervals(mine[:, np.newaxis])[0], *over
    )
