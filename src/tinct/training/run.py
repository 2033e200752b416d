"""One call that trains a recipe on a folder of photos."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator

from tinct.data.photos import PhotoSet
from tinct.data.split import Division, divide
from tinct.errors import TrainingError
from tinct.models.registry import create_model
from tinct.training.config import TrainConfig
from tinct.training.engine import Engine
from tinct.training.prepare import load_start, make_accelerator, make_loss, read_photos
from tinct.training.progress import Report, silent
from tinct.training.recipes import load_config
from tinct.training.runs import UNFINISHED, Asked, make_record
from tinct.weights import checkpoint


def train(
    recipe: str,
    data: Path,
    out: Path,
    *,
    budget: str | None = None,
    seed: int | None = None,
    resume: bool = False,
    init: str | None = None,
    presets: Sequence[str] = (),
    settings: Sequence[str] = (),
    device: str = "auto",
    tensorboard: bool = False,
    cache: Path | None = None,
    report: Report = silent,
) -> Path:
    """Train a recipe; leave checkpoint, record, losses, validation figures, curves and contact sheets in a folder.

    Args:
        recipe: name of a recipe in the package, or a YAML file.
        data: of one of the forms that :func:`tinct.data.inventory.take_inventory` tells apart; its published part for
            validation, such as ``val.tar``, is for that, and where there is none a part of the photos is.
        out: the run's folder; made where missing.
        budget: overrides the recipe's, for example ``10min``, ``500steps``, ``3epochs``.
        seed: of every choice; 0 where not given.
        resume: go on from the last checkpoint in ``out``; start afresh where there is none. What isn't given of
            ``budget``, ``seed``, ``init``, ``presets`` and ``settings`` is as it was.
        init: what to start from: ``default`` or another model's name, an ONNX file, or a run's or checkpoint's folder.
        presets: names of the recipe's presets.
        settings: single settings that override the recipe's, as ``optimizer.rate=1e-4``.
        device: ``auto``, ``cpu`` or ``cuda``.
        tensorboard: write event files for TensorBoard too.
        cache: a folder to keep decoded photos and counts of their colors in for the next run; None keeps nothing.
        report: told how far the run is.

    Returns:
        The checkpoint's folder.

    Raises:
        ConfigError: the recipe has faults.
        DataError: the data has no usable photo.
        TrainingError: ``out`` holds a run already, or training failed.
        MissingExtra: ImageNet weights or TensorBoard are asked for, and the package that has them is not installed.
    """
    going_on = checkpoint.has_state(out)
    if going_on and not resume:
        raise TrainingError(f"{out} holds a run already; go on with it by --resume, or give another folder")
    asked = Asked(budget, seed, init, tuple(presets), tuple(settings))
    if going_on:
        asked = asked.filled_from(out)
    config = load_config(recipe, asked.budget, presets=asked.presets, settings=asked.settings)
    seed = asked.seed or 0
    accelerator = make_accelerator(config.precision, device)
    torch.manual_seed(seed)
    network = create_model(config.architecture, **config.options)
    division = divide(data, config.validation.share, published=config.validation.published)
    photos, held = read_photos(config, division, cache, report)
    spec = network.make_spec(config.name)  # type: ignore[operator]
    loss, spec = make_loss(config.loss, spec, photos, cache)
    if not going_on:
        load_start(network, config, asked.init)
    out.mkdir(parents=True, exist_ok=True)
    identity = _identity(config, photos, seed, asked.init)
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
        identity=json.dumps(identity, sort_keys=True),
        record=make_record(
            config.model_dump(mode="json"),
            asked={"recipe": recipe, **dataclasses.asdict(asked)},
            seed=seed,
            data={**identity["data"], **_about(data, division, photos)},
            start=asked.init or ("imagenet" if config.imagenet else "random"),
            **_machine(accelerator),
        ),
        report=report,
        tensorboard=tensorboard,
    )
    if going_on:
        engine.resume()
    elif accelerator.is_main_process:
        engine.note(UNFINISHED)
    if engine.done < 1:
        engine.fit()
    return out / checkpoint.FOLDER


def _identity(config: TrainConfig, photos: PhotoSet, seed: int, init: str | None) -> dict[str, Any]:
    """Return what makes a run this run; the budget's length may change when it is resumed."""
    recipe = config.model_dump(mode="json")
    del recipe["budget"]
    data = {"photos": len(photos), "fingerprint": photos.fingerprint()}
    return {"recipe": recipe, "data": data, "seed": seed, "init": init}


def _about(data: Path, division: Division, photos: PhotoSet) -> dict[str, Any]:
    return {"path": str(data), "left_out": photos.left_out(), "damaged": division.damaged}


def _machine(accelerator: Accelerator) -> dict[str, Any]:
    cuda = accelerator.device.type == "cuda"
    name = torch.cuda.get_device_name(accelerator.device) if cuda else f"cpu ({torch.get_num_threads()} threads)"
    precision = {"no": "fp32"}.get(accelerator.mixed_precision, accelerator.mixed_precision)
    return {"device": name, "processes": accelerator.num_processes, "precision": precision}
