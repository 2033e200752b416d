"""Figures and contact sheets on photos that training never sees."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from tinct.color.gamut import read_out
from tinct.color.lab import lab_to_srgb, srgb_to_lab
from tinct.data.hints import simulate_hints
from tinct.media.atomic import atomic_path
from tinct.models.registry import ModelSpec

SHEET = 16
"""Photos on a contact sheet."""

Pixels = NDArray[np.uint8]


def colorfulness(rgb: Pixels) -> float:
    """Return the colorfulness of Hasler and Suesstrunk (2003), for (H, W, 3) uint8."""
    red, green, blue = (rgb[..., i].astype(np.float64) for i in range(3))
    rg, yb = red - green, (red + green) / 2 - blue
    return float(np.hypot(rg.std(), yb.std()) + 0.3 * np.hypot(rg.mean(), yb.mean()))


def psnr(first: Pixels, second: Pixels) -> float:
    """Return the peak signal-to-noise ratio of two 8-bit pictures in dB, at most 50."""
    mse = float(((first.astype(np.float64) - second) ** 2).mean())
    return 50.0 if mse == 0 else min(50.0, 10 * np.log10(255**2 / mse))


def stretch(photo: Pixels, size: int) -> Pixels:
    """Stretch a photo, (H, W, 3), to a square."""
    planes = torch.from_numpy(photo).permute(2, 0, 1)[None]
    square = F.interpolate(planes, (size, size), mode="bicubic", antialias=True, align_corners=False)
    pixels: Pixels = square[0].permute(1, 2, 0).numpy()
    return pixels


@dataclass(frozen=True, slots=True)
class Colored:
    """One validation photo and what the network made of it, (size, size, 3) uint8 each."""

    original: Pixels
    gray: Pixels
    modes: dict[str, Pixels]


def colorize_squares(
    network: nn.Module, spec: ModelSpec, photos: Sequence[Pixels], size: int, *, hints: bool = False
) -> Iterator[Colored]:
    """Colorize each photo, stretched to a square, in all of the model's modes.

    Args:
        network: in evaluation mode.
        spec: of the network, which must give ``bins``.
        photos: (H, W, 3) uint8 each.
        size: side of the square, a multiple of ``spec.multiple``.
        hints: whether simulated hints of the true color are given; the same at every call.
    """
    bins, weights = np.array(spec.bins, np.float32), np.array(spec.weights, np.float32)
    device = next(network.parameters()).device
    rng = np.random.default_rng(0)
    for photo in photos:
        original = stretch(photo, size)
        lab = srgb_to_lab(original.astype(np.float32) / 255)
        planes = torch.from_numpy(lab).permute(2, 0, 1)[None]
        given = simulate_hints(planes[:, 1:], rng) if hints else torch.zeros(1, 3, size, size)
        with torch.inference_mode():
            logits = network(planes[:, :1].to(device), given.to(device)).float().cpu()
        distribution = logits[0].permute(1, 2, 0).numpy()
        modes = {}
        for mode, vividness in spec.modes.items():
            knot = next(k for k in spec.path if k.vividness == vividness)
            ab = read_out(distribution, bins, weights, knot.division, knot.temperature, knot.chroma)
            modes[mode] = _joined(lab[..., 0], torch.from_numpy(ab))
        yield Colored(original, _joined(lab[..., 0], torch.zeros(1, 1, 2)), modes)


def _joined(lightness: NDArray[np.float32], ab: Tensor) -> Pixels:
    """Join L, (size, size), with ab, (h, w, 2), clipping to the gamut."""
    planes = ab.permute(2, 0, 1)[None]
    full = F.interpolate(planes, lightness.shape, mode="bilinear", align_corners=False)[0].permute(1, 2, 0).numpy()
    rgb = lab_to_srgb(np.concatenate([lightness[..., None], full], axis=-1))
    pixels: Pixels = (rgb.clip(0, 1) * 255).round().astype(np.uint8)
    return pixels


def validate(network: nn.Module, spec: ModelSpec, photos: Sequence[Pixels], size: int) -> dict[str, float]:
    """Return the mean PSNR in dB of gray, of each mode and with hints, and the mean colorfulness of each mode.

    Raises:
        RuntimeError: the network can't take photos of that size.
    """
    figures: dict[str, list[float]] = {}

    def note(name: str, value: float) -> None:
        figures.setdefault(name, []).append(value)

    for made in colorize_squares(network, spec, photos, size):
        note("psnr_gray", psnr(made.gray, made.original))
        note("colorfulness_original", colorfulness(made.original))
        for mode, pixels in made.modes.items():
            note(f"psnr_{mode}", psnr(pixels, made.original))
            note(f"colorfulness_{mode}", colorfulness(pixels))
    if spec.takes_hints:
        for made in colorize_squares(network, spec, photos, size, hints=True):
            for mode, pixels in made.modes.items():
                note(f"psnr_{mode}_hints", psnr(pixels, made.original))
    return {name: float(np.mean(values)) for name, values in figures.items()}


def draw_sheet(network: nn.Module, spec: ModelSpec, photos: Sequence[Pixels], size: int, target: Path) -> None:
    """Write a contact sheet: gray, each mode and the original of some photos, side by side."""
    import pyvips

    strips = [
        np.concatenate([made.gray, *made.modes.values(), made.original], axis=1)
        for made in colorize_squares(network, spec, photos[:SHEET], size)
    ]
    if len(strips) % 2:
        strips.append(np.zeros_like(strips[0]))
    rows = [np.concatenate(strips[i : i + 2], axis=1) for i in range(0, len(strips), 2)]
    with atomic_path(target, overwrite=True) as path:
        data = pyvips.Image.new_from_array(np.concatenate(rows)).copy(interpretation="srgb").pngsave_buffer()
        path.write_bytes(data)
