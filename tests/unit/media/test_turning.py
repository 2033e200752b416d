"""What counts in the stored picture still points at the same thing when the pixels are turned."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from tinct.media.photo import Photo, encode_photo, read_photo
from tinct.media.photoshop import PREFIX, read_resources, write_resources
from tinct.media.turning import turn_regions, turn_resources
from tinct.media.xmp import Packet

HEIGHT, WIDTH = 48, 64
LEFT, TOP, ACROSS, DOWN = 40, 8, 16, 6  # a white square as stored, in pixels
SPACES = {
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "mwg-rs": "http://www.metadataworkinggroup.com/schemas/regions/",
    "stArea": "http://ns.adobe.com/xmp/sType/Area#",
    "stDim": "http://ns.adobe.com/xap/1.0/sType/Dimensions#",
    "MP": "http://ns.microsoft.com/photo/1.2/",
    "MPRI": "http://ns.microsoft.com/photo/1.2/t/RegionInfo#",
    "MPReg": "http://ns.microsoft.com/photo/1.2/t/Region#",
}
X, Y = (LEFT + ACROSS / 2) / WIDTH, (TOP + DOWN / 2) / HEIGHT
FIELDS = {"x": X, "y": Y, "w": ACROSS / WIDTH, "h": DOWN / HEIGHT, "unit": "normalized"}
ATTRIBUTES = " ".join(f'stArea:{name}="{value}"' for name, value in FIELDS.items())
ELEMENTS = "".join(f"<stArea:{name}>{value}</stArea:{name}>" for name, value in FIELDS.items())
AREAS = {
    "attributes": f"<mwg-rs:Area {ATTRIBUTES}/>",
    "elements": f'<mwg-rs:Area rdf:parseType="Resource">{ELEMENTS}</mwg-rs:Area>',
    "description": f"<mwg-rs:Area><rdf:Description>{ELEMENTS}</rdf:Description></mwg-rs:Area>",
}
RECTANGLE = f"{LEFT / WIDTH}, {TOP / HEIGHT},{ACROSS / WIDTH}, {DOWN / HEIGHT}"


def packet(area: str = AREAS["attributes"], rectangle: str = RECTANGLE) -> bytes:
    spaces = " ".join(f'xmlns:{prefix}="{space}"' for prefix, space in SPACES.items())
    return f"""<rdf:RDF {spaces}><rdf:Description rdf:about="">
