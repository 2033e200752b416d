"""Lightness of a film's frames: codes of gray as decoded, upright, and a table from codes to L.

A gray film's luma is taken as it is, without a step through 8 bits or another range; of a color film, L of its colors.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from tinct.color.lab import gray_to_lightness, lightness, lightness_to_gray
from tinct.video.film import Film

Floats = NDArray[np.float32]
Codes = NDArray[Any]

PRECISE = (
    av.video.reformatter.Interpolation.BICUBIC
    | av.video.reformatter.Interpolation.ACCURATE_RND
    | av.video.reformatter.Interpolation.FULL_CHR_H_INT
)
"""How FFmpeg converts between kinds of pixels; by itself it is faster, and off by a level or two."""
COLORED = 8.0
"""Distance of a frame's chroma from gray, in 8-bit steps, above which it counts as colored, where a fiftieth of it is
farther off; compression of gray pictures leaves at most 2."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame of a film, upright."""

    number: int
    """In the film, from 0."""
    codes: Codes
    """(H, W), uint8 or uint16."""
    table: Floats
    """L, 0..100, of each code."""

    def lightness(self) -> Floats:
        """Return L, (H, W), in 0..100."""
        found: Floats = self.table[self.codes]
        return found


@dataclass(frozen=True, slots=True)
class Turn:
    """How stored pixels become upright: first mirrored, then turned."""

    quarters: int = 0
    """Counterclockwise, 0..3."""
    mirrored: bool = False

    @classmethod
    def of_matrix(cls, matrix: tuple[int, ...]) -> Turn:
        """Read a display matrix; one that isn't of right angles counts as none."""
        if len(matrix) != 9:
            return cls()
        a, b, c, d = (int(np.sign(round(matrix[place] / 65536))) for place in (0, 1, 3, 4))
        if abs(a * d - b * c) != 1:
            return cls()
        mirrored = a * d - b * c < 0
        # Stored (x, y) is shown at (ax + cy, bx + dy), y downwards; a mirror before the turn changes the sign of x.
        a, b = (-a, -b) if mirrored else (a, b)
        return cls({(1, 0): 0, (0, -1): 1, (-1, 0): 2, (0, 1): 3}[a, b], mirrored)

    def upright(self, pixels: NDArray[Any]) -> NDArray[Any]:
        """Turn stored pixels (H, W, ...) upright."""
        pixels = pixels[:, ::-1] if self.mirrored else pixels
        return np.ascontiguousarray(np.rot90(pixels, self.quarters))

    def stored(self, pixels: NDArray[Any]) -> NDArray[Any]:
        """Turn upright pixels back as they are stored."""
        pixels = np.rot90(pixels, -self.quarters)
        return np.ascontiguousarray(pixels[:, ::-1] if self.mirrored else pixels)


class Toner:
    """Takes the gray out of decoded frames.

    Args:
        film: the film.
        colored: whether it has colors, which are to be replaced.
    """

    def __init__(self, film: Film, *, colored: bool) -> None:
        self._film, self._colored = film, colored
        self._turn = Turn.of_matrix(film.matrix)
        self._format = luma_format(film.pixel_format)
        self._by_luma = not colored and self._format is not None
        codes = np.arange(1 << film.bits if self._by_luma and film.bits > 8 else 256 if self._by_luma else 65536)
        black, white = (0.0, 1.0) if film.full_range or not self._by_luma else (16 / 256, 235 / 256)
        # 16 and 235 of 8 bits are 64 and 940 of 10.
        top = len(codes) - 1 if black == 0 else len(codes)
        self.table: Floats = gray_to_lightness(np.clip((codes / top - black) / (white - black), 0, 1))
        """L of each code."""

    @property
    def shape(self) -> tuple[int, int, float]:
        """Height and width of upright frames, in pixels, and width over height of an upright pixel."""
        film = self._film
        if self._turn.quarters % 2:
            return film.width, film.height, float(1 / film.aspect)
        return film.height, film.width, float(film.aspect)

    def take(self, number: int, frame: Any) -> Frame:
        """Return a decoded frame's gray; one of another size is fitted into that of the first, with black around."""
        film = self._film
        wanted = self._format if self._by_luma else film.pixel_format
        if frame.format.name != wanted:
            frame = frame.reformat(format=wanted)
        codes = _luma(frame) if self._by_luma else _gray(frame, deep=film.bits > 8)
        if codes.shape != (film.height, film.width):
            codes = _fit(codes, film.height, film.width, int(np.argmax(self.table > 0)) - 1)
        return Frame(number, self._turn.upright(codes), self.table)

    def stored(self, pixels: NDArray[Any]) -> NDArray[Any]:
        """Turn upright pixels back as the film stores them."""
        return self._turn.stored(pixels)


def luma_format(pixel_format: str) -> str | None:
    """Return the format to take luma from: the same where its first plane holds it alone, else one that does.

    None for a format without luma.
    """
    found = av.VideoFormat(pixel_format)
    first = found.components[0]
    if found.is_rgb or found.has_palette or found.is_bayer or not first.is_luma or first.bits < 8:
        return None
    packed = len(found.components) > 1 and not found.is_planar
    shifted = pixel_format.startswith(("p0", "p2", "p4"))
    if not (packed or shifted or found.is_big_endian or first.bits > 16):
        return pixel_format
    # From gray to color, FFmpeg would change the range.
    kind = "gray" if pixel_format.startswith(("gray", "ya")) else "yuv444p"
    return kind if first.bits == 8 else f"{kind}{min(first.bits, 16)}le"


def chroma(frame: Any) -> float:
    """Return how far a frame is from gray, in 8-bit steps; a fiftieth of it is farther off."""
    if frame.format.name.startswith("gray") or frame.format.name in ("monow", "monob", "ya8"):
        return 0.0
    small = frame.reformat(width=64, height=48, format="yuv444p", interpolation="AREA").to_ndarray()
    return float(np.percentile(np.abs(small[1:].astype(np.float32) - 128), 98))


def _luma(frame: Any) -> Codes:
    plane = frame.planes[0]
    kind = np.uint8 if frame.format.components[0].bits == 8 else np.dtype("<u2")
    rows = np.frombuffer(plane, kind).reshape(plane.height, -1)
    return rows[:, : plane.width]


def _gray(frame: Any, *, deep: bool) -> Codes:
    """Return the gray of a colored frame as light as its colors, in 16 bits."""
    rgb = frame.to_ndarray(format="rgb48le" if deep else "rgb24", interpolation=PRECISE)
    light = lightness(rgb.astype(np.float32) / np.float32(np.iinfo(rgb.dtype).max))
    codes: Codes = np.rint(lightness_to_gray(light) * np.float32(65535)).astype(np.uint16)
    return codes


def _fit(codes: Codes, height: int, width: int, black: int) -> Codes:
    scale = min(height / codes.shape[0], width / codes.shape[1])
    size = (max(1, round(codes.shape[1] * scale)), max(1, round(codes.shape[0] * scale)))
    small = cv2.resize(codes, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    fitted = np.full((height, width), max(black, 0), codes.dtype)
    top, left = (height - size[1]) // 2, (width - size[0]) // 2
    fitted[top : top + size[1], left : left + size[0]] = small
    return fitted
