"""A model on its way; importing this module loads neither numpy nor onnxruntime."""

from __future__ import annotations

import os
import threading
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from tinct.weights import store

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tinct.inference.backends import Backend, Device
    from tinct.models.registry import ModelSpec


class LoadingBackend:
    """A model that is being loaded on a thread of its own, while its user reads options and decodes the photograph.

    Where the file tells, the specification is there before the model; the rest waits for it.

    Args:
        model, device: see :func:`~tinct.inference.backends.load_backend`.

    Raises:
        UnknownModel: no model of that name.
    """

    def __init__(self, model: str | os.PathLike[str], device: Device = "auto") -> None:
        self._path = store.resolve(model)
        self._outcome: Backend | BaseException | None = None
        self._thread = threading.Thread(target=self._load, args=(self._path, device), name="tinct-loading", daemon=True)
        self._thread.start()

    def _load(self, path: Path, device: Device) -> None:
        try:
            from tinct.inference.backends import load_backend

            self._outcome = load_backend(path, device)
        except BaseException as error:  # noqa: BLE001 - handed over to whoever waits
            self._outcome = error

    def wait(self) -> Backend:
        """Return the loaded model.

        Raises:
            TinctError: what :func:`~tinct.inference.backends.load_backend` raised.
        """
        self._thread.join()
        assert self._outcome is not None
        if isinstance(self._outcome, BaseException):
            raise self._outcome
        return self._outcome

    @cached_property
    def spec(self) -> ModelSpec:
        """See :class:`~tinct.inference.backends.Backend`.

        Raises:
            BadModelFile: the file holds no specification.
        """
        from tinct.inference.backends import is_checkpoint, read_spec

        return self.wait().spec if is_checkpoint(self._path) else read_spec(self._path)

    @property
    def model_hash(self) -> str:
        """See :class:`~tinct.inference.backends.Backend`."""
        return self.wait().model_hash

    def run(self, lightness: NDArray[np.float32], hints: NDArray[np.float32] | None) -> NDArray[np.float32]:
        """See :class:`~tinct.inference.backends.Backend`."""
        return self.wait().run(lightness, hints)
