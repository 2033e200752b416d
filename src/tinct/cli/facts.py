"""Facts for ``tinct models`` and ``tinct doctor``."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
from typing import Any

import tinct
from tinct.errors import BadModelFile, TinctError
from tinct.inference.backends import is_checkpoint, load_backend, read_spec
from tinct.media.memory import memory_bytes
from tinct.weights import store

EXTRAS = ("torch", "accelerate", "onnx")
"""Optional libraries worth naming."""

VERIFIED, UNLISTED = "verified", "in no manifest"
"""Verdicts on a model's file: its hash is the one listed; there is nothing to compare it with."""


def describe(model: str) -> dict[str, Any]:
    """Return what there is to say about a model, in the order to show.

    Raises:
        UnknownModel, BadModelFile, MissingExtra: it can't be loaded.
    """
    path = store.resolve(model)
    if is_checkpoint(path):
        backend = load_backend(model, "cpu")
        spec, digest = backend.spec, backend.model_hash
    else:
        # Loading the networks of all models would take seconds.
        spec, digest = read_spec(path), store.verified_hash(path, store.read(path))
    known = store.facts(path)
    return {
        "name": spec.name,
        "architecture": spec.architecture,
        "parameters": spec.parameters,
        "output": spec.output,
        "size": spec.size,
        "multiple": spec.multiple,
        "stride": spec.stride,
        "takes_hints": spec.takes_hints,
        "modes": dict(spec.modes),
        "bins": len(spec.bins),
        "file": str(path),
        "bytes": sum(file.stat().st_size for file in ([path] if path.is_file() else path.rglob("*")) if file.is_file()),
        "sha256": digest,
        "trained": known.get("trained", {}),
        "figures": known.get("figures", {}),
        "measured": known.get("measured", ""),
    }


def examine() -> tuple[dict[str, Any], bool]:
    """Return what this installation consists of, and whether it can colorize."""
    facts: dict[str, Any] = {
        "tinct": tinct.__version__,
        "python": platform.python_version(),
        "system": platform.platform(),
        "processors": os.cpu_count(),
    }
    healthy = True
    try:
        import pyvips

        facts["libvips"] = ".".join(str(pyvips.version(part)) for part in range(3))
    except (ImportError, OSError) as error:
        healthy = False
        facts["libvips"] = f"can't be loaded: {error}"
    try:
        import onnxruntime

        facts["onnxruntime"] = onnxruntime.__version__
        facts["providers"] = onnxruntime.get_available_providers()
    except (ImportError, OSError) as error:
        healthy = False
        facts["onnxruntime"] = f"can't be loaded: {error}"
    for name in EXTRAS:
        present = importlib.util.find_spec(name) is not None
        facts[name] = importlib.metadata.version(name) if present else "not installed (extra [train])"
    facts["memory"] = _memory()
    facts["weights"] = str(store.SHIPPED)
    verdicts = _verdicts()
    facts["models"] = verdicts
    healthy = healthy and verdicts.get(store.ALIASES["default"]) in (VERIFIED, UNLISTED)
    facts["healthy"] = healthy
    return facts, healthy


def _verdicts() -> dict[str, str]:
    try:
        names = store.list_models()
    except TinctError as error:
        return {"all": str(error)}
    verdicts = {}
    for name in names:
        try:
            verdicts[name] = UNLISTED if store.verify(name) is None else VERIFIED
        except BadModelFile as error:
            verdicts[name] = str(error)
    verdicts.setdefault(store.ALIASES["default"], "missing; install Tinct again")
    return verdicts


def _memory() -> str:
    total, free = memory_bytes()
    if total is None:
        return "unknown"
    text = f"{total / 2**30:.1f} GiB"
    return text if free is None else f"{text}, {free / 2**30:.1f} GiB available"
