"""Color spaces of files to sRGB and to lightness, as libvips pipelines; and back to a file's profile.

The working space is sRGB (D65): one band for gray pictures, three for the others, 8 or 16 bits.
"""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinct.color import lab
from tinct.errors import UnreadablePhoto
from tinct.media.gray_profile import luminance
from tinct.media.vips import set_blob, vips

Floats = NDArray[np.float32]

_LAB = ("lab", "labs", "labq")
_ICC = "icc-profile-data"
# Largest shift of a color, in steps of 255, by a profile that is taken for sRGB: versions of sRGB differ by as much.
_SRGB_TOLERANCE = 2


def split_alpha(image: Any) -> tuple[Any, Any | None]:
    """Return the color bands and the alpha band, None where there is none."""
    if not image.hasalpha():
        return image, None
    return image.extract_band(0, n=image.bands - 1), image.extract_band(image.bands - 1)


def to_srgb(image: Any, icc: bytes | None, name: str) -> Any:
    """Convert the color bands of a file to sRGB, of one or three bands, uchar or ushort.

    Raises:
        UnreadablePhoto: the samples are of a kind that holds no photograph (floats, 32 bits, many bands).
    """
    deep, kind = _kind(image, name)
    space = ("grey16" if deep else "b-w") if kind == "gray" else ("rgb16" if deep else "srgb")
    if kind == "gray":
        levels = gray_lightness(icc, deep=deep)
        if levels is srgb_lightness(deep=deep):
            return image.copy(interpretation=space)
        top = 65535 if deep else 255
        table = np.rint(lab.lightness_to_gray(levels) * top).astype(np.uint16 if deep else np.uint8)
        return image.maplut(as_table(table)).copy(interpretation=space)
    depth = 16 if deep else 8
    if icc is not None:
        image = image.copy()  # an array, or a smaller copy inside a TIFF, doesn't bring the profile along
        set_blob(image, _ICC, icc)
    if kind == "cmyk":
        return image.icc_transform(
            "srgb", embedded=True, input_profile="cmyk", intent="relative", black_point_compensation=True, depth=depth
        )
    if kind == "other":
        return image.colourspace(space)
    plain = image.copy(interpretation=space)
    if icc is None or icc[16:20] != b"RGB " or is_srgb(icc):
        return plain
    return plain.icc_transform("srgb", embedded=True, intent="relative", depth=depth)


def to_lightness(image: Any, icc: bytes | None, name: str) -> Any:
    """Return L, in 0..100, one float band, of the color bands of a file.

    Gray is looked up in a table; of colors, toned or not, it is L of CIE Lab: how light they look, whatever their tint.

    Raises:
        UnreadablePhoto: see :func:`to_srgb`.
    """
    deep, kind = _kind(image, name)
    if kind == "gray":
        return image.maplut(as_table(gray_lightness(icc, deep=deep)))
    return luminous(to_srgb(image, icc, name))


def luminous(image: Any) -> Any:
    """Return L, in 0..100, one float band, of an sRGB image of three bands; exact to 0.01."""
    top = 65535 if image.format == "ushort" else 255
    decoded = lab.decode(np.linspace(0, 1, top + 1, dtype=np.float32)) * np.float32(65535)
    linear = image.maplut(as_table(decoded))
    luminance = linear.recomb(vips().Image.new_from_array([list(lab.RGB_TO_XYZ[1])])).rint().cast("ushort")
    levels = lab.gray_to_lightness(lab.encode(np.linspace(0, 1, 65536, dtype=np.float32)))
    return luminance.maplut(as_table(levels))


def from_srgb(image: Any, icc: bytes | None) -> tuple[Any, bytes | None]:
    """Convert an sRGB result to the profile of its source.

    Returns:
        the image and the profile to embed: the source's where it is of RGB and can be written to, None where the source
        had none or the image is gray (which without one means sRGB's gray), else sRGB's.
    """
    if icc is None or image.bands == 1:
        return image, None
    if is_srgb(icc):
        return image, icc
    if icc[16:20] == b"RGB ":
        try:
            _export(_cube(), icc).avg()
        except vips().Error:  # a scanner's profile may say only what its colors mean
            return image, srgb_profile()
        return _export(image, icc), icc
    return image, srgb_profile()


