"""Adversarial training: a discriminator judges what the network makes, and each learns from the other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torch.nn import functional as F

from tinct.color.figures import colorfulness
from tinct.data.batches import Batch
from tinct.errors import TrainingError
from tinct.models.discriminator import PatchDiscriminator
from tinct.training.config import AdversarialConfig, TrainConfig
from tinct.training.losses import ColorLoss, Colors
from tinct.training.schedule import rate_factor
from tinct.training.step import PlainStep, add_share
from tinct.training.validation import to_pixels

SMOOTHING = 0.98
"""Decay of the running means that the collapse watch looks at."""
REMEDY = "start afresh with a lower adversarial.rate, a higher adversarial.pixel, or a later adversarial.start"


class CollapseWatch:
    """Tells when adversarial training has broken down, and stops it.

    That is where for ``collapse_steps`` steps on end the discriminator is nearly always right, so that the network
    learns nothing from it any more, or the network's colors have all but gone.
    """

    def __init__(self, config: AdversarialConfig) -> None:
        self.config = config
        self.accuracy = 0.5
        self.colorfulness = 1.0
        self.steps = 0

    def note(self, accuracy: float, colorfulness: float, number: int) -> None:
        """Take in a step.

        Args:
            accuracy: share of patches that the discriminator judged rightly, 0..1.
            colorfulness: of the network's pictures, as a share of that of the photos.
            number: of the step.

        Raises:
            TrainingError: training has collapsed.
        """
        self.accuracy += (1 - SMOOTHING) * (accuracy - self.accuracy)
        self.colorfulness += (1 - SMOOTHING) * (colorfulness - self.colorfulness)
        won = self.accuracy > self.config.collapse_accuracy
        dull = self.colorfulness < self.config.collapse_colorfulness
        self.steps = self.steps + 1 if won or dull else 0
        if self.steps < self.config.collapse_steps:
            return
        raise TrainingError(
            f"adversarial training has collapsed at step {number}: {self.suspicion()}; the last checkpoint is from "
            f"before it: {REMEDY}"
        )

    def suspicion(self) -> str:
        """Return what seems to go wrong; nothing where all is well."""
        if not self.steps:
            return ""
        won = self.accuracy > self.config.collapse_accuracy
        what = (
            f"the discriminator is right about {self.accuracy:.1%} of all patches"
            if won
            else f"the pictures have {self.colorfulness:.0%} of the photos' colorfulness"
        )
        return f"for {self.steps} step{'s' * (self.steps != 1)} {what}"

    def state(self) -> dict[str, float]:
        """Return all that an exact resume needs."""
        return {"accuracy": self.accuracy, "colorfulness": self.colorfulness, "steps": self.steps}

    def load(self, state: Mapping[str, Any]) -> None:
        """Go on from a state."""
        self.accuracy, self.colorfulness, self.steps = state["accuracy"], state["colorfulness"], state["steps"]


class AdversarialStep(PlainStep):
    """Steps of a network and of its discriminator, each with its own optimizer, as in pix2pix (Isola 2017, 3.1, 3.3).

    The network's loss is ``pixel`` times the recipe's terms plus ``factor`` times the cross-entropy of its pictures
    being taken for real; the discriminator's is the mean cross-entropy of photos as real and pictures as not. Both see
    the same pictures; lightness is given to the discriminator (conditional).
    """

    def __init__(
        self, config: TrainConfig, network: nn.Module, loss: ColorLoss, takes_hints: bool, accelerator: Accelerator
    ) -> None:
        super().__init__(config, network, loss, takes_hints, accelerator)
        assert config.adversarial is not None
        self.adversarial = config.adversarial
        self.watch = CollapseWatch(config.adversarial)
        judge = PatchDiscriminator(config.adversarial.width, config.adversarial.layers).to(accelerator.device)
        self.discriminator = self._wrap(judge)
        groups = [{"params": list(judge.parameters()), "top": config.adversarial.rate}]
        self.judges = self._prepare(torch.optim.Adam(groups, lr=config.adversarial.rate, betas=(0.5, 0.999)))

    @property
    def suspicion(self) -> str:
        """What the collapse watch says while it counts."""
        return self.watch.suspicion()

    def take(self, batch: Batch, number: int, done: float) -> dict[str, float]:
        """Take a step of both; see :meth:`PlainStep.take`.

        Returns:
            Beside the terms of the loss: ``pixel``, their weighted sum; ``adversarial``; ``discriminator``, its loss;
            ``accuracy``, its share of right judgements; ``colorfulness`` of the network's pictures and
            ``colorfulness_original`` of the photos. What belongs to the discriminator is NaN before it starts.
        """
        self._begin(number, done)
        playing = done >= self.adversarial.start
        self._set_rates(self.judges, rate_factor(number, done, self.config.optimizer))
        self.discriminator.train()
        sums: dict[str, Tensor] = {}
        for part, share, last in self._parts(batch):
            with self._syncing(self.network, last):
                output = self._run(part)
                terms = self.loss(output, part.lightness, part.ab, part.hints)
                found, true = self.loss.found(output, part.lightness), Colors(part.ab, part.lightness)
                terms["pixel"] = terms["loss"]
                game = self._play(found.ab(), part, share, last) if playing else _idle(terms["pixel"])
                terms["loss"] = self.adversarial.pixel * terms["pixel"]
                if playing:
                    terms["loss"] = terms["loss"] + self.adversarial.factor * game["adversarial"]
                self.accelerator.backward(terms["loss"] * share)
            with torch.no_grad():
                seen = {"colorfulness": _colorfulness(found), "colorfulness_original": _colorfulness(true)}
            add_share(sums, {**terms, **game, **seen}, share)
        values = self._gathered(sums, number, ("loss", "discriminator") if playing else ("loss",))
        self._clip(self.network, self.optimizer, self.config.optimizer.clip, number)
        if playing:
            self._clip(self.discriminator, self.judges, 0, number)
        self._apply(self.optimizer, *([self.judges] if playing else []))
        if playing:
            ratio = values["colorfulness"] / max(values["colorfulness_original"], 1e-3)
            self.watch.note(values["accuracy"], ratio, number)
        return values

    def _play(self, made: Tensor, part: Batch, share: float, last: bool) -> dict[str, Tensor]:
        """Add the discriminator's gradients, and return what the network makes of it."""
        with self._syncing(self.discriminator, last):
            real = self.discriminator(part.lightness, part.ab)
            fake = self.discriminator(part.lightness, made.detach())
            loss = (_against(real, 1.0) + _against(fake, 0.0)) / 2
            self.accelerator.backward(loss * share)
        # Its weights stay as they are while the network is judged.
        judge = self.accelerator.unwrap_model(self.discriminator).requires_grad_(False)
        adversarial = _against(judge(part.lightness, made), 1.0)
        judge.requires_grad_(True)
        accuracy = ((real > 0).float().mean() + (fake <= 0).float().mean()) / 2
        return {"adversarial": adversarial, "discriminator": loss.detach(), "accuracy": accuracy}

    def state(self) -> dict[str, Any]:
        """Return all that an exact resume needs."""
        judge: nn.Module = self.accelerator.unwrap_model(self.discriminator)
        return super().state() | {
            "discriminator": judge.state_dict(),
            "discriminator_optimizer": self.judges.state_dict(),
            "watch": self.watch.state(),
        }

    def load(self, state: Mapping[str, Any]) -> None:
        """Go on from a state."""
        super().load(state)
        self.accelerator.unwrap_model(self.discriminator).load_state_dict(state["discriminator"])
        self.judges.load_state_dict(state["discriminator_optimizer"])
        self.watch.load(state["watch"])


def _against(logits: Tensor, label: float) -> Tensor:
    return F.binary_cross_entropy_with_logits(logits.float(), torch.full_like(logits, label, dtype=torch.float32))


def _colorfulness(colors: Colors) -> Tensor:
    rgb = colors.rgb
    return rgb.new_tensor([colorfulness(to_pixels(picture)) for picture in rgb.chunk(len(rgb))]).mean()


def _idle(like: Tensor) -> dict[str, Tensor]:
    nothing = torch.full_like(like.detach(), float("nan"))
    return dict.fromkeys(("adversarial", "discriminator", "accuracy"), nothing)
