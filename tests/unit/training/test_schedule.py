from __future__ import annotations

import pytest

from tinct.training.config import OptimizerConfig
from tinct.training.schedule import rate_factor


def test_the_rate_warms_up_stays_and_falls_to_zero() -> None:
    config = OptimizerConfig(warmup=10, decay=0.5)
    assert rate_factor(0, 0.0, config) == pytest.approx(0.1)
    assert rate_factor(500, 0.4, config) == 1
    assert rate_factor(500, 0.75, config) == pytest.approx(0.5)
    assert rate_factor(500, 1.0, config) == pytest.approx(0.0)


def test_the_rate_falls_in_steps() -> None:
    config = OptimizerConfig(schedule="step", milestones=(0.5, 0.8), gamma=0.1, warmup=0)
    found = [rate_factor(9, done, config) for done in (0.0, 0.49, 0.5, 0.79, 0.8, 1.0)]
    assert found == pytest.approx([1, 1, 0.1, 0.1, 0.01, 0.01])


def test_the_rate_falls_exponentially_or_not_at_all() -> None:
    falling = OptimizerConfig(schedule="exponential", gamma=0.01, warmup=0)
    assert [rate_factor(9, done, falling) for done in (0.0, 0.5, 1.0)] == pytest.approx([1, 0.1, 0.01])
    constant = OptimizerConfig(schedule="constant", warmup=4)
    assert [rate_factor(step, step / 8, constant) for step in (0, 3, 8)] == pytest.approx([0.25, 1, 1])
