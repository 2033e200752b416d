"""A running average of a network's weights."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn


class WeightAverage:
    """Exponential moving average of all weights and buffers.

    It starts quickly: at step n the decay is at most (1 + n) / (10 + n), as in TensorFlow's ExponentialMovingAverage.

    Args:
        network: whose weights.
        decay: 0..1; 0 follows the network exactly.
        anchor: share of the network's first weights in those for use, 0..1: the way back of WiSE-FT ("Robust
            fine-tuning of zero-shot models", Wortsman 2022), with alpha = 1 - anchor.
    """

    def __init__(self, network: nn.Module, decay: float, anchor: float = 0.0) -> None:
        self.decay = decay
        self.anchor = anchor
        self.weights = {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}
        self._start = {name: tensor.clone() for name, tensor in self.weights.items()} if anchor > 0 else {}

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Take in the weights as they are after ``step`` steps."""
        decay = min(self.decay, (1 + step) / (10 + step))
        current = network.state_dict()
        floats = [name for name, tensor in self.weights.items() if tensor.is_floating_point()]
        torch._foreach_lerp_([self.weights[n] for n in floats], [current[n] for n in floats], 1 - decay)
        for name in self.weights.keys() - set(floats):
            self.weights[name].copy_(current[name])

    def for_use(self) -> dict[str, Tensor]:
        """Return the weights to use: the average, drawn back to the start where there is an anchor."""
        if not self._start:
            return self.weights
        return {
            name: tensor.lerp(self._start[name], self.anchor) if tensor.is_floating_point() else tensor
            for name, tensor in self.weights.items()
        }

    def state(self) -> dict[str, dict[str, Tensor]]:
        """Return all that an exact resume needs."""
        return {"average": self.weights, "start": self._start}

    def load(self, state: Mapping[str, dict[str, Tensor]]) -> None:
        """Go on from a state."""
        for name, tensor in self.weights.items():
            tensor.copy_(state["average"][name])
        for name, tensor in self._start.items():
            tensor.copy_(state["start"][name])
