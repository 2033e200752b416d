"""XMP that a segment of a JPEG doesn't hold."""

from __future__ import annotations

import dataclasses
import json
import shutil
import subprocess
from pathlib import Path
from xml.dom import minidom

import numpy as np
import pytest
from numpy.typing import NDArray

from tinct.media.extended import EXTENSION, PREFIX, join_xmp, split_xmp
from tinct.media.marking import Marking, read_mark
from tinct.media.photo import encode_photo, read_photo
from tinct.media.xmp import Packet

MOST = 65533
HINTS = [{"x": number, "y": number, "color": "#a03020", "radius": 3} for number in range(1500)]
MARK = Marking("Tinct", "0.1.0", "tinct", "ab" * 32, "cd" * 32, {"hints": HINTS}, hinted=True)
COUNT = 400
SETTINGS = " ".join(f'crs:Setting{number}="{number:0180}"' for number in range(COUNT))
XMP = f"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:crs="http://ns.adobe.com/camera-raw-settings/1.0/" {SETTINGS}/>
</rdf:RDF></x:xmpmeta>""".encode()


@pytest.fixture
def long(gray_pixels: NDArray[np.uint8]) -> bytes:
    """A JPEG whose XMP is longer than two segments: settings of its own, and a mark with many hints."""
    plain = read_photo(gray_pixels)
    photo = dataclasses.replace(plain, metadata=dataclasses.replace(plain.metadata, xmp=XMP))
    return encode_photo(photo.open(), like=photo, format="jpeg", mark=MARK)


def test_nothing_is_lost_in_a_jpeg(long: bytes) -> None:
    xmp = read_photo(long).metadata.xmp
    found = read_mark(xmp)
    assert found is not None
    assert found.mark.settings == {"hints": HINTS}
    assert not found.changed
    assert xmp is not None
    assert xmp.count(b"crs:Setting") == COUNT
    assert b"HasExtendedXMP" not in xmp


def test_what_others_look_for_stays_in_the_first_segment() -> None:
    packet = Packet(XMP)
    packet.set_text("Iptc4xmpExt:DigitalSourceType", "https://source.example/" + "t" * 400)
    first, *others = split_xmp(packet.to_bytes(), MOST)
    assert others
    assert first.startswith(PREFIX)
    assert all(piece.startswith(EXTENSION) and len(piece) <= MOST for piece in others)
    assert len(first) <= MOST
    alone = Packet(first.removeprefix(PREFIX))
    assert alone.text("Iptc4xmpExt:DigitalSourceType") == packet.text("Iptc4xmpExt:DigitalSourceType")
    # In any order, and beside pieces of another packet.
    whole = join_xmp(first.removeprefix(PREFIX), [*others[::-1], EXTENSION + b"0" * 40 + b"other"])
    assert whole is not None
    assert whole.count(b"crs:Setting") == COUNT
    assert b"HasExtendedXMP" not in whole


def test_a_long_packet_is_parsed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Packets that some programs write have megabytes, and parsing is most of the work."""
    parsed = []
    parse = Packet._parse

    def counting(data: bytes | None) -> minidom.Document | None:
        parsed.append(len(data or b""))
        return parse(data)

    monkeypatch.setattr(Packet, "_parse", staticmethod(counting))
    first, *others = split_xmp(XMP, MOST)
    assert sum(parsed) == len(XMP)
    parsed.clear()
    join_xmp(first.removeprefix(PREFIX), others)
    assert sum(parsed) < 1.1 * len(XMP)


def test_prefixes_and_order_are_kept() -> None:
    """Elements of two descriptions, under a prefix that is declared above them, and attributes, none twice."""
    ancestors = "".join(f"<r:li>{number:064}</r:li>" for number in range(900))
    xmp = f"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
     xmlns:ps="http://ns.adobe.com/photoshop/1.0/"><r:Description r:about="uuid:1" ps:City="Oslo">
    <ps:Headline>{"h" * 9000}</ps:Headline>
    <ps:DocumentAncestors><r:Bag>{ancestors}</r:Bag></ps:DocumentAncestors></r:Description>
    <r:Description r:about="uuid:1"><ps:Credit>{"c" * 9000}</ps:Credit><ps:State>Oslo</ps:State></r:Description>
    </r:RDF></x:xmpmeta>""".encode()
    first, *others = split_xmp(xmp, 8000)
    alone = Packet(first.removeprefix(PREFIX))
    assert (alone.text("photoshop:City"), alone.text("photoshop:State")) == ("Oslo", "Oslo")
    rest = b"".join(piece.removeprefix(EXTENSION)[40:] for piece in others)
    assert [rest.count(word) for word in (b"<ps:Headline", b"<ps:Credit", b"ps:City", b"uuid:1")] == [1, 1, 0, 2]
    whole = Packet(join_xmp(first.removeprefix(PREFIX), others))
    before = Packet(xmp)
    for name in ("City", "State", "Headline", "Credit", "DocumentAncestors"):
        assert whole.plain(f"photoshop:{name}") == before.plain(f"photoshop:{name}")


def test_a_packet_that_fits_stays_as_it_is() -> None:
    assert split_xmp(XMP[:100], MOST) == [PREFIX + XMP[:100]]
    assert join_xmp(XMP, []) is XMP
    assert join_xmp(None, []) is None


def test_a_damaged_rest_counts_as_none() -> None:
    first, second, *others = split_xmp(XMP, MOST)
    whole = join_xmp(first.removeprefix(PREFIX), [second[:-9] + b"x" * 9, *others])
    assert whole is not None
    assert b"HasExtendedXMP" not in whole
    assert whole.count(b"crs:Setting") < COUNT


@pytest.mark.skipif(shutil.which("exiftool") is None, reason="ExifTool isn't installed")
def test_exiftool_reads_it_and_what_exiftool_writes_is_read(long: bytes, tmp_path: Path) -> None:
    path = tmp_path / "long.jpg"
    path.write_bytes(long)
    command = ["exiftool", "-j", "-struct", "-G1", "-XMP:all", "-warning", str(path)]
    found = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)[0]
    assert not [name for name in found if "Warning" in name]
    assert found["XMP-iptcExt:DigitalSourceType"]
    assert len(found["XMP-xmpMM:History"][0]["Parameters"]) > 65536
    assert len([name for name in found if name.startswith("XMP-crs:")]) == COUNT
    subprocess.run(["exiftool", "-q", "-overwrite_original", "-XMP-dc:Title=Wharf", path], check=True)
    assert EXTENSION in path.read_bytes()
    xmp = read_photo(path).metadata.xmp
    assert read_mark(xmp) is not None
    assert Packet(xmp).text("dc:title") == "Wharf"
