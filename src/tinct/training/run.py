"""One call that trains a recipe on a folder of photos."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator

from tinct.data.deck import Deck
from tinct.data.photos import PhotoSet
from tinct.data.split import Division, divide
from tinct.errors import OptionError, TrainingError
from tinct.training import adaptation
from tinct.training.config import TrainConfig
from tinct.training.engine import Engine
from tinct.training.held import write_held
from tinct.training.prepare import (
    check_network,
    check_teacher,
    find_start,
    load_start,
    make_accelerator,
    make_loss,
    make_network,
    read_photos,
    read_replayed,
)
from tinct.training.progress import Progress, Report, silent
from tinct.training.recipes import load_config
from tinct.training.runs import FILE, Asked, make_record, own_folder, read_beginning, read_figures, read_record
from tinct.weights import checkpoint

NAMED = 100
"""Photos that can't be decoded and are named in the record, at most."""


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
    adapt: bool | None = None,
    replay: Path | None = None,
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
            ``budget``, ``seed``, ``init``, ``presets``, ``settings``, ``adapt`` and ``replay`` is as it was.
        init: what to start from: ``default`` or another model's name, an ONNX file, or a run's or checkpoint's folder.
        presets: names of the recipe's presets.
        settings: single settings that override the recipe's, as ``optimizer.rate=1e-4``.
        device: ``auto``, ``cpu`` or ``cuda``.
        tensorboard: write event files for TensorBoard too.
        adapt: whether the recipe's section ``adaptation`` holds; None leaves it to the number of pictures, see
            :func:`tinct.training.adaptation.decide`.
        replay: ordinary photos to learn from beside those of ``data``, of any of its forms; None takes those of
            ``TINCT_DATA``. For a recipe with ``replay.share``, as adapting has it.
        cache: a folder to keep decoded photos and counts of their colors in for the next run; None keeps nothing.
        report: told how far the run is.

    Returns:
        The checkpoint's folder.

    Raises:
        ConfigError: the recipe has faults, or can't adapt.
        OptionError: options that contradict each other, or a seed out of range.
        DataError: the data has no usable photo.
        OutputError: ``out`` can't be made or written.
        TrainingError: ``out`` holds a run already, another training is at work in it, or training failed.
        MissingExtra: ImageNet weights or TensorBoard are asked for, and the package that has them is not installed.
    """
    going_on = checkpoint.has_state(out)
    if going_on and not resume:
        raise TrainingError(f"{out} holds a run already; go on with it by --resume, or give another folder")
    asked = Asked(budget, seed, init, tuple(presets), tuple(settings), adapt, None if replay is None else str(replay))
    begun = resume and (out / FILE).is_file()
    if begun:
        # Also a run that was killed before its first checkpoint, and starts afresh.
        asked = asked.filled_from(out)
    decision = adaptation.decide(recipe, data, asked.init, asked.adapt)
    config = load_config(recipe, asked.budget, adapt=decision.adapts, presets=asked.presets, settings=asked.settings)
    # What was decided once holds when the run is resumed, whatever has become of folders and variables.
    source = adaptation.find_replay(config.replay, None if asked.replay is None else Path(asked.replay), look=not begun)
    asked = dataclasses.replace(asked, adapt=decision.adapts, replay=None if source.path is None else str(source.path))
    for said in (f"adapting: {decision.why}" if decision.adapts else "", source.why):
        if said:
            report(Progress("reading", 0.0, note=said))
    seed = asked.seed or 0
    if not 0 <= seed < 2**64:
        raise OptionError(f"seed is {seed}, expected a whole number from 0 up, of 64 bits at most")
    accelerator = make_accelerator(config.precision, device)
    start = None if going_on else find_start(config, asked.init)
    torch.manual_seed(seed)
    network = make_network(config, checkpoint.read_spec(out) if going_on else start[0] if start else None)
    spec = network.make_spec(config.name)  # type: ignore[operator]
    check_network(config, network, spec.takes_hints)
    split = config.validation
    division = divide(data, split.share, published=split.published, least=split.least)
    # Of several processes one holds the folder for all.
    with own_folder(out) if accelerator.is_main_process else nullcontext():
        if checkpoint.has_state(out) != going_on:
            raise TrainingError(f"another training has just begun or ended in {out}; look at it, and start again")
        with accelerator.local_main_process_first():  # what it decodes the others find in the cache
            photos, held = read_photos(config, division, cache, report)
            replayed, ordinary, known = read_replayed(config, source.division, cache, report)
        if not going_on:
            load_start(network, config, asked.init, start)
        kept: Sequence[float] = ()
        if config.init.keep_rebalancing:
            # On resuming the model that the run began with may be gone.
            kept = checkpoint.load_state(out)["rebalancing"] if going_on else start[0].weights if start else ()
        loss, spec = make_loss(config.loss, spec, photos, cache, kept)
        check_teacher(config, loss, spec.stride)
        identity = _identity(config, photos, seed, asked.init)
        if known:
            identity["replayed"] = known
        record = make_record(
            config.model_dump(mode="json"),
            asked={"recipe": recipe, **dataclasses.asdict(asked)},
            seed=seed,
            data={**identity["data"], **_about(data, division, photos, held)},
            start=asked.init or ("imagenet" if config.imagenet else "random"),
            adaptation=adaptation.record(decision, source, len(replayed), len(ordinary)),
            **_machine(accelerator),
        )
        if begun:
            record |= read_beginning(out)
        engine = Engine(
            config,
            spec,
            network,
            loss,
            Deck(photos, seed, replayed, config.replay.share),
            list(held),
            ordinary=ordinary,
            anchor=adaptation.anchor(config.replay, replayed),
            run=out,
            accelerator=accelerator,
            seed=seed,
            identity=json.dumps(identity, sort_keys=True),
            record=record,
            report=report,
            tensorboard=tensorboard,
        )
        if going_on:
            engine.resume()
        else:
            engine.begin()
        if accelerator.is_main_process:
            write_held(out, data, division, photos.sources)
        engine.fit()
        # Processes part by agreement; where one just leaves, the connections of the others may break off with an abort.
        accelerator.wait_for_everyone()
        accelerator.end_training()
        if decision.adapts:
            rows = read_figures(out)
            for line in adaptation.summarize(rows[0], read_record(out)["figures"]) if rows else ():
                report(Progress("training", 1.0, note=line))
        return out / checkpoint.FOLDER


def _identity(config: TrainConfig, photos: PhotoSet, seed: int, init: str | None) -> dict[str, Any]:
    """Return what makes a run this run; the budget's length may change when it is resumed."""
    recipe = config.model_dump(mode="json")
    del recipe["budget"]
    return {"recipe": recipe, "data": photos.identity(), "seed": seed, "init": init}


def _about(data: Path, division: Division, photos: PhotoSet, held: PhotoSet) -> dict[str, Any]:
    unreadable = photos.unreadable() | held.unreadable()
    return {
        "path": str(data),
        "published": division.published,
        "validation": len(held),
        "left_out": photos.left_out(),
        "left_out_of_validation": held.left_out(),
        "unreadable": dict(list(unreadable.items())[:NAMED]),
        "damaged": division.damaged,
    }


def _machine(accelerator: Accelerator) -> dict[str, Any]:
    cuda = accelerator.device.type == "cuda"
    name = torch.cuda.get_device_name(accelerator.device) if cuda else f"cpu ({torch.get_num_threads()} threads)"
    precision = {"no": "fp32"}.get(accelerator.mixed_precision, accelerator.mixed_precision)
    return {"device": name, "processes": accelerator.num_processes, "precision": precision}
