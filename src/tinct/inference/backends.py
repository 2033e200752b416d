"""What runs a network: ONNX files under onnxruntime, checkpoints under torch; each is loaded when it is needed."""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal, Protocol, get_args

import numpy as np
from numpy.typing import NDArray

from tinct.errors import BadModelFile, MissingExtra, OptionError
from tinct.inference.checks import whole
from tinct.models.registry import SPEC_KEY, ModelSpec
from tinct.weights import store
from tinct.weights.onnx_metadata import read_metadata

Device = Literal["auto", "cpu", "cuda"]
"""``auto`` takes CUDA where it is to be had."""
DEVICES: tuple[Device, ...] = get_args(Device)
MOST_THREADS = 8
"""More threads than these don't make a small network faster."""


class Backend(Protocol):
    """A network ready to run; several threads may share it."""

    @property
    def spec(self) -> ModelSpec:
        """What the network takes and gives."""

    @property
    def model_hash(self) -> str:
        """SHA-256 of the model's file, or of a checkpoint's weights and specification, in hex."""

    def run(self, lightness: NDArray[np.float32], hints: NDArray[np.float32] | None) -> NDArray[np.float32]:
        """Run the network on one picture.

        Args:
            lightness: (h, w), L in 0..100, h and w multiples of ``spec.multiple``.
            hints: (3, h, w), mask, a, b; None for no hints. Left out where the network takes none.

        Returns:
            The raw output, float32 (C, h / stride, w / stride), see :class:`~tinct.models.registry.ModelSpec`.
        """


def load_backend(model: str | os.PathLike[str], device: Device = "auto", threads: int | None = None) -> Backend:
    """Load a model.

    Args:
        model: a name, an ONNX file, or a checkpoint: a training run's folder or one with ``model.safetensors``.
        device: where to run it.
        threads: how many the network may use; None takes one for each core, at most 8.

    Raises:
        UnknownModel: no model of that name.
        BadModelFile: the file is corrupt, no model of Tinct, or of another architecture.
        OptionError: the device isn't to be had, or ``threads`` is no whole number from 1 up.
        MissingExtra: a checkpoint, without torch installed.
    """
    threads = None if threads is None else whole(threads, "threads", 1)
    check_device(device)
    path = store.resolve(model)
    if is_checkpoint(path):
        return TorchBackend(path, device)
    return OnnxBackend(path, device, threads)


def check_device(device: Device) -> None:
    """Refuse a device that isn't one of :data:`DEVICES`.

    Raises:
        OptionError: see above.
    """
    if device not in DEVICES:
        raise OptionError(f"device is {device!r}; choose one of {', '.join(DEVICES)}")


def is_checkpoint(path: Path) -> bool:
    """Tell whether a model's path is one of a checkpoint, not of an ONNX file."""
    return path.is_dir() or path.suffix == ".safetensors"


def read_spec(path: Path) -> ModelSpec:
    """Return the specification of an ONNX file, without loading its network.

    Raises:
        BadModelFile: the file is corrupt, or no model of Tinct.
    """
    try:
        with path.open("rb") as file:
            text = read_metadata(file).get(SPEC_KEY)
    except (OSError, ValueError) as error:
        raise BadModelFile(f"{path} can't be loaded as an ONNX model ({_first_line(error)})") from error
    if text is None:
        raise BadModelFile(f"{path} is an ONNX file, but no model of Tinct: its metadata hold no {SPEC_KEY}")
    spec = ModelSpec.from_json(text)
    if spec.output == "bins" and not (spec.path and len(spec.bins) == len(spec.weights) > 0):
        raise BadModelFile(f"{path} says not how to read its color bins (path, bins, weights); export it again")
    return spec


