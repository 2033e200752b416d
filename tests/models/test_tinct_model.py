from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parent))

from tester import ModelTester

from tinct.inference.kriging import Scene
from tinct.inference.options import ColorizeOptions
from tinct.inference.pipeline import Colorizer
from tinct.models.kernels import LEARNED
from tinct.models.registry import ModelSpec, create_model
from tinct.weights import checkpoint
from tinct.weights.export import example


class TestTinct(ModelTester):
    architecture = "tinct"
    small: ClassVar = {"widths": [16, 16, 16, 16], "queries": 4, "query_width": 16, "grid": 20, "likeness": 5}
    full: ClassVar = {"likeness": 33}
    output = "bins"
    stride = 4
    parameters = 6_605_371
    most_gmacs = 5.0

    def test_hints_change_nothing_before_training(self) -> None:
        spec, network = self.make()
        lightness, hints = example(spec, 64, 64)
        with torch.inference_mode():
            network.eval()
            assert hints[:, 0].any()
            assert torch.equal(network(lightness, hints), network(lightness, torch.zeros_like(hints)))

    def test_the_full_size_is_that_of_the_recipe(self) -> None:
        from tinct.training.recipes import load_config

        config = load_config("tinct")
        asked = create_model("tinct", **config.options)
        assert asked.options == create_model("tinct", **self.full).options  # type: ignore[union-attr]

    def test_a_model_from_before_there_was_a_likeness_loads(self, tmp_path: Path) -> None:
        network = create_model("tinct", **{**self.small, "likeness": 0})
        spec = network.make_spec("older")  # type: ignore[operator]
        text = json.loads(spec.to_json())
        del text["likeness"], text["options"]["likeness"]
        older = ModelSpec.from_json(json.dumps(text))
        checkpoint.save_weights(tmp_path, older, network.state_dict())
        assert checkpoint.load_network(tmp_path)[0] == spec

    def test_a_colorizer_spreads_hints_by_the_likeness(self, tmp_path: Path) -> None:
        spec, network = self.make()
        checkpoint.save_weights(tmp_path, spec, network.state_dict())
        prepared = Colorizer(tmp_path).prepare(np.tile(np.arange(96, dtype=np.uint8), (96, 1)))
        for size in (96, 128):
            belief = prepared.believe(ColorizeOptions(size=size))
            assert belief.likeness is not None
            assert belief.likeness.shape == (*belief.lightness.shape, spec.likeness)
            scene = Scene.of_belief(belief)
            assert scene.kernels is LEARNED
            assert (scene.doubt > 0).all()


class TestTinctSmall(ModelTester):
    architecture = "tinct"
    small: ClassVar = {"widths": [16, 16, 16, 16], "queries": 4, "query_width": 16, "grid": 20, "stages": 6}
    full: ClassVar = {"widths": [96, 80, 64, 56], "query_width": 48, "stages": 6, "likeness": 33}
    output = "bins"
    stride = 4
    parameters = 2_970_099
    most_gmacs = 1.2

    def test_the_full_size_is_that_of_the_recipe(self) -> None:
        from tinct.training.recipes import load_config

        asked = create_model("tinct", **load_config("tinct-small").options)
        assert asked.options == create_model("tinct", **self.full).options  # type: ignore[union-attr]
