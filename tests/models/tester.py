"""One tester for all architectures; a model's own test names what it is and inherits the rest."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from tinct.errors import BadModelFile
from tinct.models.registry import ModelSpec, create_model
from tinct.weights import checkpoint
from tinct.weights.export import HALF_TOLERANCE, TOLERANCE, example, export


class ModelTester:
    architecture: ClassVar[str]
    small: ClassVar[dict[str, Any]]
    """Options of a network that is quick to run."""
    most_parameters: ClassVar[int]
    """Of the network with its default options."""
    most_gmacs: ClassVar[float]
    """At 256x256."""

    def make(self) -> tuple[ModelSpec, nn.Module]:
        torch.manual_seed(0)
        network = create_model(self.architecture, **self.small)
        return network.make_spec("tested"), network  # type: ignore[operator]

    @pytest.mark.parametrize(("rows", "columns"), [(1, 1), (2, 3), (5, 1)])
    def test_any_multiple_gives_output_at_the_stride(self, rows: int, columns: int) -> None:
        spec, network = self.make()
        height, width = rows * max(spec.multiple, 8), columns * max(spec.multiple, 8)
        with torch.inference_mode():
            output = network.eval()(*example(spec, height, width))
        channels = {"ab": 2, "rgb": 3, "bins": len(spec.bins)}[spec.output]
        assert output.shape == (1, channels, height // spec.stride, width // spec.stride)
        assert torch.isfinite(output).all()

    def test_every_parameter_gets_a_gradient(self) -> None:
        spec, network = self.make()
        given = example(spec, 64, 64)
        output = network.train()(*(torch.cat([plane, plane.flip(-1)]) for plane in given))
        output.square().mean().backward()
        without = [name for name, p in network.named_parameters() if p.grad is None]
        assert without == []

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
        worst = export(tmp_path, tmp_path / "model.onnx", half=half)
        assert worst <= (HALF_TOLERANCE if half else TOLERANCE)[spec.output]
        again, loaded = checkpoint.load_network(tmp_path / "model.onnx")
        assert again == spec
        for name, weights in loaded.state_dict().items():
            # Half precision keeps 11 bits.
            torch.testing.assert_close(weights, network.state_dict()[name], rtol=2**-10 if half else 0, atol=1e-7)

    def test_size_and_cost_stay_within_bounds(self) -> None:
        # The counter trips over parameters that want gradients where none are recorded.
        network = create_model(self.architecture).eval().requires_grad_(False)
        spec: ModelSpec = network.make_spec("tested")  # type: ignore[operator]
        counter = FlopCounterMode(display=False)
        with torch.inference_mode(), counter:
            network(*example(spec, 256, 256))
        assert spec.parameters == sum(p.numel() for p in network.parameters()) <= self.most_parameters
        assert counter.get_total_flops() / 2e9 <= self.most_gmacs
