"""One call that trains a recipe on a folder of photos."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from torch import nn

from tinct.color.gamut import rebalancing_weights, smooth_prior
from tinct.data.photos import PhotoSet
from tinct.data.source import Source
from tinct.data.split import Division, divide, hold_back, pick
from tinct.errors import TrainingError
from tinct.media.atomic import atomic_path
from tinct.models.registry import ModelSpec, create_model
from tinct.training.config import TrainConfig, load_config
from tinct.training.engine import Engine
from tinct.training.losses import BinsLoss
from tinct.training.progress import Progress, Report, silent
from tinct.training.statistics import bin_counts, color_histogram
from tinct.weights import checkpoint, store


def train(
    recipe: str,
    data: Path,
    out: Path,
    *,
    budget: str | None = None,
    seed: int | None = None,
    resume: bool = False,
    init: str | None = None,
    device: str = "auto",
    cache: Path | None = None,
    report: Report = silent,
) -> Path:
    """Train a recipe and leave a checkpoint, losses, validation figures, curves and contact sheets in a folder.

    Args:
        recipe: name of a recipe in the package, or a YAML file.
        data: of one of the forms that :func:`tinct.data.inventory.take_inventory` tells apart; its published part for
            validation, such as ``val.tar``, is for that, and where there is none a part of the photos is.
        out: the run's folder; made where missing.
        budget: overrides the recipe's, for example ``10min``, ``500steps``, ``3epochs``.
        seed: of every choice; 0 where not given.
        resume: go on from the last checkpoint in ``out``; start afresh where there is none.
        init: what to start from: ``default`` or another model's name, an ONNX file, or a run's or checkpoint's folder.
        device: ``auto``, ``cpu`` or ``cuda``.
        cache: a folder to keep decoded photos and counts of their colors in for the next run; None keeps nothing.
        report: told how far the run is.

    Returns:
        The checkpoint's folder.

    Raises:
        ConfigError: the recipe has faults.
        DataError: the data has no usable photo.
        TrainingError: ``out`` holds a run already, or training failed.
        MissingExtra: ImageNet weights are asked for whose package is not installed.
    """
    config = load_config(recipe, budget)
    if checkpoint.has_state(out) and not resume:
        raise TrainingError(f"{out} holds a run already; go on with it by --resume, or give another folder")
    seed = seed or 0
    accelerator = _make_accelerator(config.precision, device)
    torch.manual_seed(seed)
    network = create_model(config.architecture, **config.options)
    division = divide(data, config.validation.share)
    photos, held = _read_photos(config, division, cache, report)
    spec = _weighted(network.make_spec(config.name), config, photos, cache)  # type: ignore[operator]
    _load_start(network, config, init)
    out.mkdir(parents=True, exist_ok=True)
    identity = _identity(config, photos, seed, init)
    loss = BinsLoss(
        np.array(spec.bins, np.float32),
        np.array(spec.weights, np.float32),
        neighbours=config.loss.neighbours,
        sigma=config.loss.sigma,
        cross_entropy=config.loss.cross_entropy,
        huber=config.loss.huber,
    )
    engine = Engine(
        config,
        spec,
        network,
        loss,
        photos,
        list(held),
        run=out,
        accelerator=accelerator,
        seed=seed,
        identity=identity,
        report=report,
    )
    if resume and checkpoint.has_state(out):
        engine.resume()
    elif accelerator.is_main_process:
        record = json.loads(identity)
        record["data"] |= {"left_out": photos.left_out(), "damaged": division.damaged}
        with atomic_path(out / "run.json", overwrite=True) as path:
            path.write_text(json.dumps(record, indent=2) + "\n", "utf-8")
    if engine.done < 1:
        engine.fit()
    return out / checkpoint.FOLDER


def _make_accelerator(precision: str, device: str) -> Accelerator:
    cuda = torch.cuda.is_available()
    if device == "cuda" and not cuda:
        raise TrainingError("CUDA was asked for, but torch finds no CUDA device here; leave --device out or choose cpu")
    on_cpu = device == "cpu" or not cuda
    if precision == "auto":
        fast = torch.cpu.get_capabilities().get("avx512_bf16") if on_cpu else torch.cuda.is_bf16_supported()
        precision = "bf16" if fast else ("fp32" if on_cpu else "fp16")
    return Accelerator(mixed_precision="no" if precision == "fp32" else precision, cpu=on_cpu)


def _read_photos(
    config: TrainConfig, division: Division, cache: Path | None, report: Report
) -> tuple[PhotoSet, PhotoSet]:
    sources = hold_back(division.train, config.data.hold_back)
    photos = _decode(sources, config.data.short_side, cache, report)
    held = _decode(pick(division.held, config.validation.photos), 256, None, report)
    return photos, held


def _decode(sources: list[Source], short_side: int, cache: Path | None, report: Report) -> PhotoSet:
    total = len(sources)
    return PhotoSet(
        sources,
        short_side,
        cache=cache,
        progress=lambda done: report(Progress("reading", done / total)) if done % 100 == 0 or done == total else None,
        workers=os.cpu_count() or 1,
    )


def _weighted(spec: ModelSpec, config: TrainConfig, photos: PhotoSet, cache: Path | None) -> ModelSpec:
    bins = np.array(spec.bins, np.float32)
    prior = smooth_prior(bin_counts(color_histogram(photos, cache), bins), bins, config.loss.prior_sigma)
    weights = rebalancing_weights(prior, config.loss.rebalancing)
    return dataclasses.replace(spec, weights=tuple(round(float(w), 6) for w in weights))


def _load_start(network: nn.Module, config: TrainConfig, init: str | None) -> None:
    if init is not None:
        _, start = checkpoint.load_network(store.resolve(init))
        checkpoint.fit_weights(network, start.state_dict(), init)
    elif config.imagenet:
        network.encoder.load_imagenet()  # type: ignore[operator, union-attr]


def _identity(config: TrainConfig, photos: PhotoSet, seed: int, init: str | None) -> str:
    """Return what makes a run this run, as JSON; the budget's length may change when it is resumed."""
    recipe = config.model_dump(mode="json")
    del recipe["budget"]
    data = {"photos": len(photos), "fingerprint": photos.fingerprint()}
    return json.dumps({"recipe": recipe, "data": data, "seed": seed, "init": init}, sort_keys=True)
