"""Pixels and metadata of a Pillow image."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinct.errors import TruncatedPhoto, UnreadablePhoto
from tinct.media.dpi import upright_dpi
from tinct.media.exif import read_exif, read_orientation, resolution
from tinct.media.metadata import Metadata
from tinct.media.png_colors import SRGB, make_profile
from tinct.media.source import as_image
from tinct.media.spaces import is_sound, to_srgb
from tinct.media.vips import reading

_DEEP = ("I;16", "I;16L", "I;16B", "I;16N", "I", "F")
_OWN_PROFILE = ("L", "RGB", "RGBA", "1", "CMYK", "P", "PA", "LA", "La", "RGBa", "RGBX", *_DEEP)


def read_pillow(image: Any, name: str) -> tuple[NDArray[Any], Metadata]:
    """Read a Pillow image: the pixels as stored, and its EXIF, profile, XMP and resolution.

    Args:
        image: of any mode; CMYK is converted to sRGB by its profile, without one as Pillow does it.
        name: what to call it in messages.

    Returns:
        (H, W), (H, W, 3) or (H, W, 4), of the type that the mode has, and what the image says beside its pixels.

    Raises:
        UnreadablePhoto: Pillow can't decode or convert it.
        TruncatedPhoto: its file ends too early.
    """
    icc = _profile(image) if image.mode in _OWN_PROFILE else None
    try:
        pixels = _pixels(image, icc, name)
        exif = bytes(image.getexif().tobytes()) if image.getexif() else b""
    except (OSError, ValueError) as error:
        kind = TruncatedPhoto if "truncated" in str(error) else UnreadablePhoto
        raise kind(f"{name} can't be decoded ({error})") from error
    exif = exif.removeprefix(b"Exif\0\0")
    structure = read_exif(exif)
    orientation = read_orientation(structure)
    xmp, dpi = image.info.get("xmp"), image.info.get("dpi")
    return pixels, Metadata(
        exif=exif or None,
        icc=icc,
        xmp=xmp if isinstance(xmp, bytes) else None,
        orientation=orientation,
        dpi=upright_dpi((resolution(structure), (float(dpi[0]), float(dpi[1])) if dpi else None), orientation),
    )


def _profile(image: Any) -> bytes | None:
    said = image.info
    if icc := said.get("icc_profile"):
        return icc if is_sound(icc) else None
    if "gamma" not in said or "srgb" in said:
        return None
    gray = image.mode in ("L", "1", "LA", "La", *_DEEP)
    return make_profile(said["gamma"], said.get("chromaticity", SRGB), color=not gray)


def _pixels(image: Any, icc: bytes | None, name: str) -> NDArray[Any]:
    transparent = image.info.get("transparency")  # a PNG's: one level or color, or the alpha of each of a palette
    if image.mode in _DEEP:
        pixels = np.asarray(image)
        if image.mode == "I" and pixels.min() >= 0 and pixels.max() <= 65535:  # what was read or cast into 32 bits
            pixels = pixels.astype(np.uint16 if pixels.max() > 255 else np.uint8)
        if transparent is None or pixels.dtype != np.uint16:
            return pixels
        return np.stack([pixels] * 3 + [np.where(pixels == transparent, np.uint16(0), np.uint16(65535))], axis=-1)
    if image.mode == "CMYK" and icc is not None:
        with reading(name):
            found: NDArray[Any] = to_srgb(as_image(np.asarray(image)).copy(interpretation="cmyk"), icc, name).numpy()
        return found
    if image.mode == "La":  # Pillow converts it to this alone
        image = image.convert("LA")
    if image.mode in ("LA", "PA", "RGBa") or transparent is not None:
        return np.asarray(image.convert("RGBA"))
    if image.mode in ("L", "RGB", "RGBA"):
        return np.asarray(image)
    return np.asarray(image.convert("L" if image.mode == "1" else "RGB"))
