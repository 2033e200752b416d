"""The learning rate over time."""

from __future__ import annotations

import math

from tinct.training.config import OptimizerConfig


def rate_factor(step: int, done: float, config: OptimizerConfig) -> float:
    """Return the learning rate as a share of its top: a linear warm-up, then the recipe's schedule.

    Args:
        step: steps taken.
        done: share of the budget that is used, 0..1.
        config: ``warmup`` steps, ``schedule`` and what belongs to it.
    """
    warm = min(1.0, (step + 1) / max(1, config.warmup))
    if config.schedule == "step":
        return warm * config.gamma ** sum(done >= milestone for milestone in config.milestones)
    if config.schedule == "exponential":
        return float(warm * config.gamma**done)
    if config.schedule == "constant" or config.decay == 0 or done <= 1 - config.decay:
        return warm
    falling = (done - (1 - config.decay)) / config.decay
    return warm * 0.5 * (1 + math.cos(math.pi * min(1.0, falling)))
