"""What happens at one step of a run: the plain case, a network and its optimizer."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, cast

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from tinct.data.batches import Batch
from tinct.errors import TrainingError
from tinct.training.config import OptimizerConfig, TrainConfig
from tinct.training.losses import ColorLoss
from tinct.training.schedule import rate_factor


class PlainStep:
    """Steps of a network down its loss.

    Args:
        config: the recipe.
        network: with the weights to start from, on the accelerator's device.
        loss: what it is judged by.
        takes_hints: whether the network does.
        accelerator: device, precision and processes.
    """

    def __init__(
        self, config: TrainConfig, network: nn.Module, loss: ColorLoss, takes_hints: bool, accelerator: Accelerator
    ) -> None:
        self.config = config
        self.accelerator = accelerator
        self.loss = loss.to(accelerator.device)
        if loss.teacher is not None:
            # Its arithmetic is the run's too.
            loss.teacher.network = accelerator.prepare_model(loss.teacher.network, evaluation_mode=True)
        self.takes_hints = takes_hints
        groups = _groups(network, config.optimizer)
        self.network = self._wrap(network)
        self.optimizer = self._prepare(_make_optimizer(groups, config.optimizer))

    def _wrap(self, network: nn.Module) -> nn.Module:
        with warnings.catch_warnings():
            # Accelerate passes an option of prepare.make_accelerator under the name that older torches have too.
            warnings.filterwarnings("ignore", ".*broadcast_buffers", FutureWarning)
            wrapped: nn.Module = self.accelerator.prepare_model(network)
        return wrapped

    def _prepare(self, optimizer: torch.optim.Optimizer) -> torch.optim.Optimizer:
        return cast("torch.optim.Optimizer", self.accelerator.prepare_optimizer(optimizer))

    @property
    def suspicion(self) -> str:
        """What seems to go wrong, so that the last checkpoint had better stay; nothing where all is well."""
        return ""

    @property
    def rate(self) -> float:
        """Learning rate of the last step."""
        return float(self.optimizer.param_groups[0]["lr"])

    def bare(self) -> nn.Module:
        """Return the network as it was before it was prepared for several processes."""
        network: nn.Module = self.accelerator.unwrap_model(self.network)
        return network

    def take(self, batch: Batch, number: int, done: float) -> dict[str, float]:
        """Take a step.

        Args:
            batch: of this process.
            number: steps taken before.
            done: share of the budget that is used, 0..1.

        Returns:
            The loss and its terms, over the batches of all processes.

        Raises:
            TrainingError: a loss or a gradient is no number any more; the step isn't taken then.
        """
        self._begin(number, done)
        sums: dict[str, Tensor] = {}
        for part, share, last in self._parts(batch):
            with self._syncing(self.network, last):
                terms = self.loss(self._run(part), part.lightness, part.ab, part.hints)
                self.accelerator.backward(terms["loss"] * share)
            add_share(sums, terms, share)
        values = self._gathered(sums, number)
        self._clip(self.network, self.optimizer, self.config.optimizer.clip, number)
        self._apply(self.optimizer)
        return values

    @torch.no_grad()
    def check(self, batch: Batch, number: int) -> None:
        """Make sure that another step could be taken, and leave everything as it is.

        Args:
            batch: of this process, that of the last step.
            number: steps taken before.

        Raises:
            TrainingError: the loss would be no number any more.
        """
        kept = [buffer.clone() for buffer in self.network.buffers()]
        part, _, _ = next(self._parts(batch))
        sums: dict[str, Tensor] = {}
        with torch.random.fork_rng(devices=()):
            add_share(sums, self.loss(self._run(part), part.lightness, part.ab, part.hints), 1.0)
        for buffer, before in zip(self.network.buffers(), kept, strict=True):
            buffer.copy_(before)
        self._gathered(sums, number)

    def _begin(self, number: int, done: float) -> None:
        network = self.network.train()
        for part in self.bare().children():
            learning = [parameter.requires_grad for parameter in part.parameters()]
            if learning and not any(learning):
                part.eval()
        if self.config.optimizer.freeze_norms:
            for layer in network.modules():
                if isinstance(layer, nn.modules.batchnorm._BatchNorm):
                    layer.eval()
        self._set_rates(self.optimizer, rate_factor(number, done, self.config.optimizer))

    @staticmethod
    def _set_rates(optimizer: torch.optim.Optimizer, factor: float) -> None:
        for group in optimizer.param_groups:
            group["lr"] = group["top"] * factor

    def _parts(self, batch: Batch) -> Iterator[tuple[Batch, float, bool]]:
        """Yield the parts of a batch on the device, their shares of it, and whether each is the last."""
        device, count = self.accelerator.device, self.config.optimizer.accumulate
        planes = [plane.chunk(count) for plane in (batch.lightness, batch.ab, batch.hints)]
        for index, (lightness, ab, hints) in enumerate(zip(*planes, strict=True)):
            seen = lightness.to(device, memory_format=torch.channels_last)
            part = Batch(seen, ab.to(device), hints.to(device))
            yield part, len(ab) / len(batch.ab), index == len(planes[0]) - 1

    def _run(self, part: Batch) -> Tensor:
        given = (part.lightness, part.hints) if self.takes_hints else (part.lightness,)
        output: Tensor = self.network(*given)
        return output

    def _syncing(self, network: nn.Module, last: bool) -> AbstractContextManager[Any]:
        """Let processes exchange gradients at the last part only."""
        return nullcontext() if last else self.accelerator.no_sync(network)

    def _gathered(self, sums: Mapping[str, Tensor], number: int, losses: Sequence[str] = ("loss",)) -> dict[str, float]:
        """Return the means over all processes; those that are losses must be numbers."""
        values = torch.stack(list(sums.values()))
        if self.accelerator.num_processes > 1:
            values = self.accelerator.reduce(values, "mean")
        found = dict(zip(sums, values.tolist(), strict=True))
        for name in losses:
            if not math.isfinite(found[name]):
                of = "" if name == "loss" else f" of the {name}"
                raise _diverged(f"the loss{of} is {found[name]}", number)
        return found

    def _clip(self, network: nn.Module, optimizer: torch.optim.Optimizer, most: float, number: int) -> None:
        """Limit the norm of a network's gradient, unless ``most`` is 0; it must be a number in any case.

        Where the loss is scaled, the scale sees to gradients that are none: it leaves out the step, and falls.
        """
        # Accelerate's own function would also take the loss scale from the gradients of a discriminator.
        self.accelerator.unscale_gradients(optimizer)
        norm = float(nn.utils.clip_grad_norm_(network.parameters(), most or math.inf))
        if self.accelerator.scaler is None and not math.isfinite(norm):
            raise _diverged(f"the gradient's norm is {norm}", number)

    def _apply(self, *optimizers: Any) -> None:
        """Take the steps of optimizers; the loss scale is that of the gradients of all, so it changes after them."""
        scaler = self.accelerator.scaler
        for optimizer in optimizers:
            if scaler is None:
                optimizer.step()
            else:
                scaler.step(optimizer.optimizer)
            optimizer.zero_grad()
        if scaler is not None:
            scaler.update()

    def state(self) -> dict[str, Any]:
        """Return all that an exact resume needs."""
        return {"network": self.bare().state_dict(), "optimizer": self.optimizer.state_dict()}

    def load(self, state: Mapping[str, Any]) -> None:
        """Go on from a state."""
        self.bare().load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])


def _diverged(what: str, number: int) -> TrainingError:
    return TrainingError(
        f"{what} at step {number}; the last checkpoint is from before it: go on from it in another folder by --init, "
        "with a lower rate or another seed"
    )


def _groups(network: nn.Module, config: OptimizerConfig) -> list[dict[str, Any]]:
    """Return the weights to learn with their top rates; those that don't learn want no gradients from now on."""
    learning: dict[bool, list[nn.Parameter]] = {False: [], True: []}
    rates = {False: config.rate, True: config.encoder_rate}
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(config.top_rate(name) > 0)
        if parameter.requires_grad:
            learning[name.startswith("encoder.")].append(parameter)
    return [{"params": learning[encoder], "top": rates[encoder]} for encoder in learning if learning[encoder]]


def _make_optimizer(groups: list[dict[str, Any]], config: OptimizerConfig) -> torch.optim.Optimizer:
    kind = torch.optim.AdamW if config.kind == "adamw" else torch.optim.Adam
    return kind(groups, lr=config.rate, betas=config.betas, weight_decay=config.weight_decay)


def add_share(sums: dict[str, Tensor], terms: Mapping[str, Tensor], share: float) -> None:
    """Add what a part of a batch gave, by the part's share of it."""
    for name, value in terms.items():
        weighed = value.detach().float() * share
        sums[name] = sums[name] + weighed if name in sums else weighed
