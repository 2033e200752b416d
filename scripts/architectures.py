"""Print the table of architectures in docs/reference/architectures.md: what goes in and out, and what it costs."""

from __future__ import annotations

from typing import Any, Final

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from tinct.models.registry import ModelSpec, create_model
from tinct.weights.export import example

SIDE: Final = 256
ROWS: Final[tuple[tuple[str, dict[str, Any]], ...]] = (
    ("tinct", {"likeness": 33}),
    ("tinct", {"stages": 6, "widths": [96, 80, 64, 56], "query_width": 48, "likeness": 33}),
    ("lab_cnn", {}),
    ("lab_cnn", {"upsampling": "bilinear"}),
    ("cifar_cnn", {}),
    ("colorful", {}),
    ("colorful", {"grid": 10}),
    ("colorful", {"width": 0.24}),
    ("colorful", {"width": 0.24, "head": "ab"}),
    ("encdec_rgb", {}),
    ("efficientnet_unet", {}),
    ("efficientnet_unet", {"encoder": "b0"}),
)
"""Architectures with the options that aren't the defaults."""


def measure(architecture: str, options: dict[str, Any]) -> tuple[ModelSpec, float, float]:
    """Return a network's specification, its megabytes in 16 bits, and its GMACs for one picture of 256x256."""
    # On this device tensors have shapes and no content, so counting takes neither memory nor time.
    with torch.device("meta"):
        network: nn.Module = create_model(architecture, **options).eval().requires_grad_(False)
    spec: ModelSpec = network.make_spec(architecture)  # type: ignore[operator]
    counter = FlopCounterMode(display=False)
    with torch.inference_mode(), counter:
        network(*(plane.to("meta") for plane in example(spec, SIDE, SIDE)))
    # Export halves what has two dimensions or more.
    size = sum(value.numel() * (2 if value.ndim > 1 else 4) for value in network.state_dict().values())
    return spec, size / 1e6, counter.get_total_flops() / 2e9


def table() -> list[str]:
    """Return the lines of the table, in Markdown."""
    lines = [
        "| architecture | options | in | out | stride | multiple | size | parameters | MB | GMACs |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for architecture, options in ROWS:
        spec, megabytes, gmacs = measure(architecture, options)
        output = f"{len(spec.bins)} bins" if spec.output == "bins" else spec.output
        output += f", {spec.likeness} of likeness" if spec.likeness else ""
        cells = (
            f"`{architecture}`",
            ", ".join(f"`{name}: {value}`" for name, value in options.items()),
            "L, hints" if spec.takes_hints else "L",
            output,
            spec.stride,
            spec.multiple,
            spec.size,
            f"{spec.parameters:,}",
            f"{megabytes:.1f}",
            f"{gmacs:.2f}",
        )
        lines.append(f"| {' | '.join(map(str, cells))} |".replace("|  |", "| |"))
    return lines


if __name__ == "__main__":
    print("\n".join(table()))