class OnnxBackend:
    """An ONNX file under onnxruntime.

    Args:
        path: the file; its metadata hold the specification.
        device: where to run it.
        threads: how many it may use on a CPU; None takes one for each core, at most 8.

    Raises:
        BadModelFile, OptionError: see :func:`load_backend`.
    """

    def __init__(self, path: Path, device: Device = "auto", threads: int | None = None) -> None:
        import onnxruntime

        providers = _providers(onnxruntime, device)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or min(os.cpu_count() or 1, MOST_THREADS)
        options.inter_op_num_threads = 1
        options.use_deterministic_compute = True
        options.log_severity_level = 3
        # Waiting threads would otherwise spin, and take the cores from libvips.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # One read serves hash and session; by itself onnxruntime would take twice as long to read the file.
        data = store.read(path)
        with ThreadPoolExecutor(1) as hashing:
            verified = hashing.submit(store.verified_hash, path, data)
            try:
                self._session = onnxruntime.InferenceSession(data, options, providers=providers)
            except Exception as error:  # onnxruntime raises many kinds, without a common base
                verified.result()
                raise BadModelFile(f"{path} can't be loaded as an ONNX model ({_first_line(error)})") from error
            self.model_hash = verified.result()
        if device == "cuda" and "CUDAExecutionProvider" not in self._session.get_providers():
            raise OptionError("device cuda: onnxruntime could not start CUDA; check the driver, or choose cpu")
        self.spec = read_spec(path)
        _check_session(self._session, self.spec, path)

    def run(self, lightness: NDArray[np.float32], hints: NDArray[np.float32] | None) -> NDArray[np.float32]:
        """See :class:`Backend`."""
        inputs = {"lightness": lightness[np.newaxis, np.newaxis]}
        if self.spec.takes_hints:
            inputs["hints"] = no_hints(lightness) if hints is None else hints[np.newaxis]
        output: NDArray[np.float32] = self._session.run(None, inputs)[0][0]
        return output


class TorchBackend:
    """A checkpoint under torch.

    Args:
        checkpoint: a training run's folder, a folder with ``model.safetensors`` and ``spec.json``, or the former file.
        device: where to run it.

    Raises:
        BadModelFile, OptionError, MissingExtra: see :func:`load_backend`.
    """

    def __init__(self, checkpoint: Path, device: Device = "auto") -> None:
        try:
            import torch

            from tinct.weights.checkpoint import MODEL, SPEC, load_network, locate
        except ImportError as error:
            raise MissingExtra("a checkpoint (an exported ONNX file needs none)", "train") from error
        if device == "cuda" and not torch.cuda.is_available():
            raise OptionError("device cuda: torch finds no CUDA device; check the driver, or choose cpu")
        self._device = "cuda" if device != "cpu" and torch.cuda.is_available() else "cpu"
        self._torch = torch
        self.spec, self._network = load_network(checkpoint)
        self._network.to(self._device)
        # With its options the same weights may give other colors.
        digests = [store.digest(locate(checkpoint) / name) for name in (MODEL, SPEC)]
        self.model_hash = hashlib.sha256("\n".join(digests).encode()).hexdigest()

    def run(self, lightness: NDArray[np.float32], hints: NDArray[np.float32] | None) -> NDArray[np.float32]:
        """See :class:`Backend`."""
        arrays = [lightness[np.newaxis, np.newaxis]]
        if self.spec.takes_hints:
            arrays.append(no_hints(lightness) if hints is None else hints[np.newaxis])
        with self._torch.inference_mode():
            output = self._network(*(self._torch.from_numpy(array).to(self._device) for array in arrays))
        raw: NDArray[np.float32] = output[0].float().cpu().numpy()
        return raw


def no_hints(lightness: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the input that stands for no hints, (1, 3, h, w), for lightness (h, w)."""
    return np.zeros((1, 3, *lightness.shape), np.float32)


def _providers(onnxruntime: Any, device: Device) -> list[str]:
    has_cuda = "CUDAExecutionProvider" in onnxruntime.get_available_providers()
    if device == "cuda" and not has_cuda:
        raise OptionError("device cuda: this onnxruntime knows no CUDA; pip install onnxruntime-gpu, or choose cpu")
    return (
        ["CUDAExecutionProvider", "CPUExecutionProvider"] if has_cuda and device != "cpu" else ["CPUExecutionProvider"]
    )


def _check_session(session: Any, spec: ModelSpec, path: Path) -> None:
    wanted = ["lightness", "hints"] if spec.takes_hints else ["lightness"]
    found = [entry.name for entry in session.get_inputs()]
    if found != wanted:
        raise BadModelFile(f"{path} has the inputs {', '.join(found)}, expected {', '.join(wanted)}; export it again")
    outputs = [entry.name for entry in session.get_outputs()]
    if outputs != [spec.output_name]:
        raise BadModelFile(f"{path} has the outputs {', '.join(outputs)}, expected {spec.output_name}; export it again")


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
