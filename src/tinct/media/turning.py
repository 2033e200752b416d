"""What counts in the picture as stored, put right where its pixels are turned upright: regions, Photoshop's paths.

Sources: MWG Guidelines for Handling Image Metadata 2.0, 5.9 (regions); Microsoft, People Tagging Overview; Adobe
Photoshop File Formats Specification, "Path resource format". Microsoft's rectangles count as MWG's do: digiKam writes
both, and the Windows programs that brought them in turned the pixels themselves.
"""

from __future__ import annotations

import struct
from typing import TypeVar

from tinct.media.photoshop import read_resources, write_resources
from tinct.media.xmp import Packet

_FROM_RIGHT, _FROM_BOTTOM = (2, 3, 6, 7), (3, 4, 7, 8)  # orientations that turn an axis around, after a change of axes
_FAR = 100.0  # what is farther from the picture, in its sides, is no place in it
_PATHS = (1025, *range(2000, 2998))  # resources: the path in work, and those with names
_KNOTS = (1, 2, 4, 5)  # records of a path that hold points
_ONE = 1 << 24  # a side of the picture, in a path
_GUIDES, _SLICES, _RESOLUTION = 1032, 1050, 1005

Number = TypeVar("Number", int, float)


def turn_point(across: Number, down: Number, side: Number, orientation: int) -> tuple[Number, Number]:
    """Return a place in the upright picture.

    Args:
        across: from the left of the stored picture.
        down: from its top.
        side: what each of its sides counts as.
        orientation: how it is stored, 1..8 as in EXIF.

    >>> turn_point(2, 3, 10, 6)
    (7, 2)
    """
    if orientation >= 5:
        across, down = down, across
    return (
        side - across if orientation in _FROM_RIGHT else across,
        side - down if orientation in _FROM_BOTTOM else down,
    )


def turn_regions(packet: Packet, orientation: int) -> bool:
    """Turn the regions of people and things in an XMP packet, and say whether anything changed.

    What is no place, such as a word for a number, stays.
    """

    def exchange(fields: dict[str, str]) -> dict[str, str]:
        return {"w": fields["h"], "h": fields["w"]} if orientation >= 5 and {"w", "h"} <= fields.keys() else {}

    def turn_area(fields: dict[str, str]) -> dict[str, str]:
        try:
            x, y = _numbers([fields["x"], fields["y"]])
        except (KeyError, ValueError):
            return {}
        x, y = turn_point(x, y, 1.0, orientation)  # the middle of the area
        return {"x": _text(x), "y": _text(y)} | exchange(fields)

    def turn_rectangle(fields: dict[str, str]) -> dict[str, str]:
        try:
            x, y, width, height = _numbers(fields["Rectangle"].split(","))
        except (KeyError, ValueError):
            return {}
        corners = [turn_point(*corner, 1.0, orientation) for corner in ((x, y), (x + width, y + height))]
        size = (height, width) if orientation >= 5 else (width, height)
        return {"Rectangle": ", ".join(map(_text, (*map(min, zip(*corners, strict=True)), *size)))}

    changes = (
        packet.change_fields("mwg-rs:Regions", "stArea", turn_area),
        packet.change_fields("mwg-rs:Regions", "stDim", exchange),
        packet.change_fields("MP:RegionInfo", "MPReg", turn_rectangle),
    )
    return any(changes)


def turn_resources(block: bytes | None, orientation: int) -> bytes | None:
    """Return Photoshop's resources with their paths turned, without guides and slices where pixels are turned."""
    if block is None or orientation == 1:
        return block
    found = (item for item in read_resources(block) if item[0] not in (_GUIDES, _SLICES))
    return write_resources((number, name, _turn(number, data, orientation)) for number, name, data in found) or None


def _turn(number: int, data: bytes, orientation: int) -> bytes:
    """Return what a resource of some number holds, of the upright picture."""
    if number in _PATHS:
        return _turn_path(data, orientation)
    if number == _RESOLUTION and orientation >= 5:
        return data[8:16] + data[:8]  # across, down
    return data


def _turn_path(data: bytes, orientation: int) -> bytes:
    turned = bytearray(data)
    for at in range(0, len(data) - 25, 26):
        if int.from_bytes(data[at : at + 2]) in _KNOTS:
            places = struct.unpack_from(">6I", data, at + 2)  # down, across; signed, which counting modulo does too
            for place in (0, 2, 4):
                across, down = turn_point(places[place + 1], places[place], _ONE, orientation)
                struct.pack_into(">2I", turned, at + 2 + 4 * place, down & 0xFFFFFFFF, across & 0xFFFFFFFF)
    return bytes(turned)


def _numbers(texts: list[str]) -> list[float]:
    """Read places.

    Raises:
        ValueError: some are none.
    """
    values = [float(text) for text in texts]
    if not all(-_FAR < value < _FAR for value in values):
        raise ValueError(f"{texts} lie outside the picture")
    return values


def _text(value: float) -> str:
    return f"{value:.9f}".rstrip("0").rstrip(".")