<mwg-rs:Regions rdf:parseType="Resource"><mwg-rs:AppliedToDimensions stDim:w="{WIDTH}" stDim:h="{HEIGHT}"/>
<mwg-rs:RegionList><rdf:Bag><rdf:li><rdf:Description mwg-rs:Name="Anna">{area}</rdf:Description></rdf:li></rdf:Bag>
</mwg-rs:RegionList></mwg-rs:Regions>
<MP:RegionInfo rdf:parseType="Resource"><MPRI:Regions><rdf:Bag><rdf:li MPReg:PersonDisplayName="Anna"
 MPReg:Rectangle="{rectangle}"/></rdf:Bag></MPRI:Regions></MP:RegionInfo></rdf:Description></rdf:RDF>""".encode()


@pytest.fixture
def result() -> Callable[..., Photo]:
    """Returns a function that writes a dark picture with a white square as one turned by its tag is written."""
    pixels = np.zeros((HEIGHT, WIDTH), np.uint8)
    pixels[TOP : TOP + DOWN, LEFT : LEFT + ACROSS] = 255

    def write(orientation: int, xmp: bytes, resources: bytes = b"") -> Photo:
        image, file = Image.fromarray(pixels), io.BytesIO()
        exif = image.getexif()
        exif[0x0112] = orientation
        content = PREFIX + resources
        segment = b"\xff\xed" + struct.pack(">H", len(content) + 2) + content
        image.save(file, "JPEG", quality=95, exif=exif, xmp=xmp, extra=segment)
        photo = read_photo(file.getvalue())
        return read_photo(encode_photo(photo.open(), like=photo, format="png"))

    return write


def square(photo: Photo) -> tuple[slice, slice]:
    """Return where the white square is."""
    rows, columns = np.nonzero(photo.to_numpy() > 128)
    return slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1)


def box(photo: Photo, left: float, top: float, width: float, height: float) -> tuple[slice, slice]:
    """Return a part of a picture, given in its sides."""
    x, y, across, down = (
        round(v * side) for v, side in zip((left, top, width, height), (photo.width, photo.height) * 2, strict=True)
    )
    return slice(y, y + down), slice(x, x + across)


@pytest.mark.parametrize("form", AREAS)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_regions_cover_what_they_covered(orientation, form, result):
    photo = result(orientation, packet(AREAS[form]))
    read = Packet(photo.metadata.xmp)
    regions = read.plain("mwg-rs:Regions")
    size = regions["mwg-rs:AppliedToDimensions"]
    assert (int(size["stDim:w"]), int(size["stDim:h"])) == (photo.width, photo.height)
    (region,) = regions["mwg-rs:RegionList"]
    assert region["mwg-rs:Name"] == "Anna"
    area = region["mwg-rs:Area"]
    x, y, w, h = (float(area[f"stArea:{name}"]) for name in "xywh")
    assert area["stArea:unit"] == "normalized"
    assert box(photo, x - w / 2, y - h / 2, w, h) == square(photo)
    (person,) = read.plain("MP:RegionInfo")["MPRI:Regions"]
    assert box(photo, *map(float, person["MPReg:Rectangle"].split(","))) == square(photo)


@pytest.mark.parametrize("area", ["<mwg-rs:Area/>", '<mwg-rs:Area stArea:x="left" stArea:y="0.5"/>'])
@pytest.mark.parametrize("rectangle", ["", "0.1, 0.2", "0.1, 0.2, nan, 0.1", "1e300, 0, 0, 0", "a, b, c, d"])
def test_what_is_no_place_stays(area, rectangle):
    given = Packet(packet(area, rectangle))
    turn_regions(given, 6)
    assert given.plain("MP:RegionInfo") == Packet(packet(area, rectangle)).plain("MP:RegionInfo")
    assert (
        given.plain("mwg-rs:Regions")["mwg-rs:RegionList"]
        == (Packet(packet(area, rectangle)).plain("mwg-rs:Regions")["mwg-rs:RegionList"])
    )


def test_a_point_stays_a_point():
    given = Packet(packet('<mwg-rs:Area stArea:x="0.2" stArea:y="0.3" stArea:d="0.1"/>'))
    assert turn_regions(given, 6)
    (region,) = given.plain("mwg-rs:Regions")["mwg-rs:RegionList"]
    assert region["mwg-rs:Area"] == {"stArea:x": "0.7", "stArea:y": "0.2", "stArea:d": "0.1"}


@pytest.mark.parametrize("orientation", range(1, 9))
def test_paths_surround_what_they_surrounded(orientation, result):
    def knot(across: float, down: float) -> bytes:
        place = struct.pack(">2i", round(down / HEIGHT * (1 << 24)), round(across / WIDTH * (1 << 24)))
        return b"\0\2" + place * 3

    corners = [(LEFT, TOP), (LEFT + ACROSS, TOP), (LEFT + ACROSS, TOP + DOWN), (LEFT, TOP + DOWN)]
    head = b"\0\6" + bytes(24) + b"\0\0\0\4" + bytes(22)
    photo = result(
        orientation, packet(), write_resources([(2000, b"face", head + b"".join(knot(*c) for c in corners))])
    )
    assert photo.metadata.photoshop is not None
    ((_, name, data),) = read_resources(photo.metadata.photoshop)
    assert name == b"face"
    assert data.startswith(head)
    records = [struct.unpack(">6i", data[at + 2 : at + 26]) for at in range(len(head), len(data), 26)]
    assert all(record[:2] == record[2:4] == record[4:] for record in records)
    downs, acrosses = ([value / (1 << 24) for value in values] for values in list(zip(*records, strict=True))[:2])
    left, top = min(acrosses), min(downs)
    assert box(photo, left, top, max(acrosses) - left, max(downs) - top) == square(photo)


def test_places_outside_the_picture_stay_there():
    path = b"\0\1" + struct.pack(">6i", *[-(1 << 24), 3 << 24] * 3)
    for orientation, expected in ((2, (-1, -2)), (6, (3, 2)), (8, (-2, -1))):
        turned = turn_resources(write_resources([(2997, b"", path)]), orientation)
        ((_, _, data),) = read_resources(turned or b"")
        assert struct.unpack(">2i", data[2:10]) == tuple(value << 24 for value in expected)


def test_guides_and_slices_are_left_out_where_pixels_are_turned():
    block = write_resources([(1032, b"", b"guides"), (1050, b"", b"slices"), (1005, b"", b"across..down....")])
    assert turn_resources(block, 1) == block
    assert turn_resources(block, 3) == write_resources([(1005, b"", b"across..down....")])
    assert turn_resources(block, 6) == write_resources([(1005, b"", b"down....across..")])
    assert turn_resources(write_resources([(1032, b"", b"guides")]), 6) is None
