"""The conversions of :mod:`tinct.color.lab` on torch tensors, differentiable everywhere.

Images are (N, 3, H, W), floating point of any precision; the result has the precision and the device of the input.
Slopes stay finite at black and for colors outside the gamut, where a loss may lead.
"""

from __future__ import annotations

import torch
from torch import Tensor

from tinct.color.lab import EPSILON, OFFSET, RGB_TO_XYZ, SLOPE, WHITE, XYZ_TO_RGB
from tinct.errors import OptionError


def srgb_to_lab(rgb: Tensor) -> Tensor:
    """Convert sRGB in 0..1 to Lab, L in 0..100.

    Args:
        rgb: (N, 3, H, W). Values outside 0..1 are extrapolated.

    Returns:
        (N, 3, H, W), L, a, b.

    Raises:
        OptionError: the tensor isn't (N, 3, H, W) of floats.
    """
    _check(rgb, "rgb")
    curve = ((rgb.clamp(min=0.04045) + 0.055) / 1.055) ** 2.4
    linear = torch.where(rgb > 0.04045, curve, rgb / 12.92)
    share = _mix(linear, RGB_TO_XYZ) / _column(WHITE, rgb)
    root = share.clamp(min=EPSILON) ** (1 / 3)
    x, y, z = torch.where(share > EPSILON, root, share * SLOPE + OFFSET).unbind(1)
    return torch.stack((116 * y - 16, 500 * (x - y), 200 * (y - z)), dim=1)


def lab_to_srgb(lab: Tensor) -> Tensor:
    """Convert Lab, L in 0..100, to sRGB without clipping.

    Args:
        lab: (N, 3, H, W).

    Returns:
        (N, 3, H, W), red, green, blue; outside 0..1 where sRGB has no such color.

    Raises:
        OptionError: the tensor isn't (N, 3, H, W) of floats.
    """
    _check(lab, "lab")
    lightness, a, b = lab.unbind(1)
    y = (lightness + 16) / 116
    level = torch.stack((y + a / 500, y, y - b / 200), dim=1)
    share = torch.where(level > SLOPE * EPSILON + OFFSET, level**3, (level - OFFSET) / SLOPE)
    linear = _mix(share * _column(WHITE, lab), XYZ_TO_RGB)
    curve = 1.055 * linear.clamp(min=0.0031308) ** (1 / 2.4) - 0.055
    return torch.where(linear > 0.0031308, curve, linear * 12.92)


def _check(image: Tensor, name: str) -> None:
    if image.ndim != 4 or image.shape[1] != 3 or not image.is_floating_point():
        raise OptionError(f"{name} is {tuple(image.shape)} of {image.dtype}, expected (N, 3, H, W) of floats")


def _mix(image: Tensor, matrix: tuple[tuple[float, ...], ...]) -> Tensor:
    # Element by element: autocast would do a matrix product in half precision.
    first, second, third = image.unbind(1)
    return torch.stack([row[0] * first + row[1] * second + row[2] * third for row in matrix], dim=1)


def _column(values: tuple[float, float, float], like: Tensor) -> Tensor:
    return like.new_tensor(values).reshape(1, 3, 1, 1)
