"""The training loop: fit, validate, checkpoint, resume."""

from __future__ import annotations

import copy
import json
import math
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import broadcast
from numpy.typing import NDArray
from torch import nn

from tinct.data.batches import Batch, BatchStream, Position, Sampling
from tinct.errors import TrainingError
from tinct.models.registry import ModelSpec
from tinct.training.average import WeightAverage
from tinct.training.config import Budget, OptimizerConfig, TrainConfig
from tinct.training.journal import LOSSES, VALIDATION, Journal
from tinct.training.progress import Progress, Report
from tinct.training.validation import draw_sheet, validate
from tinct.weights import checkpoint

LOG_EVERY = 20
"""Steps between two rows of the loss table."""


def rate_factor(step: int, done: float, config: OptimizerConfig) -> float:
    """Return the learning rate as a share of its top: a linear warm-up, a plateau, a cosine down to zero.

    Args:
        step: steps taken.
        done: share of the budget that is used, 0..1.
        config: ``warmup`` steps, ``decay`` share.
    """
    warm = min(1.0, (step + 1) / max(1, config.warmup))
    if config.decay == 0 or done <= 1 - config.decay:
        return warm
    falling = (done - (1 - config.decay)) / config.decay
    return warm * 0.5 * (1 + math.cos(math.pi * min(1.0, falling)))


