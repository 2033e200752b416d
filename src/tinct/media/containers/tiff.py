"""Writing TIFF.

libvips writes the pixels as the source had them (tiles, compression, pyramid), but neither EXIF nor IPTC that others
can read. So a new first directory is appended that holds the metadata and points at libvips' values where they are, and
the header points at it.
"""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

from tinct.media.exif import IPTC, PHOTOSHOP, RESOLUTION_UNIT, X_RESOLUTION, Y_RESOLUTION
from tinct.media.ifd import Entry, Reader, Structure, lay_out
from tinct.media.outgoing import Outgoing
from tinct.media.tiff_layout import TiffLayout
from tinct.media.vips import file_name, set_blob, vips

_COMPRESSIONS = {1: "none", 5: "lzw", 7: "jpeg", 8: "deflate", 32946: "deflate", 50000: "zstd", 50001: "webp"}
_BIG = 3_500_000_000  # bytes of pixels; a classic TIFF ends at 4 GiB, tables and metadata included
_TILED = 100_000_000  # pixels from which tiles are of use to whoever looks at a part


def write_tiff(image: Any, path: Path, outgoing: Outgoing, quality: int | None) -> None:
    """Write a TIFF, 8 or 16 bits a channel, stored as its source was where that was a TIFF."""
    image = image.copy()
    keep = []
    for field, data, flag in (("icc-profile-data", outgoing.icc, "icc"), ("xmp-data", outgoing.xmp, "xmp")):
        if data:
            set_blob(image, field, data)
            keep.append(flag)
    if outgoing.dpi is not None:
        image = image.copy(xres=outgoing.dpi[0] / 25.4, yres=outgoing.dpi[1] / 25.4)
    vips().Operation.call(
        "tiffsave",
        image,
        file_name(path),
        resunit="inch",
        keep="|".join(keep) or "none",
        **storage(image, outgoing.tiff, quality),
    )
    _append_directory(path, outgoing)


def storage(image: Any, like: TiffLayout | None, quality: int | None) -> dict[str, Any]:
    """Return libvips' options for storing pixels as another TIFF does; deflate where there is none, or no match."""
    deep = image.format == "ushort"
    compression = _COMPRESSIONS.get(like.compression, "deflate") if like else "deflate"
    if compression in ("jpeg", "webp") and (deep or image.bands != 3):
        compression = "deflate"
    options: dict[str, Any] = {"compression": compression}
    if compression in ("lzw", "deflate", "zstd"):
        options["predictor"] = "horizontal"
    if compression == "deflate":
        options["level"] = 4  # measured on photographs: 40 % faster than the usual 6, and 1 % larger
    if compression in ("jpeg", "webp"):
        options["Q"] = quality or 92
    tile = like.tile if like else (256, 256) if image.width * image.height >= _TILED else None
    if tile is not None:
        options |= {"tile": True, "tile_height": _multiple(tile[0]), "tile_width": _multiple(tile[1])}
    if like and like.levels:
        options |= {"pyramid": True, "subifd": like.levels[0].kind == "subifd" or like.pages > 1}
        options |= {"tile": True} if tile is None else {}
    size = image.width * image.height * image.bands * (2 if deep else 1) * (4 / 3 if like and like.levels else 1)
    if like and like.pages > 1:  # all pages of a file are of one kind; those of a result have at most 8 bytes a pixel
        size = max(size, 8 * like.document * (4 / 3 if like.levels else 1))
    return options | {"bigtiff": size > _BIG or bool(like and like.big)}


def _multiple(side: int) -> int:
    """Tiles have sides of multiples of 16; libvips takes up to 32768."""
    return min(32768, max(16, side // 16 * 16))


def _append_directory(path: Path, outgoing: Outgoing) -> None:
    with path.open("r+b") as file:
        reader = Reader(file)
        own, _ = reader.directory(reader.first, largest=reader.size)
        next_at = reader.next_of(reader.first)
        order, big = reader.order, reader.big
        structure = outgoing.exif.reordered(order) if outgoing.exif is not None else Structure(order)
        structure.main |= own
        if outgoing.iptc:
            structure.main[IPTC] = Entry(7, len(outgoing.iptc), outgoing.iptc)
        if outgoing.photoshop:
            structure.main[PHOTOSHOP] = Entry(1, len(outgoing.photoshop), outgoing.photoshop)
        if outgoing.dpi is None:
            structure.set_rational(X_RESOLUTION, 1)
            structure.set_rational(Y_RESOLUTION, 1)
            structure.set_short(structure.main, RESOLUTION_UNIT, 1)
        places = reader.places(reader.first)
        there = {tag: places[tag] for tag, entry in own.items() if structure.main[tag] is entry}
        end = file.seek(0, io.SEEK_END)
        start = end + end % 2
        data, first = lay_out(structure, start=start, big=big, next_at=next_at, there=there)
        file.write(bytes(end % 2) + data)
        file.seek(8 if big else 4)
        file.write(struct.pack(order + ("Q" if big else "I"), first))
