"""What a photograph's file says beside its pixels, and how it is carried to another file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a file says beside its pixels."""

    exif: bytes | None = None
    """EXIF as a TIFF structure, without the prefix ``Exif\\0\\0``."""
    icc: bytes | None = None
    """ICC profile of the file."""
    xmp: bytes | None = None
    """XMP packet."""
    iptc: bytes | None = None
    """IPTC as the format holds it."""
    orientation: int = 1
    """How the stored pixels are turned, 1..8 as in EXIF; pixels given out by Tinct are upright."""
    dpi: tuple[float, float] | None = None
    """Horizontal and vertical resolution, in dots an inch; None where the file doesn't say."""

    @classmethod
    def of_image(cls, image: Any) -> Metadata:
        """Read the metadata that libvips found (image: ``pyvips.Image`` fresh from a loader)."""
        exif = _blob(image, "exif-data")
        orientation = image.get("orientation") if image.get_typeof("orientation") else 1
        resolution = (image.xres * 25.4, image.yres * 25.4) if image.get_typeof("resolution-unit") else None
        return cls(
            exif=exif.removeprefix(b"Exif\0\0") if exif else None,
            icc=_blob(image, "icc-profile-data"),
            xmp=_blob(image, "xmp-data"),
            iptc=_blob(image, "iptc-data"),
            orientation=orientation if 1 <= orientation <= 8 else 1,
            dpi=resolution,
        )


def _blob(image: Any, field: str) -> bytes | None:
    return bytes(image.get(field)) if image.get_typeof(field) else None
