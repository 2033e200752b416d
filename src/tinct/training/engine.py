"""The training loop: fit, validate, checkpoint, resume."""

from __future__ import annotations

import dataclasses
import json
import math
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import broadcast
from torch import nn

from tinct.color.figures import Pixels
from tinct.data.batches import Batch, BatchStream, Position, Sampling
from tinct.data.deck import Deck
from tinct.errors import OutputError, TrainingError
from tinct.models.registry import ModelSpec
from tinct.training.adversarial import REMEDY, AdversarialStep
from tinct.training.average import WeightAverage
from tinct.training.config import Budget, TrainConfig
from tinct.training.examiner import Examiner
from tinct.training.interrupts import held_interrupts
from tinct.training.journal import LOSSES, VALIDATION, Journal
from tinct.training.losses import ColorLoss
from tinct.training.progress import Progress, Report
from tinct.training.runs import FINISHED, STOPPED, UNFINISHED, differences, note_progress
from tinct.training.step import PlainStep
from tinct.weights import checkpoint

LOG_EVERY = 20
"""Steps between two rows of the loss table; each epoch ends with one too."""
EPOCH_SECONDS = 30.0
"""Least time between two epochs whose ends are saved and drawn: of a tiny data set nearly each step is an epoch."""


class Engine:
    """One training run over a network.

    Args:
        config: the recipe.
        spec: of the network, with its rebalancing weights.
        network: with the weights to start from.
        loss: what it is judged by.
        deck: the photos to learn from.
        held: to validate on, (H, W, 3) uint8 each.
        ordinary: to validate apart, such as some of what the start was trained on.
        anchor: share of the start's weights in those that are used, see :class:`WeightAverage`.
        run: the run's folder.
        accelerator: device, precision and processes.
        seed: of every choice.
        identity: recipe and data, as JSON; a run resumes only where it is the same.
        record: of the run, brought up to date at every checkpoint.
        report: told how far the run is.
        tensorboard: write event files too.
    """

    def __init__(
        self,
        config: TrainConfig,
        spec: ModelSpec,
        network: nn.Module,
        loss: ColorLoss,
        deck: Deck,
        held: Sequence[Pixels],
        *,
        ordinary: Sequence[Pixels] = (),
        anchor: float = 0.0,
        run: Path,
        accelerator: Accelerator,
        seed: int,
        identity: str,
        record: dict[str, Any],
        report: Report,
        tensorboard: bool = False,
    ) -> None:
        self.config = config
        self.spec = spec
        self.deck = deck
        self.run = run
        self.accelerator = accelerator
        self.seed = seed
        self.identity = identity
        self.record = record
        self.report = report
        self.tensorboard = tensorboard
        self.budget = Budget.parse(config.budget)
        self.position = Position()
        self.seconds = 0.0
        self.started = 0.0
        self.average = WeightAverage(network.to(accelerator.device), config.optimizer.ema, anchor)
        kind = PlainStep if config.adversarial is None else AdversarialStep
        network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.step = kind(config, network, loss, spec.takes_hints, accelerator)
        self.examiner = Examiner(config, spec, network, held, run, ordinary)
        self.stopped = False
        """Whether the run ends before its budget is used."""
        self.within_step = False
        """Whether the state is none that a run could go on from."""
        self.unchecked: Batch | None = None
        """What the last step learned from, where nothing was saved since."""
        self.saved = 0
        """Step of the checkpoint."""
        self.ended = False
        """Whether the run was measured and saved after its last step."""

    @property
    def done(self) -> float:
        """Share of the budget that is used, 0..1."""
        used = {
            "steps": self.position.step,
            "epochs": self.deck.passes(self.position.seen),
            "min": self.seconds / 60,
        }[self.budget.unit]
        return 1.0 if self.stopped else min(1.0, used / self.budget.amount)

    def fit(self) -> None:
        """Train until the budget is used or validation figures rise no more, resuming where a checkpoint was loaded.

        A run that ended with that already stays as it is, and says so.

        Raises:
            TrainingError: the loss is no number any more, or adversarial training has collapsed or seemed to at its
                end; the last checkpoint stays.
            OutputError: something can't be written.
            KeyboardInterrupt: the user's; the state is saved first, but for one in the middle of a step.
        """
        if self.ended and self.done >= 1:
            self._tell(
                f"the run stopped early at step {self.position.step}, as its figures got no better, and doesn't go on; "
                f"start another one from it, in another folder, by --init {self.run}"
                if self.stopped
                else "the run is finished; with a longer budget it goes on"
            )
            return
        begun = self.position.step or -1  # what a killed run measured before its first step is measured again
        with closing(Journal(self.run, begun, tensorboard=self.tensorboard and self._first)) as journal:
            try:
                self._fit(journal)
            except (TrainingError, OutputError):
                with suppress(OutputError):
                    self.note("failed")
                raise

    def _fit(self, journal: Journal) -> None:
        try:
            if self.config.validation.at_start and not self.position.step:
                self._validate(journal)
            self._train(journal)
            # Whatever becomes of the last measurement, what was learned is there; a resume measures again.
            self.save()
            self._trust()
            if not self.stopped:
                self._validate(journal)
            self._sheet("last")
        except KeyboardInterrupt:
            if self.within_step:
                self.note("interrupted")
            else:
                self.save("interrupted")
            raise
        self.save(STOPPED if self.stopped else FINISHED)

    def _trust(self) -> None:
        """Make sure that a run that is over didn't end while it seemed to go wrong."""
        if self.step.suspicion:
            raise TrainingError(
                f"adversarial training seemed to collapse as it ended at step {self.position.step}: "
                f"{self.step.suspicion}; the checkpoint stays that of step {self.saved}: use that, go on from it by "
                f"--resume with a longer --budget, or {REMEDY}"
            )

    @property
    def _first(self) -> bool:
        first: bool = self.accelerator.is_main_process
        return first

    def _train(self, journal: Journal) -> None:
        names = {field.name for field in dataclasses.fields(Sampling)}
        sampling = Sampling(**{name: getattr(self.config.data, name) for name in names})
        here, all_of_them = self.accelerator.process_index, self.accelerator.num_processes
        batches = BatchStream(self.deck, sampling, self.seed, here, all_of_them)
        if uneven := batches.unlike_one_process():
            self._tell(uneven)
        self.started = time.monotonic() - self.seconds
        saved = validated = self.seconds
        kept = -math.inf
        noted = (self.seconds, self.position.seen)
        with closing(batches.stream(self.position)) as stream:
            while self.done < 1:
                batch, after = next(stream)
                epoch = int(self.deck.passes(self.position.seen))
                with held_interrupts():
                    self.within_step = True
                    terms = self.step.take(batch, self.position.step, self.done)
                    self.average.update(self.step.bare(), self.position.step)
                    self.position, self.unchecked = after, batch
                    self.within_step = False
                self.seconds = self._elapsed()
                new_epoch = int(self.deck.passes(after.seen)) > epoch
                if after.step % LOG_EVERY == 0 or new_epoch:
                    speed = (after.seen - noted[1]) / max(1e-9, self.seconds - noted[0])
                    noted = (self.seconds, after.seen)
                    self._log(journal, terms, speed)
                due = self.seconds - validated > self.config.validation.minutes * 60
                if (due or (new_epoch and self.config.validation.each_epoch)) and self.done < 1:
                    self._validate(journal)
                    validated = self.seconds = self._elapsed()
                keep = new_epoch and (self.seconds - kept > EPOCH_SECONDS or self.done >= 1)
                if keep or self.seconds - saved > self.config.checkpoint_minutes * 60:
                    self.save()
                    saved = self.seconds
                if keep:
                    self._sheet(f"epoch-{epoch + 1:03d}")
                    kept = self.seconds

    def _elapsed(self) -> float:
        """Return the run's time in seconds by the first process's clock, so that all decide alike."""
        return self._agreed(time.monotonic() - self.started)

    def _agreed(self, value: float) -> float:
        """Return the first process's value."""
        if self.accelerator.num_processes == 1:
            return value
        return float(broadcast(torch.tensor(value, dtype=torch.float64, device=self.accelerator.device)))

    def _log(self, journal: Journal, terms: dict[str, float], speed: float) -> None:
        left = self.seconds * (1 - self.done) / self.done if self.done > 0 else None
        if self._first:
            journal.add(LOSSES, {**self._place(), "rate": self.step.rate, **terms, "photos_per_second": speed})
        self.report(Progress("training", self.done, *self._counts(), speed, left, terms))

    def _validate(self, journal: Journal) -> None:
        if self._first and self.examiner.held:
            self.report(Progress("validating", self.done, *self._counts()))
            figures = self.examiner.measure(self.average.for_use())
            journal.cut(VALIDATION, self.position.step - 1)  # a run that was killed here has measured this already
            journal.add(VALIDATION, {**self._place(), **figures})
            journal.draw()
            self.report(Progress("training", self.done, *self._counts(), figures=figures))
        self.stopped = bool(self._agreed(float(self.examiner.content)))

    def _place(self) -> dict[str, float]:
        return {"step": self.position.step, "seen": self.position.seen, "seconds": self.seconds}

    def _counts(self) -> tuple[int, int, float]:
        return self.position.step, self.position.seen, self.deck.passes(self.position.seen)

    def _tell(self, note: str) -> None:
        self.report(Progress("training", self.done, *self._counts(), note=note))

    def _sheet(self, name: str) -> None:
        if self._first and self.examiner.held:
            self.examiner.draw(self.average.for_use(), name)

    def begin(self) -> None:
        """Make the record of a run that starts afresh; best weights that another one left here go."""
        if self._first:
            self.examiner.forget()
        self.note(UNFINISHED)

    def note(self, state: str) -> None:
        """Bring the run's record up to date, and write it."""
        if self._first:
            note_progress(self.record, self.run, state, self._place())

    def save(self, state: str = UNFINISHED) -> None:
        """Write a checkpoint of the whole state, but not while training may be going wrong: the last good one stays.

        Args:
            state: of the run, for its record.

        Raises:
            TrainingError: no further step could be taken from this state.
            OutputError: it can't be written.
        """
        if self.step.suspicion and checkpoint.has_state(self.run):
            return
        if self.unchecked is not None:
            self.step.check(self.unchecked, self.position.step)
            self.unchecked = None
        self.accelerator.wait_for_everyone()
        if self._first:
            scaler = self.accelerator.scaler
            whole: dict[str, Any] = {
                **self.step.state(),
                "identity": self.identity,
                "rebalancing": list(self.spec.weights),
                **self.average.state(),
                "scaler": scaler.state_dict() if scaler is not None else {},
                "precision": self.record["precision"],
                "examiner": self.examiner.state(),
                "stopped": self.stopped,
                "ended": state in (FINISHED, STOPPED),
                **self._place(),
                "rng": torch.get_rng_state(),
            }
            checkpoint.save(self.run, self.spec, self.average.for_use(), whole)
        self.saved = self.position.step
        self.note(state)
        self.accelerator.wait_for_everyone()

    def resume(self) -> None:
        """Go on from the run's checkpoint.

        Raises:
            TrainingError: it can't be read, or belongs to another recipe or other data; the differences are listed.
        """
        state = checkpoint.load_state(self.run)
        changed = differences(json.loads(state["identity"]), json.loads(self.identity))
        # Versions that kept no hash of pixels left it out; what they made can be resumed.
        changed = {
            place: pair for place, pair in changed.items() if not (place.endswith(".pixels") and pair[0] is None)
        }
        if changed:
            listed = "".join(f"\n  - {place}: {old!r} -> {new!r}" for place, (old, new) in changed.items())
            raise TrainingError(
                f"{self.run} can't be resumed, because its recipe or data, or the version that reads them, was "
                f"another:{listed}"
            )
        self.step.load(state)
        self.average.load(state)
        self.examiner.load(state["examiner"])
        self.stopped = state["stopped"]
        self.ended = state.get("ended", True)  # versions before this entry saved nothing between last step and end
        if self.accelerator.scaler is not None and state["scaler"]:
            self.accelerator.scaler.load_state_dict(state["scaler"])
        self.position = Position(state["step"], state["seen"])
        self.saved = self.position.step
        self.seconds = state["seconds"]
        torch.set_rng_state(state["rng"])
        now = self.record["precision"]
        before = state.get("precision", now)  # versions before this entry kept none
        if before != now:
            self._tell(f"the precision was {before}; from here on it is {now}, which this device has instead")
