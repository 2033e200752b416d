"""What the samples of a TIFF's pixels mean, where libvips hands them out as they are stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tinct.errors import UnreadablePhoto
from tinct.media.ifd import Structure

_BITS, _COMPRESSION, _PHOTOMETRIC, _SAMPLES, _PLANES, _EXTRA_SAMPLES = 258, 259, 262, 277, 284, 338
_COEFFICIENTS, _SUBSAMPLING, _RANGE = 529, 530, 532  # of YCbCr
_GRAY, _RGB, _PALETTE, _MASK, _CMYK, _YCBCR, _CIELAB, _ICCLAB = (0, 1), 2, 3, 4, 5, 6, 8, 9
# How many samples are colors, by how these are stored; of inks there may be any number.
_COLORS = {0: 1, 1: 1, _RGB: 3, _PALETTE: 1, _MASK: 1, _YCBCR: 3, _CIELAB: 3, _ICCLAB: 3}
_INKS = 4
_ALPHA = (1, 2)  # premultiplied, which libvips undoes, and plain
_JPEG = (6, 7)  # compressions that libtiff converts to RGB
_REMEDY = "convert it to RGB first"
_REC_601, _FULL_RANGE = (0.299, 0.587, 0.114), (0, 255, 128, 255, 128, 255)
# TIFF 6.0, section 21, for these.
_FROM_YCBCR = [[1, 0, 1.402], [1, -0.344136, -0.714136], [1, 1.772, 0]]


@dataclass(frozen=True, slots=True)
class Samples:
    """What the samples of a pixel mean."""

    photometric: int = 1
    """How colors are stored, as TIFF numbers it."""
    bits: int = 8
    """Of the first sample."""
    extra: tuple[int, ...] = ()
    """Kinds of those beyond the color: 0 unspecified (infrared, a saved selection), 1 or 2 transparency."""
    inks: int = 0
    """How many samples are colors where they are inks."""
    usual: bool = True
    """Whether YCbCr has a color for each pixel, in the full range, by Rec. 601."""
    apart: bool = False
    """Whether each channel is stored by itself."""
    decoded: bool = False
    """Whether libtiff converts YCbCr to RGB, as it does inside JPEG."""

    @property
    def left_out(self) -> int:
        """How many samples of a pixel are neither color nor transparency."""
        return len(self.extra) - (self._alpha is not None)

    @property
    def _alpha(self) -> int | None:
        """Which of the extra samples is transparency."""
        return next((number for number, kind in enumerate(self.extra) if kind in _ALPHA), None)

    def check(self, name: str) -> None:
        """Refuse what neither libvips nor :meth:`decode` makes colors of.

        Raises:
            UnreadablePhoto: colors are stored in another way.
        """
        if self.photometric == _CMYK and self.inks != _INKS:
            raise UnreadablePhoto(f"{name} is of {self.inks} inks, not the four of CMYK; {_REMEDY}")
        if self.photometric == _CIELAB and self.bits == 8:
            raise UnreadablePhoto(f"{name} holds Lab of 8 bits, which libvips can't read; {_REMEDY}, or to 16 bits")
        if self.photometric == _YCBCR and not self.decoded and not (self.usual and self.bits == 8):
            raise UnreadablePhoto(f"{name} holds YCbCr of a kind that Tinct doesn't read; {_REMEDY}")
        if self.photometric in _GRAY and self.extra and self.apart:  # libvips 8.18 gives rows twice
            raise UnreadablePhoto(
                f"{name} is gray with more channels, stored one after the other, which libvips can't read; {_REMEDY}"
            )
        if self.photometric not in (*_COLORS, _CMYK):
            raise UnreadablePhoto(
                f"{name} stores colors in a way that Tinct doesn't read (photometric interpretation "
                f"{self.photometric}); {_REMEDY}"
            )

    def decode(self, image: Any) -> Any:
        """Return colors, with transparency where there is any, of an image as libvips loads it; gray, RGB or CMYK."""
        count = image.bands - len(self.extra)
        colors = image.extract_band(0, n=count) if self.extra else image
        alpha = None if self._alpha is None else image.extract_band(count + self._alpha)
        if self.photometric == _YCBCR and not self.decoded:
            colors = colors.linear([1, 1, 1], [0, -128, -128]).recomb(_FROM_YCBCR).rint().cast("uchar")
            colors = colors.copy(interpretation="srgb")
        elif self.photometric == _ICCLAB:
            # Levels of ICC's version 2: 0xFF00 is L = 100, 0x8000 stands for 0 of a and of b.
            scale = 1 if self.bits == 8 else 256
            factors = [100 / 255 / scale, 1 / scale, 1 / scale]
            colors = colors.linear(factors, [0, -128, -128]).copy(interpretation="lab").colourspace("rgb16")
        elif self.photometric == _CIELAB:
            colors = colors.colourspace("rgb16")
            # libvips has taken the sign bit of a and b for one of transparency too.
            alpha = None if alpha is None else (alpha.cast("int") & 0xFFFF).cast("ushort")
        return colors if alpha is None else colors.bandjoin(alpha.cast(colors.format, shift=True))


def read_samples(structure: Structure) -> Samples:
    """Return what the main directory of a TIFF says of its samples."""

    def numbers(tag: int, *default: float) -> tuple[float, ...]:
        return structure.numbers(structure.main, tag) or default

    count, said = int(numbers(_SAMPLES, 1)[0]), tuple(int(kind) for kind in numbers(_EXTRA_SAMPLES))
    photometric = int(numbers(_PHOTOMETRIC, _RGB if count - len(said) > 2 else 1)[0])
    colors = _COLORS.get(photometric, count - len(said))
    beyond = max(0, count - colors)
    usual = numbers(_SUBSAMPLING, 2, 2) == (1, 1) and numbers(_RANGE, *_FULL_RANGE) == _FULL_RANGE
    usual &= all(abs(a - b) < 1e-3 for a, b in zip(numbers(_COEFFICIENTS, *_REC_601), _REC_601, strict=True))
    return Samples(
        photometric=photometric,
        bits=int(numbers(_BITS, 1)[0]),
        extra=(said + (0,) * beyond)[:beyond],
        inks=colors if photometric == _CMYK else 0,
        usual=usual,
        apart=numbers(_PLANES, 1) == (2,),
        decoded=numbers(_COMPRESSION, 1)[0] in _JPEG,
    )
