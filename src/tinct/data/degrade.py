"""What time, film and copying do to a photograph: the input is made old, the colors to learn stay clean.

Steps in the order in which they befell real prints: the spectral response of the emulsion, exposure and contrast, the
lens, grain, fading, dirt and scratches, and a scan's JPEG.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinct.color.lab import decode, encode, gray_to_lightness

Plane = NDArray[np.float32]
"""A gray picture, (H, W), sRGB values in 0..1."""


@dataclass(frozen=True, slots=True)
class Emulsion:
    """How a kind of film or plate sees colors."""

    share: float
    """How often it is drawn."""
    response: tuple[float, float, float]
    """To red, green and blue, linear light; sums to 1."""


EMULSIONS = {
    "panchromatic": Emulsion(0.4, (0.30, 0.50, 0.20)),
    "orthochromatic": Emulsion(0.35, (0.0, 0.5, 0.5)),
    "blue-sensitive": Emulsion(0.25, (0.0, 0.1, 0.9)),
}
"""Panchromatic film from about 1925 on, orthochromatic plates before it, wet and early dry plates before these."""


def degrade(rgb: NDArray[np.uint8], rng: np.random.Generator) -> Plane:
    """Return the lightness that an old print of a photo would have.

    Every step but the first befalls only some photos, and each differs in strength.

    Args:
        rgb: (H, W, 3), sRGB.
        rng: source of all choices; the same one gives the same print.

    Returns:
        float32 (H, W), L in 0..100.
    """
    kinds = list(EMULSIONS)
    kind = kinds[int(rng.choice(len(kinds), p=[EMULSIONS[name].share for name in kinds]))]
    plane = expose(rgb, kind, rng.uniform(0, 0.1))
    plane = bend(plane, float(np.exp(rng.normal(0, 0.25))), rng.uniform(-0.3, 0.5))
    if rng.random() < 0.6:
        plane = blur(plane, rng.uniform(0.4, 1.8))
    if rng.random() < 0.8:
        plane = add_grain(plane, rng.uniform(0.01, 0.05), rng.uniform(0, 1.0), rng)
    if rng.random() < 0.6:
        plane = fade(plane, rng.uniform(0, 0.25), rng.uniform(0.7, 1.0), rng.uniform(0, 0.25), rng)
    if rng.random() < 0.35:
        plane = scratch(plane, rng)
    if rng.random() < 0.5:
        plane = compress(plane, int(rng.integers(25, 90)))
    return gray_to_lightness(plane)


def expose(rgb: NDArray[np.uint8], kind: str, leak: float = 0.0) -> Plane:
    """Return what an emulsion records, developed so that a white surface stays white.

    Args:
        rgb: (H, W, 3), sRGB.
        kind: one of :data:`EMULSIONS`.
        leak: share of its response that all colors have alike, 0..1.
    """
    response = np.array(EMULSIONS[kind].response, np.float32)
    mixture = ((1 - leak) * response + leak / 3).astype(np.float32)
    light: Plane = decode(rgb.astype(np.float32) / np.float32(255)) @ mixture
    return encode(light.clip(0, 1))


def bend(plane: Plane, gamma: float, contrast: float) -> Plane:
    """Bend the tones by a gamma, and by an S about the middle: steeper where ``contrast`` is above 0, flatter below."""
    bent = np.power(plane, np.float32(gamma))
    steep = bent * bent * (3 - 2 * bent)
    return _kept_within(bent + contrast * (steep - bent))


def _kept_within(plane: NDArray[Any]) -> Plane:
    kept: Plane = np.clip(plane, 0, 1).astype(np.float32)
    return kept


def fade(plane: Plane, low: float, high: float, uneven: float, rng: np.random.Generator) -> Plane:
    """Bring black up to ``low`` and white down to ``high``, more so toward one side, by up to ``uneven`` of it all."""
    height, width = plane.shape
    angle = rng.uniform(0, 2 * np.pi)
    rows, columns = np.mgrid[0:height, 0:width] / max(height, width) - 0.5
    strength = 1 + uneven * 2 * (np.cos(angle) * columns + np.sin(angle) * rows)
    dark = low * strength
    return _kept_within(dark + (1 - (1 - high) * strength - dark) * plane)


def blur(plane: Plane, sigma: float) -> Plane:
    """Blur with a Gaussian of ``sigma`` pixels, mirrored at the border."""
    reach = max(1, int(np.ceil(3 * sigma)))
    kernel = np.exp(-(np.arange(-reach, reach + 1) ** 2) / (2 * sigma**2))
    kernel /= kernel.sum()
    for axis in (0, 1):
        padded = np.pad(plane, [(reach, reach) if i == axis else (0, 0) for i in range(2)], mode="symmetric")
        size = plane.shape[axis]
        parts = [np.take(padded, range(k, k + size), axis) * kernel[k] for k in range(2 * reach + 1)]
        plane = np.sum(parts, axis=0).astype(np.float32)
    return plane


def add_grain(plane: Plane, strength: float, size: float, rng: np.random.Generator) -> Plane:
    """Add grain, strongest in the middle tones.

    Args:
        plane: the picture.
        strength: standard deviation in the middle tones.
        size: of a grain, as the sigma of a Gaussian in pixels; below 0.3 each pixel is its own.
        rng: source of the grain.
    """
    noise = rng.standard_normal(plane.shape).astype(np.float32)
    if size >= 0.3:
        noise = blur(noise, size)
        noise /= max(float(noise.std()), 1e-6)
    middle = 0.4 + 2.4 * plane * (1 - plane)
    return _kept_within(plane + strength * noise * middle)


def scratch(plane: Plane, rng: np.random.Generator) -> Plane:
    """Add scratches, dust and spots, light or dark."""
    damaged = plane.copy()
    height, width = plane.shape
    for _ in range(int(rng.integers(1, 5))):
        # Most scratches of a film run along it; those of a print anywhere.
        x, drift = rng.uniform(0, width), rng.normal(0, 0.1 if rng.random() < 0.7 else 1.0)
        start, stop = sorted(rng.uniform(0, height, 2))
        rows = np.arange(int(start), int(stop))
        columns = np.rint(x + drift * (rows - start) + np.cumsum(rng.normal(0, 0.15, len(rows)))).astype(int)
        inside = (columns >= 0) & (columns < width)
        tone, cover = (1.0 if rng.random() < 0.7 else 0.0), rng.uniform(0.3, 0.9)
        place = rows[inside], columns[inside]
        damaged[place] += np.float32(cover) * (np.float32(tone) - damaged[place])
    for _ in range(int(rng.integers(0, 12))):
        y, x, radius = int(rng.integers(height)), int(rng.integers(width)), rng.uniform(0.4, 2.2)
        top, left = max(0, y - 3), max(0, x - 3)
        part = damaged[top : y + 4, left : x + 4]
        rows, columns = np.mgrid[top : top + part.shape[0], left : left + part.shape[1]]
        cover = np.clip(radius + 0.5 - np.hypot(rows - y, columns - x), 0, 1) * rng.uniform(0.4, 1)
        part += (cover * ((1.0 if rng.random() < 0.6 else 0.0) - part)).astype(np.float32)
    return damaged


def compress(plane: Plane, quality: int) -> Plane:
    """Save as JPEG of a quality, 1..100, and read again."""
    from PIL import Image  # of the extra for training

    # Not libvips: its pool loses a task where a worker of it leaves, after seconds without work, at that very moment;
    # whoever calls it every few milliseconds for days meets with that.
    file = io.BytesIO()
    Image.fromarray(np.rint(plane * 255).astype(np.uint8)).save(file, "JPEG", quality=quality)
    with Image.open(file) as decoded:
        return np.asarray(decoded, np.float32) / np.float32(255)
