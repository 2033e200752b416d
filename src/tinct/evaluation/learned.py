"""Which of the photographs measured a model has learned from, as far as its run says."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from pathlib import Path

from tinct.errors import DataError
from tinct.evaluation.protocol import Item
from tinct.training.held import read_held

log = logging.getLogger(__name__)


def warn_of_learned(models: Iterable[str], data: Path, items: Sequence[Item]) -> list[str]:
    """Say, in a line each, which models have learned from photographs that they are measured on; warn at once, too.

    Args:
        models: names or paths; only a run's folder, or a checkpoint in it, tells what it learned from.
        data: where the photographs lie; they are told by their names, where the run's photographs lay there too.
        items: those that are measured.
    """
    lines = []
    for model in dict.fromkeys(models):
        try:
            held = read_held(Path(model))
        except DataError:
            continue
        learned = sum(map(held.may_have_learned, (item.source for item in items)))
        if learned and held.data == data.resolve():
            lines.append(
                f"{model} was trained on {learned:,} of these {len(items):,} photographs of {data.name}, so its "
                f"figures say little of others; --held-of {model} measures on those that it held back"
            )
            log.warning(lines[-1])
    return lines
