"""Export of a checkpoint to one ONNX file, checked against the network it came from."""

from __future__ import annotations

import dataclasses
import io
import json
import logging
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tinct.errors import MissingExtra, ModelError
from tinct.media.atomic import atomic_path
from tinct.models.registry import SPEC_KEY, ModelSpec
from tinct.weights.checkpoint import HALF, SHARED_KEY, load_network

TOLERANCE = {"ab": 0.05, "rgb": 1e-3, "bins": 0.02}
"""Largest difference allowed between network and file, in units of each output (Lab, 0..1, nats)."""
HALF_TOLERANCE = {"ab": 1.0, "rgb": 8e-3, "bins": 0.2}
"""The same where weights are stored in 16 bits."""
OPSET = 18
LARGEST_FOLDED = 100
"""Elements of a constant that simplifying the graph may compute beforehand."""


def export(
    checkpoint: Path, target: Path, *, name: str | None = None, half: bool = True, overwrite: bool = False
) -> float:
    """Write a checkpoint's averaged weights as an ONNX file with its specification inside.

    The file is compared with the network on random input of several sizes before it takes its place.

    Args:
        checkpoint: see :func:`tinct.weights.checkpoint.locate`.
        target: the file to write.
        name: of the model; None leaves the recipe's.
        half: store weights in 16 bits, which halves the file; they are widened again when it is loaded.
        overwrite: whether the target may be replaced.

    Returns:
        The largest difference found between network and file.

    Raises:
        BadModelFile: the checkpoint can't be used.
        ModelError: file and network differ by more than the tolerance, or give what is no finite number.
        OutputError: the file can't be written.
        MissingExtra: a library that export needs is not installed.
    """
    try:
        import onnx
    except ImportError as error:
        raise MissingExtra("export", "train") from error
    spec, network = load_network(checkpoint)
    spec = dataclasses.replace(spec, name=name or spec.name)
    with atomic_path(target, overwrite=overwrite) as path:
        model = _to_onnx(spec, network)
        if half:
            _halve(model)
            model = _simplify(model)
        for key, text in ((SPEC_KEY, spec.to_json()), (SHARED_KEY, json.dumps(_shared(model, network)))):
            entry = model.metadata_props.add()
            entry.key, entry.value = key, text
        onnx.checker.check_model(model)
        data = model.SerializeToString(deterministic=True)
        worst = _difference(spec, network, data)
        allowed = (HALF_TOLERANCE if half else TOLERANCE)[spec.output]
        if worst > allowed:
            raise ModelError(f"the exported file differs from the network by {worst:.3g}, more than {allowed:.3g}")
        path.write_bytes(data)
    return worst


def example(spec: ModelSpec, height: int, width: int, seed: int = 0) -> tuple[Tensor, ...]:
    """Return random input for a network: lightness (1, 1, H, W) and, where it takes them, hints (1, 3, H, W)."""
    generator = torch.Generator().manual_seed(seed)
    lightness = torch.rand(1, 1, height, width, generator=generator) * 100
    if not spec.takes_hints:
        return (lightness,)
    mask = (torch.rand(1, 1, height, width, generator=generator) < 0.01).float()
    ab = torch.randn(1, 2, height, width, generator=generator) * 20
    return lightness, torch.cat([mask, ab * mask], dim=1)


def _to_onnx(spec: ModelSpec, network: nn.Module) -> Any:
    side = 4 * max(spec.multiple, 32)
    names = ["lightness", "hints"] if spec.takes_hints else ["lightness"]
    axes = {name: {0: "batch", 2: "height", 3: "width"} for name in (*names, spec.output_name)}
    import onnx

    buffer = io.BytesIO()
    with warnings.catch_warnings():
        # The tracing exporter is called old by torch; it writes a graph that any size of photo fits.
        warnings.simplefilter("ignore")
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        torch.onnx.export(
            network,
            example(spec, side, side),
            buffer,  # type: ignore[arg-type]
            input_names=names,
            output_names=[spec.output_name],
            dynamic_axes=axes,
            opset_version=OPSET,
            # Every weight keeps its own name and value, so that training can start from the file;
            # onnxruntime folds normalization into the convolutions when it loads it.
            training=torch.onnx.TrainingMode.PRESERVE,
            do_constant_folding=False,
            dynamo=False,
        )
    return onnx.load_from_string(buffer.getvalue())


def _shared(model: Any, network: nn.Module) -> dict[str, str]:
    """Return which weights were left out because others are equal, and the names of those."""
    from onnx import numpy_helper

    kept = {tensor.name.removesuffix(HALF): numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    return {
        name: next(other for other, value in kept.items() if np.array_equal(value, weights.numpy().astype(value.dtype)))
        for name, weights in network.state_dict().items()
        if weights.is_floating_point() and name not in kept
    }


def _halve(model: Any) -> None:
    """Store matrices and kernels in 16 bits, each followed by a cast back to 32, so that the arithmetic stays in 32."""
    from onnx import TensorProto, helper, numpy_helper

    casts = []
    for tensor in model.graph.initializer:
        weights = numpy_helper.to_array(tensor)
        if weights.dtype != np.float32 or weights.ndim < 2:
            continue
        name = tensor.name
        with np.errstate(over="ignore"):  # what is too large then is told where file and network are compared
            halved = weights.astype(np.float16)
        tensor.CopyFrom(numpy_helper.from_array(halved, name + HALF))
        casts.append(helper.make_node("Cast", [name + HALF], [name], to=TensorProto.FLOAT))
    for index, node in enumerate(casts):
        model.graph.node.insert(index, node)


def _simplify(model: Any) -> Any:
    """Compute what depends neither on input nor on weights; a session of a third fewer nodes starts a fifth sooner.

    Every stored weight is larger than what may be folded: it stays behind its cast, so that nothing is fused with it,
    and it keeps its name.
    """
    from onnx import numpy_helper
    from onnxscript import optimizer

    stored = [numpy_helper.to_array(tensor).size for tensor in model.graph.initializer if tensor.name.endswith(HALF)]
    limit = min([LARGEST_FOLDED, *(size - 1 for size in stored)])
    return optimizer.optimize(model, onnx_shape_inference=False, input_size_limit=limit, output_size_limit=limit)


def _difference(spec: ModelSpec, network: nn.Module, data: bytes) -> float:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    worst = 0.0
    unit = max(spec.multiple, 16)
    for seed, (rows, columns) in enumerate([(4, 4), (3, 7), (8, 5)]):
        given = example(spec, rows * unit, columns * unit, seed)
        with torch.inference_mode():
            expected: NDArray[np.float32] = network(*given).numpy()
        feed = {node.name: value.numpy() for node, value in zip(session.get_inputs(), given, strict=True)}
        found = session.run(None, feed)[0]
        if found.shape != expected.shape:
            raise ModelError(f"the exported file gives {found.shape} where the network gives {expected.shape}")
        if not np.isfinite(expected).all():
            raise ModelError("the network gives NaN or infinity, so its training went wrong; export another checkpoint")
        if not np.isfinite(found).all():
            raise ModelError(
                "the exported file gives NaN or infinity, which the network doesn't: it has weights too large for 16 "
                "bits; store them in 32 (--full)"
            )
        worst = max(worst, float(np.abs(found - expected).max()))
    return worst
