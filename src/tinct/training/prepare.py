"""What a run needs before its first step: device, photos, statistics of their colors, weights to start from, loss."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from accelerate.utils import DistributedDataParallelKwargs, InitProcessGroupKwargs
from numpy.typing import NDArray
from torch import nn

from tinct.color.figures import Pixels
from tinct.color.gamut import ab_bins, rebalancing_weights, smooth_prior
from tinct.data.photos import PhotoSet
from tinct.data.source import LEAST_CHROMA, Source
from tinct.data.split import Division, hold_back, pick
from tinct.errors import ConfigError, DataError, OptionError, TrainingError
from tinct.models.registry import ModelSpec, create_model
from tinct.training.config import TERMS, LossConfig, TrainConfig
from tinct.training.distribution import BinTable
from tinct.training.losses import FAITHFUL, ColorLoss, PerceptualDistance
from tinct.training.progress import Progress, Report
from tinct.training.recipes import BROKEN
from tinct.training.statistics import bin_counts, color_histogram
from tinct.training.teacher import Teacher
from tinct.weights import checkpoint, store

DEVICES = ("auto", "cpu", "cuda")
VALIDATION_SIDE = 256
"""Short side that photos to validate with are brought down to, in pixels."""
LONGEST_WAIT = timedelta(hours=12)
"""Processes wait for each other up to this: the first decodes all photos, and validates, while the others wait."""


def make_accelerator(precision: str, device: str) -> Accelerator:
    """Return what knows device, precision and processes.

    Args:
        precision: of a recipe.
        device: one of :data:`DEVICES`.

    Raises:
        OptionError: there is no such kind of device.
        TrainingError: CUDA is asked for where there is none.
    """
    if device not in DEVICES:
        raise OptionError(f"device is {device!r}; choose one of {', '.join(DEVICES)}")
    cuda = torch.cuda.is_available()
    if device == "cuda" and not cuda:
        raise TrainingError("CUDA was asked for, but torch finds no CUDA device here; leave --device out or choose cpu")
    on_cpu = device == "cpu" or not cuda
    if precision == "auto":
        fast = torch.cpu.get_capabilities().get("avx512_bf16") if on_cpu else torch.cuda.is_bf16_supported()
        precision = "bf16" if fast else ("fp32" if on_cpu else "fp16")
    # Each process normalizes its own part of a batch; the running figures that are kept are the first one's.
    # A process would keep the precision and device of its first training.
    AcceleratorState._reset_state(reset_partial_state=True)
    alone = DistributedDataParallelKwargs(broadcast_buffers=False)
    patient = InitProcessGroupKwargs(timeout=LONGEST_WAIT)
    chosen = "no" if precision == "fp32" else precision
    return Accelerator(mixed_precision=chosen, cpu=on_cpu, kwargs_handlers=[alone, patient])


def read_photos(
    config: TrainConfig, division: Division, cache: Path | None, report: Report
) -> tuple[PhotoSet, PhotoSet]:
    """Return the photos to learn from and those to validate with, decoded.

    Where none of those to validate with is usable, and the data set didn't choose them, the next by their hashes are.

    Raises:
        DataError: no photo is usable for one of both.
    """
    sources = hold_back(division.train, config.data.hold_back)
    apart = pick(division.held, config.validation.photos)
    least = config.data.least_chroma
    while True:
        try:
            held = _decode(apart, "to validate with", VALIDATION_SIDE, None, report, least)
            break
        except DataError:
            if division.published or len(sources) <= len(apart):
                raise
        apart = pick(sources, len(apart))
        sources = [source for source in sources if source not in apart]
    photos = _decode(sources, "to learn from", config.data.short_side, cache, report, least)
    how = "the data's own division" if division.published else "a hash of their names"
    said = f"{len(photos):,} photos to learn from, {len(held):,} to validate with, by {how}"
    report(Progress("reading", 1.0, note=said))
    return photos, held


def read_replayed(
    config: TrainConfig, division: Division | None, cache: Path | None, report: Report
) -> tuple[Sequence[Pixels], Sequence[Pixels], dict[str, Any]]:
    """Return the photos to replay and those to validate them with, decoded, and what tells them from others."""
    if division is None:
        return (), (), {}
    ordinary, apart = pick(division.train, config.replay.photos), pick(division.held, config.replay.held)
    photos = _decode(ordinary, "to replay", config.data.short_side, cache, report)
    held = _decode(apart, "to validate the replayed ones with", VALIDATION_SIDE, None, report)
    return photos, list(held), photos.identity()


def _decode(
    sources: list[Source],
    purpose: str,
    short_side: int,
    cache: Path | None,
    report: Report,
    least_chroma: float = LEAST_CHROMA,
) -> PhotoSet:
    """Decode photos, and report which of them are left out."""
    total = len(sources)
    photos = PhotoSet(
        sources,
        short_side,
        least_chroma=least_chroma,
        cache=cache,
        progress=lambda done: report(Progress("reading", done / total)) if done % 100 == 0 or done == total else None,
        workers=os.cpu_count() or 1,
    )
    if left_out := photos.says_left_out(f"photos {purpose}"):
        report(Progress("reading", 1.0, note=left_out))
    return photos


def make_loss(
    config: LossConfig, spec: ModelSpec, photos: PhotoSet, cache: Path | None, kept: Sequence[float] = ()
) -> tuple[ColorLoss, ModelSpec]:
    """Return a recipe's loss, and the specification with the rebalancing weights where the model has bins.

    Args:
        config: section of the recipe.
        spec: of the network.
        photos: whose colors are counted.
        cache: where counts are kept.
        kept: rebalancing weights to use instead.
    """
    factors = {term: getattr(config, term) for term in TERMS if getattr(config, term) > 0}
    table = None
    if spec.output == "bins" or "rebalanced_mse" in factors:
        bins = np.array(spec.bins, np.float32) if spec.output == "bins" else ab_bins(config.grid)
        weights = np.array(kept, np.float32) if kept else color_weights(config, bins, photos, cache)
        table = BinTable(bins, weights, neighbours=config.neighbours, sigma=config.sigma)
        if spec.output == "bins":
            spec = dataclasses.replace(spec, weights=tuple(round(float(weight), 6) for weight in weights))
    distance = None
    if "perceptual" in factors:
        from tinct.models.features import ImageNetFeatures

        features = ImageNetFeatures(config.features, config.feature_weights)
        distance = PerceptualDistance(features, config.skipped_features)
    teacher = Teacher.load(config.teacher) if "distillation" in factors else None
    vivid = spec.knot(spec.modes["vivid"]) if "vivid" in spec.modes else FAITHFUL
    return ColorLoss(spec.output, factors, table, distance, teacher, vivid), spec


def check_network(config: TrainConfig, network: nn.Module, takes_hints: bool) -> None:
    """Make sure that a network makes something of the smallest crops of a recipe.

    Args:
        config: the recipe.
        network: of it.
        takes_hints: whether the network does.

    Raises:
        ConfigError: it doesn't.
    """
    side = min(config.data.sizes)
    planes = [torch.zeros(1, channels, side, side) for channels in ((1, 3) if takes_hints else (1,))]
    try:
        with torch.inference_mode():
            network.eval()(*planes)
    except BROKEN as error:
        fault = f"options: the network makes nothing of a crop of {side} pixels ({error})"
        raise ConfigError(config.name, [fault]) from error


def check_teacher(config: TrainConfig, loss: ColorLoss, stride: int) -> None:
    """Make sure that the teacher of a loss, where it has one, suits a recipe.

    Args:
        config: the recipe.
        loss: of it.
        stride: of the network that learns.

    Raises:
        ConfigError: the teacher can't see all sizes of its crops, or gives distributions for squares of another size.
    """
    if loss.teacher is None:
        return
    name, spec = config.loss.teacher, loss.teacher.spec
    needs = f"the teacher {name} needs a multiple of {spec.multiple}"
    faults = [f"data.sizes.{side}: {needs}" for side in config.data.sizes if side % spec.multiple]
    if loss.bin_by_bin and spec.stride != stride:
        gives = f"the teacher {name} gives a distribution for each {spec.stride} x {spec.stride} pixels"
        faults.append(f"loss.teacher: {gives}, this network for each {stride} x {stride}; name one that does the same")
    if faults:
        raise ConfigError(config.name, faults)


def color_weights(
    config: LossConfig, bins: NDArray[np.float32], photos: PhotoSet, cache: Path | None
) -> NDArray[np.float32]:
    """Return the rebalancing weight of each bin, (Q,), to six places, so that it is the same on every machine."""
    prior = smooth_prior(bin_counts(color_histogram(photos, cache), bins), bins, config.prior_sigma)
    weights = rebalancing_weights(prior, config.rebalancing)
    return np.array([round(float(weight), 6) for weight in weights], np.float32)


def find_start(config: TrainConfig, init: str | None) -> tuple[ModelSpec, nn.Module] | None:
    """Return the model that a run starts from, or None.

    Args:
        config: the recipe.
        init: what was asked for, see :func:`tinct.training.run.train`.

    Raises:
        ConfigError: the recipe needs a model to start from.
        BadModelFile: it is none.
    """
    if init is None and config.init.required:
        raise ConfigError(
            config.name, ["it starts from a trained model; name it by --init: a run's folder, an ONNX file, a name"]
        )
    return None if init is None else checkpoint.load_network(store.resolve(init))


def make_network(config: TrainConfig, basis: ModelSpec | None) -> nn.Module:
    """Build a recipe's network with fresh weights.

    Args:
        config: the recipe.
        basis: specification of the model that the run starts from, or of its own checkpoint; options that the recipe
            leaves unsaid are as in that, where it is of the same architecture.
    """
    unsaid = basis.options if basis is not None and basis.architecture == config.architecture else {}
    return create_model(config.architecture, **{**unsaid, **config.options})


def load_start(
    network: nn.Module, config: TrainConfig, init: str | None, start: tuple[ModelSpec, nn.Module] | None
) -> None:
    """Give a network the weights that it starts from.

    Args:
        network: with fresh weights.
        config: the recipe.
        init: what was asked for, for messages.
        start: what that is, by :func:`find_start`.

    Raises:
        BadModelFile: its weights don't fit, or those of ImageNet don't.
        MissingExtra: those of ImageNet aren't installed.
    """
    if start is not None:
        checkpoint.fit_weights(network, start[1].state_dict(), str(init), fresh=config.init.fresh)
    elif config.imagenet:
        network.encoder.load_imagenet()  # type: ignore[operator, union-attr]
