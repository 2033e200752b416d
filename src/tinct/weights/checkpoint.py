"""Checkpoints: a folder with the averaged weights for use and the whole training state for resuming.

``model.safetensors`` and ``spec.json`` are what inference and export read; ``state.pt`` is one dictionary with all that
an exact resume needs. Each file is replaced as a whole, so that a run killed at any moment leaves a checkpoint that
loads.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from safetensors.torch import save as serialize
from torch import Tensor, nn

from tinct.errors import BadModelFile, MissingExtra, TrainingError
from tinct.media.atomic import atomic_path, make_folder
from tinct.models.registry import SPEC_KEY, ModelSpec, create_model

FOLDER = "checkpoint"
BEST = "best"
"""Folder of a run with its best weights, where the recipe stops early."""
MODEL, SPEC, STATE = "model.safetensors", "spec.json", "state.pt"
HALF = ".half"
"""Ending of the name of a weight that an ONNX file stores in 16 bits."""
SHARED_KEY = "tinct.shared"
"""Where an ONNX file's metadata hold, as JSON, which weights are stored under the names of equal ones."""


def save(run: Path, spec: ModelSpec, weights: dict[str, Tensor], state: dict[str, Any]) -> None:
    """Write a checkpoint into a run's folder.

    Args:
        run: the run's folder.
        spec: of the network.
        weights: for use, usually the running average.
        state: for resuming; of tensors, numbers, strings, lists and dictionaries only.

    Raises:
        OutputError: it can't be written; the last checkpoint stays.
    """
    folder = run / FOLDER
    # The state comes last: what is killed before it goes on from the one before, and writes all three again.
    save_weights(folder, spec, weights)
    with atomic_path(folder / STATE, overwrite=True) as path:
        torch.save(state, path)


def save_weights(folder: Path, spec: ModelSpec, weights: dict[str, Tensor]) -> None:
    """Write what use and export need, without what resuming does, into a folder, which is made where missing.

    Raises:
        OutputError: it can't be written; what was there stays.
    """
    make_folder(folder)
    with atomic_path(folder / MODEL, overwrite=True) as path:
        # save_file would make a file of its own that none but its owner may read.
        path.write_bytes(serialize({name: tensor.contiguous() for name, tensor in weights.items()}))
    with atomic_path(folder / SPEC, overwrite=True) as path:
        path.write_text(spec.to_json(), "utf-8")


def has_state(run: Path) -> bool:
    """Tell whether a run can be resumed."""
    return (run / FOLDER / STATE).is_file()


def load_state(run: Path) -> dict[str, Any]:
    """Read the state to resume from.

    Raises:
        TrainingError: it can't be read.
    """
    path = run / FOLDER / STATE
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch.load raises whatever its zip, pickle and tensor layers do
        raise TrainingError(f"{path} can't be read ({error}); start afresh in another folder") from error
    return state


def locate(checkpoint: Path) -> Path:
    """Return the folder that holds a checkpoint's files.

    Args:
        checkpoint: a run's folder, which stands for its best weights, or for the last where it keeps no best; a folder
            of weights in it; or the weights in that.

    Raises:
        BadModelFile: it is none.
    """
    folder = checkpoint if checkpoint.is_dir() else checkpoint.parent
    if (folder / BEST / SPEC).is_file():
        folder = folder / BEST
    elif (folder / FOLDER).is_dir():
        folder = folder / FOLDER
    for name in (MODEL, SPEC):
        if not (folder / name).is_file():
            raise BadModelFile(f"{checkpoint} is no checkpoint: {name} is missing in it")
    return folder


def read_spec(run: Path) -> ModelSpec:
    """Read the specification of the network of a run that is to be resumed.

    Raises:
        TrainingError: it can't be read.
    """
    path = run / FOLDER / SPEC
    try:
        return ModelSpec.from_json(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, BadModelFile) as error:
        raise TrainingError(f"{path} can't be read ({error}); start afresh in another folder") from error


