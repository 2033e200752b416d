"""What a result's file says beside its pixels: what its source's said, less what is no longer true, and the mark."""

from __future__ import annotations

from dataclasses import dataclass

from tinct.media.exif import DESCRIPTION, outgoing_exif, read_exif, read_orientation
from tinct.media.formats import Format
from tinct.media.ifd import Structure
from tinct.media.iptc import add_to_xmp, caption
from tinct.media.marking import Marking, mark_xmp
from tinct.media.metadata import Metadata
from tinct.media.tiff_layout import TiffLayout
from tinct.media.turning import turn_regions, turn_resources
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
    form: Format,
    *,
    height: int,
    width: int,
    icc: bytes | None,
    srgb: bool,
) -> Outgoing:
    """Make the metadata of a result.

    Args:
        metadata: the source's.
        mark: how the colors were made; None leaves the mark out.
        form: format of the result; IPTC goes into XMP where that has no place for it.
        height: of the result, in pixels.
        width: likewise.
        icc: profile of the result's pixels.
        srgb: whether they are sRGB, with a profile or without.
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
        xmp=_xmp(metadata, mark, form),
        iptc=metadata.iptc,
        photoshop=turn_resources(metadata.photoshop, read_orientation(read_exif(metadata.exif))),
        text=metadata.text,
        dpi=metadata.dpi,
        tiff=metadata.tiff,
    )


def _xmp(metadata: Metadata, mark: Marking | None, form: Format) -> bytes | None:
    iptc = None if form.iptc else metadata.iptc
    if metadata.xmp is None and mark is None and iptc is None:
        return None
    packet = Packet(metadata.xmp)
    changed = sum(packet.remove(name) for name in _STALE) > 0
    changed |= add_to_xmp(packet, iptc)
    exif = read_exif(metadata.exif)
    orientation = read_orientation(exif)
    if orientation != 1:
        changed |= sum(packet.remove(name) for name in ("exif:SubjectArea", "exif:SubjectLocation")) > 0
        changed |= turn_regions(packet, orientation)
    # What a sidecar alone says turned nothing.
    if orientation != 1 or metadata.sidecar_hash is None:
        changed |= _put_right(packet, "tiff:Orientation", "1")
    changed |= _put_right(packet, "dc:format", form.media_type)
    if mark is not None:
        mark_xmp(packet, mark, exif.text(DESCRIPTION) or caption(metadata.iptc))
        changed = True
    return packet.to_bytes() if changed else metadata.xmp


def _put_right(packet: Packet, name: str, value: str) -> bool:
    """Set a property where it is there and says something else, and tell whether it did."""
    if packet.text(name) in (None, value):
        return False
    packet.set_text(name, value)
    return True
