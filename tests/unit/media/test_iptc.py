from __future__ import annotations

import json
import shutil
import struct
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tinct.media.iptc import add_to_xmp, caption, read_records
from tinct.media.xmp import Packet


def records(*items: tuple[int, bytes]) -> bytes:
    return b"".join(b"\x1c\x02" + struct.pack(">BH", number, len(text)) + text for number, text in items)


# As in ExifTool's iptc2xmp.args.
EXIFTOOL = {
    "IPTC:By-line": "XMP-dc:Creator",
    "IPTC:Caption-Abstract": "XMP-dc:Description",
    "IPTC:CopyrightNotice": "XMP-dc:Rights",
    "IPTC:Keywords": "XMP-dc:Subject",
    "IPTC:ObjectName": "XMP-dc:Title",
    "IPTC:By-lineTitle": "XMP-photoshop:AuthorsPosition",
    "IPTC:Writer-Editor": "XMP-photoshop:CaptionWriter",
    "IPTC:Category": "XMP-photoshop:Category",
    "IPTC:City": "XMP-photoshop:City",
    "IPTC:Country-PrimaryLocationName": "XMP-photoshop:Country",
    "IPTC:Credit": "XMP-photoshop:Credit",
    "Composite:DateTimeCreated": "XMP-photoshop:DateCreated",
    "IPTC:Headline": "XMP-photoshop:Headline",
    "IPTC:SpecialInstructions": "XMP-photoshop:Instructions",
    "IPTC:Source": "XMP-photoshop:Source",
    "IPTC:Province-State": "XMP-photoshop:State",
    "IPTC:SupplementalCategories": "XMP-photoshop:SupplementalCategories",
    "IPTC:OriginalTransmissionReference": "XMP-photoshop:TransmissionReference",
    "IPTC:Urgency": "XMP-photoshop:Urgency",
    "IPTC:Country-PrimaryLocationCode": "XMP-iptcCore:CountryCode",
    "IPTC:Sub-location": "XMP-iptcCore:Location",
    "Composite:DigitalCreationDateTime": "XMP-xmp:CreateDate",
}
IPTC = records((5, b"Title"), (25, b"ship"), (25, "Fähre".encode()), (55, b"19310506"), (90, b"Oslo"), (120, b"Harbor"))


def test_reading():
    assert list(read_records(IPTC))[:3] == [(5, "Title"), (25, "ship"), (25, "Fähre")]
    assert caption(IPTC) == "Harbor"
    assert caption(records((120, b"H\xe4fen"))) == "Häfen"
    assert caption(None) is None
    assert caption(b"\x1c\x01\x5a\0\3\x1b%G" + IPTC) == "Harbor"


@given(st.binary(max_size=60))
def test_damage_ends_the_list(data):
    list(read_records(b"\x1c\x02" + data))


def test_xmp_gets_what_it_lacks():
    packet = Packet()
    packet.set_text("photoshop:City", "Bergen")
    assert add_to_xmp(packet, IPTC)
    again = Packet(packet.to_bytes())
    assert again.text("photoshop:City") == "Bergen"
    assert again.text("dc:title") == "Title"
    assert again.text("dc:description") == "Harbor"
    assert again.plain("dc:subject") == ["ship", "Fähre"]
    assert again.text("photoshop:DateCreated") == "1931-05-06"
    assert not add_to_xmp(again, IPTC)
    assert not add_to_xmp(Packet(), None)


