"""What a model costs: time and memory in a process of its own, multiplications by counting them.

``python -m tinct.evaluation.cost MODEL MODE DEVICE PICTURES.npz`` prints a line of JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tinct.color.figures import Pixels
from tinct.errors import CommandFailed, MissingExtra
from tinct.inference.backends import load_backend
from tinct.inference.options import ColorizeOptions
from tinct.inference.pipeline import Colorizer
from tinct.models.registry import ModelSpec, create_model

PICTURES = 12
"""That are colorized for the time."""
WARM_UP = 2
SIDE = 256


def measure_cost(
    model: str, mode: str, device: str, pictures: Sequence[Pixels]
) -> dict[str, list[float] | float | None]:
    """Colorize gray levels, (H, W) each, in a fresh process, with all processors.

    Returns:
        ``milliseconds`` of each picture, and ``peak_memory_mb`` of the process, None where the system doesn't tell.

    Raises:
        CommandFailed: the process failed.
    """
    with tempfile.TemporaryDirectory(prefix="tinct-cost-") as folder:
        file = Path(folder) / "pictures.npz"
        np.savez(file, *pictures)
        command = [sys.executable, "-m", "tinct.evaluation.cost", model, mode, device, str(file)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise CommandFailed(f"the time of the model {model} can't be measured: {last}")
    found: dict[str, list[float] | float | None] = json.loads(done.stdout)
    return found


def count_gmacs(spec: ModelSpec) -> float:
    """Count the multiplications of a network for a picture of 256x256, in thousands of millions. Needs torch.

    Raises:
        MissingExtra: torch isn't installed.
        UnknownModel: the architecture isn't one of this version.
    """
    try:
        import torch
        from torch.utils.flop_counter import FlopCounterMode
    except ImportError as error:
        raise MissingExtra("counting a network's multiplications", "train") from error

    # On this device shapes are worked out and nothing is computed.
    with torch.device("meta"):
        network = create_model(spec.architecture, **spec.options).eval().requires_grad_(False)
        inputs = [torch.empty(1, 1, SIDE, SIDE)]
        if spec.takes_hints:
            inputs.append(torch.empty(1, 3, SIDE, SIDE))
        counter = FlopCounterMode(display=False)
        with counter, torch.no_grad():
            network(*inputs)
    return counter.get_total_flops() / 2e9


def main() -> None:
    """Measure in this process; see the top of the module."""
    model, mode, device, file = sys.argv[1:]
    with np.load(file) as pictures:
        levels = [pictures[name] for name in pictures.files]
    colorizer = Colorizer(load_backend(model, device))  # type: ignore[arg-type]  # checked where it is used
    options = ColorizeOptions(mode=mode)  # type: ignore[arg-type]
    times = []
    for index, picture in enumerate([*levels[:WARM_UP], *levels]):
        started = time.perf_counter()
        colorizer.colorize(picture, options).photo.to_numpy()
        if index >= min(WARM_UP, len(levels)):
            times.append(1000 * (time.perf_counter() - started))
    sys.stdout.write(json.dumps({"milliseconds": times, "peak_memory_mb": _peak_megabytes()}))


def _peak_megabytes() -> float | None:
    """Return this process's own peak; the usual ``ru_maxrss`` begins at that of the process that started it."""
    status = Path("/proc/self/status")
    if not status.exists():
        return None
    kilobytes = [int(line.split()[1]) for line in status.read_text("ascii").splitlines() if line.startswith("VmHWM")]
    return kilobytes[0] * 1024 / 1e6 if kilobytes else None


if __name__ == "__main__":
    main()