def load_network(checkpoint: Path) -> tuple[ModelSpec, nn.Module]:
    """Build the network of a checkpoint or exported file, with its weights, ready for use.

    Its specification is that of the network as it is read today, with the rebalancing weights that it was trained with.

    Args:
        checkpoint: see :func:`locate`; or an ONNX file that Tinct wrote.

    Raises:
        MissingExtra: reading ONNX files needs a library that is not installed.
        BadModelFile: it is none, is corrupt, or its weights are of another architecture.
    """
    spec, weights = _read_onnx(checkpoint) if checkpoint.suffix == ".onnx" else _read_folder(locate(checkpoint))
    try:
        network = create_model(spec.architecture, **spec.options)
    except TypeError as error:
        raise BadModelFile(f"{checkpoint} has options that its architecture lacks ({error})") from error
    # An ONNX file holds no counters of batches, which only training reads.
    counters = {name: value for name, value in network.state_dict().items() if not value.is_floating_point()}
    fit_weights(network, counters | weights, str(checkpoint))
    today: ModelSpec = network.make_spec(spec.name)  # type: ignore[operator]
    return dataclasses.replace(today, weights=spec.weights), network.eval()


def _read_folder(folder: Path) -> tuple[ModelSpec, dict[str, Tensor]]:
    spec = ModelSpec.from_json((folder / SPEC).read_text("utf-8"))
    try:
        return spec, load_file(folder / MODEL)
    except (SafetensorError, OSError) as error:
        raise BadModelFile(f"{folder / MODEL} can't be read ({error})") from error


def _read_onnx(path: Path) -> tuple[ModelSpec, dict[str, Tensor]]:
    try:
        import onnx
        from google.protobuf.message import DecodeError
        from onnx import numpy_helper
    except ImportError as error:
        raise MissingExtra("starting from an ONNX file", "train") from error
    try:
        model = onnx.load(path)
    except (DecodeError, OSError) as error:
        raise BadModelFile(f"{path} can't be read as an ONNX file ({error})") from error
    texts = {entry.key: entry.value for entry in model.metadata_props}
    if SPEC_KEY not in texts:
        raise BadModelFile(f"{path} is an ONNX file, but no model of Tinct: its metadata hold no {SPEC_KEY}")
    weights = {
        tensor.name.removesuffix(HALF): torch.from_numpy(numpy_helper.to_array(tensor).copy()).float()
        for tensor in model.graph.initializer
        if not tensor.name.startswith("/")  # a constant of the graph, not a weight
    }
    shared: dict[str, str] = json.loads(texts.get(SHARED_KEY, "{}"))
    weights |= {name: weights[other] for name, other in shared.items() if other in weights}
    return ModelSpec.from_json(texts[SPEC_KEY]), weights


def fit_weights(network: nn.Module, weights: dict[str, Tensor], source: str, *, fresh: Collection[str] = ()) -> None:
    """Load weights that must fit exactly, but for those that are to start afresh.

    Args:
        network: to load them into.
        weights: by name.
        source: where they came from, for messages.
        fresh: beginnings of names, such as ``head.``: these weights of the network stay as they are, whatever theirs
            look like, and theirs are not wanted.

    Raises:
        BadModelFile: they are of another architecture (the first differences are named), or no weight of either has
            such a name.
    """
    state = network.state_dict()
    for beginning in fresh:
        kept = {name: tensor for name, tensor in state.items() if name.startswith(beginning)}
        others = {name: tensor for name, tensor in weights.items() if not name.startswith(beginning)}
        if not kept and len(others) == len(weights):
            raise BadModelFile(f"{source} can't start this network afresh at {beginning!r}: no weight is named so")
        weights = others | kept
    own = {name: tuple(tensor.shape) for name, tensor in state.items()}
    theirs = {name: tuple(tensor.shape) for name, tensor in weights.items()}
    if own != theirs:
        different = [name for name in sorted(own.keys() | theirs.keys()) if own.get(name) != theirs.get(name)]
        named = ", ".join(different[:3])
        raise BadModelFile(f"{source} holds weights of another architecture: {len(different)} differ, like {named}")
    network.load_state_dict(weights)
