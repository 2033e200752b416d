"""Looks at a run's averaged weights from time to time: figures, contact sheets, and whether to go on."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from tinct.color.figures import Pixels
from tinct.media.atomic import make_folder
from tinct.models.registry import ModelSpec
from tinct.training.config import TrainConfig
from tinct.training.journal import lower_is_better
from tinct.training.validation import draw_sheet, validate
from tinct.weights import checkpoint

SHEETS = "sheets"


class Examiner:
    """Measures weights on photos that training never sees.

    Args:
        config: the recipe.
        spec: of the network.
        network: a copy of it holds the weights that are measured.
        held: the photos, (H, W, 3) uint8 each.
        run: the run's folder; contact sheets go into ``sheets``, the best weights into ``best`` where the recipe
            stops early.
        ordinary: further photos with figures of their own, see :func:`ordinary_name`.
    """

    def __init__(
        self,
        config: TrainConfig,
        spec: ModelSpec,
        network: nn.Module,
        held: Sequence[Pixels],
        run: Path,
        ordinary: Sequence[Pixels] = (),
    ) -> None:
        self.size = config.validation.size
        self.stopping = config.early_stopping
        self.spec = spec
        self.probe = copy.deepcopy(network)
        self.held = held
        self.ordinary = ordinary
        self.run = run
        self.best: float | None = None
        self.since = 0
        """Measurements after the best one."""

    @property
    def content(self) -> bool:
        """Whether the recipe's early stopping says that the run is over."""
        return self.stopping is not None and self.since >= self.stopping.patience

    def measure(self, weights: dict[str, Tensor]) -> dict[str, float]:
        """Return the figures of some weights; the best of those seen are kept where the recipe stops early."""
        network = self._with(weights)
        figures = validate(network, self.spec, self.held, self.size)
        if self.ordinary:
            others = validate(network, self.spec, self.ordinary, self.size)
            figures |= {ordinary_name(name): value for name, value in others.items()}
        if self.stopping is not None:
            value = figures[self.stopping.figure]
            if lower_is_better(self.stopping.figure):
                value = -value
            if self.best is None or value > self.best:
                self.best, self.since = value, 0
                checkpoint.save_weights(self.run / checkpoint.BEST, self.spec, weights)
            else:
                self.since += 1
        return figures

    def draw(self, weights: dict[str, Tensor], name: str) -> None:
        """Write a contact sheet of some weights."""
        make_folder(self.run / SHEETS)
        draw_sheet(self._with(weights), self.spec, self.held, self.size, self.run / SHEETS / f"{name}.png")

    def _with(self, weights: dict[str, Tensor]) -> nn.Module:
        self.probe.load_state_dict(weights)
        return self.probe.eval()

    def forget(self) -> None:
        """Delete the best weights that are in the run's folder."""
        for name in (checkpoint.MODEL, checkpoint.SPEC):
            (self.run / checkpoint.BEST / name).unlink(missing_ok=True)

    def state(self) -> dict[str, Any]:
        """Return all that an exact resume needs."""
        return {"best": self.best, "since": self.since}

    def load(self, state: Mapping[str, Any]) -> None:
        """Go on from a state."""
        self.best, self.since = state["best"], state["since"]


def ordinary_name(figure: str) -> str:
    """Return the name of a figure on ordinary photos: ``psnr_ordinary_gray`` for ``psnr_gray``."""
    kind, line, rest = figure.partition("_")
    return f"{kind}_ordinary{line}{rest}"
