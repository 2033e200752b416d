"""Figures and contact sheets on photos that training never sees."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tinct.color.figures import Pixels, colorfulness, mse, psnr
from tinct.color.gamut import read_out
from tinct.color.similarity import ssim
from tinct.color.tensors import lab_to_srgb, srgb_to_lab
from tinct.data.hints import simulate_hints
from tinct.media.atomic import atomic_path
from tinct.models.registry import ModelSpec

SHEET = 16
"""Photos on a contact sheet."""
ONLY = ""
"""Name of the mode of a model that has a single read-out."""


def stretch(photo: Pixels, size: int) -> Tensor:
    """Stretch a photo, (H, W, 3), to a square, uint8 (1, 3, size, size)."""
    planes = torch.from_numpy(photo).permute(2, 0, 1)[None]
    return F.interpolate(planes, (size, size), mode="bicubic", antialias=True, align_corners=False)


@dataclass(frozen=True, slots=True)
class Colored:
    """One validation photo and what the network made of it, uint8 (size, size, 3) each."""

    original: Pixels
    gray: Pixels
    modes: dict[str, Pixels]
    raw: Pixels | None
    """What a network that gives RGB gave, before its color was joined with the original lightness."""


def colorize_squares(
    network: nn.Module, spec: ModelSpec, photos: Sequence[Pixels], size: int, *, hints: bool = False
) -> Iterator[Colored]:
    """Colorize each photo, stretched to a square, in all of the model's modes.

    Args:
        network: in evaluation mode.
        spec: of the network.
        photos: (H, W, 3) uint8 each.
        size: side of the square, a multiple of ``spec.multiple``.
        hints: whether each photo gets simulated hints of the true color; the same at every call.
    """
    device = next(network.parameters()).device
    rng = np.random.default_rng(0)
    for photo in photos:
        original = stretch(photo, size)
        lightness, ab = srgb_to_lab(original.float() / 255).tensor_split((1,), 1)
        given = [lightness.to(device)]
        if spec.takes_hints:
            given.append((simulate_hints(ab, rng, without=0) if hints else torch.zeros(1, 3, size, size)).to(device))
        with torch.inference_mode():
            output = network(*given).float().cpu()
        modes = {mode: _joined(lightness, colors) for mode, colors in _read_outs(output, spec).items()}
        raw = to_pixels(output) if spec.output == "rgb" else None
        yield Colored(_picture(original), _joined(lightness, torch.zeros_like(ab)), modes, raw)


def _read_outs(output: Tensor, spec: ModelSpec) -> dict[str, Tensor]:
    """Return what a network gave as ab, (1, 2, h, w), by mode."""
    if spec.output == "ab":
        return {ONLY: output}
    if spec.output == "rgb":
        return {ONLY: srgb_to_lab(output)[:, 1:]}
    bins, weights = np.array(spec.bins, np.float32), np.array(spec.weights, np.float32)
    logits = output[0, : len(bins)].permute(1, 2, 0).numpy()
    read = {}
    for mode, vividness in spec.modes.items():
        knot = next(k for k in spec.path if k.vividness == vividness)
        ab = read_out(logits, bins, weights, knot.division, knot.temperature, knot.chroma)
        read[mode] = torch.from_numpy(ab).permute(2, 0, 1)[None]
    return read


def _joined(lightness: Tensor, ab: Tensor) -> Pixels:
    """Join L with ab, of any size, clipping to the gamut."""
    full = F.interpolate(ab, lightness.shape[2:], mode="bilinear", align_corners=False)
    return to_pixels(lab_to_srgb(torch.cat([lightness, full], 1)))


def to_pixels(rgb: Tensor) -> Pixels:
    """Return one picture, (1, 3, H, W) in 0..1, clipped there, with 8 bits, (H, W, 3)."""
    return _picture((rgb.detach().float().clamp(0, 1) * 255).round().byte())


def _picture(planes: Tensor) -> Pixels:
    pixels: Pixels = planes[0].permute(1, 2, 0).cpu().numpy()
    return pixels


def figure_names(spec: ModelSpec) -> list[str]:
    """Return the names of the figures that :func:`validate` gives of such a model."""
    modes = [_suffix(mode) for mode in spec.modes or (ONLY,)]
    names = [f"{figure}{mode}" for mode in ("_gray", *modes) for figure in ("psnr", "ssim", "mse")]
    names += [f"colorfulness{mode}" for mode in ("_original", *modes)]
    if spec.output == "rgb":
        names.append("mse_raw")
    if spec.takes_hints:
        names += [f"psnr{mode}_hints" for mode in modes]
    return names


def _suffix(mode: str) -> str:
    return f"_{mode}" if mode else mode


def validate(network: nn.Module, spec: ModelSpec, photos: Sequence[Pixels], size: int) -> dict[str, float]:
    """Return the means over all photos of the figures that :func:`figure_names` names.

    PSNR in dB, SSIM and MSE are those of gray (the lightness alone) and of each mode against the original;
    ``mse_raw`` is that of the RGB that the network itself gives; ``_hints`` is with simulated hints. MSE is that of
    values in 0..1, as papers have it.

    Raises:
        RuntimeError: the network can't take photos of that size.
    """
    figures: dict[str, list[float]] = {}

    def note(name: str, value: float) -> None:
        figures.setdefault(name, []).append(value)

    def compare(name: str, made: Pixels, original: Pixels) -> None:
        note(f"psnr{name}", psnr(made, original))
        note(f"ssim{name}", ssim(made, original))
        note(f"mse{name}", mse(made, original) / 255**2)

    for made in colorize_squares(network, spec, photos, size):
        compare("_gray", made.gray, made.original)
        note("colorfulness_original", colorfulness(made.original))
        for mode, rgb in made.modes.items():
            compare(_suffix(mode), rgb, made.original)
            note(f"colorfulness{_suffix(mode)}", colorfulness(rgb))
        if made.raw is not None:
            note("mse_raw", mse(made.raw, made.original) / 255**2)
    if spec.takes_hints:
        for made in colorize_squares(network, spec, photos, size, hints=True):
            for mode, rgb in made.modes.items():
                note(f"psnr{_suffix(mode)}_hints", psnr(rgb, made.original))
    return {name: float(np.mean(figures[name])) for name in figure_names(spec)}


def draw_sheet(network: nn.Module, spec: ModelSpec, photos: Sequence[Pixels], size: int, target: Path) -> None:
    """Write a contact sheet: gray, each mode and the original of some photos, side by side."""
    import pyvips

    strips = [
        np.concatenate([made.gray, *made.modes.values(), made.original], axis=1)
        for made in colorize_squares(network, spec, photos[:SHEET], size)
    ]
    if len(strips) % 2:
        strips.append(np.zeros_like(strips[0]))
    sheet = np.concatenate([np.concatenate(strips[i : i + 2], axis=1) for i in range(0, len(strips), 2)])
    with atomic_path(target, overwrite=True) as path:
        path.write_bytes(pyvips.Image.new_from_array(sheet).copy(interpretation="srgb").pngsave_buffer())
