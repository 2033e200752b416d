from __future__ import annotations

import sys
from pathlib import Path
from typing import ClassVar

import torch

sys.path.insert(0, str(Path(__file__).parent))

from tester import ModelTester

from tinct.models.registry import create_model
from tinct.weights.export import example


class TestTinct(ModelTester):
    architecture = "tinct"
    small: ClassVar = {"widths": [16, 16, 16, 16], "queries": 4, "query_width": 16, "grid": 20}
    output = "bins"
    stride = 4
    parameters = 6_569_242
    most_gmacs = 5.0

    def test_hints_change_nothing_before_training(self) -> None:
        spec, network = self.make()
        lightness, hints = example(spec, 64, 64)
        with torch.inference_mode():
            network.eval()
            assert hints[:, 0].any()
            assert torch.equal(network(lightness, hints), network(lightness, torch.zeros_like(hints)))

    def test_defaults_are_those_of_the_recipe(self) -> None:
        from tinct.training.recipes import load_config

        config = load_config("tinct")
        assert create_model("tinct", **config.options).options == create_model("tinct").options  # type: ignore[union-attr]


class TestTinctSmall(ModelTester):
    architecture = "tinct"
    small: ClassVar = {"widths": [16, 16, 16, 16], "queries": 4, "query_width": 16, "grid": 20, "stages": 6}
    full: ClassVar = {"widths": [96, 80, 64, 56], "query_width": 48, "stages": 6}
    output = "bins"
    stride = 4
    parameters = 2_954_962
    most_gmacs = 1.2

    def test_the_full_size_is_that_of_the_recipe(self) -> None:
        from tinct.training.recipes import load_config

        asked = create_model("tinct", **load_config("tinct-small").options)
        assert asked.options == create_model("tinct", **self.full).options  # type: ignore[union-attr]
