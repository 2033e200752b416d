"""Color spaces of files to sRGB and back, as libvips pipelines.

The working space is sRGB (D65): one band for gray pictures, three for the others, 8 or 16 bits.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from tinct.color import lab
from tinct.errors import UnreadablePhoto
from tinct.media.vips import vips

_GRAY = ("b-w", "grey16")
_RGB = ("srgb", "rgb", "rgb16")


def split_alpha(image: Any) -> tuple[Any, Any | None]:
    """Return the color bands and the alpha band, None where there is none."""
    if not image.hasalpha():
        return image, None
    bands = image.bands
    return image.extract_band(0, n=bands - 1), image.extract_band(bands - 1)


def to_srgb(image: Any, icc: bytes | None, name: str) -> Any:
    """Convert the color bands of a file to sRGB, of one or three bands, uchar or ushort.

    Raises:
        UnreadablePhoto: the samples are of a kind that holds no photograph (floats, 32 bits, many bands).
    """
    if image.format not in ("uchar", "ushort") and image.interpretation not in ("lab", "labs", "labq"):
        raise UnreadablePhoto(f"{name} has samples of the kind {image.format!r}; convert it to 8 or 16 bits a channel")
    deep = image.format == "ushort"
    if image.interpretation in _GRAY or image.bands == 1:
        return image.copy(interpretation="grey16" if deep else "b-w")
    if image.interpretation in _RGB and image.bands == 3:
        plain = image.copy(interpretation="rgb16" if deep else "srgb")
        if icc is None or is_srgb(icc):
            return plain
        return plain.icc_transform("srgb", embedded=True, intent="relative", depth=16 if deep else 8)
    if image.interpretation == "cmyk":
        depth = 16 if deep else 8
        return image.icc_transform("srgb", embedded=True, input_profile="cmyk", intent="relative", depth=depth)
    if image.bands == 3:
        return image.colourspace("rgb16" if deep else "srgb")
    raise UnreadablePhoto(f"{name} has {image.bands} channels ({image.interpretation}), which is no photograph's")


def from_srgb(image: Any, icc: bytes | None) -> tuple[Any, bytes | None]:
    """Convert an sRGB result of three bands back to an RGB profile.

    Returns:
        the image and the profile to embed: the given one where it is of RGB, None where none was given, else sRGB's.
    """
    if icc is None or image.bands != 3:
        return image, icc
    if icc[16:20] != b"RGB ":
        return image, vips().Image.black(1, 1).copy(interpretation="srgb").profile_load("srgb").get("icc-profile-data")
    if is_srgb(icc):
        return image, icc
    tagged = image.copy()
    tagged.set_type(vips().GValue.blob_type, "icc-profile-data", icc)
    pcs = image.icc_import(input_profile="srgb", intent="relative", pcs="lab")
    pcs = pcs.copy()
    pcs.set_type(vips().GValue.blob_type, "icc-profile-data", icc)
    return pcs.icc_export(intent="relative", depth=16 if image.format == "ushort" else 8), icc


@cache
def is_srgb(icc: bytes) -> bool:
    """Tell whether a profile is sRGB under whatever name: whether it moves no color by more than 2 of 255."""
    if icc[16:20] != b"RGB ":
        return False
    levels = np.linspace(0, 255, 6).round().astype(np.uint8)
    cube = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(1, -1, 3)
    image = vips().Image.new_from_memory(cube.data, cube.shape[1], 1, 3, "uchar").copy(interpretation="srgb")
    image.set_type(vips().GValue.blob_type, "icc-profile-data", icc)
    try:
        moved = image.icc_transform("srgb", embedded=True, intent="relative", depth=8).numpy()
    except vips().Error:
        return False
    return bool(np.abs(moved.astype(int) - cube).max() <= 2)


def lightness_of(image: Any) -> Any:
    """Return L, in 0..100, one float band, of an sRGB image of one or three bands, uchar or ushort."""
    top = 65535 if image.format == "ushort" else 255
    if image.bands == 1:
        return image.maplut(_table(lab.gray_to_lightness(np.linspace(0, 1, top + 1, dtype=np.float32))))
    linear = image.maplut(_table(65535 * lab.decode(np.linspace(0, 1, top + 1, dtype=np.float32))))
    luminance = linear.recomb(vips().Image.new_from_array([list(lab.RGB_TO_XYZ[1])])).rint().cast("ushort")
    encoded = lab.encode(np.linspace(0, 1, 65536, dtype=np.float32))
    return luminance.maplut(_table(lab.gray_to_lightness(encoded)))


def _table(values: Any) -> Any:
    array = np.ascontiguousarray(values, np.float32)
    return vips().Image.new_from_memory(array.tobytes(), len(array), 1, 1, "float")
