"""Small models with random weights, as ONNX files, for every kind of output."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tinct.color.gamut import ab_bins
from tinct.models.registry import Knot, ModelSpec

PATH = (Knot(0.0, 1.0, 1.0, 1.0), Knot(1.0, 0.0, 0.4, 1.2))


def write_model(
    file: Path,
    output: str,
    *,
    stride: int = 4,
    multiple: int = 8,
    size: int = 64,
    takes_hints: bool = False,
    seed: int = 0,
    **changes: Any,
) -> ModelSpec:
    """Write a model of one convolution with random weights; with hints, a second one adds to it what they say."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    bins = ab_bins(20)
    channels = {"bins": len(bins), "ab": 2, "rgb": 3}[output]
    rng = np.random.default_rng(seed)
    scale = {"bins": 0.02, "ab": 0.2, "rgb": 0.01}[output] / stride**2
    tensors = {
        "weights": rng.normal(0, scale, (channels, 1, stride, stride)),
        "bias": rng.normal(0, {"bins": 1.0, "ab": 10.0, "rgb": 0.5}[output], channels),
        "hint_weights": rng.normal(0, scale, (channels, 3, stride, stride)),
    }
    shape = {"kernel_shape": [stride, stride], "strides": [stride, stride]}
    spec = ModelSpec(
        name=f"random-{output}",
        architecture="random",
        output=output,  # type: ignore[arg-type]
        stride=stride,
        multiple=multiple,
        size=size,
        takes_hints=takes_hints,
        **{
            "modes": {"faithful": 0.0, "vivid": 1.0} if output == "bins" else {},
            "path": PATH if output == "bins" else (),
            "bins": tuple((float(a), float(b)) for a, b in bins) if output == "bins" else (),
            "weights": tuple(np.linspace(0.5, 2, len(bins)).tolist()) if output == "bins" else (),
            **changes,
        },
    )
    last = {"rgb": "before"}.get(output, spec.output_name)
    nodes = [helper.make_node("Conv", ["lightness", "weights", "bias"], ["plain" if takes_hints else last], **shape)]
    inputs = [helper.make_tensor_value_info("lightness", TensorProto.FLOAT, ["n", 1, "h", "w"])]
    if takes_hints:
        inputs.append(helper.make_tensor_value_info("hints", TensorProto.FLOAT, ["n", 3, "h", "w"]))
        nodes.append(helper.make_node("Conv", ["hints", "hint_weights"], ["hinted"], **shape))
        nodes.append(helper.make_node("Add", ["plain", "hinted"], [last]))
    if output == "rgb":
        nodes.append(helper.make_node("Sigmoid", ["before"], ["rgb"]))
    used = {name for node in nodes for name in node.input}
    graph = helper.make_graph(
        nodes,
        "random",
        inputs,
        [helper.make_tensor_value_info(spec.output_name, TensorProto.FLOAT, ["n", channels, "h4", "w4"])],
        [numpy_helper.from_array(v.astype(np.float32), k) for k, v in tensors.items() if k in used],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    helper.set_model_props(model, {"tinct.spec": spec.to_json()})
    onnx.save(model, file)
    return spec


@pytest.fixture
def make_model(tmp_path: Path) -> Callable[..., Path]:
    """Returns a function that writes a model, see :func:`write_model`, and gives its path."""

    def make(output: str = "bins", **changes: Any) -> Path:
        path = tmp_path / f"random-{output}-{len(list(tmp_path.glob('*.onnx')))}.onnx"
        write_model(path, output, **changes)
        return path

    return make