class Engine:
    """One training run over a network.

    Args:
        config: the recipe.
        spec: of the network, with its rebalancing weights.
        network: with the weights to start from.
        loss: takes the network's output and the true ab, (N, 2, H, W); returns ``loss`` and its terms.
        photos: to learn from, (H, W, 3) uint8 each.
        held: to validate on.
        run: the run's folder.
        accelerator: device, precision and processes.
        seed: of every choice.
        identity: recipe and data, as JSON; a run resumes only where it is the same.
        report: told how far the run is.
    """

    def __init__(
        self,
        config: TrainConfig,
        spec: ModelSpec,
        network: nn.Module,
        loss: nn.Module,
        photos: Sequence[NDArray[np.uint8]],
        held: Sequence[NDArray[np.uint8]],
        *,
        run: Path,
        accelerator: Accelerator,
        seed: int,
        identity: str,
        report: Report,
    ) -> None:
        self.config = config
        self.spec = spec
        self.photos = photos
        self.held = held
        self.run = run
        self.accelerator = accelerator
        self.seed = seed
        self.identity = identity
        self.report = report
        self.budget = Budget.parse(config.budget)
        self.average = WeightAverage(network.to(accelerator.device), config.optimizer.ema)
        self.position = Position()
        self.seconds = 0.0
        self.started = 0.0
        self.network = accelerator.prepare_model(network.to(memory_format=torch.channels_last))  # type: ignore[call-overload]
        self.loss = loss.to(accelerator.device)
        self.optimizer = cast("torch.optim.Optimizer", accelerator.prepare_optimizer(self._make_optimizer(network)))
        # Holds the averaged weights while they are looked at.
        self.probe = copy.deepcopy(network)

    def _make_optimizer(self, network: nn.Module) -> torch.optim.Optimizer:
        config = self.config.optimizer
        encoder = [p for name, p in network.named_parameters() if name.startswith("encoder.")]
        rest = [p for name, p in network.named_parameters() if not name.startswith("encoder.")]
        groups = [{"params": rest, "top": config.rate}]
        if encoder and config.encoder_rate > 0:
            groups.append({"params": encoder, "top": config.encoder_rate})
        else:
            for parameter in encoder:
                parameter.requires_grad_(False)
        return torch.optim.AdamW(groups, lr=config.rate, weight_decay=config.weight_decay)

    @property
    def done(self) -> float:
        """Share of the budget that is used, 0..1."""
        used = {
            "steps": self.position.step,
            "epochs": self.position.seen / len(self.photos),
            "min": self.seconds / 60,
        }[self.budget.unit]
        return min(1.0, used / self.budget.amount)

    def fit(self) -> None:
        """Train until the budget is used, resuming where a checkpoint was loaded.

        Raises:
            TrainingError: the loss is no number any more; the last checkpoint stays.
            KeyboardInterrupt: the user's; the state is saved first.
        """
        data = self.config.data
        shares = np.array(list(data.sizes.values()))
        sampling = Sampling(
            sizes=list(data.sizes),
            shares=[float(share) for share in shares / shares.sum()],
            batch=data.batch,
            least_crop=data.least_crop,
            flip=data.flip,
            turn=data.turn,
            tone=data.tone,
            hints=data.hints,
            without_hints=data.without_hints,
        )
        batches = BatchStream(
            self.photos, sampling, self.seed, self.accelerator.process_index, self.accelerator.num_processes
        )
        journal = Journal(self.run, self.position.step)
        self.started = time.monotonic() - self.seconds
        saved = validated = self.seconds
        noted = (self.seconds, self.position.seen)
        try:
            with closing(batches.stream(self.position)) as stream:
                while self.done < 1:
                    batch, after = next(stream)
                    epoch = self.position.seen // len(self.photos)
                    terms = self._step(batch)
                    self.position = after
                    self.seconds = self._elapsed()
                    if after.step % LOG_EVERY == 0:
                        speed = (after.seen - noted[1]) / max(1e-9, self.seconds - noted[0])
                        noted = (self.seconds, after.seen)
                        self._note(journal, terms, speed)
                    new_epoch = after.seen // len(self.photos) > epoch
                    if self.seconds - validated > self.config.validation.minutes * 60 and self.done < 1:
                        self._validate(journal)
                        validated = self.seconds = self._elapsed()
                    if new_epoch or self.seconds - saved > self.config.checkpoint_minutes * 60:
                        self.save()
                        saved = self.seconds
                    if new_epoch:
                        self._sheet(f"epoch-{epoch + 1:03d}")
        except KeyboardInterrupt:
            self.save()
            raise
        self._validate(journal)
        self._sheet("last")
        self.save()

    def _elapsed(self) -> float:
        """Return the run's time in seconds by the first process's clock, so that all decide alike."""
        seconds = torch.tensor(time.monotonic() - self.started, dtype=torch.float64)
        if self.accelerator.num_processes > 1:
            seconds = broadcast(seconds.to(self.accelerator.device))
        return float(seconds)

    def _step(self, batch: Batch) -> dict[str, float]:
        device = self.accelerator.device
        network = self.network.train()
        factor = rate_factor(self.position.step, self.done, self.config.optimizer)
        for group in self.optimizer.param_groups:
            group["lr"] = group["top"] * factor
        lightness = batch.lightness.to(device, memory_format=torch.channels_last)
        output = network(lightness, batch.hints.to(device))
        terms = self.loss(output, batch.ab.to(device))
        values = {name: float(value.detach()) for name, value in terms.items()}
        if not math.isfinite(values["loss"]):
            raise TrainingError(
                f"the loss is {values['loss']} at step {self.position.step}; the last checkpoint in {self.run} is from "
                "before it: resume with a lower rate or another seed"
            )
        self.accelerator.backward(terms["loss"])
        self.accelerator.clip_grad_norm_(network.parameters(), self.config.optimizer.clip)
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.average.update(self.accelerator.unwrap_model(network), self.position.step)
        return values

    def _note(self, journal: Journal, terms: dict[str, float], speed: float) -> None:
        left = self.seconds * (1 - self.done) / self.done if self.done > 0 else None
        self.report(Progress("training", self.done, *_counts(self.position), speed, left, terms))
        if self.accelerator.is_main_process:
            rate = self.optimizer.param_groups[0]["lr"]
            row = {"step": self.position.step, "seen": self.position.seen, "seconds": self.seconds, "rate": rate}
            journal.add(LOSSES, {**row, **terms, "photos_per_second": speed})

    def _validate(self, journal: Journal) -> None:
        if not self.accelerator.is_main_process or not self.held:
            return
        self.report(Progress("validating", self.done, *_counts(self.position)))
        figures = validate(self._averaged(), self.spec, self.held, self.config.validation.size)
        row = {"step": self.position.step, "seen": self.position.seen, "seconds": self.seconds}
        journal.add(VALIDATION, {**row, **figures})
        journal.draw()
        self.report(Progress("training", self.done, *_counts(self.position), figures=figures))

    def _sheet(self, name: str) -> None:
        if self.accelerator.is_main_process and self.held:
            (self.run / "sheets").mkdir(exist_ok=True)
            target = self.run / "sheets" / f"{name}.png"
            draw_sheet(self._averaged(), self.spec, self.held, self.config.validation.size, target)

    def _averaged(self) -> nn.Module:
        self.probe.load_state_dict(self.average.weights)
        return self.probe.eval()

    def save(self) -> None:
        """Write a checkpoint of the whole state."""
        self.accelerator.wait_for_everyone()
        if self.accelerator.is_main_process:
            state: dict[str, Any] = {
                "identity": self.identity,
                "network": self.accelerator.unwrap_model(self.network).state_dict(),
                "average": self.average.weights,
                "optimizer": self.optimizer.state_dict(),
                "scaler": self.accelerator.scaler.state_dict() if self.accelerator.scaler is not None else {},
                "step": self.position.step,
                "seen": self.position.seen,
                "seconds": self.seconds,
                "rng": torch.get_rng_state(),
            }
            checkpoint.save(self.run, self.spec, self.average.weights, state)
        self.accelerator.wait_for_everyone()

    def resume(self) -> None:
        """Go on from the run's checkpoint.

        Raises:
            TrainingError: it can't be read, or belongs to another recipe or other data; the differences are listed.
        """
        state = checkpoint.load_state(self.run)
        if state["identity"] != self.identity:
            changed = "".join(f"\n  - {line}" for line in _differences(state["identity"], self.identity))
            raise TrainingError(f"{self.run} can't be resumed, because its recipe or data was another:{changed}")
        self.accelerator.unwrap_model(self.network).load_state_dict(state["network"])
        self.average.load(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        if self.accelerator.scaler is not None:
            self.accelerator.scaler.load_state_dict(state["scaler"])
        self.position = Position(state["step"], state["seen"])
        self.seconds = state["seconds"]
        torch.set_rng_state(state["rng"])


def _counts(position: Position) -> tuple[int, int]:
    return position.step, position.seen


def _differences(old: str, new: str) -> list[str]:
    """List the settings in which two identities, as JSON, differ."""

    def flat(value: Any, place: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            return {place: value}
        return {k: v for key, part in value.items() for k, v in flat(part, f"{place}.{key}" if place else key).items()}

    before, after = flat(json.loads(old), ""), flat(json.loads(new), "")
    return [
        f"{place}: {before.get(place)!r} -> {after.get(place)!r}"
        for place in sorted(before.keys() | after.keys())
        if before.get(place) != after.get(place)
    ]
