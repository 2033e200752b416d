"""What EXIF says about a result: all that it said about the source, less what is no longer true."""

from __future__ import annotations

from tinct.media.ifd import BadStructure, Structure, read_blob

DESCRIPTION, SOFTWARE, ORIENTATION = 0x010E, 0x0131, 0x0112
X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT = 0x011A, 0x011B, 0x0128
COLOR_SPACE, PIXEL_WIDTH, PIXEL_HEIGHT = 0xA001, 0xA002, 0xA003
_SUBJECT_AREA, _SUBJECT_LOCATION = 0x9214, 0xA214
XMP, IPTC, PHOTOSHOP, ICC, PHOTOSHOP_LAYERS = 700, 33723, 34377, 34675, 37724
CREDENTIALS = 52545  # of the source, signed for its own bytes

# Tags of the main directory that tell how a TIFF stores its pixels, or hold what is carried elsewhere. Layers that
# Photoshop keeps in a TIFF are the uncolored picture again, and it would show them instead of the result.
_OF_THE_FILE = frozenset(
    {
        *range(254, 260),
        *range(262, 267),
        273,
        *range(277, 282),
        284,
        *range(288, 294),
        297,
        301,
        *range(317, 326),
        330,
        332,
    }
    | {
        334,
        *range(336, 344),
        347,
        *range(512, 522),
        529,
        530,
        531,
        532,
        XMP,
        IPTC,
        PHOTOSHOP,
        ICC,
        PHOTOSHOP_LAYERS,
        50255,
        CREDENTIALS,
    }
)


def strip_file_tags(structure: Structure) -> None:
    """Take out what tells of the file, not of the picture."""
    for tag in _OF_THE_FILE & structure.main.keys():
        del structure.main[tag]


def read_exif(blob: bytes | None) -> Structure:
    """Read an EXIF blob; an empty structure where there is none, or where it is damaged beyond use."""
    try:
        return read_blob(blob) if blob else Structure()
    except BadStructure:
        return Structure()


def resolution(structure: Structure) -> tuple[float, float] | None:
    """Return the resolution in dots an inch, None where EXIF doesn't say."""
    across, down = (structure.numbers(structure.main, tag) for tag in (X_RESOLUTION, Y_RESOLUTION))
    unit = structure.numbers(structure.main, RESOLUTION_UNIT) or (2.0,)
    if unit[0] not in (2, 3) or not across or not down or min(across[0], down[0]) <= 0:
        return None
    factor = 2.54 if unit[0] == 3 else 1.0
    return across[0] * factor, down[0] * factor


def read_orientation(structure: Structure) -> int:
    """Return how the pixels are stored, 1..8; 1, upright, where EXIF doesn't say."""
    value = (structure.numbers(structure.main, ORIENTATION) or (1,))[0]
    return int(value) if value in range(1, 9) else 1


def outgoing_exif(
    blob: bytes | None, *, height: int, width: int, dpi: tuple[float, float] | None, srgb: bool, software: str | None
) -> Structure | None:
    """Return the EXIF of a result.

    Args:
        blob: EXIF of the source.
        height: of the result, in pixels, upright.
        width: likewise.
        dpi: resolution, in dots an inch.
        srgb: whether the result's pixels are sRGB.
        software: what to add to the programs that worked on the picture.

    Returns:
        None where there is nothing to say.
    """
    structure = read_exif(blob)
    strip_file_tags(structure)
    if read_orientation(structure) != 1:  # places in it count from another corner
        structure.exif.pop(_SUBJECT_AREA, None)
        structure.exif.pop(_SUBJECT_LOCATION, None)
    if ORIENTATION in structure.main:
        structure.set_short(structure.main, ORIENTATION, 1)
    for tag, value in ((PIXEL_WIDTH, width), (PIXEL_HEIGHT, height), (COLOR_SPACE, 1 if srgb else 0xFFFF)):
        if structure.exif:
            structure.set_short(structure.exif, tag, value)
    if dpi is not None:
        structure.set_rational(X_RESOLUTION, dpi[0])
        structure.set_rational(Y_RESOLUTION, dpi[1])
        structure.set_short(structure.main, RESOLUTION_UNIT, 2)
    elif resolution(structure) is not None:  # one that counts as none
        for tag in (X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT):
            structure.main.pop(tag, None)
    if software:
        structure.set_text(SOFTWARE, append_tool(structure.text(SOFTWARE), software))
    return structure if any(structure.directories()) else None


def append_tool(tools: str | None, tool: str) -> str:
    """Return a list of programs with one more at its end, unless it is there already."""
    named = [name for name in (tools or "").split("; ") if name]
    return "; ".join(named if tool in named else [*named, tool])