def is_sound(icc: bytes) -> bool:
    """Tell whether a profile is whole. libvips takes another one in place of one that isn't, and says nothing."""
    if len(icc) < 132 or icc[36:40] != b"acsp" or int.from_bytes(icc[:4], "big") > len(icc):
        return False
    count = int.from_bytes(icc[128:132], "big")
    if 132 + 12 * count > len(icc):
        return False
    places = (struct.unpack_from(">II", icc, 136 + 12 * number) for number in range(count))
    return all(offset + size <= len(icc) for offset, size in places)


@lru_cache(maxsize=32)
def is_srgb(icc: bytes) -> bool:
    """Tell whether a profile is sRGB, under whatever name: whether it leaves colors where they are."""
    if icc[16:20] != b"RGB ":
        return False
    cube = _cube()
    tagged = cube.copy()
    set_blob(tagged, _ICC, icc)
    try:
        moved = tagged.icc_transform("srgb", embedded=True, intent="relative", depth=8).numpy()
    except vips().Error:
        return False
    return bool(np.abs(moved.astype(int) - cube.numpy()).max() <= _SRGB_TOLERANCE)


@lru_cache(maxsize=1)
def srgb_profile() -> bytes:
    """Return libvips' own sRGB profile."""
    image = vips().Image.black(1, 1, bands=3).copy(interpretation="srgb").icc_transform("srgb", input_profile="srgb")
    return bytes(image.get(_ICC))


@lru_cache(maxsize=8)
def gray_lightness(icc: bytes | None, *, deep: bool) -> Floats:
    """Return L of each gray level, float32 (256,) or (65536,), under a profile of gray or RGB; sRGB's without one."""
    plain = srgb_lightness(deep=deep)
    if icc is None or icc[16:20] not in (b"GRAY", b"RGB ") or is_srgb(icc):
        return plain
    exact = luminance(icc, np.linspace(0, 1, len(plain)))
    if exact is not None:
        return lab.gray_to_lightness(lab.encode(exact.astype(np.float32)))
    ramp = vips().Image.identity(ushort=deep)
    if icc[16:20] == b"RGB ":
        ramp = ramp.bandjoin([ramp, ramp]).copy(interpretation="rgb16" if deep else "srgb")
    else:
        ramp = ramp.copy(interpretation="grey16" if deep else "b-w")
    set_blob(ramp, _ICC, icc)
    try:
        levels = ramp.icc_import(embedded=True, intent="relative", pcs="lab").extract_band(0).numpy()
    except vips().Error:
        return plain
    return np.asarray(levels.reshape(-1), np.float32)


@lru_cache(maxsize=2)
def srgb_lightness(*, deep: bool) -> Floats:
    """Return L of each gray level of sRGB, float32 (256,) or (65536,)."""
    return lab.gray_to_lightness(np.linspace(0, 1, 65536 if deep else 256, dtype=np.float32))


def _kind(image: Any, name: str) -> tuple[bool, str]:
    """Return whether an image has 16 bits, and whether it is ``gray``, ``rgb``, ``cmyk`` or ``other``."""
    if image.format not in ("uchar", "ushort") and image.interpretation not in _LAB:
        raise UnreadablePhoto(f"{name} has samples of the kind {image.format!r}; convert it to 8 or 16 bits a channel")
    deep = image.format != "uchar"
    if image.bands == 1:
        return deep, "gray"
    if image.interpretation == "cmyk" and image.bands == 4:
        return deep, "cmyk"
    if image.bands == 3:
        return deep, "other" if image.interpretation in _LAB else "rgb"
    raise UnreadablePhoto(f"{name} has {image.bands} channels ({image.interpretation}), which is no photograph's")


def _export(image: Any, icc: bytes) -> Any:
    connection = image.icc_import(input_profile="srgb", intent="relative", pcs="lab").copy()
    set_blob(connection, _ICC, icc)
    return connection.icc_export(intent="relative", depth=16 if image.format == "ushort" else 8)


def _cube() -> Any:
    """Return colors from all over sRGB, 8 bits."""
    levels = np.linspace(0, 255, 6).round().astype(np.uint8)
    colors = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(1, -1, 3)
    return vips().Image.new_from_memory(colors.tobytes(), colors.shape[1], 1, 3, "uchar").copy(interpretation="srgb")


def as_table(values: NDArray[Any]) -> Any:
    """Return an array of one value for each code, uint8, uint16 or float32, as what libvips' ``maplut`` looks up."""
    formats = {"uint8": "uchar", "uint16": "ushort", "float32": "float"}
    return vips().Image.new_from_memory(values.tobytes(), len(values), 1, 1, formats[values.dtype.name])
