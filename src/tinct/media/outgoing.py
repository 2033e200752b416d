"""What a result's file says beside its pixels: what its source's said, less what is no longer true, and the mark."""

from __future__ import annotations

from dataclasses import dataclass

from tinct.media.exif import DESCRIPTION, outgoing_exif, read_exif, read_orientation
from tinct.media.ifd import Structure
from tinct.media.iptc import add_to_xmp, caption
from tinct.media.marking import Marking, mark_xmp
from tinct.media.metadata import Metadata
from tinct.media.tiff_layout import TiffLayout
from tinct.media.xmp import Packet

# Properties that speak of the source's file, and would be wrong of the result's.
_STALE = (
    "xmp:Thumbnails",
    "photoshop:ColorMode",
    "photoshop:ICCProfile",
    "tiff:BitsPerSample",
    "tiff:Compression",
    "tiff:ImageLength",
    "tiff:ImageWidth",
    "tiff:PhotometricInterpretation",
    "tiff:SamplesPerPixel",
    "tiff:YCbCrSubSampling",
    "exif:ColorSpace",
    "exif:PixelXDimension",
    "exif:PixelYDimension",
)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What a result's file says beside its pixels."""

    exif: Structure | None
    icc: bytes | None
    xmp: bytes | None
    iptc: bytes | None
    photoshop: bytes | None
    text: tuple[tuple[str, str], ...]
    dpi: tuple[float, float] | None
    tiff: TiffLayout | None


def prepare(
    metadata: Metadata,
    mark: Marking | None,
    *,
    height: int,
    width: int,
    icc: bytes | None,
    srgb: bool,
    holds_iptc: bool,
) -> Outgoing:
    """Make the metadata of a result.

    Args:
        metadata: the source's.
        mark: how the colors were made; None leaves the mark out.
        height: of the result, in pixels.
        width: likewise.
        icc: profile of the result's pixels.
        srgb: whether they are sRGB, with a profile or without.
        holds_iptc: whether the format has a place for IPTC; else it goes into XMP.
    """
    return Outgoing(
        exif=outgoing_exif(
            metadata.exif,
            height=height,
            width=width,
            dpi=metadata.dpi,
            srgb=srgb,
            software=mark.tool if mark else None,
        ),
        icc=icc,
        xmp=_xmp(metadata, mark, None if holds_iptc else metadata.iptc),
        iptc=metadata.iptc,
        photoshop=metadata.photoshop,
        text=metadata.text,
        dpi=metadata.dpi,
        tiff=metadata.tiff,
    )


def _xmp(metadata: Metadata, mark: Marking | None, iptc: bytes | None) -> bytes | None:
    if metadata.xmp is None and mark is None and iptc is None:
        return None
    packet = Packet(metadata.xmp)
    changed = sum(packet.remove(name) for name in _STALE) > 0
    changed |= add_to_xmp(packet, iptc)
    exif = read_exif(metadata.exif)
    turned = read_orientation(exif) != 1
    if turned:
        changed |= sum(packet.remove(name) for name in ("exif:SubjectArea", "exif:SubjectLocation")) > 0
    # What a sidecar alone says turned nothing.
    if (turned or metadata.sidecar_hash is None) and packet.text("tiff:Orientation") not in (None, "1"):
        packet.set_text("tiff:Orientation", "1")
        changed = True
    if mark is not None:
        mark_xmp(packet, mark, exif.text(DESCRIPTION) or caption(metadata.iptc))
        changed = True
    return packet.to_bytes() if changed else metadata.xmp
