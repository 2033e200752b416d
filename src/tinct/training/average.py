"""A running average of a network's weights."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class WeightAverage:
    """Exponential moving average of all weights and buffers.

    It starts quickly: at step n the decay is at most (1 + n) / (10 + n), as in TensorFlow's ExponentialMovingAverage.

    Args:
        network: whose weights.
        decay: 0..1; 0 follows the network exactly.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay = decay
        self.weights = {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Take in the weights as they are after ``step`` steps."""
        decay = min(self.decay, (1 + step) / (10 + step))
        current = network.state_dict()
        floats = [name for name, tensor in self.weights.items() if tensor.is_floating_point()]
        torch._foreach_lerp_([self.weights[n] for n in floats], [current[n] for n in floats], 1 - decay)
        for name in self.weights.keys() - set(floats):
            self.weights[name].copy_(current[name])

    def load(self, weights: dict[str, Tensor]) -> None:
        """Go on from saved weights."""
        for name, tensor in self.weights.items():
            tensor.copy_(weights[name])