# The mapping of the standard, and of the Metadata Working Group for the date of digitization.
MAPPING = [
    (4, b"001:Current", "Iptc4xmpCore:IntellectualGenre", "Current"),
    (5, b"Title", "dc:title", "Title"),
    (10, b"3", "photoshop:Urgency", "3"),
    (12, b"IPTC:15054000:sport:soccer:", "Iptc4xmpCore:SubjectCode", ["15054000"]),
    (15, b"ART", "photoshop:Category", "ART"),
    (20, b"ships", "photoshop:SupplementalCategories", ["ships"]),
    (25, b"ship", "dc:subject", ["ship"]),
    (40, b"crop it", "photoshop:Instructions", "crop it"),
    (55, b"19310506", "photoshop:DateCreated", "1931-05-06T10:11:12+01:00"),
    (60, b"101112+0100", "photoshop:DateCreated", "1931-05-06T10:11:12+01:00"),
    (62, b"20191011", "xmp:CreateDate", "2019-10-11T12:13:14"),
    (63, b"121314", "xmp:CreateDate", "2019-10-11T12:13:14"),
    (80, b"Wilse", "dc:creator", ["Wilse"]),
    (85, b"owner", "photoshop:AuthorsPosition", "owner"),
    (90, b"Oslo", "photoshop:City", "Oslo"),
    (92, b"Quay", "Iptc4xmpCore:Location", "Quay"),
    (95, b"Viken", "photoshop:State", "Viken"),
    (100, b"NOR", "Iptc4xmpCore:CountryCode", "NOR"),
    (101, b"Norway", "photoshop:Country", "Norway"),
    (103, b"17/4", "photoshop:TransmissionReference", "17/4"),
    (105, b"Wharf", "photoshop:Headline", "Wharf"),
    (110, b"Museum", "photoshop:Credit", "Museum"),
    (115, b"plates", "photoshop:Source", "plates"),
    (116, b"free", "dc:rights", "free"),
    (120, b"Harbor", "dc:description", "Harbor"),
    (122, b"NN", "photoshop:CaptionWriter", "NN"),
]
ALL = records(*((number, text) for number, text, _, _ in MAPPING))


def test_every_data_set_of_the_mapping_has_its_property():
    packet = Packet()
    assert add_to_xmp(packet, ALL)
    for _, _, name, expected in MAPPING:
        assert (packet.plain(name) if isinstance(expected, list) else packet.text(name)) == expected


@pytest.mark.skipif(shutil.which("exiftool") is None, reason="ExifTool isn't installed")
def test_exiftool_makes_the_same_of_it(tmp_path):
    """But for genre and subject codes, which ExifTool's own table leaves to the user."""
    packet = Packet()
    add_to_xmp(packet, ALL)
    (tmp_path / "own.xmp").write_bytes(packet.to_bytes())
    (tmp_path / "in.iptc").write_bytes(ALL)
    Image.new("L", (8, 8)).save(tmp_path / "a.jpg")
    pairs = [f"-{there}<{here}" for here, there in EXIFTOOL.items()]
    put = ["exiftool", "-q", "-m", "-overwrite_original"]
    subprocess.run([*put, f"-IPTC<={tmp_path / 'in.iptc'}", tmp_path / "a.jpg"], check=True)
    subprocess.run([*put, "-tagsFromFile", "@", *pairs, tmp_path / "a.jpg"], check=True)
    ask = ["exiftool", "-j", "-G1", "-XMP:all"]
    files = tmp_path / "own.xmp", tmp_path / "a.jpg"
    told = [json.loads(subprocess.run([*ask, file], capture_output=True, check=True).stdout)[0] for file in files]
    own, other = ({key: value for key, value in one.items() if key in EXIFTOOL.values()} for one in told)
    assert own == other
    assert len(own) == len(EXIFTOOL)


def test_times_and_codes_that_are_none_are_left_out():
    packet = Packet()
    add_to_xmp(packet, records((12, b"soccer"), (55, b"19310500"), (60, b"101112+0100"), (63, b"121314")))
    assert packet.plain("Iptc4xmpCore:SubjectCode") is None
    assert packet.text("photoshop:DateCreated") == "1931-05"
    assert packet.text("xmp:CreateDate") is None
    add_to_xmp(packet, records((62, b"20191011"), (63, b"noon")))
    assert packet.text("xmp:CreateDate") == "2019-10-11"


@pytest.mark.parametrize(
    ("date", "expected"),
    [(b"19310000", "1931"), (b"19310500", "1931-05"), (b"circa 31", "circa 31"), (b"00000506", "00000506")],
)
def test_dates_that_are_known_in_part(date, expected):
    packet = Packet()
    add_to_xmp(packet, records((55, date)))
    assert packet.text("photoshop:DateCreated") == expected
