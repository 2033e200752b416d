"""One tester for all architectures; a model's own test names what it is and inherits the rest."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from tinct.errors import BadModelFile
from tinct.inference.options import ColorizeOptions
from tinct.inference.pipeline import Colorizer
from tinct.models.registry import ModelSpec, create_model
from tinct.weights import checkpoint
from tinct.weights.export import HALF_TOLERANCE, TOLERANCE, example, export


class ModelTester:
    architecture: ClassVar[str]
    small: ClassVar[dict[str, Any]]
    """Options of a network that is quick to run."""
    output: ClassVar[str]
    stride: ClassVar[int]
    full: ClassVar[dict[str, Any]] = {}
    """Options of the network that ``parameters`` and ``most_gmacs`` speak of, where they aren't the defaults."""
    parameters: ClassVar[int]
    """As published, or as first made."""
    most_gmacs: ClassVar[float]
    """At 256x256."""

    def make(self) -> tuple[ModelSpec, nn.Module]:
        torch.manual_seed(0)
        network = create_model(self.architecture, **self.small)
        return network.make_spec("tested"), network  # type: ignore[operator]

    @pytest.mark.parametrize(("rows", "columns"), [(1, 1), (2, 3), (5, 1)])
    def test_any_multiple_gives_output_at_the_stride(self, rows: int, columns: int) -> None:
        spec, network = self.make()
        height, width = rows * spec.multiple, columns * spec.multiple
        with torch.inference_mode():
            output = network.eval()(*example(spec, height, width))
        channels = {"ab": 2, "rgb": 3, "bins": len(spec.bins) + spec.likeness}[spec.output]
        assert (spec.output, spec.stride) == (self.output, self.stride)
        assert output.shape == (1, channels, height // spec.stride, width // spec.stride)
        assert torch.isfinite(output).all()

    @pytest.mark.parametrize("level", [0.0, 100.0])
    @pytest.mark.parametrize("training", [False, True])
    def test_black_and_white_give_numbers(self, level: float, training: bool) -> None:
        spec, network = self.make()
        given = [torch.full((2, 1, 64, 64), level)]
        if spec.takes_hints:
            given.append(torch.zeros(2, 3, 64, 64))
        output = network.train(training)(*given)
        output.square().mean().backward()
        assert torch.isfinite(output).all()
        assert all(torch.isfinite(p.grad).all() for p in network.parameters() if p.grad is not None)
        if spec.output == "rgb":
            assert 0 <= output.min() <= output.max() <= 1

    def test_every_parameter_gets_a_gradient(self) -> None:
        spec, network = self.make()
        given = example(spec, 64, 64)
        output = network.train()(*(torch.cat([plane, plane.flip(-1)]) for plane in given))
        output.square().mean().backward()
        without = [name for name, p in network.named_parameters() if p.grad is None]
        assert without == []

    def test_the_same_seed_gives_the_same_network_and_output(self) -> None:
        spec, network = self.make()
        given = example(spec, 64, 64)
        with torch.inference_mode():
            first = network.eval()(*given)
            assert torch.equal(first, network(*given))
            assert torch.equal(first, self.make()[1].eval()(*given))

    def test_the_specification_survives_json_and_builds_the_network(self) -> None:
        spec, network = self.make()
        again = ModelSpec.from_json(spec.to_json())
        assert again == spec
        assert create_model(again.architecture, **again.options).make_spec("tested") == spec  # type: ignore[operator]
        assert spec.parameters == sum(p.numel() for p in network.parameters())

    def test_a_checkpoint_gives_the_same_network(self, tmp_path: Path) -> None:
        spec, network = self.make()
        checkpoint.save(tmp_path, spec, network.state_dict(), {})
        again, loaded = checkpoint.load_network(tmp_path)
        given = example(spec, 64, 64)
        with torch.inference_mode():
            assert torch.equal(network.eval()(*given), loaded(*given))
        assert again == spec

    def test_weights_of_another_network_are_refused(self, tmp_path: Path) -> None:
        spec, network = self.make()
        weights = network.state_dict()
        name = next(iter(weights))
        checkpoint.save(tmp_path, spec, {**weights, name: weights[name][:1].repeat(2, 1, 1, 1)}, {})
        with pytest.raises(BadModelFile, match=name.replace(".", r"\.")):
            checkpoint.load_network(tmp_path)

    @pytest.mark.parametrize("half", [False, True])
    def test_export_agrees_with_the_network(self, tmp_path: Path, half: bool) -> None:
        spec, network = self.make()
        checkpoint.save(tmp_path, spec, network.state_dict(), {})
        file = tmp_path / "model.onnx"
        worst = export(tmp_path, file, half=half)
        assert worst <= (HALF_TOLERANCE if half else TOLERANCE)[spec.output]
        again, loaded = checkpoint.load_network(file)
        assert again == spec
        for name, weights in loaded.state_dict().items():
            # Half precision keeps 11 bits.
            torch.testing.assert_close(weights, network.state_dict()[name], rtol=2**-10 if half else 0, atol=1e-7)
        self.check_pictures_of_any_shape(file)

    def check_pictures_of_any_shape(self, file: Path) -> None:
        """The whole path, from pictures that no multiple fits, at a size that is quick."""
        colorizer = Colorizer(file, "cpu")
        for shape in ((1, 1), (1, 90), (37, 53)):
            gray = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
            found = colorizer.colorize(gray, ColorizeOptions(size=48)).photo.to_numpy()
            assert found.shape == (*shape, 3)
            assert found.dtype == np.uint8

    def test_size_and_cost_are_as_published(self) -> None:
        # Without memory or arithmetic; the counter trips over parameters that want gradients where none are recorded.
        with torch.device("meta"):
            network = create_model(self.architecture, **self.full).eval().requires_grad_(False)
        spec: ModelSpec = network.make_spec("tested")  # type: ignore[operator]
        counter = FlopCounterMode(display=False)
        with torch.inference_mode(), counter:
            network(*(plane.to("meta") for plane in example(spec, 256, 256)))
        assert spec.parameters == self.parameters
        assert self.most_gmacs / 2 < counter.get_total_flops() / 2e9 <= self.most_gmacs
