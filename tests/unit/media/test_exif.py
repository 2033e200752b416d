from __future__ import annotations

import pytest

from tinct.media.exif import append_tool, outgoing_exif, read_exif, resolution
from tinct.media.ifd import Entry, Structure

SIZE = {"height": 30, "width": 40}


def source() -> Structure:
    structure = Structure(">", maker_note_at=None)
    structure.set_text(0x010E, "An old photo")
    structure.set_text(0x0131, "EPSON Scan")
    structure.set_short(structure.main, 0x0112, 6)
    structure.set_short(structure.main, 0x0106, 1)  # PhotometricInterpretation: of the file, not of the picture
    structure.main[0x4746] = Entry(3, 1, b"\0\5")  # Rating, which libexif doesn't know
    structure.set_short(structure.exif, 0xA002, 400)
    structure.exif[0xFDE8] = Entry(2, 6, b"owner\0")
    structure.gps[1] = Entry(2, 2, b"N\0")
    return structure


def test_what_is_true_stays_and_the_rest_is_put_right():
    found = outgoing_exif(source().to_blob(), **SIZE, dpi=(300, 600), srgb=True, software="Tinct 1")
    assert found is not None
    assert found.text(0x010E) == "An old photo"
    assert found.text(0x0131) == "EPSON Scan; Tinct 1"
    assert found.numbers(found.main, 0x0112) == (1,)
    assert found.numbers(found.main, 0x4746) == (5,)
    assert 0x0106 not in found.main
    assert found.numbers(found.exif, 0xA002) == (40,)
    assert found.numbers(found.exif, 0xA003) == (30,)
    assert found.numbers(found.exif, 0xA001) == (1,)
    assert found.exif[0xFDE8].data == b"owner\0"
    assert found.gps == source().gps
    assert resolution(found) == (300, 600)


@pytest.mark.parametrize(("orientation", "kept"), [(1, True), (6, False)])
def test_the_place_of_the_subject_is_left_out_where_pixels_are_turned(orientation, kept):
    structure = source()
    structure.set_short(structure.main, 0x0112, orientation)
    structure.set_short(structure.exif, 0x9214, 10)
    structure.set_short(structure.exif, 0xA214, 10)
    found = outgoing_exif(structure.to_blob(), **SIZE, dpi=None, srgb=True, software=None)
    assert [tag in found.exif for tag in (0x9214, 0xA214)] == [kept, kept]


def test_other_profiles_are_told():
    found = outgoing_exif(source().to_blob(), **SIZE, dpi=None, srgb=False, software=None)
    assert found is not None
    assert found.numbers(found.exif, 0xA001) == (0xFFFF,)
    assert found.text(0x0131) == "EPSON Scan"


@pytest.mark.parametrize("blob", [None, b"", b"rubbish", b"II*\0\xff\xff\xff\xff"])
def test_nothing_to_say(blob):
    assert outgoing_exif(blob, **SIZE, dpi=None, srgb=True, software=None) is None
    found = outgoing_exif(blob, **SIZE, dpi=None, srgb=True, software="Tinct 1")
    assert found is not None
    assert found.text(0x0131) == "Tinct 1"


@pytest.mark.parametrize(
    ("unit", "value", "expected"), [(2, 300, (300.0, 300.0)), (3, 100, (254.0, 254.0)), (1, 300, None), (2, 0, None)]
)
def test_resolution(unit, value, expected):
    structure = Structure()
    structure.set_rational(0x011A, value)
    structure.set_rational(0x011B, value)
    structure.set_short(structure.main, 0x0128, unit)
    assert resolution(read_exif(structure.to_blob())) == expected


def test_tools_are_named_once():
    assert append_tool(None, "Tinct 1") == "Tinct 1"
    assert append_tool("Scan; Tinct 1", "Tinct 1") == "Scan; Tinct 1"
    assert append_tool("Tinct 10", "Tinct 1") == "Tinct 10; Tinct 1"
