"""A trained model whose colors another one learns from (knowledge distillation, Hinton 2015)."""

from __future__ import annotations

import os

import numpy as np
import torch
from torch import Tensor, nn

from tinct.models.registry import ModelSpec
from tinct.training.distribution import BinTable, log_softmax, mean_color
from tinct.weights import checkpoint, store


class Teacher(nn.Module):
    """What a frozen model believes of the photos of a batch.

    Args:
        network: the model's.
        spec: of it.
    """

    def __init__(self, network: nn.Module, spec: ModelSpec) -> None:
        super().__init__()
        self.network = network.requires_grad_(False).eval()
        self.spec = spec
        bins, weights = np.array(spec.bins, np.float32), np.array(spec.weights, np.float32)
        self.table = BinTable(bins, weights) if spec.output == "bins" else None

    @classmethod
    def load(cls, model: str | os.PathLike[str]) -> Teacher:
        """Read a model by name, or a file or folder of it.

        Raises:
            UnknownModel: there is none.
            BadModelFile: it can't be read.
        """
        spec, network = checkpoint.load_network(store.resolve(model))
        return cls(network, spec)

    def train(self, mode: bool = True) -> Teacher:
        """Stay as it is: what is frozen doesn't train, and its normalization keeps its statistics."""
        del mode
        super().train(False)
        return self

    def shares_bins(self, table: BinTable | None) -> bool:
        """Tell whether a distribution over a table's bins can be compared with the model's, bin by bin."""
        return self.table is not None and table is not None and torch.equal(self.table.centers, table.centers)

    def log_p(self, lightness: Tensor, hints: Tensor | None, table: BinTable) -> Tensor:
        """Return the logarithms of its distribution, (N, h, w, Q), as another rebalancing would have it.

        Args:
            lightness: (N, 1, H, W), L in 0..100; H and W multiples of the specification's ``multiple``.
            hints: (N, 3, H, W): mask, a, b in Lab units; for a model that takes them.
            table: with the weights of that rebalancing, over the same bins.
        """
        assert self.table is not None
        shift = table.weights.log() - self.table.weights.log()
        return (log_softmax(self._run(lightness, hints)) + shift).log_softmax(-1)

    def colors(self, lightness: Tensor, hints: Tensor | None) -> Tensor:
        """Return its colors, (N, 2 or 3, h, w): ab in Lab units or RGB in 0..1; of a distribution its faithful mean.

        Args:
            lightness: as for :meth:`log_p`.
            hints: likewise.
        """
        output = self._run(lightness, hints)
        if self.table is None:
            return output.float()
        return mean_color(log_softmax(output), self.table).permute(0, 3, 1, 2)

    @torch.no_grad()
    def _run(self, lightness: Tensor, hints: Tensor | None) -> Tensor:
        output: Tensor = self.network(lightness, hints) if self.spec.takes_hints else self.network(lightness)
        return output if self.table is None else output[:, : len(self.table.centers)]
